"""Ark, pretended: members, nulls and flags, roles and pictures, cancel, delete and list."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rushes.fakes.ark import app
from rushes.fakes.ark_flags import flags_of
from rushes.fakes.content import png
from rushes.fakes.fake import Fake
from rushes.fakes.inputs import look_at_film, look_at_still
from rushes.fakes.serving import running

TASKS = "/api/v3/contents/generations/tasks"


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def ark(fake: Fake) -> Iterator[httpx2.Client]:
    with running(app(fake)) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        client.headers["authorization"] = f"Bearer {fake.key}"
        yield client


def frame(width: int = 640, height: int = 360, role: str | None = "first_frame") -> dict[str, Any]:
    url = f"data:image/png;base64,{base64.b64encode(png(width, height)).decode()}"
    return {"type": "image_url", "image_url": {"url": url}, "role": role}


def body(text: str = "a walk", *frames: dict[str, Any], **members: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text}, *(frames or (frame(),))]
    return {"model": "seedance-1-0-lite-i2v-250428", "content": content, **members}


def ended(ark: httpx2.Client, given: dict[str, Any]) -> dict[str, Any]:
    task = ark.post(TASKS, json=given).json()["id"]
    while (told := ark.get(f"{TASKS}/{task}").json())["status"] in {"queued", "running"}:
        continue
    return dict(told)


def test_members_and_flags_mean_the_same(ark: httpx2.Client) -> None:
    members = ended(ark, body(resolution="480p", duration=3, seed=5, camera_fixed=None, ratio=None))
    flags = ended(ark, body("a walk --rs 480p --dur 3 --seed 5"))
    for told in (members, flags):
        film = look_at_film(ark.get(told["content"]["video_url"]).content)
        assert film.seconds == 3.0
        said = [told[name] for name in ("resolution", "ratio", "duration", "seed", "framespersecond")]
        assert said == ["480p", "16:9", 3, 5, 24]
        assert told["usage"]["completion_tokens"] == 864 * 480 * 24 * 3 / 1024


@pytest.mark.parametrize("content", [b'{"model": "\\uD800", "content": []}', b"[" * 100_000])
def test_a_body_that_is_no_unicode_or_has_no_bottom_is_refused(ark: httpx2.Client, content: bytes) -> None:
    answer = ark.post(TASKS, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")


def test_flags_are_read_from_the_end_only() -> None:
    assert flags_of("pan --resolution x, then --dur 5 --wm false") == (
        "pan --resolution x, then", {"duration": 5, "watermark": False}
    )  # fmt: skip
    assert flags_of("--seed -1") == ("", {"seed": -1})
    assert flags_of("--nothing 5") == ("--nothing 5", {})


def test_the_ratio_adapts_to_the_picture_and_the_last_frame_comes_back(ark: httpx2.Client) -> None:
    told = ended(ark, body("a walk", frame(400, 800), return_last_frame=True))
    assert told["ratio"] == "9:16"
    assert look_at_still(ark.get(told["content"]["last_frame_url"]).content).form == "PNG"


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        (body(duration=13), "InvalidParameter", "`duration`"),
        (body(frames=30), "InvalidParameter", "`frames`"),
        (body(colour="red"), "InvalidParameter", "unknown parameter"),
        (body("a walk --duration five"), "InvalidParameter", "no whole number"),
        (body("a walk --rs 4k"), "InvalidParameter", "--resolution"),
        (body("a walk", frame(299, 400)), "InvalidParameter", "within [300, 6000]"),
        (body("a walk", frame(320, 1280)), "InvalidParameter", "within [0.4, 2.5]"),
        (body("a walk", frame(), frame()), "InvalidParameter", "can't be combined"),
        (body("a walk", *[frame(role="reference_image")] * 5), "InvalidParameter", "at most 4"),
        ({**body(), "model": "nobody"}, "InvalidEndpointOrModel.NotFound", "does not exist"),
        ({"model": "seedance-1-0-lite-i2v-250428"}, "MissingParameter", "`content`"),
        ({**body(), "content": [{"type": "text", "text": "x"}]}, "InvalidParameter", "no first frame"),
    ],
)
def test_what_is_wrong_costs_nothing(
    ark: httpx2.Client, fake: Fake, wrong: dict[str, Any], code: str, words: str
) -> None:
    error = ark.post(TASKS, json=wrong).json()["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert fake.tasks == {}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("key", 401, "AuthenticationError"),
        ("balance", 403, "AccountOverdueError"),
        ("rate", 429, "RateLimitExceeded"),
        ("concurrency", 429, "QuotaExceeded"),
        ("moderated", 400, "InputTextSensitiveContentDetected"),
        ("server_error", 500, "InternalServiceError"),
    ],
)
def test_faults_have_its_codes(ark: httpx2.Client, fault: str, status: int, code: str) -> None:
    answer = ark.post(TASKS, json=body(f"fake:{fault}"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_deleting_cancels_what_waits_refuses_what_runs_and_forgets_what_is_over(ark: httpx2.Client) -> None:
    task = ark.post(TASKS, json=body()).json()["id"]
    assert ark.delete(f"{TASKS}/{task}").status_code == 200
    assert ark.get(f"{TASKS}/{task}").json()["status"] == "cancelled"
    assert ark.delete(f"{TASKS}/{task}").status_code == 200
    assert ark.get(f"{TASKS}/{task}").json()["error"]["code"] == "ResourceNotFound"
    runs = ark.post(TASKS, json=body()).json()["id"]
    for _ in range(2):
        ark.get(f"{TASKS}/{runs}")
    assert ark.delete(f"{TASKS}/{runs}").status_code == 409


def test_tasks_are_listed_by_status(ark: httpx2.Client) -> None:
    ended(ark, body())
    ended(ark, body("fake:end_expired"))
    ended(ark, body("fake:end_unknown"))
    assert ark.get(TASKS, params={"filter.status": "expired"}).json()["total"] == 1
    assert [one["status"] for one in ark.get(TASKS).json()["items"]] == ["succeeded", "expired", "teleported"]
    assert ark.get(TASKS, params={"page_size": 2, "page_num": 2}).json()["items"][0]["status"] == "teleported"
