"""Every error type over the wire, most of them by what causes them: real servers, real runners, real inputs."""

from __future__ import annotations

import base64
import io
import json
import os
import resource
import shutil
import signal
import sqlite3
import time
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from rushes.errors import ERROR_DOCS_URL, MODEL_ERRORS, REQUEST_ERRORS, kind_of
from rushes.jobs.protocol import ClaimRequest, Finish
from rushes.runners.client import RunnerClient
from rushes.runners.parent import KEY_VARIABLE
from tests.media.films import moving, write_film
from tests.server import KEY, Server, start_server

pytestmark = pytest.mark.acceptance

ECHO = "rushes/echo"
PICTURE = "fal-ai/wan-i2v"
PICTURES = "fal-ai/kling-video/v1.6/standard/elements"
READER = "fal-ai/minimax/speech-02-hd"
REFRAME = "fal-ai/luma-dream-machine/ray-2/reframe"
EXTEND = "fal-ai/magi-distilled/extend-video"
SPEECH = "fal-ai/longcat-single-avatar/audio-to-video"
CLONE = "fal-ai/minimax/voice-clone"
FORGET = "fal-ai/minimax/voice-delete"
BUILT_IN_VOICE = "Wise_Woman"

ONCE = {"x-fal-no-retry": "1"}
LONG = {"sleep_s": 60, "steps": 600}
INPUT_BYTES = 400_000
LIMITS = {
    "image_max_side": "256",
    "input_max_bytes": str(INPUT_BYTES),
    "media_max_s": "2",
    "lease_s": "1",
    "sweep_s": "0.1",
    "claim_wait_s": "1",
    "allow_addresses": "127.0.0.0/8",
}


@dataclass
class Stand:
    """A running server, and what a test does with it and to it."""

    server: Server
    data: Path
    http: httpx2.Client

    def ask(self, endpoint: str, given: Any, **headers: str) -> httpx2.Response:
        """Run; the answer is the error."""
        return self.http.post(f"/run/{endpoint}", json=given, headers=headers)

    def submit(self, endpoint: str, given: Any, **headers: str) -> str:
        """Submit, to be tried once only."""
        answer = self.http.post(f"/queue/{endpoint}", json=given, headers={**ONCE, **headers})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def status(self, endpoint: str, request_id: str) -> dict[str, Any]:
        """Poll once."""
        told: dict[str, Any] = self.http.get(f"/queue/{endpoint}/requests/{request_id}/status").json()
        return told

    def until(self, status: str, request_id: str, endpoint: str = ECHO) -> None:
        """Poll until it is so."""
        end = time.monotonic() + 60
        while self.status(endpoint, request_id)["status"] != status:
            assert time.monotonic() < end, f"never {status}: {self.status(endpoint, request_id)}"
            time.sleep(0.02)

    def result(self, request_id: str, endpoint: str = ECHO) -> httpx2.Response:
        """Wait for the end."""
        self.until("COMPLETED", request_id, endpoint)
        return self.http.get(f"/queue/{endpoint}/requests/{request_id}")

    def books(self, request_id: str) -> tuple[int, str, float] | None:
        """Read what the ledger says of a request: status, type, units."""
        with sqlite3.connect(f"file:{self.data / 'rushes.db'}?mode=ro", uri=True) as database:
            asked = "SELECT status_code, error_type, units FROM ledger WHERE job_id = ?"
            row: tuple[int, str, float] | None = database.execute(asked, (request_id,)).fetchone()
        return row

    def runner(self) -> int:
        """Wait for the local runner's process."""
        end = time.monotonic() + 60
        while not (pids := self.server.runner_pids()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return pids[0]

    def told_runner(self, name: str) -> str:
        """Read from the environment that the runner was started with."""
        lines = Path(f"/proc/{self.runner()}/environ").read_text().split("\0")
        return next(line for line in lines if line.startswith(f"{name}=")).partition("=")[2]

    @contextmanager
    def busy(self) -> Iterator[str]:
        """Keep the only runner at work."""
        request_id = self.submit(ECHO, LONG)
        self.until("IN_PROGRESS", request_id)
        yield request_id
        self.http.put(f"/queue/{ECHO}/requests/{request_id}/cancel")
        self.until("COMPLETED", request_id)

    @contextmanager
    def without_files(self) -> Iterator[None]:
        """Take the folder of stored files away."""
        files, away = self.data / "files", self.data / "away"
        files.rename(away)
        files.write_text("no folder")
        yield
        files.unlink()
        away.rename(files)


@dataclass
class Stands:
    """An ordinary server; one whose runner stands still from the start; one whose runners are all elsewhere."""

    plain: Stand
    still: Stand
    empty: Stand


@contextmanager
def stand(data: Path, runners: int, **settings: str) -> Iterator[Stand]:
    with (
        start_server(data, runners=runners, **{**LIMITS, **settings}) as server,
        httpx2.Client(
            base_url=server.url, headers={"authorization": f"Key {KEY}"}, timeout=30, trust_env=False
        ) as http,
    ):
        yield Stand(server, data, http)


@pytest.fixture(scope="module")
def stands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stands]:
    folder = tmp_path_factory.mktemp("errors")
    quick = {"scheduling_s": "0.3", "startup_timeout_s": "0.5"}
    with ExitStack() as stack:
        still = stack.enter_context(stand(folder / "still", 1, **quick))
        os.kill(still.runner(), signal.SIGSTOP)
        plain = stack.enter_context(stand(folder / "plain", 1, generation_timeout_s="3"))
        empty = stack.enter_context(stand(folder / "empty", 0, **quick))
        yield Stands(plain, still, empty)
        os.kill(still.runner(), signal.SIGCONT)


