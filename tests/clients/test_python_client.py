"""The official Python client, sync and async, unmodified, against a real server (protocol 11.4, sections 3 to 8)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import fal_client
import httpx
import pytest

from rushes.cli.embedded import Running

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

ECHO = "rushes/echo"
VIDEO = "fal-ai/wan-i2v"
SMALL = {"prompt": "a slow pan", "resolution": "480p", "frames_per_second": 24, "seed": 7}


def in_async_client(use: Callable[[fal_client.AsyncClient], Awaitable[Any]]) -> Any:
    """Run with an async client of its own, and close its connections."""

    async def session() -> Any:
        client = fal_client.AsyncClient()
        try:
            return await use(client)
        finally:
            await (await client._client).aclose()

    return asyncio.run(session())


def wait_for(client: ModuleType, request_id: str, kind: type) -> Any:
    """Poll until the request's status is of that kind."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = client.status(ECHO, request_id, with_logs=True)
        if isinstance(status, kind):
            return status
        time.sleep(0.02)
    raise AssertionError(f"{request_id} never became {kind.__name__}")


@pytest.mark.slow
def test_a_photograph_becomes_a_video(client: ModuleType, small_picture: Path) -> None:
    seen: list[fal_client.Status] = []
    ids: list[str] = []
    url = client.upload_file(small_picture)
    result = client.subscribe(
        VIDEO, {**SMALL, "image_url": url}, with_logs=True, on_enqueue=ids.append, on_queue_update=seen.append
    )
    assert result["seed"] == 7
    assert result["video"]["content_type"] == "video/mp4"
    film = httpx.get(result["video"]["url"])
    assert film.content[4:8] == b"ftyp"
    assert len(film.content) == result["video"]["file_size"]
    assert isinstance(seen[-1], fal_client.Completed)
    assert [line for line in seen[-1].logs or [] if "progress" in (line.get("labels") or {})]
    assert client.result(VIDEO, ids[0]) == result


@pytest.mark.slow
def test_a_picture_may_come_as_a_data_uri(client: ModuleType, small_picture: Path) -> None:
    result = client.subscribe(VIDEO, {**SMALL, "image_url": client.encode_file(small_picture)})
    assert httpx.get(result["video"]["url"]).content[4:8] == b"ftyp"


@pytest.mark.slow
def test_the_async_client_makes_a_video_too(client: ModuleType, small_picture: Path) -> None:
    async def use(one: fal_client.AsyncClient) -> Any:
        url = await one.upload_file(small_picture)
        return await one.subscribe(VIDEO, {**SMALL, "image_url": url}, with_logs=True, on_queue_update=lambda _: None)

    assert in_async_client(use)["video"]["url"].endswith(".mp4")


def test_subscribe_returns_the_bare_output(client: ModuleType) -> None:
    assert client.subscribe(ECHO, {"payload": {"a": [1, None, "ü"]}}) == {"payload": {"a": [1, None, "ü"]}}


def test_submit_status_and_result_by_id(client: ModuleType) -> None:
    request = client.submit(ECHO, {"payload": 1, "sleep_s": 0.3, "steps": 3})
    assert isinstance(request.status(), fal_client.Queued | fal_client.InProgress)
    assert client.result(ECHO, request.request_id) == {"payload": 1}
    completed = client.status(ECHO, request.request_id, with_logs=True)
    assert isinstance(completed, fal_client.Completed)
    assert completed.metrics["inference_time"] >= 0.3
    assert len(completed.logs) >= 3


def test_logs_come_while_it_runs(client: ModuleType) -> None:
    request = client.submit(ECHO, {"sleep_s": 3, "steps": 6})
    running = wait_for(client, request.request_id, fal_client.InProgress)
    while not running.logs:
        time.sleep(0.05)
        running = wait_for(client, request.request_id, fal_client.InProgress)
    request.cancel()


def test_run_waits_for_the_answer(client: ModuleType) -> None:
    assert client.run(ECHO, {"payload": "now"}) == {"payload": "now"}


def test_the_async_client_runs_submits_and_fails(client: ModuleType) -> None:
    async def use(one: fal_client.AsyncClient) -> Any:
        ran = await one.run(ECHO, {"payload": 1})
        request = await one.submit(ECHO, {"payload": 2})
        with pytest.raises(fal_client.FalClientHTTPError) as caught:
            await one.subscribe(ECHO, {"fail": "no_media_generated"})
        return ran, await request.get(), caught.value.status_code

    assert in_async_client(use) == ({"payload": 1}, {"payload": 2}, 422)


def test_a_running_request_can_be_cancelled(client: ModuleType) -> None:
    request = client.submit(ECHO, {"sleep_s": 30, "steps": 300})
    wait_for(client, request.request_id, fal_client.InProgress)
    client.cancel(ECHO, request.request_id)
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        request.get()
    assert caught.value.status_code == 499
    assert caught.value.error_type == "client_cancelled"


