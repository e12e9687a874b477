"""PixVerse as a vendor: the body of each operation, uploads, trace ids, voices by name, codes and statuses, limits."""

from __future__ import annotations

import io
import json
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rushes.calls import Named, VendorCall
from rushes.endpoint import Media
from rushes.engines.engine import FinishedFiles, Unable
from rushes.engines.vendor.contract import Account, Response, Trouble
from rushes.engines.vendor.vendors import pixverse
from rushes.errors import ModelError
from rushes.fakes.content import mp3
from rushes.fakes.fake import Seen
from rushes.fakes.pixverse import SPEAKERS
from tests.engines.vendor.rehearsal import Rehearsal, Trip, call_for, picture, rehearsing, run
from tests.engines.vendor.sharing import video

ROOT = "fal-ai/pixverse"
URLS = dict.fromkeys(
    ("image_url", "first_image_url", "last_image_url", "video_url", "audio_url"), "https://example.com/a"
)
FILM = {"prompt": "a boat", "resolution": "540p", "negative_prompt": "fog", "style": "comic", "seed": 7}
SENT = {"prompt": "a boat", "quality": "540p", "negative_prompt": "fog", "style": "comic", "seed": 7, "duration": 5}
FIRST = 500_000_000  # the number of the first upload at the pretended vendor


def sound(folder: Path, seconds: float = 2.0, content_type: str = "audio/mpeg") -> Media:
    folder.mkdir(exist_ok=True)
    path = folder / "sound.mp3"
    path.write_bytes(mp3(2))
    return Media(
        "audio", str(folder / "sound.npy"), content_type, path.stat().st_size, duration_s=seconds, source=str(path)
    )


def asked(folder: Path, path: str, names: tuple[str, ...] = (), **body: Any) -> VendorCall:
    """The call of an endpoint, with a file of its own for each named input."""
    media = {
        name: video(folder) if name == "video_url" else sound(folder) if name == "audio_url" else picture(folder)
        for name in names
    }
    return call_for(f"{ROOT}/{path}", "pixverse", {**{name: URLS[name] for name in names}, **body}, media)


def text_call(**more: Any) -> VendorCall:
    return asked(Path(), "v4.5/text-to-video", prompt="a boat", seed=7, **more)


def uploads(rehearsal: Rehearsal) -> list[Seen]:
    return [seen for seen in rehearsal.fake.seen if seen.path.endswith("/upload")]


def submits(rehearsal: Rehearsal) -> list[Seen]:
    return [seen for seen in rehearsal.fake.seen if seen.path.endswith("/generate")]


def submitted(rehearsal: Rehearsal) -> tuple[str, Any]:
    """Operation and body of the one submit."""
    (seen,) = submits(rehearsal)
    assert seen.headers["api-key"] == rehearsal.fake.key
    return seen.path.removeprefix("/openapi/v2/video/").removesuffix("/generate"), seen.body


def sides(upload: Seen) -> tuple[int, int]:
    return Image.open(io.BytesIO(upload.body["image"])).size


def fast(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "motion_mode": "fast"}


FILMS: list[tuple[str, tuple[str, ...], dict[str, Any], tuple[str, dict[str, Any]]]] = [
    ("v4.5/text-to-video", (), {**FILM, "duration": "8"},
     ("text", {"model": "v4.5", "aspect_ratio": "9:16", **SENT, "duration": 8})),
    ("v4.5/text-to-video/fast", (), FILM, ("text", fast({"model": "v4.5", "aspect_ratio": "9:16", **SENT}))),
    ("v4.5/image-to-video", ("image_url",), FILM, ("img", {"model": "v4.5", "img_id": FIRST, **SENT})),
    ("v4.5/image-to-video/fast", ("image_url",), FILM, ("img", fast({"model": "v4.5", "img_id": FIRST, **SENT}))),
    ("v4/image-to-video/fast", ("image_url",), FILM, ("img", fast({"model": "v4", "img_id": FIRST, **SENT}))),
    ("v4.5/transition", ("first_image_url", "last_image_url"), FILM,
     ("transition", {"model": "v4.5", "first_frame_img": FIRST, "last_frame_img": FIRST + 1, **SENT})),
]  # fmt: skip


