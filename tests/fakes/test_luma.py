"""Luma, pretended: it fetches what it is given, words of its own for every state, deletion, credits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rushes.fakes.fake import Fake
from rushes.fakes.inputs import look_at_film
from rushes.fakes.luma import app
from rushes.fakes.serving import running

HOME = "/dream-machine/v1"
VIDEO = f"{HOME}/generations/video"


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def luma(fake: Fake) -> Iterator[httpx2.Client]:
    with running(app(fake)) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        client.headers["authorization"] = f"Bearer {fake.key}"
        yield client


def body(prompt: str = "a walk", **more: Any) -> dict[str, Any]:
    return {"model": "ray-flash-2", "prompt": prompt, "resolution": "540p", **more}


def ended(luma: httpx2.Client, path: str = VIDEO, given: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = luma.post(path, json=given or body())
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    while told["state"] in {"queued", "dreaming"}:
        told = luma.get(f"{HOME}/generations/{told['id']}").json()
    return told


def film(luma: httpx2.Client, told: dict[str, Any]) -> Any:
    return look_at_film(luma.get(told["assets"]["video"]).content)


def test_a_generation_ends_with_assets_and_its_request(luma: httpx2.Client) -> None:
    told = ended(luma, given=body(aspect_ratio="9:16", duration="9s"))
    assert told["state"] == "completed"
    assert told["request"] == body(aspect_ratio="9:16", duration="9s")
    made = film(luma, told)
    assert made.seconds == 9.0
    assert made.width / made.height == pytest.approx(9 / 16, abs=0.01)


def test_what_was_made_is_reframed_modified_sounded_and_upscaled(luma: httpx2.Client) -> None:
    first = ended(luma)
    media = {"url": first["assets"]["video"]}
    model = {"model": "ray-2", "media": media}
    reframed = ended(luma, f"{VIDEO}/reframe", {**model, "generation_type": "reframe_video", "aspect_ratio": "9:21"})
    made = film(luma, reframed)
    assert made.height > 2 * made.width
    assert made.seconds == 5.0
    modified = ended(luma, f"{VIDEO}/modify", {**model, "generation_type": "modify_video", "mode": "adhere_1"})
    assert film(luma, modified).width == film(luma, first).width
    one = f"{HOME}/generations/{first['id']}"
    assert ended(luma, f"{one}/audio", {"prompt": "wind"})["state"] == "completed"
    assert ended(luma, f"{one}/upscale", {"resolution": "1080p"})["state"] == "completed"


def test_an_earlier_generation_is_a_keyframe_once_it_is_completed(luma: httpx2.Client) -> None:
    begun = luma.post(VIDEO, json=body()).json()["id"]
    frames = {"frame0": {"type": "generation", "id": begun}}
    assert luma.post(VIDEO, json=body(keyframes=frames)).json() == {"detail": f"Generation {begun} is not completed"}
    frames = {"frame0": {"type": "generation", "id": ended(luma)["id"]}}
    assert ended(luma, given=body(keyframes=frames))["state"] == "completed"


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"aspect_ratio": "5:4"}, 422, "aspect_ratio"),
        ({"colour": "red"}, 422, "extra_forbidden"),
        ({"duration": 5}, 422, "duration"),
        ({"resolution": "4k"}, 400, "4k"),
        ({"prompt": None}, 400, "Prompt is required"),
        ({"concepts": [{"key": "levitate"}]}, 400, "levitate"),
        ({"keyframes": {"frame0": {"type": "image", "url": "data:image/png;base64,AAAA"}}}, 400, "no http"),
        ({"keyframes": {"frame0": {"type": "image", "url": "http://192.0.2.1/a.png"}}}, 400, "this machine only"),
    ],
)
def test_what_is_wrong_costs_nothing(
    luma: httpx2.Client, fake: Fake, wrong: dict[str, Any], status: int, words: str
) -> None:
    answer = luma.post(VIDEO, json={**body(), **wrong})
    assert answer.status_code == status
    assert words in answer.text
    assert fake.tasks == {}


@pytest.mark.parametrize(
    ("fault", "status"), [("key", 401), ("balance", 402), ("rate", 429), ("moderated", 400), ("server_error", 500)]
)
def test_faults_are_plain_statuses(luma: httpx2.Client, fault: str, status: int) -> None:
    answer = luma.post(VIDEO, json=body(f"fake:{fault}"))
    assert (answer.status_code, [*answer.json()]) == (status, ["detail"])


def test_a_deleted_generation_is_gone_and_what_it_cost_is_not(luma: httpx2.Client) -> None:
    before = luma.get(f"{HOME}/credits").json()["credit_balance"]
    one = f"{HOME}/generations/{ended(luma)['id']}"
    assert luma.delete(one).status_code == 204
    assert luma.get(one).status_code == 404
    assert luma.get(f"{HOME}/credits").json()["credit_balance"] == before - 20
    assert luma.get(f"{HOME}/generations").json()["generations"] == []


def test_ends_have_its_words(luma: httpx2.Client) -> None:
    assert "moderation" in ended(luma, given=body("fake:end_moderated"))["failure_reason"]
    assert ended(luma, given=body("fake:end_failed"))["state"] == "failed"
    assert ended(luma, given=body("fake:end_unknown"))["state"] == "sleepwalking"
    expired = ended(luma, given=body("fake:end_link_expired"))
    assert luma.get(expired["assets"]["video"]).status_code == 403
