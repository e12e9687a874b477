import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.jobs.job import Status
from tests.gateway.live import Gateway, running

QUICK: dict[str, Any] = {"scheduling_s": 0.2}


def run(gateway: Gateway) -> httpx2.Response:
    return gateway.client.post("/run/fal-ai/clip", json={"prompt": "x"})


def noted(gateway: Gateway, runner: str = "r", endpoints: tuple[str, ...] = ("fal-ai/clip",)) -> None:
    gateway.services.attendance.note(runner, endpoints, gateway.clock())


def test_a_run_that_no_runner_serves_ends_and_may_be_tried_again(tmp_path: Path) -> None:
    with running(tmp_path, runners=0, **QUICK) as gateway:
        noted(gateway, endpoints=("fal-ai/other",))
        answer = run(gateway)
        queued = gateway.submit()
        time.sleep(0.5)
        still = gateway.get(f"/queue/fal-ai/clip/requests/{queued['request_id']}/status").json()
        state = gateway.jobs.state(answer.headers["x-fal-request-id"])
    assert (answer.status_code, answer.json()["error_type"]) == (503, "runner_scheduling_failure")
    assert "fal-ai/clip has asked for work in 0.2 s" in answer.json()["detail"]
    told = {name: answer.headers[f"x-fal-{name}"] for name in ("retryable", "needs-retry", "error-type")}
    assert told == {"retryable": "true", "needs-retry": "1", "error-type": "runner_scheduling_failure"}
    assert state is not None
    assert (state.status, state.error_type) == (Status.COMPLETED, "runner_scheduling_failure")
    assert still["status"] == "IN_QUEUE", "a queued request waits for as long as it takes"


def test_local_runners_that_never_come_up_are_a_startup_timeout(tmp_path: Path) -> None:
    with running(tmp_path, runners=1, startup_timeout_s=0.6, **QUICK) as gateway:
        began = time.monotonic()
        answer = run(gateway)
        assert time.monotonic() - began > 0.3, "they have their time"
    assert (answer.status_code, answer.json()["error_type"]) == (504, "startup_timeout")
    assert answer.headers["x-fal-needs-retry"] == "1"
    assert "x-fal-request-timeout-type" not in answer.headers, "not the caller's own deadline"


def test_a_stream_ends_with_it(tmp_path: Path) -> None:
    with running(tmp_path, runners=0, **QUICK) as gateway:
        lines = gateway.client.post("/run/fal-ai/clip/stream", json={"prompt": "x"}).text.strip().split("\n\n")
    last = json.loads(lines[-1].removeprefix("data: "))
    assert (last["type"], last["error"]["status"]) == ("error", 503)
    assert last["error"]["body"]["error_type"] == "runner_scheduling_failure"


@pytest.mark.parametrize("busy_with", ["fal-ai/clip", "fal-ai/other"])
def test_a_run_waits_behind_a_runner_that_is_busy(tmp_path: Path, busy_with: str) -> None:
    with running(tmp_path, runners=0, scheduling_s=1.0) as gateway, ThreadPoolExecutor(1) as pool:
        noted(gateway, "test-runner", ("fal-ai/clip", "fal-ai/other"))
        gateway.submit(busy_with)
        first = gateway.claim()
        answer = pool.submit(run, gateway)
        time.sleep(1.6)
        assert not answer.done()
        gateway.finish(first)
        time.sleep(0.1)  # less than it may be out of sight; it has been busy for longer
        gateway.finish(gateway.claim("fal-ai/clip"))
        assert answer.result(5).status_code == 200


def test_a_run_that_is_taken_at_the_last_moment_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, runners=0, **QUICK) as gateway, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(run, gateway)
        while gateway.jobs.queue_length("fal-ai/clip") == 0:
            time.sleep(0.005)
        claimed = gateway.claim()
        time.sleep(0.5)
        assert not answer.done()
        gateway.finish(claimed)
        assert answer.result(5).status_code == 200


def test_asking_for_work_is_what_makes_a_runner_seen(tmp_path: Path) -> None:
    with running(tmp_path, runners=0, **QUICK) as gateway:
        key = {"authorization": f"Key {gateway.services.keys.runner_key}"}
        wanted = {"runner": "r", "endpoints": ["fal-ai/clip"], "wait_s": 0.05}
        assert gateway.client.post("/runners/claim", json=wanted, headers=key).status_code == 204
        assert gateway.services.attendance.serves("fal-ai/clip", gateway.clock() - 5)
        assert not gateway.services.attendance.serves("fal-ai/other", 0.0)