@pytest.mark.parametrize(("path", "names", "body", "wanted"), FILMS, ids=[film[0] for film in FILMS])
def test_a_film_is_asked_for_as_the_reference_has_it(
    tmp_path: Path, path: str, names: tuple[str, ...], body: Any, wanted: Any
) -> None:
    with rehearsing("pixverse") as rehearsal:
        receipt = run(rehearsal, asked(tmp_path, path, names, aspect_ratio="9:16", **body), Trip(tmp_path / "out"))
        assert submitted(rehearsal) == wanted
        assert [sides(upload) for upload in uploads(rehearsal)] == [(270, 480)] * len(names)  # cropped
    seconds = float(wanted[1]["duration"])
    unit = "seconds_540p_fast" if "fast" in path else "seconds_540p"
    assert isinstance(receipt.output, FinishedFiles)
    assert (receipt.seed, receipt.maker.model) == (7, wanted[1]["model"])
    assert receipt.usage == {"videos": 1, "seconds": seconds, unit: seconds}


def test_what_nobody_asked_for_is_not_mentioned(tmp_path: Path) -> None:
    with rehearsing("pixverse") as rehearsal:
        run(rehearsal, asked(tmp_path, "v4.5/text-to-video", prompt="a boat"), Trip(tmp_path / "out"))
        assert submitted(rehearsal)[1] == {
            "model": "v4.5", "prompt": "a boat", "quality": "720p", "duration": 5, "aspect_ratio": "16:9",
        }  # fmt: skip


@pytest.mark.parametrize("style", ["day", "clay"])
@pytest.mark.parametrize("mode", ["", "/fast"])
def test_a_video_is_extended_by_the_version_asked_for(tmp_path: Path, style: str, mode: str) -> None:
    call = asked(tmp_path, f"extend{mode}", ("video_url",), **{**FILM, "style": style, "model": "v3.5"})
    wanted = {"model": "v3.5", "video_media_id": FIRST, **SENT, "style": "clay"}
    with rehearsing("pixverse") as rehearsal:
        run(rehearsal, call, Trip(tmp_path / "out"))
        assert submitted(rehearsal) == ("extend", fast(wanted) if mode else wanted)
        (upload,) = uploads(rehearsal)
    assert upload.path == "/openapi/v2/media/upload"
    assert upload.body["file"] == (tmp_path / "video.mp4").read_bytes()


@pytest.mark.parametrize(("given", "sent"), [({}, False), ({"original_sound_switch": True}, True)])
def test_sounds_are_made_for_a_video(tmp_path: Path, given: Any, sent: bool) -> None:
    with rehearsing("pixverse") as rehearsal:
        call = asked(tmp_path, "sound-effects", ("video_url",), prompt="gulls", **given)
        receipt = run(rehearsal, call, Trip(tmp_path / "out"))
        assert submitted(rehearsal) == (
            "sound_effect",
            {"video_media_id": FIRST, "sound_effect_content": "gulls", "original_sound_switch": sent},
        )
    assert receipt.usage == {"videos": 1, "seconds": 2}
    assert (receipt.maker.model, receipt.maker.stand_in) == ("PixVerse", False)


def test_lips_follow_a_recording(tmp_path: Path) -> None:
    with rehearsing("pixverse") as rehearsal:
        run(rehearsal, asked(tmp_path, "lipsync", ("video_url", "audio_url"), text="unused"), Trip(tmp_path / "out"))
        assert submitted(rehearsal) == ("lip_sync", {"video_media_id": FIRST, "audio_media_id": FIRST + 1})


