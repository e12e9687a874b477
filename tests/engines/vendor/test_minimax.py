"""MiniMax as a vendor: each endpoint's exact body, the words of its tasks, its codes, limits, voices and keys."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from rushes.calls import VendorCall
from rushes.endpoint import Media
from rushes.engines.engine import Cancelled, FinishedFiles, Receipt, Unable, Value
from rushes.errors import ModelError
from rushes.fakes.content import mp3
from rushes.families.minimax_speech import VOICE_KEY
from tests.engines.vendor.rehearsal import Rehearsal, Trip, call_for, picture, rehearsing, run

ROOT = "fal-ai/minimax"
HAILUO = f"{ROOT}/hailuo-02/pro/image-to-video"
SPEECH, CLONE, DELETE = f"{ROOT}/speech-02-hd", f"{ROOT}/voice-clone", f"{ROOT}/voice-delete"
IMAGE = "https://example.com/a.png"
OURS = "voice-0123456789ab"


@pytest.fixture(scope="module")
def shared() -> Iterator[Rehearsal]:
    with rehearsing("minimax") as rehearsal:
        yield rehearsal


@pytest.fixture
def minimax(shared: Rehearsal) -> Rehearsal:
    shared.fake.seen.clear()
    shared.fake.tasks.clear()
    shared.fake.plan = type(shared.fake.plan)()
    return shared


def ask(endpoint_id: str, body: dict[str, Any], media: dict[str, Media] | None = None) -> VendorCall:
    return call_for(endpoint_id, "minimax", body, media or {})


def bodies(minimax: Rehearsal, path: str) -> list[Any]:
    return [seen.body for seen in minimax.fake.seen if seen.path.partition("?")[0] == f"/v1/{path}"]


def body(minimax: Rehearsal, path: str) -> Any:
    found = bodies(minimax, path)
    assert len(found) == 1, "asked once"
    return found[0]


def taken_out(where: Any, member: str | int) -> Image.Image:
    """Take a picture out of a body and return it; the rest can be compared whole."""
    head, _, text = where[member].partition(",")
    where[member] = head
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))


def files(receipt: Receipt) -> list[bytes]:
    assert isinstance(receipt.output, FinishedFiles)
    return [Path(one.path).read_bytes() for one in receipt.output.files]


def sample(folder: Path, seconds: float = 12.0) -> Media:
    """A recording as `work.fetch` gives it."""
    folder.mkdir(exist_ok=True)
    source, decoded = folder / "sample.mp3", folder / "sample.npy"
    source.write_bytes(mp3(seconds))
    time = np.arange(round(seconds * 48_000)) / 48_000
    np.save(decoded, np.round(np.sin(2 * np.pi * 440 * time) * 9_000).astype(np.int16)[:, None])
    size = source.stat().st_size
    return Media("audio", str(decoded), "audio/mpeg", size, duration_s=seconds, source=str(source))


def profile(folder: Path, text: str) -> Media:
    folder.mkdir(exist_ok=True)
    path = folder / "profile.json"
    path.write_text(text)
    return Media("voice", str(path), "application/json", len(text), source=str(path))


def cloned(minimax: Rehearsal, folder: Path, voice: str = OURS) -> Receipt:
    call = ask(CLONE, {"audio_url": "https://example.com/a.mp3"}, {"audio_url": sample(folder)})
    return run(minimax, replace(call, voice=voice), Trip(folder))


# Films


def test_hailuo_asks_for_six_seconds_at_1080p_from_the_picture(minimax: Rehearsal, tmp_path: Path) -> None:
    call = ask(HAILUO, {"prompt": "Waves", "image_url": IMAGE}, {"image_url": picture(tmp_path)})
    receipt = run(minimax, call, Trip(tmp_path))
    sent = body(minimax, "video_generation")
    assert taken_out(sent, "first_frame_image").size == (640, 480)
    assert sent == {
        "model": "MiniMax-Hailuo-02",
        "prompt": "Waves",
        "prompt_optimizer": True,
        "duration": 6,
        "resolution": "1080P",
        "first_frame_image": "data:image/jpeg;base64",
    }
    asked = [(seen.method, seen.path) for seen in minimax.fake.seen if seen.path.startswith("/v1/")]
    task = next(iter(minimax.fake.tasks))
    look = ("GET", f"/v1/query/video_generation?task_id={task}")
    assert asked == [("POST", "/v1/video_generation"), *[look] * 3, ("GET", f"/v1/files/retrieve?file_id=3{task}")]
    assert {seen.headers["authorization"] for seen in minimax.fake.seen[:3]} == {"Bearer rehearsal-key"}
    with av.open(io.BytesIO(files(receipt)[0]), "r") as film:
        rate = float(film.streams.video[0].average_rate or 1)
        assert len(list(film.decode(video=0))) / rate == pytest.approx(6)
    assert (receipt.maker.model, receipt.maker.stand_in) == ("MiniMax-Hailuo-02", False)
    assert receipt.usage == {"videos": 1.0}


@pytest.mark.parametrize(
    ("path", "model", "has_picture"),
    [
        ("video-01", "T2V-01", False),
        ("video-01/image-to-video", "I2V-01", True),
        ("video-01-live/image-to-video", "I2V-01-live", True),
        ("video-01-director", "T2V-01-Director", False),
        ("video-01-director/image-to-video", "I2V-01-Director", True),
    ],
)
def test_each_of_the_older_models_is_asked_by_its_name(
    minimax: Rehearsal, tmp_path: Path, path: str, model: str, has_picture: bool
) -> None:
    media = {"image_url": picture(tmp_path)} if has_picture else {}
    given = {"prompt": "[Push in] Waves", "prompt_optimizer": False, **({"image_url": IMAGE} if has_picture else {})}
    run(minimax, ask(f"{ROOT}/{path}", given, media), Trip(tmp_path))
    sent = body(minimax, "video_generation")
    if has_picture:
        assert taken_out(sent, "first_frame_image").format == "JPEG"
    wanted = {"model": model, "prompt": "[Push in] Waves", "prompt_optimizer": False}
    assert sent == {**wanted, **({"first_frame_image": "data:image/jpeg;base64"} if has_picture else {})}


def test_a_subject_is_a_character_and_no_first_frame(minimax: Rehearsal, tmp_path: Path) -> None:
    given = {"prompt": "She walks", "subject_reference_image_url": IMAGE}
    media = {"subject_reference_image_url": picture(tmp_path, 400, 500)}
    run(minimax, ask(f"{ROOT}/video-01-subject-reference", given, media), Trip(tmp_path))
    sent = body(minimax, "video_generation")
    assert taken_out(sent["subject_reference"][0]["image"], 0).size == (400, 500)
    assert sent == {
        "model": "S2V-01",
        "prompt": "She walks",
        "prompt_optimizer": True,
        "subject_reference": [{"type": "character", "image": ["data:image/jpeg;base64"]}],
    }


def test_live_from_a_text_is_made_only_by_a_model_that_the_operator_names(tmp_path: Path) -> None:
    call = ask(f"{ROOT}/video-01-live", {"prompt": "A drawn fox"})
    with rehearsing("minimax") as refusing:
        with pytest.raises(Unable, match="T2V-01 could stand in") as caught:
            run(refusing, call, Trip(tmp_path))
        assert caught.value.blame == "retired"
        assert not refusing.fake.seen
    with rehearsing("minimax", models={"T2V-01-live": "T2V-01"}) as able:
        receipt = run(able, call, Trip(tmp_path))
        assert body(able, "video_generation") == {"model": "T2V-01", "prompt": "A drawn fox", "prompt_optimizer": True}
        assert (receipt.maker.model, receipt.maker.stand_in) == ("T2V-01", True)


# Pictures


def test_pictures_are_asked_for_by_number_and_shape(minimax: Rehearsal, tmp_path: Path) -> None:
    given = {"prompt": "A tower", "num_images": 3, "aspect_ratio": "21:9", "prompt_optimizer": True}
    receipt = run(minimax, ask(f"{ROOT}/image-01", given), Trip(tmp_path))
    assert body(minimax, "image_generation") == {
        "model": "image-01",
        "prompt": "A tower",
        "aspect_ratio": "21:9",
        "n": 3,
        "response_format": "url",
        "prompt_optimizer": True,
    }
    found = [Image.open(io.BytesIO(content)) for content in files(receipt)]
    assert len(found) == 3
    assert all(one.width / one.height == pytest.approx(21 / 9, abs=0.1) for one in found)
    assert receipt.usage == {"pictures": 3.0}


def test_pictures_of_somebody_have_a_character(minimax: Rehearsal, tmp_path: Path) -> None:
    given = {"prompt": "She reads", "image_url": IMAGE}
    media = {"image_url": picture(tmp_path, 400, 400)}
    run(minimax, ask(f"{ROOT}/image-01/subject-reference", given, media), Trip(tmp_path))
    sent = body(minimax, "image_generation")
    assert taken_out(sent["subject_reference"][0], "image_file").size == (400, 400)
    assert sent == {
        "model": "image-01",
        "prompt": "She reads",
        "aspect_ratio": "1:1",
        "n": 1,
        "response_format": "url",
        "subject_reference": [{"type": "character", "image_file": "data:image/jpeg;base64"}],
    }


# Speech


def test_speech_goes_with_whole_numbers_and_its_words_as_tones(minimax: Rehearsal, tmp_path: Path) -> None:
    given = {
        "text": "omg, the tide",
        "voice_setting": {
            "voice_id": "Abbess",
            "speed": 1.5,
            "vol": 2,
            "pitch": -3,
            "emotion": "sad",
            "english_normalization": True,
        },
        "audio_setting": {"sample_rate": "44100", "bitrate": "256000", "format": "flac", "channel": "2"},
        "language_boost": "Chinese,Yue",
        "pronunciation_dict": {"tone_list": ["omg/(oh my god)"]},
    }
    receipt = run(minimax, ask(f"{ROOT}/speech-02-turbo", given), Trip(tmp_path))
    assert body(minimax, "t2a_v2") == {
        "model": "speech-02-turbo",
        "text": "omg, the tide",
        "stream": False,
        "voice_setting": {
            "voice_id": "Abbess",
            "speed": 1.5,
            "vol": 2.0,
            "pitch": -3,
            "emotion": "sad",
            "english_normalization": True,
        },
        "audio_setting": {"sample_rate": 44100, "bitrate": 256000, "format": "flac", "channel": 2},
        "output_format": "hex",
        "language_boost": "Chinese,Yue",
        "pronunciation_dict": {"tone": ["omg/(oh my god)"]},
    }
    assert files(receipt)[0].startswith(b"fLaC")
    assert receipt.usage == {"characters": 13.0}


def test_what_was_left_out_is_left_to_the_vendor(minimax: Rehearsal, tmp_path: Path) -> None:
    run(minimax, ask(SPEECH, {"text": "Hello", "output_format": "url"}), Trip(tmp_path))
    assert body(minimax, "t2a_v2") == {
        "model": "speech-02-hd",
        "text": "Hello",
        "stream": False,
        "voice_setting": {"voice_id": "Wise_Woman", "speed": 1.0, "vol": 1.0},
        "audio_setting": {"sample_rate": 32000, "bitrate": 128000, "format": "mp3", "channel": 1},
        "output_format": "hex",
    }


@pytest.mark.parametrize(("form", "kind"), [("mp3", "audio/mpeg"), ("pcm", "audio/pcm"), ("flac", "audio/flac")])
def test_the_sound_is_known_by_the_format_that_was_asked_for(
    minimax: Rehearsal, tmp_path: Path, form: str, kind: str
) -> None:
    receipt = run(minimax, ask(SPEECH, {"text": "Hello", "audio_setting": {"format": form}}), Trip(tmp_path))
    assert isinstance(receipt.output, FinishedFiles)
    assert [one.content_type for one in receipt.output.files] == [kind]


# Voices


def test_a_voice_is_cloned_from_an_upload_under_our_id(minimax: Rehearsal, tmp_path: Path) -> None:
    given = {
        "audio_url": "https://example.com/a.mp3",
        "noise_reduction": True,
        "need_volume_normalization": False,
        "accuracy": 0.4,
        "text": "Good evening",
        "model": "speech-02-turbo",
    }
    media = sample(tmp_path)
    call = replace(ask(CLONE, given, {"audio_url": media}), voice=OURS)
    receipt = run(minimax, call, Trip(tmp_path))
    assert body(minimax, "files/upload") == {"purpose": "voice_clone", "file": Path(str(media.source)).read_bytes()}
    assert body(minimax, "voice_clone") == {
        "model": "speech-02-turbo",
        "file_id": 200_000_000_000_000,
        "voice_id": OURS,
        "text": "Good evening",
        "need_noise_reduction": True,
        "need_volume_normalization": False,
        "accuracy": 0.4,
    }
    assert isinstance(receipt.output, FinishedFiles)
    assert json.loads(receipt.output.profile or "") == {"vendor": "minimax", "voice_id": OURS}
    assert [one.content_type for one in receipt.output.files] == ["audio/mpeg"]
    assert receipt.usage == {"voices": 1.0, "characters": 12.0}


def test_a_cloned_voice_speaks_and_is_deleted_by_the_vendors_id_of_it(tmp_path: Path) -> None:
    with rehearsing("minimax") as minimax:
        made = cloned(minimax, tmp_path / "clone")
        assert isinstance(made.output, FinishedFiles)
        known = profile(tmp_path, made.output.profile or "")
        said = {"text": "Hello", "voice_setting": {"voice_id": "voice-by-another-name"}}
        run(minimax, ask(SPEECH, said, {VOICE_KEY: known}), Trip(tmp_path))
        assert body(minimax, "t2a_v2")["voice_setting"]["voice_id"] == OURS
        gone = ask(DELETE, {"voice_id": "voice-by-another-name"}, {"voice_id": known})
        assert run(minimax, gone, Trip(tmp_path)).output == Value(None)
        assert body(minimax, "delete_voice") == {"voice_type": "voice_cloning", "voice_id": OURS}
        run(minimax, gone, Trip(tmp_path))  # it expires by itself too, and then it is gone all the same
        with pytest.raises(ModelError, match="does not exist") as caught:
            run(minimax, ask(SPEECH, said, {VOICE_KEY: known}), Trip(tmp_path))
        assert caught.value.problems[0].loc == ("body", "voice_setting", "voice_id")


@pytest.mark.parametrize("text", ['{"pitch_hz": 118.0}', '{"vendor": "fal", "voice_id": "v"}', "[]"])
def test_a_voice_that_another_engine_cloned_is_refused_at_its_field(
    minimax: Rehearsal, tmp_path: Path, text: str
) -> None:
    call = ask(SPEECH, {"text": "Hi", "voice_setting": {"voice_id": "mine"}}, {VOICE_KEY: profile(tmp_path, text)})
    with pytest.raises(Unable) as caught:  # the engine that cloned it may come next in the route
        run(minimax, call, Trip(tmp_path))
    assert isinstance(caught.value.error, ModelError)
    problem = caught.value.error.problems[0]
    assert (problem.type, problem.loc) == ("feature_not_supported", ("body", "voice_setting", "voice_id"))
    assert "was cloned by" in problem.msg
    assert not minimax.fake.seen


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "blame", "word"),
    [
        ("key", "key", "2049"),
        ("balance", "balance", "1008"),
        ("server_error", "server", "1000"),
        ("unknown", "unknown", "7777"),
        ("hang_up", "lost", ""),
    ],
)
def test_what_is_no_fault_of_the_request_is_the_operators_to_know(
    tmp_path: Path, fault: Any, blame: str, word: str
) -> None:
    for endpoint_id, given in ((f"{ROOT}/video-01", {"prompt": "Waves"}), (SPEECH, {"text": "Waves"})):
        with rehearsing("minimax") as minimax:
            minimax.fake.plan.submits.extend([fault] * 4)
            with pytest.raises(Unable) as caught:
                run(minimax, ask(endpoint_id, given), Trip(tmp_path))
        assert caught.value.blame == blame
        assert word in caught.value.remedy
        told = caught.value.error.failure()
        assert told.status == 500
        assert "rehearsal-key" not in f"{caught.value.remedy}{told.body!r}"
        assert (b"7777" in told.body) == (fault == "unknown")


@pytest.mark.parametrize("fault", ["rate", "concurrency"])
def test_too_many_requests_wait_and_go_on(minimax: Rehearsal, tmp_path: Path, fault: Any) -> None:
    minimax.fake.plan.submits.append(fault)
    minimax.fake.plan.retry_after_s = 7.0
    before = minimax.clock.at
    run(minimax, ask(SPEECH, {"text": "Waves"}), Trip(tmp_path))
    assert minimax.clock.at - before >= 7.0
    assert len(bodies(minimax, "t2a_v2")) == 2


def test_a_refused_parameter_names_our_field(minimax: Rehearsal, tmp_path: Path) -> None:
    minimax.fake.plan.submits.append("invalid")
    with pytest.raises(ModelError, match="2013") as caught:
        run(minimax, ask(f"{ROOT}/video-01", {"prompt": "Waves"}), Trip(tmp_path))
    assert (caught.value.problems[0].type, caught.value.problems[0].loc) == ("value_error", ("body", "prompt"))


def test_moderation_of_words_is_told_at_them_and_with_a_picture_of_the_whole(
    minimax: Rehearsal, tmp_path: Path
) -> None:
    media = {"image_url": picture(tmp_path)}
    for call, loc in (
        (ask(f"{ROOT}/video-01", {"prompt": "Waves"}), ("body", "prompt")),
        (ask(SPEECH, {"text": "Waves"}), ("body", "text")),
        (ask(HAILUO, {"prompt": "Waves", "image_url": IMAGE}, media), ("body",)),
    ):
        minimax.fake.plan.submits.append("moderated")
        with pytest.raises(ModelError, match="1026") as caught:
            run(minimax, call, Trip(tmp_path))
        assert (caught.value.problems[0].type, caught.value.problems[0].loc) == ("content_policy_violation", loc)


@pytest.mark.parametrize(
    ("end", "blame", "word"),
    [("failed", "server", "video generation failed"), ("unknown", "unknown", "Pondering"), ("lost", "gone", "2013")],
)
def test_a_film_that_comes_to_nothing_is_looked_at_no_more(
    minimax: Rehearsal, tmp_path: Path, end: Any, blame: str, word: str
) -> None:
    minimax.fake.plan.end = end
    with pytest.raises(Unable, match=word) as caught:
        run(minimax, ask(f"{ROOT}/video-01", {"prompt": "Waves"}), Trip(tmp_path))
    assert caught.value.blame == blame
    assert len(minimax.fake.seen) == 4, "asked for, and looked at three times"


def test_a_film_held_back_by_moderation_is_the_callers_to_know(minimax: Rehearsal, tmp_path: Path) -> None:
    minimax.fake.plan.end = "moderated"
    with pytest.raises(ModelError, match="1027") as caught:
        run(minimax, ask(f"{ROOT}/video-01", {"prompt": "Waves"}), Trip(tmp_path))
    assert caught.value.problems[0].type == "content_policy_violation"


def test_looks_that_go_wrong_are_repeated(minimax: Rehearsal, tmp_path: Path) -> None:
    minimax.fake.plan.polls.extend(["rate", "server_error", "hang_up"])
    receipt = run(minimax, ask(f"{ROOT}/video-01", {"prompt": "Waves"}), Trip(tmp_path))
    assert len(files(receipt)) == 1
    assert len(bodies(minimax, "video_generation")) == 1


def test_an_expired_address_is_asked_for_again_then_given_up(minimax: Rehearsal, tmp_path: Path) -> None:
    minimax.fake.plan.end = "link_expired"
    with pytest.raises(Unable) as caught:
        run(minimax, ask(f"{ROOT}/video-01", {"prompt": "Waves"}), Trip(tmp_path))
    assert caught.value.blame == "gone"
    assert len(bodies(minimax, "files/retrieve")) == 3
    assert len(minimax.fake.tasks) == 1


def test_a_cancelled_film_is_waited_for_no_more(minimax: Rehearsal, tmp_path: Path) -> None:
    trip = Trip(tmp_path, cancel_when=lambda: bool(minimax.fake.tasks))
    with pytest.raises(Cancelled):
        run(minimax, ask(f"{ROOT}/video-01", {"prompt": "Waves"}), trip)
    assert len(bodies(minimax, "video_generation")) == 1


def test_a_later_try_goes_on_with_the_ticket_and_never_sends_what_has_none(minimax: Rehearsal, tmp_path: Path) -> None:
    call, first = ask(f"{ROOT}/video-01", {"prompt": "Waves"}), Trip(tmp_path)
    run(minimax, call, first)
    sent, noted = first.notes[0], first.notes[1]
    receipt = run(minimax, call, Trip(tmp_path, saved=noted))
    assert len(files(receipt)) == 1
    with pytest.raises(Unable) as caught:
        run(minimax, call, Trip(tmp_path, saved=sent))
    assert caught.value.blame == "lost"
    assert len(minimax.fake.tasks) == 1


def test_a_dead_key_makes_way_for_the_next(tmp_path: Path) -> None:
    with rehearsing("minimax", key=None, keys=("dead-key-0001", "rehearsal-key")) as minimax:
        ends = [_tried(minimax, Trip(tmp_path)) for _ in range(4)]
        sent = [seen.headers["authorization"] for seen in minimax.fake.seen]
    assert sent.count("Bearer dead-key-0001") <= 1
    assert ends.count("made") >= 3


def _tried(minimax: Rehearsal, trip: Trip) -> str:
    try:
        run(minimax, ask(SPEECH, {"text": "Hi"}), trip)
    except Unable as unable:
        return unable.blame
    return "made"


def test_an_account_with_a_group_is_asked_with_it(tmp_path: Path) -> None:
    with rehearsing("minimax", options={"group_id": "1 7"}) as minimax:
        run(minimax, ask(f"{ROOT}/video-01", {"prompt": "Waves"}), Trip(tmp_path))
        paths = [seen.path for seen in minimax.fake.seen if seen.path.startswith("/v1/")]
        assert all("GroupId=1+7" in path for path in paths)


# Limits, before anything is sent


@pytest.mark.parametrize(
    ("size", "sent"),
    [((2400, 400), (1000, 400)), ((301, 2000), (301, 752)), ((900, 303), (757, 303)), ((9001, 3600), (8190, 3276))],
)
def test_a_picture_is_cropped_to_the_shapes_that_are_taken(
    minimax: Rehearsal, tmp_path: Path, size: tuple[int, int], sent: tuple[int, int]
) -> None:
    call = ask(HAILUO, {"prompt": "", "image_url": IMAGE}, {"image_url": picture(tmp_path, *size)})
    run(minimax, call, Trip(tmp_path))
    found = taken_out(body(minimax, "video_generation"), "first_frame_image").size
    assert found == sent


def test_small_pictures_long_prompts_and_blank_ones_are_refused_unsent(minimax: Rehearsal, tmp_path: Path) -> None:
    small = {"image_url": picture(tmp_path, 64, 1280)}
    with pytest.raises(ModelError) as caught:
        run(minimax, ask(HAILUO, {"prompt": "x", "image_url": IMAGE}, small), Trip(tmp_path))
    assert (caught.value.problems[0].type, caught.value.problems[0].loc) == ("image_too_small", ("body", "image_url"))
    for endpoint_id, given, kind, loc in (
        (f"{ROOT}/video-01", {"prompt": "x" * 2001}, "string_too_long", "prompt"),
        (f"{ROOT}/video-01", {"prompt": " "}, "string_too_short", "prompt"),
        (f"{ROOT}/image-01", {"prompt": ""}, "string_too_short", "prompt"),
    ):
        with pytest.raises(ModelError) as caught:
            ask(endpoint_id, given)
        assert (caught.value.problems[0].type, caught.value.problems[0].loc) == (kind, ("body", loc))
    with pytest.raises(ModelError) as caught:
        ask(CLONE, {"audio_url": IMAGE, "text": "x" * 2001}, {"audio_url": sample(tmp_path)})
    assert (caught.value.problems[0].type, caught.value.problems[0].loc) == ("string_too_long", ("body", "text"))
    assert not minimax.fake.seen


def test_a_recording_that_is_not_taken_as_it_is_goes_as_wav(minimax: Rehearsal, tmp_path: Path) -> None:
    for number, content_type in enumerate(("audio/ogg", "video/mp4")):
        minimax.fake.seen.clear()
        media = replace(sample(tmp_path), content_type=content_type)
        call = replace(ask(CLONE, {"audio_url": IMAGE}, {"audio_url": media}), voice=f"{OURS}-of-a-file-{number}")
        run(minimax, call, Trip(tmp_path))
        with wave.open(io.BytesIO(body(minimax, "files/upload")["file"])) as heard:
            assert (heard.getnchannels(), heard.getframerate()) == (1, 24_000)
            assert heard.getnframes() / heard.getframerate() == pytest.approx(12.0)
            samples = np.frombuffer(heard.readframes(24_000), "<i2").astype(float)
        loudest = int(np.abs(np.fft.rfft(samples)).argmax())
        assert loudest == 440, "one second of it: hertz"
        assert samples.std() == pytest.approx(9_000 / 2**0.5, rel=0.02)


@pytest.mark.parametrize(("seconds", "kind"), [(9.5, "audio_duration_too_short"), (300.5, "audio_duration_too_long")])
def test_a_recording_too_short_or_too_long_is_refused_unsent(
    minimax: Rehearsal, tmp_path: Path, seconds: float, kind: str
) -> None:
    media = replace(sample(tmp_path), duration_s=seconds)
    with pytest.raises(ModelError) as caught:
        run(minimax, ask(CLONE, {"audio_url": IMAGE}, {"audio_url": media}), Trip(tmp_path))
    assert (caught.value.problems[0].type, caught.value.problems[0].loc) == (kind, ("body", "audio_url"))
    assert not minimax.fake.seen
