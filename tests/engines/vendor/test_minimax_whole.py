"""Whole jobs by MiniMax: from a request as it was stored to the output as the caller reads it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from rushes.engines.animatic.engine import AnimaticEngine
from rushes.errors import ModelError
from rushes.fakes.content import mp3, png
from rushes.families import ENDPOINTS
from rushes.jobs.job import Outcome
from rushes.work.perform import perform
from rushes.work.tools import Deployment
from tests.engines.vendor.rehearsal import Rehearsal, Trip, rehearsing
from tests.work.parts import Shelf, Told, job, tools

ROOT = "fal-ai/minimax"


@pytest.fixture
def minimax() -> Iterator[Rehearsal]:
    with rehearsing("minimax") as rehearsal:
        yield rehearsal


def done(
    folder: Path,
    minimax: Rehearsal,
    endpoint_id: str,
    given: dict[str, Any],
    own_files: dict[str, str] | None = None,
    *,
    then_ours: bool = False,
) -> tuple[dict[str, Any], Outcome]:
    folder.mkdir(exist_ok=True)
    route = [Deployment("mine", "minimax", minimax.engine, minimax.engine.load())]
    if then_ours:
        ours = AnimaticEngine()
        route.append(Deployment("animatic", "animatic", ours, ours.load()))
    asked = job(json.dumps(given), own_files=own_files).model_copy(update={"endpoint": endpoint_id})
    parts = replace(
        tools(Shelf(folder), Told()),
        endpoints={endpoint_id: ENDPOINTS[endpoint_id]},
        routes={endpoint_id: tuple(route)},
        errand=Trip(folder / "errand"),
    )
    outcome = perform(asked, parts)
    return json.loads(outcome.output), outcome


def seconds_of(content: bytes) -> float:
    with av.open(io.BytesIO(content), "r") as file:
        return sum(frame.samples for frame in file.decode(audio=0)) / file.streams.audio[0].rate


@pytest.mark.parametrize(
    ("form", "rate", "channel"),
    [
        ("mp3", "8000", "1"),
        ("mp3", "44100", "2"),
        ("flac", "24000", "2"),
        ("pcm", "16000", "2"),
    ],
)
def test_speech_is_as_long_as_it_says_in_every_format(
    minimax: Rehearsal, tmp_path: Path, form: str, rate: str, channel: str
) -> None:
    setting = {"format": form, "sample_rate": rate, "channel": channel}
    given = {"text": "The tide is out, and the boats lie on the sand. " * 2, "audio_setting": setting}
    output, outcome = done(tmp_path, minimax, f"{ROOT}/speech-02-hd", given)
    content = bytes.fromhex(output["audio"]["file_data"])
    assert output["audio"]["content_type"] == f"audio/{form if form != 'mp3' else 'mpeg'}"
    length = len(content) / (2 * int(rate) * int(channel)) if form == "pcm" else seconds_of(content)
    assert output["duration_ms"] == pytest.approx(length * 1000, abs=60)
    assert output["duration_ms"] == pytest.approx(len(given["text"]) / 15 * 1000, rel=0.05)
    assert outcome.paid is not None
    assert outcome.paid.usage == {"characters": float(len(given["text"]))}
    assert "minimax" in outcome.served_by
    assert "stand-in" not in outcome.served_by


def test_a_url_alone_has_no_bytes_beside_it(minimax: Rehearsal, tmp_path: Path) -> None:
    output, _ = done(tmp_path, minimax, f"{ROOT}/speech-02-turbo", {"text": "Hello", "output_format": "url"})
    assert "file_data" not in output["audio"]
    assert output["duration_ms"] == pytest.approx(500, abs=80)


def test_pictures_come_as_many_as_asked_for(minimax: Rehearsal, tmp_path: Path) -> None:
    output, outcome = done(tmp_path, minimax, f"{ROOT}/image-01", {"prompt": "A tower", "num_images": 2})
    assert [one["file_name"] for one in output["images"]] == ["output-1.jpg", "output-2.jpg"]
    assert {one["content_type"] for one in output["images"]} == {"image/jpeg"}
    assert outcome.units == 2


def test_a_film_is_made_from_a_data_uri(minimax: Rehearsal, tmp_path: Path) -> None:
    picture = f"data:image/png;base64,{base64.b64encode(png(640, 480)).decode()}"
    given = {"prompt": "Waves", "image_url": picture}
    output, _ = done(tmp_path, minimax, f"{ROOT}/hailuo-02/pro/image-to-video", given)
    assert output["video"]["content_type"] == "video/mp4"


def test_a_voice_lives_from_its_clone_to_its_end(minimax: Rehearsal, tmp_path: Path) -> None:
    sample = f"data:audio/mpeg;base64,{base64.b64encode(mp3(11.0)).decode()}"
    output, outcome = done(tmp_path / "clone", minimax, f"{ROOT}/voice-clone", {"audio_url": sample})
    voice = output["custom_voice_id"]
    assert outcome.voice is not None
    assert outcome.voice.voice_id == voice
    assert output["audio"]["content_type"] == "audio/mpeg"
    profile = (tmp_path / "clone" / outcome.voice.file_id).read_text()
    assert json.loads(profile) == {"vendor": "minimax", "voice_id": voice}

    (tmp_path / "kept").write_text(profile)
    own = {voice: "kept"}
    said = {"text": "Hello", "voice_setting": {"voice_id": voice}, "output_format": "url"}
    done(tmp_path, minimax, f"{ROOT}/speech-02-hd", said, own)
    gone, ended = done(tmp_path, minimax, f"{ROOT}/voice-delete", {"voice_id": voice}, own)
    assert gone == {"status": "success", "voice_id": voice}
    assert ended.forget_voice == voice
    assert [one.path for one in minimax.fake.seen][-2:] == ["/v1/t2a_v2", "/v1/delete_voice"]


def test_a_voice_of_our_own_is_spoken_by_our_own_engine_where_the_route_has_it(
    minimax: Rehearsal, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text('{"pitch_hz": 150.0}')
    said = {"text": "Hello", "voice_setting": {"voice_id": "voice-mine"}, "output_format": "url"}
    _, outcome = done(tmp_path, minimax, f"{ROOT}/speech-02-hd", said, {"voice-mine": "kept"}, then_ours=True)
    assert outcome.served_by.startswith("animatic")
    with pytest.raises(ModelError, match="cloned by an engine of this server's own") as caught:
        done(tmp_path, minimax, f"{ROOT}/speech-02-hd", said, {"voice-mine": "kept"})
    assert caught.value.problems[0].loc == ("body", "voice_setting", "voice_id")
    assert caught.value.failure().status == 422
    assert not minimax.fake.seen
