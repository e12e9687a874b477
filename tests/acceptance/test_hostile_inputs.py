"""Hostile files as inputs of a real server: each is refused with its type, and server, runner and the next job live."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.media import hostile_media as hostile
from tests.server import KEY, Server, start_server

pytestmark = pytest.mark.acceptance

PICTURE = "fal-ai/wan-i2v"
FILM = "fal-ai/luma-dream-machine/ray-2/reframe"
SPEECH = "fal-ai/longcat-single-avatar/audio-to-video"
TOO_LARGE, BROKEN = "image_too_large", "image_load_error"
PICTURES = {
    "PNG of 60000x60000": TOO_LARGE,
    "JPEG of 65500x65500": TOO_LARGE,
    "GIF of 65535x65535": TOO_LARGE,
    "TIFF of 2^32-1": TOO_LARGE,
    "PNG whose data goes on for 500 MB": BROKEN,
    "WebP of 2^24": BROKEN,
    "TIFF with a strip of 4 GB": BROKEN,
    "AVIF said to be huge": BROKEN,
    "JPEG of 12 bits": BROKEN,
}
RECORDINGS = {
    "gif of 10,000 frames": "video_load_error",
    "mp4 with billions of samples": "video_load_error",
    "mp4 with frames of 2^31 ticks": "video_load_error",
    "webm with endless clusters": "video_load_error",
    "mp3 of tags only": "audio_load_error",
    "flac that says 2^36 samples": "audio_duration_too_long",
    "wav with no bits": "audio_load_error",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("hostile") / "data", runners=1) as running:
        yield running


def ask(server: Server, endpoint: str, given: dict[str, Any]) -> httpx2.Response:
    headers = {"authorization": f"Key {KEY}"}
    return httpx2.post(f"{server.url}/run/{endpoint}", json=given, headers=headers, timeout=60, trust_env=False)


def uri(data: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()


def refused(server: Server, endpoint: str, given: dict[str, Any], field: str, type: str) -> None:
    started, runners = time.monotonic(), server.runner_pids()
    answer = ask(server, endpoint, given)
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["detail"]
    assert (problem["type"], problem["loc"]) == (type, ["body", field])
    assert "/tmp" not in problem["msg"]
    assert time.monotonic() - started < 10
    assert server.runner_pids() == runners, "the runner is the same"


@pytest.mark.parametrize("name", PICTURES)
def test_a_hostile_picture_is_refused(name: str, server: Server) -> None:
    given = {"prompt": "a walk", "image_url": uri(hostile.BAD_PICTURES[name]())}
    refused(server, PICTURE, given, "image_url", PICTURES[name])


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_hostile_recording_is_refused(name: str, server: Server, tmp_path: Path) -> None:
    data, type = uri(hostile.RECORDINGS[name](tmp_path)), RECORDINGS[name]
    if type.startswith("video"):
        refused(server, FILM, {"video_url": data, "aspect_ratio": "1:1"}, "video_url", type)
    else:
        refused(server, SPEECH, {"audio_url": data, "prompt": "x"}, "audio_url", type)


def test_the_next_job_is_done(server: Server) -> None:
    answer = ask(server, "rushes/echo", {"payload": {"still": "here"}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["payload"] == {"still": "here"}