def test_a_queued_request_is_cancelled_at_once(client: ModuleType) -> None:
    first = client.submit(ECHO, {"sleep_s": 30, "steps": 300})
    wait_for(client, first.request_id, fal_client.InProgress)
    second = client.submit(ECHO, {})
    assert isinstance(second.status(), fal_client.Queued)
    second.cancel()
    assert isinstance(second.status(), fal_client.Completed)
    first.cancel()
    wait_for(client, first.request_id, fal_client.Completed)


def test_cancelling_what_is_finished_is_refused(client: ModuleType) -> None:
    request = client.submit(ECHO, {})
    request.get()
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        request.cancel()
    assert caught.value.status_code == 400
    assert "ALREADY_COMPLETED" in str(caught.value)


def test_low_priority_is_overtaken(client: ModuleType) -> None:
    blocker = client.submit(ECHO, {"sleep_s": 0.5})
    wait_for(client, blocker.request_id, fal_client.InProgress)
    low = client.submit(ECHO, {"payload": "low"}, priority="low")
    normal = client.submit(ECHO, {"payload": "normal", "sleep_s": 0.3})
    assert low.status().position == 1
    normal.get()
    low.get()


def test_a_start_deadline_that_passes_is_a_504(client: ModuleType) -> None:
    blocker = client.submit(ECHO, {"sleep_s": 30, "steps": 300})
    wait_for(client, blocker.request_id, fal_client.InProgress)
    late = client.submit(ECHO, {}, start_timeout=1.1)
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        late.get()
    blocker.cancel()
    assert caught.value.status_code == 504
    assert caught.value.error_type == "request_timeout"


@pytest.mark.parametrize("name", ["plain.txt", "a b+c.txt", "ünï.txt"])
def test_an_uploaded_file_comes_back_as_it_was(client: ModuleType, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"some\x00bytes")
    answer = httpx.get(client.upload_file(path))
    assert answer.content == b"some\x00bytes"
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.slow
def test_a_file_beyond_the_multipart_threshold_comes_back_as_it_was(client: ModuleType, tmp_path: Path) -> None:
    size = client.client.MULTIPART_THRESHOLD + 1
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.write(b"begin")
        file.seek(size - 3)
        file.write(b"end")
    url = client.upload_file(path)
    sent, received = hashlib.sha256(path.read_bytes()), hashlib.sha256()
    with httpx.stream("GET", url) as answer:
        for chunk in answer.iter_bytes():
            received.update(chunk)
    assert received.digest() == sent.digest()
    assert httpx.get(url, headers={"Range": "bytes=-3"}).content == b"end"


def test_bytes_need_no_name(client: ModuleType) -> None:
    answer = httpx.get(client.upload(b"RIFFxxxx", "audio/wav"))
    assert (answer.content, answer.headers["content-type"]) == (b"RIFFxxxx", "audio/wav")


def test_a_missing_field_is_reported_with_its_place(client: ModuleType) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.subscribe(VIDEO, {"image_url": "https://example.com/a.png"})
    assert caught.value.status_code == 422
    problem = caught.value.message[0]
    assert (problem["loc"], problem["type"]) == (["body", "prompt"], "missing")


def test_an_unknown_endpoint_is_a_404(client: ModuleType) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.submit("fal-ai/nothing-like-it", {})
    assert caught.value.status_code == 404
    assert isinstance(caught.value.message, str)


def test_a_wrong_key_is_a_401(client: ModuleType, server: Running) -> None:
    stranger = fal_client.SyncClient(key="no:body")
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        stranger.submit(ECHO, {})
    assert caught.value.status_code == 401
    assert caught.value.message == "No user found for Key ID and Secret"


def test_a_malformed_key_is_a_401(client: ModuleType) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        fal_client.SyncClient(key="just-a-word").submit(ECHO, {})
    assert caught.value.status_code == 401


def test_without_a_key_the_server_asks_for_one(client: ModuleType, server: Running) -> None:
    answer = httpx.post(f"{server.url}/queue/{ECHO}", json={})
    assert answer.status_code == 401
    assert "Authentication is required" in answer.json()["detail"]


def test_a_failing_model_ends_with_its_own_error(client: ModuleType) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.subscribe(ECHO, {"fail": "content_policy_violation"})
    assert caught.value.status_code == 422
    assert caught.value.message[0]["type"] == "content_policy_violation"
    assert caught.value.response_headers["x-fal-retryable"] == "false"


@pytest.mark.parametrize(
    ("error_type", "status"),
    [
        ("image_too_small", 422),
        ("internal_server_error", 500),
        ("runner_server_error", 500),
        ("bad_request", 400),
        ("startup_timeout", 504),
        ("runner_incomplete_response", 502),
    ],
)
def test_every_shape_of_error_has_its_status_its_detail_and_its_type(
    client: ModuleType, error_type: str, status: int
) -> None:
    handle = client.submit(ECHO, {"fail": error_type}, headers={"x-fal-no-retry": "1"})
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        handle.get()
    error = caught.value
    assert error.status_code == status
    assert json.loads(error.response.content)["detail"] == error.message
    if isinstance(error.message, str):
        assert error.error_type == error_type
    else:  # a model's error has its type in each entry, and no other
        assert (error.message[0]["type"], error.error_type) == (error_type, None)
