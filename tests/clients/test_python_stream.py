"""The official Python client's stream, its own time limits, and submits that it sends again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import fal_client
import httpx
import pytest
from httpx_sse import SSEError

from rushes.cli.embedded import Running
from tests.clients.test_python_client import ECHO, SMALL, VIDEO, in_async_client, wait_for

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_film_streams_its_progress_and_ends_with_the_result(client: ModuleType, small_picture: Path) -> None:
    *parts, last = client.stream(VIDEO, {**SMALL, "num_frames": 100, "image_url": client.encode_file(small_picture)})
    assert last["video"]["url"].endswith(".mp4")
    assert {part["type"] for part in parts} == {"progress"}
    shares = [part["progress"] for part in parts if "progress" in part]
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1
    assert any("preview" in part for part in parts)


def test_the_async_client_streams_too(client: ModuleType) -> None:
    async def use(one: fal_client.AsyncClient) -> list[object]:
        return [event async for event in one.stream(ECHO, {"payload": "ü", "sleep_s": 0.2, "steps": 2})]

    assert in_async_client(use)[-1] == {"payload": "ü"}


def test_invalid_input_is_no_stream(client: ModuleType) -> None:
    with pytest.raises(SSEError, match="application/json"):
        list(client.stream(VIDEO, {}))


def test_leaving_a_stream_frees_the_runner(client: ModuleType) -> None:
    for part in client.stream(ECHO, {"sleep_s": 60, "steps": 600}):
        if part["state"] == "IN_PROGRESS":
            break
    began = time.monotonic()
    assert client.run(ECHO, {"payload": 1}) == {"payload": 1}
    assert time.monotonic() - began < 10


def test_the_clients_own_time_limit_cancels_the_request(client: ModuleType) -> None:
    seen: list[str] = []
    with pytest.raises(TimeoutError):
        client.subscribe(ECHO, {"sleep_s": 30, "steps": 300}, client_timeout=1.5, on_enqueue=seen.append)
    assert isinstance(wait_for(client, seen[0], fal_client.Completed), fal_client.Completed)
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.result(ECHO, seen[0])
    assert caught.value.status_code == 499


def test_submits_of_the_same_moment_under_one_key_are_one_request(client: ModuleType) -> None:
    headers = {"Idempotency-Key": f"py-{time.time()}"}
    with ThreadPoolExecutor(8) as pool:
        submits = [pool.submit(client.submit, ECHO, {"payload": 1}, headers=headers) for _ in range(16)]
        assert len({one.result().request_id for one in submits}) == 1
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.submit(ECHO, {"payload": 2}, headers=headers)
    assert caught.value.status_code == 422, "a 409 would be sent again ten times"


@pytest.mark.parametrize("newer", ["3", "0.2"])
def test_the_newer_start_header_wins(client: ModuleType, server: Running, newer: str) -> None:
    blocker = client.submit(ECHO, {"sleep_s": 30, "steps": 300})
    wait_for(client, blocker.request_id, fal_client.InProgress)
    older = "0.2" if newer == "3" else "60"
    headers = {"X-Fal-Request-Start-Timeout": newer, "X-Fal-Request-Timeout": older}
    began = time.monotonic()
    answer = httpx.post(
        f"{server.url}/run/{ECHO}", json={}, headers={"authorization": f"Key {server.key}", **headers}, timeout=20
    )
    took_s = time.monotonic() - began
    blocker.cancel()
    assert (answer.status_code, answer.headers["x-fal-request-timeout-type"]) == (504, "user")
    assert took_s > 2.5 if newer == "3" else took_s < 2.5
