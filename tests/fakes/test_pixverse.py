"""PixVerse, pretended: trace ids, uploads, seven ways to a film, what goes together, and errors in a 200."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from rushes.fakes.content import mp3, mp4, picture, png
from rushes.fakes.fake import Fake
from rushes.fakes.inputs import look_at_film
from rushes.fakes.pixverse import FAULTS, app
from rushes.fakes.serving import running
from tests.fakes.fetch import fetch

FILM = {"model": "v4.5", "duration": 5, "quality": "540p", "prompt": "a boat"}
TEXT = {**FILM, "aspect_ratio": "9:16"}


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def pixverse(fake: Fake) -> Iterator[httpx2.Client]:
    def trace(request: httpx2.Request) -> None:
        request.headers.setdefault("Ai-trace-id", str(uuid4()))

    hooks = {"request": [trace]}
    with (
        running(app(fake)) as url,
        httpx2.Client(
            verify=False, base_url=f"{url}/openapi/v2", headers={"API-KEY": fake.key}, event_hooks=hooks
        ) as client,
    ):
        yield client


def said(answer: httpx2.Response, code: int = 0) -> Any:
    body = answer.json()
    assert body["ErrCode"] == code, body
    return body["Resp"] if code == 0 else body["ErrMsg"]


def image(pixverse: httpx2.Client, content: bytes) -> int:
    number: int = said(pixverse.post("/image/upload", files={"image": ("a.png", content)}))["img_id"]
    return number


def media(pixverse: httpx2.Client, content: bytes) -> int:
    number: int = said(pixverse.post("/media/upload", files={"file": ("a.mp4", content)}))["media_id"]
    return number


def ended(pixverse: httpx2.Client, operation: str, body: dict[str, Any]) -> Any:
    number = said(pixverse.post(f"/video/{operation}/generate", json=body))["video_id"]
    states = [said(pixverse.get(f"/video/result/{number}")) for _ in range(3)]
    assert [state["status"] for state in states[:2]] == [5, 5]
    return states[2]


def film(state: Any) -> Any:
    assert state["status"] == 1
    return look_at_film(fetch(state["url"]).content)


def test_a_picture_is_uploaded_and_filmed_in_its_own_shape(pixverse: httpx2.Client) -> None:
    state = ended(pixverse, "img", {**FILM, "img_id": image(pixverse, png(300, 200)), "seed": 7, "style": "clay"})
    made = film(state)
    assert made.width / made.height == pytest.approx(1.5, abs=0.05)
    assert made.seconds == pytest.approx(5, abs=0.1)
    assert (state["seed"], state["outputHeight"], state["outputWidth"]) == (7, 540, 810)


def test_each_other_operation_makes_a_film(pixverse: httpx2.Client) -> None:
    first, last = image(pixverse, png(200, 200)), image(pixverse, png(200, 200, 1))
    clip, voice = media(pixverse, mp4(160, 90, 2)), media(pixverse, mp3(2))
    assert film(ended(pixverse, "text", TEXT)).width < film(ended(pixverse, "text", TEXT)).height
    film(ended(pixverse, "transition", {**FILM, "first_frame_img": first, "last_frame_img": last}))
    assert film(ended(pixverse, "extend", {**FILM, "video_media_id": clip})).seconds == pytest.approx(7, abs=0.2)
    assert film(ended(pixverse, "lip_sync", {"video_media_id": clip, "audio_media_id": voice})).seconds < 3
    film(ended(pixverse, "sound_effect", {"video_media_id": clip, "sound_effect_content": "waves"}))
    fused = {**TEXT, "prompt": "@dog runs", "image_references": [{"img_id": first, "ref_name": "dog"}]}
    film(ended(pixverse, "fusion", fused))


def test_an_earlier_film_can_be_spoken_over_with_a_voice_from_the_list(pixverse: httpx2.Client) -> None:
    page = said(pixverse.get("/video/lip_sync/tts_list", params={"page_num": 1, "page_size": 3}))
    emily = next(one["speaker_id"] for one in page["data"] if one["name"] == "Emily")
    spoken = {"lip_sync_tts_speaker_id": emily, "lip_sync_tts_content": "hello"}
    under_way = said(pixverse.post("/video/text/generate", json=TEXT))["video_id"]
    said(pixverse.post("/video/lip_sync/generate", json={"source_video_id": under_way, **spoken}), 400011)
    film(ended(pixverse, "lip_sync", {"source_video_id": ended(pixverse, "text", TEXT)["id"], **spoken}))


def test_a_trace_id_is_needed_and_a_repeated_one_brings_the_earlier_task(pixverse: httpx2.Client, fake: Fake) -> None:
    same = {"Ai-trace-id": str(uuid4())}
    first, second = (said(pixverse.post("/video/text/generate", json=TEXT, headers=same)) for _ in range(2))
    assert first == second
    assert len(fake.tasks) == 1
    for wrong in ("", "not a uuid"):
        said(pixverse.post("/video/text/generate", json=TEXT, headers={"Ai-trace-id": wrong}), 400011)
    said(pixverse.post("/video/text/generate", json=TEXT))
    assert len(fake.tasks) == 2


@pytest.mark.parametrize(("key", "code"), [("", 10001), ("no", 10005)])
def test_a_missing_key_and_a_wrong_one_are_told_apart(pixverse: httpx2.Client, key: str, code: int) -> None:
    answer = pixverse.post("/video/text/generate", json=TEXT, headers={"API-KEY": key})
    assert answer.status_code == 200
    said(answer, code)


@pytest.mark.parametrize(
    ("operation", "body", "words"),
    [
        ("text", FILM, "aspect_ratio"),
        ("text", {**TEXT, "resolution": "540p"}, "resolution: unknown parameter"),
        ("text", {**TEXT, "duration": "5"}, "duration"),
        ("text", {**TEXT, "duration": 8, "quality": "1080p"}, "1080p"),
        ("text", {**TEXT, "duration": 8, "motion_mode": "fast"}, "fast"),
        ("text", {**TEXT, "quality": "1080p", "motion_mode": "fast"}, "fast"),
        ("text", {**TEXT, "seed": 2**31}, "seed"),
        ("text", {**TEXT, "prompt": "x" * 2049}, "prompt"),
        ("img", {**FILM, "img_id": 1}, "img_id"),
        ("img", {**TEXT, "img_id": 1}, "aspect_ratio: unknown parameter"),
        ("extend", {**FILM, "video_media_id": 1}, "video_media_id"),
        ("extend", FILM, "source_video_id"),
        ("lip_sync", {"video_media_id": 1, "lip_sync_tts_content": "hi"}, "speaker"),
        ("lip_sync", {"video_media_id": 1, "lip_sync_tts_speaker_id": "1", "lip_sync_tts_content": "x" * 201}, "200"),
        ("fusion", {**TEXT, "image_references": [{"img_id": 1, "ref_name": "dog"}]}, "@dog"),
    ],
)
def test_a_body_that_is_not_as_documented_is_refused(
    pixverse: httpx2.Client, fake: Fake, operation: str, body: dict[str, Any], words: str
) -> None:
    answer = pixverse.post(f"/video/{operation}/generate", json=body)
    assert answer.status_code == 200
    assert words in said(answer, 400011)
    assert not fake.tasks


def test_uploads_are_opened_and_held_against_the_limits(pixverse: httpx2.Client) -> None:
    for content, words in ((b"no", "no picture"), (picture(50, 50, "BMP"), "BMP"), (png(4001, 10), "4000")):
        assert words in said(pixverse.post("/image/upload", files={"image": ("a.png", content)}), 400011)
    assert "no sound" in said(pixverse.post("/media/upload", files={"file": ("a.mp4", b"no")}), 400011)
    uploaded = said(pixverse.post("/image/upload", files={"image": ("a.png", png(20, 20))}))
    again = said(pixverse.post("/image/upload", files={"image_url": (None, uploaded["img_url"])}))
    assert again["img_id"] != uploaded["img_id"]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_code_in_the_envelope(pixverse: httpx2.Client, fake: Fake, fault: Any) -> None:
    fake.plan.retry_after_s = 2
    refused = pixverse.post("/video/text/generate", json={**TEXT, "prompt": f"fake:{fault}"})
    said(refused, FAULTS[fault][0])
    assert refused.status_code == (429 if fault == "rate" else 200)
    assert refused.headers.get("retry-after") == ("2" if fault in {"rate", "concurrency"} else None)
    found = said(pixverse.post("/video/text/generate", json={**TEXT, "prompt": f"fake:poll_{fault}"}))
    said(pixverse.get(f"/video/result/{found['video_id']}"), FAULTS[fault][0])


def test_a_lost_answer_is_found_again_by_its_trace_id(pixverse: httpx2.Client, fake: Fake) -> None:
    fake.plan.keeps_lost = True
    same, body = {"Ai-trace-id": str(uuid4())}, {**TEXT, "prompt": "fake:hang_up"}
    with pytest.raises(httpx2.TransportError):
        pixverse.post("/video/text/generate", json=body, headers=same)
    said(pixverse.post("/video/text/generate", json=body, headers=same))
    assert len(fake.tasks) == 1


@pytest.mark.parametrize(("end", "status"), [("failed", 8), ("moderated", 7), ("cancelled", 6), ("unknown", 99)])
def test_a_task_may_end_badly_by_its_number(pixverse: httpx2.Client, end: str, status: int) -> None:
    assert ended(pixverse, "text", {**TEXT, "prompt": f"fake:end_{end}"})["status"] == status


def test_a_task_may_be_forgotten_and_its_link_expire_or_break(pixverse: httpx2.Client) -> None:
    found = said(pixverse.post("/video/text/generate", json={**TEXT, "prompt": "fake:end_lost fake:looks=0"}))
    said(pixverse.get(f"/video/result/{found['video_id']}"), 400032)
    late = ended(pixverse, "text", {**TEXT, "prompt": "fake:end_link_expired"})
    assert fetch(late["url"]).status_code == 403
    broken = ended(pixverse, "text", {**TEXT, "prompt": "fake:end_link_broken"})
    with pytest.raises(httpx2.TransportError):
        fetch(broken["url"])


def test_after_a_reset_numbers_are_new_and_earlier_films_are_unknown(pixverse: httpx2.Client, fake: Fake) -> None:
    before = ended(pixverse, "text", TEXT)
    fake.tasks.clear()  # as a reset does
    said(pixverse.post("/video/extend/generate", json={**FILM, "source_video_id": before["id"]}), 400011)
    after = ended(pixverse, "text", TEXT)
    assert (after["id"], after["url"]) != (before["id"], before["url"])
    assert after["id"] != before["id"]