# Inputs


def data_uri(content: bytes, content_type: str = "application/octet-stream") -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


def picture(width: int, height: int) -> str:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(file, "PNG")
    return data_uri(file.getvalue(), "image/png")


def film(folder: Path, frames: int) -> str:
    write_film(folder / "film.mp4", moving(frames))
    return data_uri((folder / "film.mp4").read_bytes(), "video/mp4")


def sound(seconds: float) -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(bytes(2 * round(16_000 * seconds)))
    return data_uri(file.getvalue(), "audio/wav")


TEXT = data_uri(b"just words")

# Causes: each makes its error happen and returns the answer that tells of it.

Cause = Callable[[Stands, Path], httpx2.Response]


def queued(endpoint: str, make: Callable[[Path], Any]) -> Cause:
    """An input that is wrong."""

    def cause(stands: Stands, folder: Path) -> httpx2.Response:
        return stands.plain.result(stands.plain.submit(endpoint, make(folder)), endpoint)

    return cause


def given(endpoint: str, **members: Any) -> Cause:
    return queued(endpoint, lambda _: members)


def with_film(endpoint: str, frames: int, **members: Any) -> Cause:
    return queued(endpoint, lambda folder: {"video_url": film(folder, frames), **members})


def no_folder_to_work_in(stands: Stands, _folder: Path) -> httpx2.Response:
    assert stands.plain.ask(READER, {"text": "hello"}).status_code == 200  # by now it knows its folder
    folder = Path(stands.plain.told_runner("TMPDIR"))
    shutil.move(folder, folder.with_suffix(".away"))
    answer = stands.plain.result(stands.plain.submit(READER, {"text": "hello"}), READER)
    shutil.move(folder.with_suffix(".away"), folder)
    return answer


def work_that_takes_long(stands: Stands, _folder: Path) -> httpx2.Response:
    return stands.plain.result(stands.plain.submit(ECHO, LONG))


def missed_start(stands: Stands, _folder: Path) -> httpx2.Response:
    with stands.plain.busy():
        answer = stands.plain.result(stands.plain.submit(ECHO, {}, **{"x-fal-request-timeout": "0.2"}))
        assert answer.headers["x-fal-request-timeout-type"] == "user"
        return answer


