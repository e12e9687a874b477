import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rushes.errors import ModelError
from rushes.gateway.watch import look_again_s
from rushes.jobs.job import JobState, Status
from tests.gateway.live import Gateway

STREAM = "/queue/fal-ai/clip/requests/{}/status/stream"


def events(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "*/*"])
def test_the_stream_is_server_sent_events_whatever_is_accepted(gateway: Gateway, accept: str) -> None:
    request_id = gateway.submit()["request_id"]
    gateway.finish(gateway.claim())
    response = gateway.get(STREAM.format(request_id), headers={"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-fal-request-id"] == request_id
    assert response.headers["access-control-allow-origin"] == "*"
    (only,) = events(response)
    assert only["status"] == "COMPLETED"


def test_each_change_is_told_with_new_logs_only_and_the_last_event_is_the_end(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    with gateway.client.stream("GET", STREAM.format(request_id), params={"logs": "1"}) as response:
        told = events(response)
        first = next(told)
        assert (first["status"], first["queue_position"], first["logs"]) == ("IN_QUEUE", 0, [])
        claimed = gateway.claim()
        assert next(told)["status"] == "IN_PROGRESS"
        gateway.log(claimed, "one", "two")
        assert [line["message"] for line in next(told)["logs"]] == ["one", "two"]
        gateway.log(claimed, "three")
        assert [line["message"] for line in next(told)["logs"]] == ["three"]
        gateway.finish(claimed)
        rest = list(told)
    assert [event["status"] for event in rest] == ["COMPLETED"]
    assert rest[0]["logs"] == []
    assert rest[0]["metrics"] == {"inference_time": 0.5}


def test_without_logs_a_log_line_is_no_event(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    claimed = gateway.claim()
    with gateway.client.stream("GET", STREAM.format(request_id)) as response:
        told = events(response)
        assert next(told)["logs"] is None
        gateway.log(claimed, "one")
        gateway.fail(claimed, ModelError("no_media_generated").failure())
        (last,) = list(told)
    assert (last["status"], last["error_type"], last["logs"]) == ("COMPLETED", "no_media_generated", None)


def test_a_better_place_in_the_queue_is_told(gateway: Gateway) -> None:
    gateway.submit()
    request_id = gateway.submit()["request_id"]
    with gateway.client.stream("GET", STREAM.format(request_id)) as response:
        told = events(response)
        assert next(told)["queue_position"] == 1
        gateway.claim()
        assert next(told)["queue_position"] == 0


def test_a_listener_that_leaves_gives_its_place_back(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    with gateway.client.stream("GET", STREAM.format(request_id)) as response:
        told = events(response)
        next(told)
        assert gateway.services.events.watchers == 1
    until = time.monotonic() + 30
    while gateway.services.events.watchers and time.monotonic() < until:
        time.sleep(0.005)
    assert gateway.services.events.watchers == 0


def test_a_place_far_back_is_looked_at_less_often() -> None:
    state = JobState("a", "a/b", "me", Status.IN_QUEUE, 0, False, 1.0, None, None, None, None, None, None)
    pauses = [look_again_s(state._replace(position=place)) for place in (0, 1_000, 5_000, 1_000_000)]
    assert pauses == [1.0, 1.0, 5.0, 15.0]
    assert look_again_s(state._replace(status=Status.IN_PROGRESS)) == 15.0
