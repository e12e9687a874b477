"""The official Python client's realtime connections to a real server with its own runners: rushes/camera."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from PIL import Image

import rushes
from tests.server import KEY, Server, start_server

pytestmark = pytest.mark.acceptance
AUTH = {"authorization": f"Key {KEY}"}
APP = "rushes/camera"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("live") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def picture(small_picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(small_picture.read_bytes()).decode()}"


@pytest.fixture
def fal(pristine: ModuleType, live: Server) -> ModuleType:
    rushes.connect(live.url, KEY)
    return pristine


def pixels(answer: Any) -> tuple[int, int]:
    """Return the size of the answer's picture, decoded."""
    with Image.open(io.BytesIO(answer["images"][0]["content"])) as image:
        image.load()
        return image.size


def session_of(answer: Any) -> str:
    """Return the session's request: ids that we make up begin with it."""
    return str(answer["request_id"]).rpartition("-")[0]


def status(live: Server, request_id: str) -> Any:
    """Return the session's status once it has ended."""
    url = f"{live.url}/queue/{APP}/requests/{request_id}/status"
    for _ in range(200):
        now = httpx2.get(url, headers=AUTH, trust_env=False).json()
        if now["status"] == "COMPLETED":
            return now
        time.sleep(0.05)
    raise AssertionError(f"the session never ended: {now}")


def sessions_pid(live: Server) -> int:
    found = [
        pid for pid in live.runner_pids() if b"rushes.runners.sessions" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return found[0]


@pytest.mark.parametrize("use_jwt", [True, False])
def test_python(fal: ModuleType, live: Server, picture: str, use_jwt: bool) -> None:
    with fal.realtime(APP, use_jwt=use_jwt) as camera:
        camera.send({"image_url": picture, "request_id": "one"})
        first = camera.recv()
        assert first["request_id"] == "one"
        assert pixels(first) == (512, 288)
        camera.send({"x": 0.4, "width": 256, "height": 144, "output_format": "png"})
        second = camera.recv()
        assert pixels(second) == (256, 144)
    assert "error" not in status(live, session_of(second))
    headers = httpx2.get(f"{live.url}/queue/{APP}/requests/{session_of(second)}", headers=AUTH, trust_env=False).headers
    assert headers["x-fal-billable-units"] == "2"


def test_bytes_may_stand_in_an_addresss_place(fal: ModuleType, small_picture: Path) -> None:
    with fal.realtime(APP) as camera:
        camera.send({"image_url": small_picture.read_bytes()})
        assert pixels(camera.recv()) == (512, 288)


def test_an_uploaded_picture_is_found_in_our_own_storage(fal: ModuleType, small_picture: Path) -> None:
    url = fal.upload_file(small_picture)
    with fal.realtime(APP) as camera:
        camera.send({"image_url": url})
        assert pixels(camera.recv()) == (512, 288)


def test_a_first_input_without_a_picture_is_refused(fal: ModuleType, live: Server) -> None:
    with fal.realtime(APP) as camera:
        camera.send({"x": 0.1})
        with pytest.raises(fal.client.RealtimeError) as caught:
            camera.recv()
        assert (caught.value.error, caught.value.reason) == ("VALIDATION_ERROR", "body.image_url: Field required")
        assert camera.recv() is None


def test_a_still_comes_by_run_and_queue_too(fal: ModuleType, picture: str) -> None:
    done = fal.subscribe(APP, {"image_url": picture, "yaw": 3.0, "output_format": "png"})
    (image,) = done["images"]
    assert (image["content_type"], image["width"], image["height"]) == ("image/png", 512, 288)
    content = httpx2.get(image["url"], trust_env=False).content
    assert pixels({"images": [{"content": content}]}) == (512, 288)
    assert fal.run(APP, {"image_url": picture})["images"][0]["content_type"] == "image/jpeg"


def test_a_killed_runner_ends_its_sessions_clearly_and_is_replaced(fal: ModuleType, live: Server, picture: str) -> None:
    with fal.realtime(APP) as camera:
        camera.send({"image_url": picture})
        first = camera.recv()
        os.kill(sessions_pid(live), 9)
        with pytest.raises(fal.client.RealtimeError) as caught:
            camera.recv()
        assert caught.value.error == "RUNNER_DISCONNECTED"
        with pytest.raises(fal.client.RealtimeError, match="1011"):
            camera.recv()
    assert status(live, session_of(first))["error_type"] == "runner_disconnected"
    with fal.realtime(APP) as camera:
        camera.send({"image_url": picture})
        assert pixels(camera.recv()) == (512, 288)


def test_a_caller_who_vanishes_ends_the_session(live: Server, picture: str) -> None:
    program = (
        "import sys, os, rushes; rushes.connect(sys.argv[1], sys.argv[2]); import fal_client\n"
        f"opened = fal_client.realtime({APP!r}); camera = opened.__enter__()\n"
        "camera.send({'image_url': sys.stdin.read()}); print(camera.recv()['request_id'], flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", program, live.url, KEY]
    gone = subprocess.run(command, input=picture, capture_output=True, text=True, timeout=60, check=False)
    assert gone.returncode == -9, gone.stderr
    assert "error" not in status(live, gone.stdout.strip().rpartition("-")[0])


def test_a_cancel_ends_a_session(fal: ModuleType, live: Server, picture: str) -> None:
    with fal.realtime(APP) as camera:
        camera.send({"image_url": picture})
        request_id = session_of(camera.recv())
        fal.cancel(APP, request_id)
        with pytest.raises(fal.client.RealtimeError, match="REQUEST_CANCELLED"):
            camera.recv()
    assert status(live, request_id)["error_type"] == "client_cancelled"


def test_a_server_that_stops_ends_its_sessions(tmp_path: Path, pristine: ModuleType, picture: str) -> None:
    with start_server(tmp_path / "data") as server:
        rushes.connect(server.url, KEY)
        with pristine.realtime(APP) as camera:
            camera.send({"image_url": picture})
            first = camera.recv()
            assert server.stop() == 0
            with pytest.raises(pristine.client.RealtimeError, match="RUNNER_DISCONNECTED"):
                camera.recv()
            with pytest.raises(pristine.client.RealtimeError, match="1012"):
                camera.recv()
    with start_server(tmp_path / "data") as again:
        now = status(again, session_of(first))
    assert "error" not in now