def runner_that_never_comes_up(stands: Stands, _folder: Path) -> httpx2.Response:
    return stands.still.ask(ECHO, {})


def no_runner_at_all(stands: Stands, _folder: Path) -> httpx2.Response:
    return stands.empty.ask(ECHO, {})


def runner_that_stops_answering(stands: Stands, _folder: Path) -> httpx2.Response:
    request_id, pid = stands.plain.submit(ECHO, LONG), stands.plain.runner()
    stands.plain.until("IN_PROGRESS", request_id)
    os.kill(pid, signal.SIGSTOP)
    try:
        return stands.plain.result(request_id)
    finally:
        os.kill(pid, signal.SIGCONT)


def killed_runner(stands: Stands, _folder: Path) -> httpx2.Response:
    request_id = stands.plain.submit(ECHO, LONG)
    stands.plain.until("IN_PROGRESS", request_id)
    stands.plain.server.kill_runners()
    return stands.plain.result(request_id)


def broken_way_to_storage(stands: Stands, _folder: Path) -> httpx2.Response:
    with stands.plain.without_files():
        request_id = stands.plain.submit(READER, {"text": "hello"})
        return stands.plain.result(request_id, READER)


def half_an_answer(stands: Stands, _folder: Path) -> httpx2.Response:
    request_id = stands.still.submit(ECHO, {})
    runner = RunnerClient(stands.still.server.url, stands.still.told_runner(KEY_VARIABLE))
    claimed = runner.claim(ClaimRequest(runner="careless", endpoints=(ECHO,), wait_s=5))
    assert claimed is not None
    runner.finish(
        claimed.job_id, Finish(token=claimed.token, output='{"payl', served_by="x", units=1.0, inference_s=0.1)
    )
    runner.close()
    return stands.still.result(request_id)


def caller_who_hangs_up(stands: Stands, _folder: Path) -> httpx2.Response:
    with stands.plain.http.stream("POST", f"/run/{ECHO}/stream", json=LONG) as stream:
        assert next(stream.iter_bytes())
    return stands.plain.result(stream.headers["x-fal-request-id"])


def cancelled(stands: Stands, _folder: Path) -> httpx2.Response:
    with stands.plain.busy() as request_id:
        pass
    return stands.plain.result(request_id)


def bad_timeout(stands: Stands, _folder: Path) -> httpx2.Response:
    return stands.plain.ask(ECHO, {}, **{"x-fal-request-timeout": "soon"})


def broken_database(stands: Stands, _folder: Path) -> httpx2.Response:
    request_id = stands.empty.submit(ECHO, {})
    with sqlite3.connect(stands.empty.data / "rushes.db") as database:
        database.execute("ALTER TABLE logs RENAME TO gone")
    answer = stands.empty.http.get(f"/queue/{ECHO}/requests/{request_id}/status?logs=1")
    with sqlite3.connect(stands.empty.data / "rushes.db") as database:
        database.execute("ALTER TABLE gone RENAME TO logs")
    return answer


@contextmanager
def full_disk(server: Server, most_bytes: int) -> Iterator[None]:
    none = resource.RLIM_INFINITY
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most_bytes, none))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (none, none))


def no_room(stands: Stands, _folder: Path) -> httpx2.Response:
    with full_disk(stands.empty.server, 1):
        answer = stands.empty.http.post(f"/queue/{ECHO}", json={})
    stands.empty.submit(ECHO, {})  # and goes on by itself
    return answer