@pytest.mark.parametrize("name", ["Auto", "Emily", "Ethan"])
def test_lips_follow_a_text_by_the_voice_of_that_name(tmp_path: Path, name: str) -> None:
    call = asked(tmp_path, "lipsync", ("video_url",), text="Good morning", voice_id=name)
    with rehearsing("pixverse") as rehearsal:
        run(rehearsal, call, Trip(tmp_path / "out"))
        assert submitted(rehearsal) == (
            "lip_sync",
            {
                "video_media_id": FIRST,
                "lip_sync_tts_speaker_id": str(SPEAKERS.index(name) + 1),
                "lip_sync_tts_content": "Good morning",
            },
        )


def test_a_voice_that_the_vendor_has_not_is_refused_with_those_that_it_has() -> None:
    account = Account("key", pixverse.URL)
    listed = {"ErrCode": 0, "ErrMsg": "success", "Resp": {"total": 1, "data": [{"speaker_id": "9", "name": "Ava"}]}}
    answer = Response(200, {}, json.dumps(listed).encode())
    assert pixverse.identified(account, Named("voice", "Ava", ("body", "voice_id")), answer) == "9"
    assert pixverse.identified(account, Named("voice", "Auto", ("body", "voice_id")), answer) == "Auto"
    with pytest.raises(ModelError) as error:
        pixverse.identified(account, Named("voice", "Emily", ("body", "voice_id")), answer)
    problem = error.value.problems[0]
    assert (problem.type, problem.loc, problem.ctx) == ("one_of", ("body", "voice_id"), {"expected": "'Ava'"})


def test_every_request_has_a_trace_id_of_its_own(tmp_path: Path) -> None:
    with rehearsing("pixverse") as rehearsal:
        call = asked(tmp_path, "lipsync", ("video_url",), text="Good morning", voice_id="Ava")
        run(rehearsal, call, Trip(tmp_path / "out"))
        traces = [seen.headers["ai-trace-id"] for seen in rehearsal.fake.seen]
    assert len(traces) == len(set(traces)) == 6  # upload, voices, submit, three looks


@pytest.mark.parametrize("keeps_lost", [True, False])
def test_a_task_whose_answer_was_lost_is_sent_again_and_made_once(tmp_path: Path, keeps_lost: bool) -> None:
    with rehearsing("pixverse") as rehearsal:
        rehearsal.fake.plan.submits = deque(["hang_up"])
        rehearsal.fake.plan.keeps_lost = keeps_lost
        run(rehearsal, text_call(), Trip(tmp_path / "out"))
        first, second = submits(rehearsal)
        assert len(rehearsal.fake.tasks) == 1
    assert first.headers["ai-trace-id"] == second.headers["ai-trace-id"]


def test_a_process_that_died_before_the_ticket_finds_its_task(tmp_path: Path) -> None:
    call = asked(tmp_path, "v4.5/image-to-video", ("image_url",), prompt="a boat")
    with rehearsing("pixverse") as rehearsal:
        trip = Trip(tmp_path / "out")
        run(rehearsal, call, trip)
        for note in trip.notes:
            run(rehearsal, call, Trip(tmp_path / "again", saved=note))
        assert len(rehearsal.fake.tasks) == 1


@pytest.mark.parametrize(
    ("end", "blame"), [("failed", "server"), ("cancelled", "gone"), ("unknown", "unknown"), ("lost", "gone")]
)
def test_a_task_that_ends_badly(tmp_path: Path, end: Any, blame: str) -> None:
    with rehearsing("pixverse") as rehearsal:
        rehearsal.fake.plan.end = end
        trip = Trip(tmp_path / "out")
        with pytest.raises(Unable) as unable:
            run(rehearsal, text_call(), trip)
    assert unable.value.blame == blame
    if end == "unknown":
        assert "99" in str(unable.value.error)
    assert rehearsal.fake.key not in f"{unable.value}{unable.value.error}{trip.lines}{trip.notes}"


def test_status_7_is_moderation(tmp_path: Path) -> None:
    with rehearsing("pixverse") as rehearsal:
        rehearsal.fake.plan.end = "moderated"
        with pytest.raises(ModelError) as error:
            run(rehearsal, text_call(), Trip(tmp_path / "out"))
    assert (error.value.problems[0].type, error.value.problems[0].loc) == ("content_policy_violation", ("body",))


