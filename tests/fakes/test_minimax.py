"""MiniMax, pretended: films in three steps, real sound as asked, voices that come and go, pictures, and its codes."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import av
import httpx2
import pytest

from rushes.fakes.content import mp3, picture, png
from rushes.fakes.fake import Fake
from rushes.fakes.inputs import look_at_film, look_at_still
from rushes.fakes.minimax import FAULTS, app
from rushes.fakes.serving import running
from tests.fakes.fetch import fetch, plain_client

TEXT = {"model": "T2V-01", "prompt": "a boat"}
SPEECH = {"model": "speech-02-hd", "text": "hello there", "voice_setting": {"voice_id": "Wise_Woman"}}


def uri(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def minimax(fake: Fake) -> Iterator[httpx2.Client]:
    with (
        running(app(fake)) as url,
        plain_client(base_url=url, headers={"authorization": f"Bearer {fake.key}"}) as one,
    ):
        yield one


def said(answer: httpx2.Response, code: int = 0) -> Any:
    assert answer.status_code == 200, "errors too"
    body = answer.json()
    assert body["base_resp"]["status_code"] == code, body
    return body


def ended(minimax: httpx2.Client, body: dict[str, Any], code: int = 0) -> Any:
    query = {"task_id": said(minimax.post("/v1/video_generation", json=body))["task_id"]}
    words = [said(minimax.get("/v1/query/video_generation", params=query))["status"] for _ in range(2)]
    assert words == ["Queueing", "Processing"]
    return said(minimax.get("/v1/query/video_generation", params=query), code)


def link(minimax: httpx2.Client, body: dict[str, Any]) -> str:
    found = said(minimax.get("/v1/files/retrieve", params={"file_id": ended(minimax, body)["file_id"]}))
    url: str = found["file"]["download_url"]
    return url


def test_a_film_is_a_task_then_a_file_then_a_link(minimax: httpx2.Client) -> None:
    body = {"model": "MiniMax-Hailuo-02", "prompt": "", "duration": 6, "resolution": "1080P"}
    state = ended(minimax, body | {"first_frame_image": uri(png(400, 600))})
    assert (state["video_width"], state["video_height"]) == (1080, 1620)
    file = said(minimax.get("/v1/files/retrieve", params={"file_id": state["file_id"]}))["file"]
    film = look_at_film(fetch(file["download_url"]).content)
    assert film.seconds == pytest.approx(6, abs=0.1)
    assert film.width / film.height == pytest.approx(2 / 3, abs=0.03)
    said(minimax.get("/v1/files/retrieve", params={"file_id": "1"}), 2013)
    said(minimax.get("/v1/query/video_generation", params={"task_id": "1"}), 2013)


@pytest.mark.parametrize(("header", "code"), [({}, 1004), ({"authorization": "Bearer no"}, 2049)])
def test_no_key_and_a_wrong_one_are_told_apart(minimax: httpx2.Client, header: dict[str, str], code: int) -> None:
    minimax.headers.pop("authorization")
    said(minimax.post("/v1/video_generation", json=TEXT, headers=header), code)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("video_generation", {"model": "T2V-01"}, "prompt"),
        ("video_generation", {**TEXT, "prompt": "x" * 2001}, "prompt"),
        ("video_generation", {**TEXT, "aspect_ratio": "16:9"}, "aspect_ratio: unknown parameter"),
        ("video_generation", {**TEXT, "duration": "6"}, "duration"),
        ("video_generation", {**TEXT, "model": "MiniMax-Hailuo-02", "duration": 10, "resolution": "1080P"}, "1080P"),
        ("video_generation", {"model": "I2V-01", "prompt": "x"}, "first_frame_image"),
        ("video_generation", {"model": "S2V-01", "prompt": "x"}, "subject_reference"),
        ("video_generation", {"model": "I2V-01", "first_frame_image": uri(png(300, 400))}, "301"),
        ("video_generation", {"model": "I2V-01", "first_frame_image": uri(png(800, 310))}, "2.5"),
        ("video_generation", {"model": "I2V-01", "first_frame_image": uri(picture(400, 400, "BMP"))}, "BMP"),
        ("video_generation", {"model": "I2V-01", "first_frame_image": "aGVsbG8="}, "first_frame_image"),
        ("t2a_v2", {**SPEECH, "audio_setting": {"sample_rate": "32000"}}, "audio_setting.sample_rate"),
        ("t2a_v2", {**SPEECH, "pronunciation_dict": {"tone_list": []}}, "tone_list"),
        ("t2a_v2", {**SPEECH, "voice_setting": {"voice_id": "Nobody"}}, "voice_id"),
        ("t2a_v2", {**SPEECH, "voice_setting": {"voice_id": "Abbess", "speed": 3}}, "speed"),
        ("t2a_v2", {**SPEECH, "text": ""}, "text"),
        ("image_generation", {"model": "image-01", "prompt": "x", "n": 10}, "n"),
        ("image_generation", {"model": "image-01", "prompt": "x", "aspect_ratio": "5:4"}, "aspect_ratio"),
        ("voice_clone", {"file_id": 1, "voice_id": "narrator1"}, "file_id"),
        ("voice_clone", {"file_id": 1, "voice_id": "short"}, "voice_id"),
        ("delete_voice", {"voice_type": "voice_cloning", "voice_id": "narrator1"}, "voice_id"),
    ],
)
def test_a_body_that_is_not_as_documented_is_refused(
    minimax: httpx2.Client, fake: Fake, path: str, body: dict[str, Any], words: str
) -> None:
    assert words in said(minimax.post(f"/v1/{path}", json=body), 2013)["base_resp"]["status_msg"]
    assert not fake.tasks


@pytest.mark.parametrize(
    ("form", "rate", "channels"), [("mp3", 44100, 2), ("wav", 16000, 1), ("flac", 24000, 2), ("pcm", 8000, 1)]
)
def test_speech_comes_in_hex_as_it_was_asked_for(minimax: httpx2.Client, form: str, rate: int, channels: int) -> None:
    setting = {"sample_rate": rate, "bitrate": 64000, "format": form, "channel": channels}
    body = said(minimax.post("/v1/t2a_v2", json={**SPEECH, "audio_setting": setting}))
    content, told = bytes.fromhex(body["data"]["audio"]), body["extra_info"]
    assert (told["audio_sample_rate"], told["audio_channel"], told["audio_size"]) == (rate, channels, len(content))
    seconds = told["audio_length"] / 1000
    if form == "pcm":
        assert len(content) == pytest.approx(seconds * rate * channels * 2, rel=0.01)
        return
    with av.open(io.BytesIO(content)) as file:
        stream = file.streams.audio[0]
        assert (stream.sample_rate, stream.channels, stream.codec.name[:3]) == (
            rate,
            channels,
            {"wav": "pcm"}.get(form, form)[:3],
        )
        assert sum(frame.samples for frame in file.decode(stream)) / rate == pytest.approx(seconds, abs=0.1)
    if form == "mp3":
        assert len(content) * 8 / seconds == pytest.approx(64000, rel=0.3)


def test_speech_comes_as_a_link_and_twice_as_fast(minimax: httpx2.Client) -> None:
    slow = said(minimax.post("/v1/t2a_v2", json={**SPEECH, "output_format": "url"}))
    fast = {**SPEECH, "voice_setting": {"voice_id": "Abbess", "speed": 2}}
    assert fetch(slow["data"]["audio"]).headers["content-type"] == "audio/mpeg"
    length = said(minimax.post("/v1/t2a_v2", json=fast))["extra_info"]["audio_length"]
    assert length == pytest.approx(slow["extra_info"]["audio_length"] / 2, abs=1)


def test_a_voice_is_cloned_spoken_with_told_and_deleted(minimax: httpx2.Client) -> None:
    sample = {"file": ("voice.mp3", mp3(10), "audio/mpeg")}
    file = said(minimax.post("/v1/files/upload", data={"purpose": "voice_clone"}, files=sample))["file"]
    asked = {"file_id": file["file_id"], "voice_id": "narrator1", "text": "hi", "model": "speech-02-hd"}
    demo = said(minimax.post("/v1/voice_clone", json=asked))["demo_audio"]
    assert fetch(demo).content
    said(minimax.post("/v1/voice_clone", json=asked), 2013)
    spoken = {**SPEECH, "voice_setting": {"voice_id": "narrator1"}}
    said(minimax.post("/v1/t2a_v2", json=spoken))
    voices = said(minimax.post("/v1/get_voice", json={"voice_type": "all"}))
    assert [one["voice_id"] for one in voices["voice_cloning"]] == ["narrator1"]
    assert "Wise_Woman" in [one["voice_id"] for one in voices["system_voice"]]
    said(minimax.post("/v1/delete_voice", json={"voice_type": "voice_cloning", "voice_id": "narrator1"}))
    said(minimax.post("/v1/t2a_v2", json=spoken), 2013)


@pytest.mark.parametrize("body", [{"purpose": []}, {"purpose": {}}, [], None])
def test_an_upload_that_is_no_form_is_refused(minimax: httpx2.Client, body: Any) -> None:
    answer = minimax.post("/v1/files/upload", json=body)
    assert answer.json()["base_resp"]["status_code"] == 2013


def test_a_sample_needs_ten_seconds_of_sound_and_a_purpose(minimax: httpx2.Client) -> None:
    for content, purpose, word in (
        (mp3(5), "voice_clone", "file"),
        (b"x", "voice_clone", "file"),
        (mp3(10), "?", "purpose"),
    ):
        answer = minimax.post("/v1/files/upload", data={"purpose": purpose}, files={"file": ("a.mp3", content)})
        assert f"{word}:" in said(answer, 2013)["base_resp"]["status_msg"]
    asked = {"file_id": 1, "voice_id": "narrator1", "text": "fake:unverified", "model": "speech-02-hd"}
    said(minimax.post("/v1/voice_clone", json=asked), 2038)


def test_pictures_come_as_links_or_in_base64_in_the_asked_shape(minimax: httpx2.Client) -> None:
    body = {"model": "image-01", "prompt": "a boat", "aspect_ratio": "21:9", "n": 3}
    urls = said(minimax.post("/v1/image_generation", json=body))["data"]["image_urls"]
    stills = [look_at_still(fetch(url).content) for url in urls]
    assert len(set(urls)) == len(stills) == 3
    assert stills[0].ratio == pytest.approx(21 / 9, abs=0.1)
    subject = [{"type": "character", "image_file": uri(png(400, 400))}]
    body |= {"response_format": "base64", "subject_reference": subject}
    texts = said(minimax.post("/v1/image_generation", json=body))["data"]["image_base64"]
    assert {look_at_still(base64.b64decode(text)).form for text in texts} == {"JPEG"}
    said(minimax.post("/v1/image_generation", json={**body, "prompt": "fake:end_moderated"}), 1027)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_code_in_a_200(minimax: httpx2.Client, fake: Fake, fault: Any) -> None:
    words = f"a boat fake:{fault}"
    for path, body in (
        ("video_generation", {**TEXT, "prompt": words}),
        ("t2a_v2", {**SPEECH, "text": words}),
        ("image_generation", {"model": "image-01", "prompt": words}),
    ):
        said(minimax.post(f"/v1/{path}", json=body), FAULTS[fault][0])
    assert not fake.tasks
    found = said(minimax.post("/v1/video_generation", json={**TEXT, "prompt": f"fake:poll_{fault}"}))
    said(minimax.get("/v1/query/video_generation", params={"task_id": found["task_id"]}), FAULTS[fault][0])


def test_a_connection_may_end_before_or_after_the_task_was_taken(minimax: httpx2.Client, fake: Fake) -> None:
    for kept, tasks in ((False, 0), (True, 1)):
        fake.plan.keeps_lost = kept
        with pytest.raises(httpx2.TransportError):
            minimax.post("/v1/video_generation", json={**TEXT, "prompt": "fake:hang_up"})
        assert len(fake.tasks) == tasks


@pytest.mark.parametrize(
    ("end", "word", "code"), [("failed", "Fail", 1000), ("moderated", "Fail", 1027), ("unknown", "Pondering", 0)]
)
def test_a_film_may_end_badly_in_the_vendors_words(minimax: httpx2.Client, end: str, word: str, code: int) -> None:
    assert ended(minimax, {**TEXT, "prompt": f"fake:end_{end}"}, code)["status"] == word


def test_a_link_may_expire_or_break(minimax: httpx2.Client) -> None:
    assert fetch(link(minimax, {**TEXT, "prompt": "fake:end_link_expired"})).status_code == 403
    broken = link(minimax, {**TEXT, "prompt": "fake:end_link_broken"})
    with pytest.raises(httpx2.TransportError):
        fetch(broken)