def too_many_at_once(stands: Stands, _folder: Path) -> httpx2.Response:
    made = stands.plain.http.post("/platform/v1/keys", json={"alias": "one at a time", "max_concurrent": 1})
    limited = {"authorization": f"Key {made.json()['key']}"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(stands.plain.ask, ECHO, {"sleep_s": 1.5, "steps": 15}, **limited)
        time.sleep(0.5)
        answer = stands.plain.ask(ECHO, {}, **limited)
        assert first.result().status_code == 200
    return answer


NOTHING_TO_DO = {"prompt": "x", "image_url": TEXT}

CAUSES: dict[str, Cause] = {
    "internal_server_error": no_folder_to_work_in,
    "generation_timeout": work_that_takes_long,
    "content_policy_violation": given("fal-ai/veo2/image-to-video", prompt="a n4ked w0man", image_url=picture(64, 64)),
    "image_too_small": given(PICTURE, prompt="x", image_url=picture(8, 8)),
    "image_too_large": given(PICTURE, prompt="x", image_url=picture(300, 20)),
    "image_load_error": given(PICTURE, **NOTHING_TO_DO),
    "video_load_error": given(REFRAME, video_url=TEXT, aspect_ratio="1:1"),
    "audio_load_error": given(SPEECH, audio_url=TEXT, prompt="x"),
    "file_download_error": given(PICTURE, prompt="x", image_url="http://127.0.0.1:1/nobody-listens.png"),
    "file_too_large": given(PICTURE, prompt="x", image_url=data_uri(bytes(INPUT_BYTES + 1))),
    "greater_than": given(PICTURE, prompt="x", image_url=picture(64, 64), shift=0),
    "greater_than_equal": given(ECHO, steps=0),
    "less_than": with_film(REFRAME, 10, aspect_ratio="1:1", x_start=5_000),
    "less_than_equal": given(ECHO, steps=10_001),
    "sequence_too_short": given(PICTURES, prompt="x", input_image_urls=[]),
    "sequence_too_long": given(PICTURES, prompt="x", input_image_urls=[picture(64, 64)] * 5),
    "one_of": given(PICTURE, prompt="x", image_url=picture(64, 64), resolution="9000p"),
    "feature_not_supported": given(FORGET, voice_id=BUILT_IN_VOICE),
    "audio_duration_too_long": given(SPEECH, audio_url=sound(3), prompt="x"),
    "audio_duration_too_short": given(CLONE, audio_url=sound(1)),
    "unsupported_audio_format": given(SPEECH, audio_url=picture(64, 64), prompt="x"),
    "unsupported_image_format": queued(PICTURE, lambda folder: {"prompt": "x", "image_url": film(folder, 5)}),
    "unsupported_video_format": given(REFRAME, video_url=picture(64, 64), aspect_ratio="1:1"),
    "video_duration_too_long": with_film(EXTEND, 72, prompt="x"),
    "request_timeout": missed_start,
    "startup_timeout": runner_that_never_comes_up,
    "runner_scheduling_failure": no_runner_at_all,
    "runner_connection_timeout": runner_that_stops_answering,
    "runner_disconnected": killed_runner,
    "runner_connection_error": broken_way_to_storage,
    "runner_incomplete_response": half_an_answer,
    "client_disconnected": caller_who_hangs_up,
    "client_cancelled": cancelled,
    "bad_request": bad_timeout,
    "internal_error": broken_database,
    "storage_unavailable": no_room,
    "concurrent_requests_limit": too_many_at_once,
}

ONLY_BY_ECHO = {
    "downstream_service_error": "no engine asks another service",
    "downstream_service_unavailable": "no engine asks another service",
    "no_media_generated": "the animatic engine always makes something",
    "face_detection_error": "the animatic films on where it finds no face",
    "multiple_of": "no endpoint's number has a step",
    "invalid_archive": "no endpoint takes an archive",
    "archive_file_count_below_minimum": "no endpoint takes an archive",
    "archive_file_count_exceeds_maximum": "no endpoint takes an archive",
    "video_duration_too_short": "no endpoint's video has a least length",
    "runner_connection_refused": "runners call the server, which connects to none",
    "runner_server_error": "a crash is runner_disconnected, which may be tried again",
}

AT_THE_DOOR = {"bad_request", "internal_error", "storage_unavailable", "concurrent_requests_limit"}
"""What happens before there is a request, or beside it: nothing in the queue, nothing in the books."""


def where(stands: Stands, answer: httpx2.Response) -> Stand:
    """Find the server that answered."""
    return next(one for one in (stands.plain, stands.still, stands.empty) if str(answer.url).startswith(one.server.url))


def test_every_type_has_a_cause_or_a_reason_why_not() -> None:
    assert set(CAUSES) | set(ONLY_BY_ECHO) == set(MODEL_ERRORS) | set(REQUEST_ERRORS)
    assert not set(CAUSES) & set(ONLY_BY_ECHO)


@pytest.mark.parametrize("error_type", [*CAUSES, *ONLY_BY_ECHO])
def test_an_error_has_its_status_body_and_headers_and_costs_nothing(
    error_type: str, stands: Stands, tmp_path: Path
) -> None:
    cause = CAUSES.get(error_type) or given(ECHO, fail=error_type)
    answer = cause(stands, tmp_path)
    check_answer(answer, error_type)
    asked = where(stands, answer)
    request_id = answer.headers["x-fal-request-id"]
    if error_type in AT_THE_DOOR:
        assert asked.books(request_id) is None
        return
    endpoint = str(answer.url.path).removeprefix("/queue/").removeprefix("/run/").partition("/requests/")[0]
    status = asked.status(endpoint, request_id)
    assert (status["status"], status["error_type"]) == ("COMPLETED", error_type)
    assert isinstance(status["error"], str)
    assert asked.books(request_id) == (kind_of(error_type).status, error_type, 0.0)


def check_answer(answer: httpx2.Response, error_type: str) -> None:
    """Require what protocol 8 says of this type."""
    kind, told = kind_of(error_type), answer.json()
    assert answer.status_code == kind.status, answer.text
    if error_type in MODEL_ERRORS:
        assert set(told) == {"detail"}
        first = told["detail"][0]
        assert (first["type"], first["loc"][0]) == (error_type, "body")
        assert first["url"] == ERROR_DOCS_URL.format(type=error_type)
        assert first["msg"]
        assert "x-fal-error-type" not in answer.headers
    else:
        assert set(told) == {"detail", "error_type"}
        assert told["error_type"] == answer.headers["x-fal-error-type"] == error_type
        assert isinstance(told["detail"], str)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-fal-retryable"] == json.dumps(kind.retryable)
    assert answer.headers["x-fal-needs-retry"] == str(int(kind.retryable))
    assert answer.headers["x-fal-billable-units"] == "0"
    assert answer.headers["x-fal-request-id"]


def test_a_file_for_which_there_is_no_room_is_refused_as_that(stands: Stands) -> None:
    wanted = {"content_type": "image/png", "file_name": "a.png"}
    target = stands.empty.http.post("/storage/upload/initiate", json=wanted).json()["upload_url"]
    with full_disk(stands.empty.server, 1_000_000):
        refused = httpx2.put(target, content=bytes(3_000_000))
    assert (refused.status_code, refused.json()["error_type"]) == (503, "storage_unavailable")
    assert refused.headers["x-fal-needs-retry"] == "1"
    assert httpx2.put(target, content=bytes(3_000_000)).status_code == 200


def test_failures_leave_nothing_in_the_usage(stands: Stands) -> None:
    def quantity() -> float:
        asked = {"expand": "summary", "endpoint_id": ECHO}
        told = stands.plain.http.get("/platform/v1/models/usage", params=asked).json()
        return float(sum(entry["quantity"] for entry in told["summary"]))

    before = quantity()
    stands.plain.result(stands.plain.submit(ECHO, {"fail": "internal_server_error"}))
    assert quantity() == before
    stands.plain.result(stands.plain.submit(ECHO, {}))
    assert quantity() == before + 1
