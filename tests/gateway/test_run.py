import asyncio
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import httpx2
import pytest
from starlette.types import Message

from rushes.errors import RequestError
from rushes.gateway import run
from rushes.gateway.ids import new_id
from rushes.gateway.links import Links
from rushes.gateway.visit import Visit
from rushes.jobs.job import Claimed, Status
from tests.gateway.live import AUTH, SERVED_BY, Gateway


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def start(gateway: Gateway, threads: ThreadPoolExecutor, **more: object) -> tuple[Future[httpx2.Response], Claimed]:
    """Begin a run in a thread and claim its job."""
    options = {"json": {"prompt": "x"}, **more}
    answer = threads.submit(lambda: gateway.client.post("/run/fal-ai/clip", **options))  # type: ignore[arg-type]
    return answer, wait_for_job(gateway)


def wait_for_job(gateway: Gateway) -> Claimed:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        claimed = gateway.call(gateway.jobs.claim("r", ("fal-ai/clip",), 60.0))
        if claimed is not None:
            return claimed
        time.sleep(0.005)
    raise AssertionError("no job came")


def test_a_run_waits_and_answers_the_raw_output(gateway: Gateway, threads: ThreadPoolExecutor) -> None:
    answer, claimed = start(gateway, threads)
    gateway.finish(claimed, b'{"seed": 3}')
    response = answer.result(5)
    assert (response.status_code, response.json()) == (200, {"seed": 3})
    assert response.headers["x-fal-request-id"] == claimed.lease.job_id
    assert response.headers["x-rushes-served-by"] == SERVED_BY
    assert UUID(claimed.lease.job_id).version == 4


def test_a_failed_run_answers_as_the_result_would(gateway: Gateway, threads: ThreadPoolExecutor) -> None:
    answer, claimed = start(gateway, threads)
    gateway.fail(claimed, RequestError("runner_server_error").failure())
    response = answer.result(5)
    assert response.status_code == 500
    assert response.headers["x-fal-error-type"] == "runner_server_error"
    assert response.headers["x-fal-request-id"] == claimed.lease.job_id


def test_invalid_input_is_answered_at_once_and_not_queued(gateway: Gateway) -> None:
    response = gateway.client.post("/run/fal-ai/clip", json={"promt": "x"})
    assert response.status_code == 422
    assert "did you mean that?" in response.json()["detail"][0]["msg"]
    assert UUID(response.headers["x-fal-request-id"])
    assert gateway.jobs.queue_length("fal-ai/clip") == 0


def test_a_get_run_reads_its_input_from_the_query(gateway: Gateway, threads: ThreadPoolExecutor) -> None:
    answer = threads.submit(lambda: gateway.get("/run/fal-ai/clip?prompt=a+cat&num_frames=90"))
    claimed = wait_for_job(gateway)
    assert json.loads(claimed.input) == {"prompt": "a cat", "num_frames": "90"}
    gateway.finish(claimed)
    assert answer.result(5).status_code == 200


@pytest.mark.parametrize("started", [False, True])
def test_a_caller_who_goes_away_cancels_the_run(gateway: Gateway, started: bool) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        body = b'{"prompt": "x"}'
        lines = ["POST /run/fal-ai/clip HTTP/1.1", "host: x", f"authorization: {AUTH['authorization']}"]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
        connection.sendall(head.encode() + body)
        until = time.monotonic() + 30
        while gateway.jobs.queue_length("fal-ai/clip") == 0 and time.monotonic() < until:
            time.sleep(0.005)
        claimed = wait_for_job(gateway) if started else None
    while time.monotonic() < until:
        if claimed is None:
            if gateway.jobs.queue_length("fal-ai/clip") == 0:
                return
        elif gateway.jobs.state(claimed.lease.job_id).cancel_requested:  # type: ignore[union-attr]
            return
        time.sleep(0.005)
    raise AssertionError("the job was not cancelled")


def test_a_missed_start_deadline_ends_the_run(gateway: Gateway, threads: ThreadPoolExecutor) -> None:
    headers = {"x-fal-request-timeout": "20"}
    options = {"json": {"prompt": "x"}, "headers": headers}
    answer = threads.submit(lambda: gateway.client.post("/run/fal-ai/clip", **options))  # type: ignore[arg-type]
    while gateway.jobs.queue_length("fal-ai/clip") == 0:
        time.sleep(0.005)
    gateway.clock.ahead_s = 21
    gateway.call(gateway.jobs.sweep())
    response = answer.result(5)
    assert response.status_code == 504
    assert response.headers["x-fal-request-timeout-type"] == "user"


