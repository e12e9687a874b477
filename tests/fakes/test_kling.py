"""Kling, pretended: the token, five kinds of task, what goes together in a body, and each way that it goes wrong."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rushes.fakes.content import mp3, mp4, picture, png
from rushes.fakes.fake import Fake
from rushes.fakes.inputs import look_at_film
from rushes.fakes.kling import FAULTS, app
from rushes.fakes.serving import running
from tests.fakes.fetch import fetch, plain_client

PROMPT = {"prompt": "a boat"}


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def token(secret: str = "secret", header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    said = {"iss": "access", "exp": now + 1800, "nbf": now - 5} | claims
    parts = [header or {"alg": "HS256", "typ": "JWT"}, {name: value for name, value in said.items() if value != ""}]
    signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).rstrip(b"=")
    return (signed + b"." + signature).decode()


@pytest.fixture
def fake() -> Fake:
    return Fake(key="access:secret")


@pytest.fixture
def kling(fake: Fake) -> Iterator[httpx2.Client]:
    with (
        running(app(fake)) as url,
        plain_client(base_url=url, headers={"authorization": f"Bearer {token()}"}) as one,
    ):
        yield one


def task(kling: httpx2.Client, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = kling.post(f"/v1/videos/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["code"] == 0
    data: dict[str, Any] = answer.json()["data"]
    return data


def ended(kling: httpx2.Client, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    where = f"/v1/videos/{kind}/{task(kling, kind, body)['task_id']}"
    for _ in range(2):
        assert kling.get(where).json()["data"]["task_status"] in {"submitted", "processing"}
    data: dict[str, Any] = kling.get(where).json()["data"]
    return data


def test_a_task_goes_from_submitted_to_a_film_of_the_length_that_was_asked_for(kling: httpx2.Client) -> None:
    body = {"model_name": "kling-v2-1", "image": text(png(600, 400)), "duration": "5", "mode": "std", **PROMPT}
    found = task(kling, "image2video", body)
    states = [kling.get(f"/v1/videos/image2video/{found['task_id']}").json()["data"] for _ in range(4)]
    assert found["task_status"] == "submitted"
    assert [state["task_status"] for state in states] == ["submitted", "processing", "succeed", "succeed"]
    assert states[2] == states[3], "what has ended stays as it is"
    (video,) = states[3]["task_result"]["videos"]
    film = look_at_film(fetch(video["url"]).content)
    assert video["duration"] == "5"
    assert film.seconds == pytest.approx(5, abs=0.1)
    assert film.width / film.height == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (None, 1001),
        ("Bearer nonsense", 1000),
        ("Bearer " + token("another"), 1000),
        ("Bearer " + token(header={"alg": "none"}), 1000),
        ("Bearer " + token(iss="nobody"), 1002),
        ("Bearer " + token(exp=""), 1002),
        ("Bearer " + token(nbf=int(time.time()) + 86_400), 1003),
        ("Bearer " + token(exp=int(time.time()) - 1), 1004),
    ],
)
def test_a_wrong_token_is_refused_by_its_own_code(
    kling: httpx2.Client, fake: Fake, said: str | None, code: int
) -> None:
    kling.headers.pop("authorization")
    answer = kling.post("/v1/videos/text2video", json=PROMPT, headers={"authorization": said} if said else {})
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert not fake.tasks


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("text2video", {}, "prompt"),
        ("text2video", {**PROMPT, "resolution": "720p"}, "resolution: unknown parameter"),
        ("text2video", {"prompt": "x" * 2501}, "prompt"),
        ("text2video", {**PROMPT, "duration": 5}, "duration"),
        ("text2video", {**PROMPT, "cfg_scale": 1.5}, "cfg_scale"),
        ("text2video", {**PROMPT, "model_name": "kling-v2-master", "cfg_scale": 0.5}, "cfg_scale"),
        ("text2video", {**PROMPT, "aspect_ratio": "4:3"}, "aspect_ratio"),
        ("text2video", {**PROMPT, "camera_control": {"type": "simple"}}, "config"),
        ("text2video", {**PROMPT, "camera_control": {"type": "down_back", "config": {"pan": 1}}}, "config"),
        (
            "text2video",
            {**PROMPT, "camera_control": {"type": "simple", "config": {"pan": 1, "zoom": 1}}},
            "exactly one",
        ),
        ("text2video", {**PROMPT, "camera_control": {"type": "simple", "config": {"pan": 11}}}, "pan"),
        ("image2video", PROMPT, "image"),
        ("image2video", {"image": "data:image/png;base64," + text(png(300, 300))}, "data:"),
        ("image2video", {"image": text(png(299, 600))}, "300"),
        ("image2video", {"image": text(png(800, 300))}, "2.5"),
        ("image2video", {"image": text(picture(400, 400, "WEBP"))}, "WEBP"),
        ("image2video", {"image": text(b"no picture")}, "image"),
        ("image2video", {"image": text(png(300, 300)), "static_mask": "?"}, "static_mask"),
        ("multi-image2video", {**PROMPT, "image_list": [{"image": ""}] * 5}, "image_list"),
        ("multi-image2video", {**PROMPT, "image_list": []}, "image_list"),
        ("effects", {"effect_scene": "hug", "input": {"image": text(png(300, 300))}}, "images"),
        ("effects", {"effect_scene": "squish", "input": {"images": ["", ""]}}, "input.image"),
        ("lip-sync", {"input": {"mode": "text2video", "video_id": "no", "text": "hi"}}, "voice_id"),
        (
            "lip-sync",
            {"input": {"mode": "audio2video", "audio_type": "file", "audio_file": "", "video_id": "1"}},
            "audio",
        ),
    ],
)
def test_a_body_that_is_not_as_documented_is_refused(
    kling: httpx2.Client, fake: Fake, kind: str, body: dict[str, Any], field: str
) -> None:
    answer = kling.post(f"/v1/videos/{kind}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert field in answer.json()["message"]
    assert not fake.tasks


def test_two_to_seventy_seven_points_lead_a_mask(kling: httpx2.Client) -> None:
    for points, status in ((1, 400), (2, 200), (77, 200), (78, 400)):
        mask = {"mask": text(png(300, 300)), "trajectories": [{"x": n, "y": n} for n in range(points)]}
        body = {"model_name": "kling-v1", "image": text(png(300, 300)), "dynamic_masks": [mask]}
        assert kling.post("/v1/videos/image2video", json=body).status_code == status


def test_pairs_and_single_pictures_have_their_effects(kling: httpx2.Client) -> None:
    one, two = text(png(320, 320)), text(png(320, 320, 1))
    pair = {"effect_scene": "hug", "input": {"model_name": "kling-v1-6", "mode": "pro", "images": [one, two]}}
    single = {"effect_scene": "squish", "input": {"model_name": "kling-v1-6", "image": one, "duration": "5"}}
    assert ended(kling, "effects", pair)["task_status"] == "succeed"
    assert ended(kling, "effects", single)["task_status"] == "succeed"


def test_several_things_are_seen_in_the_asked_shape(kling: httpx2.Client) -> None:
    body = {"image_list": [{"image": text(png(320, 320))}] * 4, "aspect_ratio": "9:16", **PROMPT}
    (video,) = ended(kling, "multi-image2video", body)["task_result"]["videos"]
    film = look_at_film(fetch(video["url"]).content)
    assert film.width / film.height == pytest.approx(9 / 16, abs=0.03)


def test_lips_move_on_an_earlier_film_or_on_one_that_can_be_fetched(kling: httpx2.Client) -> None:
    (video,) = ended(kling, "text2video", PROMPT)["task_result"]["videos"]
    spoken = {"text": "hello", "voice_id": "genshin_vindi2", "voice_language": "en", "voice_speed": 1.0}
    told = {"input": {"mode": "text2video", "video_id": video["id"], **spoken}}
    (lips,) = ended(kling, "lip-sync", told)["task_result"]["videos"]
    assert look_at_film(fetch(lips["url"]).content).seconds == pytest.approx(5, abs=0.1)
    heard = {"mode": "audio2video", "audio_type": "file", "audio_file": text(mp3(2)), "video_url": video["url"]}
    refused = kling.post("/v1/videos/lip-sync", json={"input": heard})
    assert "input.video_url" in refused.json()["message"], "the file that was handed out is smaller than 720p"


def test_a_speaker_is_taken_from_two_to_ten_seconds_at_720p(kling: httpx2.Client, fake: Fake) -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def serve(request: Request) -> Response:
        return Response(mp4(1280, 720, float(request.path_params["seconds"]), 1.0))

    with running(Starlette(routes=[Route("/{seconds}.mp4", serve)])) as films:
        for seconds, status in ((1, 400), (2, 200), (10, 200), (11, 400)):
            heard = {"audio_type": "file", "audio_file": text(mp3(2)), "video_url": f"{films}/{seconds}.mp4"}
            answer = kling.post("/v1/videos/lip-sync", json={"input": {"mode": "audio2video", **heard}})
            assert answer.status_code == status, answer.text


def test_a_task_is_found_by_the_callers_name_which_must_be_new(kling: httpx2.Client, fake: Fake) -> None:
    found = task(kling, "text2video", {**PROMPT, "external_task_id": "mine"})
    again = kling.post("/v1/videos/text2video", json={**PROMPT, "external_task_id": "mine"})
    assert (again.status_code, again.json()["code"]) == (400, 1201)
    assert len(fake.tasks) == 1
    assert kling.get("/v1/videos/text2video/mine").json()["data"]["task_id"] == found["task_id"]
    task(kling, "text2video", PROMPT)
    listed = kling.get("/v1/videos/text2video", params={"pageNum": 1, "pageSize": 30}).json()["data"]
    assert [one["task_info"].get("external_task_id") for one in listed] == [None, "mine"]
    assert [one["task_info"] for one in kling.get("/v1/videos/text2video?pageNum=2&pageSize=1").json()["data"]] == [
        {"external_task_id": "mine"}
    ]
    assert fake.tasks[found["task_id"]].looks == 1, "a list is no look"


def test_what_does_not_exist_is_not_found(kling: httpx2.Client) -> None:
    assert kling.get("/v1/videos/text2video/0").json()["code"] == 1203
    assert kling.post("/v1/videos/poem", json={}).json()["code"] == 1202
    assert kling.post("/v1/poems", json={}).json()["code"] == 1202
    assert kling.delete("/v1/videos/text2video").json()["code"] == 1202


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_code_at_submit_and_at_a_look(kling: httpx2.Client, fake: Fake, fault: Any) -> None:
    fake.plan.retry_after_s = 3
    refused = kling.post("/v1/videos/text2video", json={"prompt": f"a boat fake:{fault}"})
    status, code, _ = FAULTS[fault]
    assert (refused.status_code, refused.json()["code"], len(fake.tasks)) == (status, code, 0)
    assert refused.headers.get("retry-after") == ("3" if status == 429 else None)
    found = task(kling, "text2video", {"prompt": f"a boat fake:poll_{fault}"})
    assert kling.get(f"/v1/videos/text2video/{found['task_id']}").json()["code"] == code


def test_a_connection_may_end_before_or_after_the_task_was_taken(kling: httpx2.Client, fake: Fake) -> None:
    for kept, tasks in ((False, 0), (True, 1)):
        fake.plan.keeps_lost = kept
        with pytest.raises(httpx2.TransportError):
            kling.post("/v1/videos/text2video", json={"prompt": "fake:hang_up", "external_task_id": "mine"})
        assert len(fake.tasks) == tasks


@pytest.mark.parametrize(("end", "word"), [("failed", "failed"), ("moderated", "failed"), ("unknown", "paused")])
def test_a_task_may_end_badly_in_klings_words(kling: httpx2.Client, end: str, word: str) -> None:
    state = ended(kling, "text2video", {"prompt": f"fake:end_{end}"})
    assert state["task_status"] == word
    assert ("risk control" in state.get("task_status_msg", "")) == (end == "moderated")


def test_a_task_may_be_forgotten_and_its_link_expire_or_break(kling: httpx2.Client) -> None:
    found = task(kling, "text2video", {"prompt": "fake:end_lost fake:looks=0"})
    assert kling.get(f"/v1/videos/text2video/{found['task_id']}").status_code == 404
    (late,) = ended(kling, "text2video", {"prompt": "fake:end_link_expired"})["task_result"]["videos"]
    assert fetch(late["url"]).status_code == 403
    (broken,) = ended(kling, "text2video", {"prompt": "fake:end_link_broken"})["task_result"]["videos"]
    with pytest.raises(httpx2.TransportError):
        fetch(broken["url"])