@pytest.mark.parametrize(
    ("fault", "blame"), [("key", "key"), ("balance", "balance"), ("server_error", "server"), ("unknown", "unknown")]
)
def test_a_submit_that_is_refused_in_a_200_for_the_operators_reasons(tmp_path: Path, fault: Any, blame: str) -> None:
    with rehearsing("pixverse") as rehearsal:
        rehearsal.fake.plan.submits = deque([fault] * 9)
        trip = Trip(tmp_path / "out")
        with pytest.raises(Unable) as unable:
            run(rehearsal, text_call(), trip)
        tries = len(rehearsal.fake.seen)
    assert unable.value.blame == blame
    assert tries == (4 if fault == "server_error" else 1)
    if fault == "unknown":
        assert "777777" in str(unable.value.error)
    assert rehearsal.fake.key not in f"{unable.value}{unable.value.error}{trip.lines}{trip.notes}"


@pytest.mark.parametrize(
    ("fault", "kind", "loc"),
    [("invalid", "value_error", ("body", "prompt")), ("moderated", "content_policy_violation", ("body",))],
)
def test_a_submit_that_is_refused_in_a_200_for_the_callers_reasons(
    tmp_path: Path, fault: Any, kind: str, loc: Any
) -> None:
    with rehearsing("pixverse") as rehearsal:
        rehearsal.fake.plan.submits = deque([fault])
        with pytest.raises(ModelError) as error:
            run(rehearsal, text_call(), Trip(tmp_path / "out"))
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (kind, loc)


@pytest.mark.parametrize("fault", ["rate", "concurrency"])
def test_too_many_tasks_are_waited_for(tmp_path: Path, fault: Any) -> None:
    with rehearsing("pixverse") as rehearsal:
        rehearsal.fake.plan.submits = deque([fault])
        rehearsal.fake.plan.retry_after_s = 9
        run(rehearsal, text_call(), Trip(tmp_path / "out"))
        assert len(rehearsal.fake.tasks) == 1
    assert sum(rehearsal.clock.slept) > 9


def envelope(code: Any, message: str = "no", status: int = 200) -> Response:
    return Response(status, {}, json.dumps({"ErrCode": code, "ErrMsg": message, "Resp": None}).encode())


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((10001, 10002, 10003, 10004, 10005, 400012), "key"),
        ((400011, 400013, 400017, 400018, 400032, 500030, 500032), "invalid"),
        ((500044, 500069), "busy"),
        ((500054, 500063), "moderated"),
        ((500090,), "balance"),
        ((500020,), "access"),
        ((500008,), "gone"),
        ((99999, 500100), "server"),
        ((777777, -1), "unknown"),
    ],
)
def test_each_code_has_its_meaning(codes: tuple[int, ...], kind: str) -> None:
    for code in codes:
        with pytest.raises(Trouble) as trouble:
            pixverse.accepted(text_call(), envelope(code))
        assert (trouble.value.kind, trouble.value.code) == (kind, code)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "unknown"), (401, "key"), (403, "access"), (404, "unknown"), (429, "busy"), (500, "server")],
)
def test_an_answer_without_an_envelope_means_what_its_status_says(status: int, kind: str) -> None:
    with pytest.raises(Trouble) as trouble:
        pixverse.accepted(text_call(), Response(status, {}, b"<html>"))
    assert trouble.value.kind == kind


@pytest.mark.parametrize(("status", "word"), [(2, "pending"), (3, "in progress"), (5, "running")])
def test_each_status_of_a_task_under_way_is_waited_for(status: int, word: str) -> None:
    body = {"ErrCode": 0, "ErrMsg": "success", "Resp": {"status": status, "url": ""}}
    state = pixverse.read(Account("k", pixverse.URL), "{}", Response(200, {}, json.dumps(body).encode()))
    assert str(getattr(state, "word", "")) == word