def test_a_lost_runner_ends_a_run_at_once(gateway: Gateway, threads: ThreadPoolExecutor) -> None:
    answer, _ = start(gateway, threads)
    assert gateway.call(gateway.jobs.release("r")) == 1
    response = answer.result(5)
    assert response.status_code == 503
    assert response.headers["x-fal-error-type"] == "runner_disconnected"
    assert response.headers["x-fal-needs-retry"] == "1"


def test_many_runs_wait_at_once(gateway: Gateway, threads: ThreadPoolExecutor) -> None:
    runs = [start(gateway, threads) for _ in range(4)]
    for number, (_, claimed) in enumerate(runs):
        gateway.finish(claimed, b'{"n": %d}' % number)
    assert [answer.result(5).json()["n"] for answer, _ in runs] == [0, 1, 2, 3]
    assert all(gateway.jobs.state(c.lease.job_id).status is Status.COMPLETED for _, c in runs)  # type: ignore[union-attr]


def test_an_unknown_path_in_a_known_app_is_named(gateway: Gateway) -> None:
    response = gateway.client.post("/run/fal-ai/clip/nothing", json={})
    assert (response.status_code, response.json()["detail"][:23]) == (404, "Path /nothing not found")


def test_delete_is_not_allowed(gateway: Gateway) -> None:
    response = gateway.client.delete("/run/fal-ai/clip")
    assert (response.status_code, response.headers["allow"]) == (405, "POST, GET, PUT, PATCH")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_every_method_with_a_body_runs(gateway: Gateway, threads: ThreadPoolExecutor, method: str) -> None:
    answer = threads.submit(lambda: gateway.client.request(method, "/run/fal-ai/clip", json={"prompt": "x"}))
    gateway.finish(wait_for_job(gateway))
    assert (answer.result(5).status_code, answer.result(5).json()) == (200, {"ok": True})


def test_a_run_over_its_keys_limit_is_worth_trying_again_and_not_queued(
    gateway: Gateway, threads: ThreadPoolExecutor
) -> None:
    key = ":".join(gateway.call(gateway.services.keys.create("me", alias="one", max_concurrent=1)))
    headers = {"authorization": f"Key {key}"}
    answer, claimed = start(gateway, threads, headers=headers)
    refused = gateway.client.post("/run/fal-ai/clip", json={"prompt": "x"}, headers=headers)
    assert (refused.status_code, refused.headers["x-fal-needs-retry"]) == (429, "1")
    assert refused.json()["error_type"] == refused.headers["x-fal-error-type"] == "concurrent_requests_limit"
    gateway.finish(claimed)
    assert answer.result(5).status_code == 200
    assert gateway.call(gateway.jobs.claim("r", ("fal-ai/clip",), 60.0)) is None


@pytest.mark.parametrize("path", ["/run/fal-ai/clip", "/run/fal-ai/clip/stream", "/queue/fal-ai/clip"])
def test_over_budget_is_a_403_before_anything_is_queued(gateway: Gateway, path: str) -> None:
    key = ":".join(gateway.call(gateway.services.keys.create("me", alias="poor", budget_usd=0.0)))
    refused = gateway.client.post(path, json={"prompt": "x"}, headers={"authorization": f"Key {key}"})
    assert (refused.status_code, "Exhausted balance" in refused.json()["detail"]) == (403, True)
    assert gateway.call(gateway.jobs.claim("r", ("fal-ai/clip",), 60.0)) is None


@pytest.mark.parametrize("path", [("fal-ai", "clip"), ("fal-ai", "clip", "stream")])
def test_whenever_the_server_stops_no_run_is_left_for_which_nobody_waits(
    gateway: Gateway, path: tuple[str, ...]
) -> None:
    async def call() -> None:
        body = iter([{"type": "http.request", "body": b'{"prompt": "x"}'}])

        async def receive() -> Message:
            return next(body, None) or await asyncio.Event().wait()  # type: ignore[return-value]  # never comes

        async def send(_: Message) -> None:
            pass

        key = (b"authorization", AUTH["authorization"].encode())
        scope = {"type": "http", "method": "POST", "headers": [key], "query_string": b""}
        visit = Visit(scope, receive, gateway.services, "run", path, Links("", ""), new_id())
        await (await run.handle(visit))(scope, receive, send)

    async def stopped_after(steps: int) -> None:
        task = asyncio.create_task(call())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for steps in range(12):
        gateway.call(stopped_after(steps))
    gateway.call(gateway.jobs.sweep())  # its writes come after all of theirs
    assert gateway.jobs.queue_length("fal-ai/clip") == 0
