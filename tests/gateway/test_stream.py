"""Streaming runs: partial outputs, the result last, errors before and after the first byte, callers who leave."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from pydantic import BaseModel

from rushes.accounts.keys import KeyRing
from rushes.endpoint import Endpoint
from rushes.errors import ModelError, RequestError
from rushes.families import ENDPOINTS as CATALOGUE
from rushes.gateway.stream import fraction
from rushes.jobs.job import Claimed, LogLine, Preview
from tests.gateway.live import AUTH, ENDPOINTS, Gateway, an_endpoint, running

CLIP = "/run/fal-ai/clip/stream"
PARTIAL = {"type", "request_id", "state", "queue_position", "progress", "message", "preview"}


def events(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


@contextmanager
def streaming(
    gateway: Gateway, path: str = CLIP, **more: Any
) -> Iterator[tuple[httpx2.Response, Iterator[dict[str, Any]]]]:
    with gateway.client.stream("POST", path, **{"json": {"prompt": "x"}, **more}) as response:
        yield response, events(response)


def log(gateway: Gateway, claimed: Claimed, message: str, progress: str | None = None) -> None:
    line = LogLine(1.0, message, labels={"progress": progress} if progress else None)
    gateway.call(gateway.jobs.beat(claimed.lease.job_id, claimed.lease.token, 60.0, [line]))


def a_jpeg(width: int = 32, height: int = 18) -> str:
    return base64.b64encode(cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()).decode()


def wait_until(true: Any) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, "it never became so"
        time.sleep(0.005)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "application/json, text/event-stream"])
def test_a_stream_tells_the_way_and_ends_with_the_result(gateway: Gateway, accept: str) -> None:
    with streaming(gateway, headers={"accept": accept}) as (response, told):
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert response.headers["access-control-allow-origin"] == "*"
        request_id = response.headers["x-fal-request-id"]
        assert next(told) == {"type": "progress", "request_id": request_id, "state": "IN_QUEUE", "queue_position": 0}
        claimed = gateway.claim()
        assert claimed.lease.job_id == request_id
        assert next(told) == {"type": "progress", "request_id": request_id, "state": "IN_PROGRESS"}
        log(gateway, claimed, "20 of 80 frames", "0.25")
        assert next(told).items() >= {"progress": 0.25, "message": "20 of 80 frames"}.items()
        log(gateway, claimed, "a line without a number")
        assert next(told).items() >= {"progress": 0.25, "message": "a line without a number"}.items()
        gateway.finish(claimed, b'{"seed": 3}')
        assert list(told) == [{"seed": 3}]


def test_the_last_event_equals_the_result(gateway: Gateway) -> None:
    output = '{\r\n"text": "snow – ❄\\n", "file": {"url": "rushes-file:/abc/a%20b.mp4"}}'.encode()
    with streaming(gateway) as (response, told):
        gateway.finish(gateway.claim(), output, files=("abc",))
        *_, last = told
        request_id = response.headers["x-fal-request-id"]
    assert last == gateway.get(f"/queue/fal-ai/clip/requests/{request_id}").json()
    assert last["file"]["url"].startswith(gateway.url)


def test_every_event_is_ascii_so_that_chunks_may_end_anywhere(gateway: Gateway) -> None:
    with gateway.client.stream("POST", CLIP, json={"prompt": "x"}) as response:
        claimed = gateway.claim()
        log(gateway, claimed, "schön ❄", "0.5")
        gateway.finish(claimed, '{"text": "❄"}'.encode())
        raw = response.read()
    assert raw.isascii()
    assert json.loads(raw.decode().strip().rpartition("data: ")[2]) == {"text": "❄"}


def test_previews_come_as_image_objects_and_only_while_somebody_watches(gateway: Gateway) -> None:
    with streaming(gateway) as (response, told):
        next(told)
        claimed = gateway.claim()
        job_id, jpeg = claimed.lease.job_id, a_jpeg()
        assert next(told)["state"] == "IN_PROGRESS"
        runner = {"authorization": f"Key {gateway.services.keys.runner_key}"}
        beat = {"token": claimed.lease.token, "preview": jpeg}
        answer = gateway.client.post(f"/runners/jobs/{job_id}/beat", json=beat, headers=runner)
        assert answer.json() == {"answer": "carry on", "preview": True}
        image = {"url": f"data:image/jpeg;base64,{jpeg}", "content_type": "image/jpeg", "width": 32, "height": 18}
        assert next(told)["preview"] == image
        log(gateway, claimed, "more")
        assert "preview" not in next(told), "each preview is shown once"
        response.close()
    wait_until(lambda: not gateway.services.events.wants_preview(job_id))


def test_only_the_newest_preview_waits_for_a_slow_reader(gateway: Gateway) -> None:
    async def story() -> Preview | None:
        events = gateway.services.events
        with events.watch_job("a", previews=True) as watch:
            for width in range(1, 100):
                events.show("a", Preview("x", width, 1))
            return watch.preview

    assert gateway.call(story()) == Preview("x", 99, 1)


def test_what_is_wrong_before_the_stream_begins_is_an_ordinary_error(gateway: Gateway) -> None:
    invalid = gateway.client.post(CLIP, json={"promt": "x"})
    assert (invalid.status_code, invalid.json()["detail"][0]["loc"]) == (422, ["body", "prompt"])
    assert invalid.headers["content-type"] == "application/json"
    assert invalid.headers["x-fal-request-id"]
    assert gateway.client.post("/run/fal-ai/nothing/stream", json={}).status_code == 404
    assert gateway.client.post(CLIP, json={}, headers={"authorization": "Key no:body"}).status_code == 401
    assert gateway.client.delete(CLIP).status_code == 405
    assert gateway.jobs.queue_length("fal-ai/clip") == 0


@pytest.mark.parametrize("error", [ModelError("no_media_generated"), RequestError("runner_server_error")])
def test_what_goes_wrong_later_is_the_last_event(gateway: Gateway, error: ModelError | RequestError) -> None:
    failure = error.failure()
    with streaming(gateway) as (_, told):
        gateway.fail(gateway.claim(), failure)
        *_, last = told
    assert (last["type"], last["message"]) == ("error", failure.message)
    assert last["error"] == {"status": failure.status, "body": json.loads(failure.body)}


def test_a_cancelled_stream_says_so(gateway: Gateway) -> None:
    with streaming(gateway) as (response, told):
        request_id = response.headers["x-fal-request-id"]
        gateway.client.put(f"/queue/fal-ai/clip/requests/{request_id}/cancel")
        *_, last = told
    assert last["error"]["status"] == 499
    assert last["error"]["body"]["error_type"] == "client_cancelled"


def test_a_lost_runner_ends_the_stream(gateway: Gateway) -> None:
    with streaming(gateway) as (_, told):
        next(told)
        gateway.claim()
        gateway.call(gateway.jobs.release("test-runner"))
        *_, last = told
    assert last["error"]["body"]["error_type"] == "runner_disconnected"


@pytest.mark.parametrize("started", [False, True])
def test_a_caller_who_goes_away_cancels_the_run(gateway: Gateway, started: bool) -> None:
    with streaming(gateway) as (response, told):
        request_id = response.headers["x-fal-request-id"]
        next(told)
        if started:
            gateway.claim()

    def stopped() -> bool:
        state = gateway.jobs.state(request_id)
        return state is not None and (state.cancel_requested if started else state.error_type is not None)

    wait_until(stopped)
    wait_until(lambda: gateway.services.events.watchers == 0)


def test_get_reads_its_input_from_the_query(gateway: Gateway) -> None:
    with gateway.client.stream("GET", f"{CLIP}?prompt=a+cat") as response:
        claimed = gateway.claim()
        assert json.loads(claimed.input) == {"prompt": "a cat"}
        gateway.finish(claimed)
        *_, last = events(response)
    assert last == {"ok": True}


def test_an_endpoint_whose_own_id_ends_in_stream_is_streamed_under_both_paths(tmp_path: Path) -> None:
    name = "fal-ai/clip/stream"
    with running(tmp_path, {**ENDPOINTS, name: an_endpoint(name)}) as gateway:
        for path in (f"/run/{name}", f"/run/{name}/stream"):
            with streaming(gateway, path) as (_, told):
                claimed = gateway.claim(name)
                gateway.finish(claimed)
                assert [*told][-1] == {"ok": True}


def test_the_proxy_route_streams(gateway: Gateway) -> None:
    target = {"x-fal-target-url": "https://fal.run/fal-ai/clip/stream"}
    with streaming(gateway, "/api/fal/proxy", headers=target) as (_, told):
        assert next(told)["state"] == "IN_QUEUE", "an event must not wait for the end"
        gateway.finish(gateway.claim())
        assert [*told][-1] == {"ok": True}


def test_a_slow_reader_holds_the_stream_up_and_nothing_else(gateway: Gateway) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        body = b'{"prompt": "x"}'
        head = f"POST {CLIP} HTTP/1.1\r\nhost: x\r\nauthorization: {AUTH['authorization']}\r\n"
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        wait_until(lambda: gateway.jobs.queue_length("fal-ai/clip") == 1)
        claimed = gateway.claim()
        for number in range(40):
            log(gateway, claimed, "x" * 100_000, str(number / 40))
        gateway.finish(claimed)


def test_a_key_at_its_limit_gets_a_429_that_is_worth_trying_again(gateway: Gateway) -> None:
    keys: KeyRing = gateway.services.keys
    key = ":".join(gateway.call(keys.create("me", alias="one", max_concurrent=1)))
    headers = {"authorization": f"Key {key}"}
    with streaming(gateway, headers=headers) as (_, told):
        next(told)
        refused = gateway.client.post(CLIP, json={"prompt": "x"}, headers=headers)
        assert (refused.status_code, refused.headers["x-fal-needs-retry"]) == (429, "1")
        assert refused.json()["error_type"] == "concurrent_requests_limit"
        gateway.finish(gateway.claim())
        assert [*told][-1] == {"ok": True}


@pytest.mark.parametrize(
    ("text", "value"), [("0.5", 0.5), ("0", 0.0), ("1", 1.0), (None, None), ("", None), ("2", None), ("nan", None)]
)
def test_progress_is_a_number_from_0_to_1(text: str | None, value: float | None) -> None:
    assert fraction(text) == value
    assert fraction("-1") is fraction("half") is fraction("inf") is None


def output_members(endpoint: Endpoint) -> set[str]:
    output: type[BaseModel] = endpoint.output
    return set(output.model_fields)


@pytest.mark.parametrize("endpoint", CATALOGUE.values(), ids=lambda endpoint: endpoint.id)
def test_no_output_can_be_taken_for_a_partial_one(endpoint: Endpoint) -> None:
    assert not output_members(endpoint) & (PARTIAL | {"error"})
