"""Odd files, and such as lead elsewhere, as inputs of a real server: a 422 that names the field, or an output.

The server may reach loopback here, so that nothing but the decoders' own care keeps them from following an address.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.media import hostile_media as hostile
from tests.media import odd_media as odd
from tests.server import KEY, Server, start_server

pytestmark = pytest.mark.acceptance

PICTURE = ("rushes/camera", "image_url", {"width": 64, "height": 64})
FILM = ("fal-ai/luma-dream-machine/ray-2/reframe", "video_url", {"aspect_ratio": "1:1"})
SOUND = ("fal-ai/minimax/voice-clone", "audio_url", {})  # needs ten seconds, so that short sounds cost a reading only
DOORS = {"image": PICTURE, "video": FILM, "audio": SOUND}
SECONDS = 15.0  # on a machine that does other things too


@dataclass
class Elsewhere:
    """A server that nobody should ask, except for files of the test's own, and what was asked of it."""

    port: int
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 30))
            self.end_headers()
            self.wfile.write(hostile.picture("PNG"))

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        found = Elsewhere(httpd.server_port)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        httpd.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("odd") / "data"
    with start_server(folder, runners=1, allow_addresses="127.0.0.1/32") as running:
        yield running


@pytest.fixture(autouse=True)
def unhurt(server: Server) -> Iterator[None]:
    """The runner is the same before and after, and no file took long."""
    before, started = server.runner_pids(), time.monotonic()
    yield
    assert server.runner_pids() == before
    assert time.monotonic() - started < SECONDS


def uri(data: bytes, type: str = "application/octet-stream") -> str:
    return f"data:{type};base64," + base64.b64encode(data).decode()


def ask(server: Server, kind: str, address: str) -> httpx2.Response:
    endpoint, name, more = DOORS[kind]
    headers = {"authorization": f"Key {KEY}"}
    given: dict[str, Any] = {**more, name: address}
    return httpx2.post(f"{server.url}/run/{endpoint}", json=given, headers=headers, timeout=60, trust_env=False)


def refused(server: Server, kind: str, address: str, type: str | None = None) -> str:
    """The refusal's text, after a look at its shape."""
    answer = ask(server, kind, address)
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", DOORS[kind][1]]
    assert type is None or problem["type"] == type, problem
    assert "/tmp" not in problem["msg"]
    return str(problem["msg"])


@pytest.mark.parametrize("name", odd.ODD)
def test_an_odd_picture_is_taken_or_refused_for_what_it_is(name: str, server: Server) -> None:
    make, type = odd.ODD[name]
    if type is not None:
        refused(server, "image", uri(make(), "image/png"), type)
        return
    answer = ask(server, "image", uri(make(), "image/png"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["images"][0]["width"] == 64


@pytest.mark.parametrize("name", odd.FILMS)
def test_an_odd_film_is_taken_or_refused_for_what_it_is(name: str, server: Server, tmp_path: Path) -> None:
    make, type = odd.FILMS[name]
    assert type is not None
    refused(server, "video", uri(make(tmp_path), "video/mp4"), type)


@pytest.mark.parametrize("name", odd.SOUNDS)
def test_an_odd_sound_is_refused_for_what_it_is(name: str, server: Server, tmp_path: Path) -> None:
    make, type = odd.SOUNDS[name]
    refused(server, "audio", uri(make(tmp_path), "audio/wav"), type)


@pytest.mark.parametrize("kind", DOORS)
@pytest.mark.parametrize("name", odd.LEADING_ELSEWHERE)
def test_a_file_that_leads_elsewhere_is_not_followed(
    name: str, kind: str, server: Server, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    asked = list(elsewhere.asked)
    data = odd.LEADING_ELSEWHERE[name](elsewhere.port, tmp_path)
    assert "root:" not in refused(server, kind, uri(data, f"{kind}/mp4"))
    assert elsewhere.asked == asked


@pytest.mark.parametrize("kind", DOORS)
@pytest.mark.parametrize("name", hostile.NO_MEDIA)
def test_what_is_no_media_is_refused(name: str, kind: str, server: Server) -> None:
    refused(server, kind, uri(hostile.NO_MEDIA[name]))


@pytest.mark.parametrize("name", hostile.BAD_PICTURES)
def test_a_bad_picture_is_refused(name: str, server: Server) -> None:
    refused(server, "image", uri(hostile.BAD_PICTURES[name]()))


@pytest.mark.parametrize("name", hostile.ODD_PICTURES)
def test_a_chimera_of_a_picture_is_taken_or_refused(name: str, server: Server) -> None:
    address = uri(hostile.ODD_PICTURES[name]())
    if ask(server, "image", address).status_code != 200:
        refused(server, "image", address)


@pytest.mark.parametrize("kind", ["video", "audio"])
@pytest.mark.parametrize("name", hostile.RECORDINGS)
def test_a_hostile_recording_is_taken_or_refused(name: str, kind: str, server: Server, tmp_path: Path) -> None:
    address = uri(hostile.RECORDINGS[name](tmp_path))
    if ask(server, kind, address).status_code != 200:
        refused(server, kind, address)


@pytest.mark.parametrize("format", hostile.PICTURE_FORMATS)
def test_a_picture_that_was_cut_is_refused(format: str, server: Server) -> None:
    data = hostile.picture(format)
    refused(server, "image", uri(data[: len(data) // 2]), "image_load_error")


def test_a_server_that_declares_a_gigabyte_is_not_read_on(server: Server, elsewhere: Elsewhere) -> None:
    address = odd.ELSEWHERE.format(port=elsewhere.port)
    for kind in DOORS:
        assert "1073741824" in refused(server, kind, address, "file_too_large").replace(" ", "").replace(",", "")
    assert elsewhere.asked


@pytest.mark.parametrize(
    "address",
    [
        "data:image/png;length=1073741824;base64,AAAA",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        "data:image/png;base64,%%%%",
        "data:,",
        "data:;base64",
        "data:image/png;base64," + "=" * 10_000,
        "file:///etc/passwd",
        "concat:/etc/passwd|/etc/hosts",
        "http://127.0.0.1:0/a.png",
        "rtsp://127.0.0.1/a",
    ],
)
def test_an_odd_address_is_refused(address: str, server: Server) -> None:
    for kind in ("image", "video"):
        assert "root:" not in refused(server, kind, address)


def test_the_next_job_is_done(server: Server) -> None:
    answer = ask(server, "image", uri(hostile.picture("PNG")))
    assert answer.status_code == 200, answer.text