def test_a_file_that_is_refused_is_told_at_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"")
    call = asked(tmp_path, "lipsync", ("video_url", "audio_url"))
    (tmp_path / "sound.mp3").write_bytes(b"no sound at all")
    with rehearsing("pixverse") as rehearsal:
        with pytest.raises(ModelError) as error:
            run(rehearsal, call, Trip(tmp_path / "out"))
        assert submits(rehearsal) == []
    assert error.value.problems[0].loc == ("body", "audio_url")


def test_a_link_that_has_expired_is_asked_for_again_and_then_given_up(tmp_path: Path) -> None:
    with rehearsing("pixverse") as rehearsal:
        rehearsal.fake.plan.end = "link_expired"
        with pytest.raises(Unable) as unable:
            run(rehearsal, text_call(), Trip(tmp_path / "out"))
        looks = [seen for seen in rehearsal.fake.seen if "/result/" in seen.path]
    assert unable.value.blame == "gone"
    assert len(looks) == 5  # three to its end, and two for new links


def test_a_dead_key_rests_while_another_works(tmp_path: Path) -> None:
    with rehearsing("pixverse", keys=["a-dead-key-123"]) as rehearsal:
        said = []
        for number in range(3):
            trip = Trip(tmp_path / f"out-{number}")
            try:
                run(rehearsal, text_call(), trip)
            except Unable as unable:
                said.append(f"{unable}{unable.error}{trip.lines}{trip.notes}")
    assert len(said) <= 1
    assert "a-dead-key-123" not in "".join(said)


@pytest.mark.parametrize(
    ("path", "body", "field", "found"),
    [
        ("v4.5/text-to-video", {"prompt": "a" * 2_049}, "prompt", "string_too_long"),
        ("v4.5/text-to-video", {"prompt": " "}, "prompt", "string_too_short"),
        ("v4.5/text-to-video", {"prompt": "a", "negative_prompt": "b" * 2_049}, "negative_prompt", "string_too_long"),
        ("v4.5/text-to-video", {"prompt": "a", "seed": 2**31}, "seed", "less_than_equal"),
        ("v4.5/text-to-video", {"prompt": "a", "seed": -5}, "seed", "greater_than_equal"),
        ("sound-effects", {"prompt": "a" * 2_049}, "prompt", "string_too_long"),
        ("lipsync", {"text": "a" * 201}, "text", "string_too_long"),
    ],
)
def test_what_the_vendor_does_not_take_is_refused_before_anything_is_sent(
    tmp_path: Path, path: str, body: Any, field: str, found: str
) -> None:
    names = () if "text" in path else ("video_url",)
    with rehearsing("pixverse") as rehearsal:
        with pytest.raises(ModelError) as error:
            run(rehearsal, asked(tmp_path, path, names, **body), Trip(tmp_path / "out"))
        assert rehearsal.fake.seen == []
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (found, ("body", field))


def test_a_recording_of_another_kind_is_written_as_wav(tmp_path: Path) -> None:
    call = asked(tmp_path, "lipsync", ("video_url", "audio_url"))
    np.save(tmp_path / "sound.npy", np.zeros((48_000, 2), np.int16))
    heard = replace(call.body["audio_media_id"], content_type="audio/ogg")
    with rehearsing("pixverse") as rehearsal:
        run(rehearsal, replace(call, body={**call.body, "audio_media_id": heard}), Trip(tmp_path / "out"))
        assert uploads(rehearsal)[1].body["file"].startswith(b"RIFF")


def test_a_recording_longer_than_is_taken_is_refused(tmp_path: Path) -> None:
    call = asked(tmp_path, "lipsync", ("video_url", "audio_url"))
    heard = replace(call.body["audio_media_id"], duration_s=30.5)
    with rehearsing("pixverse") as rehearsal:
        with pytest.raises(ModelError) as error:
            run(rehearsal, replace(call, body={**call.body, "audio_media_id": heard}), Trip(tmp_path / "out"))
        assert submits(rehearsal) == []
    problem = error.value.problems[0]
    assert (problem.type, problem.loc) == ("audio_duration_too_long", ("body", "audio_url"))
