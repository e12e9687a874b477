"""The steps of a job, with a tiny real engine, real pictures and real video files."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
import pytest

from rushes.calls import CloneCall, ForgetCall
from rushes.endpoint import Clip, Delivery, Endpoint, Made, Roles, Sound, Stills, VideoFormat
from rushes.engines.engine import Cancelled, Maker, Output, Progress, SoundTrack, Value, Voice
from rushes.errors import ModelError
from rushes.fields import File, VoiceId, WireModel
from rushes.jobs.job import VoiceMade
from rushes.work.perform import choose_seed, describe, perform
from rushes.work.serve import progress_lines, with_voice_id
from rushes.work.tools import Deployment, Tools
from tests.work.parts import ENDPOINT, Shelf, TinyEngine, TinyInput, Told, job, png, tools

PICTURE = "data:image/png;base64," + base64.b64encode(png(96, 64)).decode()


def test_a_job_becomes_a_stored_video_and_an_output_that_names_it(tmp_path: Path) -> None:
    told = Told()
    outcome = perform(job(json.dumps({"image_url": PICTURE, "seed": 7})), tools(Shelf(tmp_path), told))

    output = json.loads(outcome.output)
    assert output["seed"] == 7
    assert output["video"]["url"] == "rushes-file:/output.mp4/output.mp4"
    assert output["video"]["content_type"] == "video/mp4"
    assert "file_data" not in output["video"], "absent members are left out, never null"
    assert outcome.files == ("output.mp4", "poster.jpg", "thumbnail.jpg", "contact-sheet.jpg")
    assert list(outcome.companions.values()) == ["poster", "thumbnail", "contact-sheet"]
    assert outcome.units == 1.2
    assert outcome.inference_s == 1.0
    with av.open(str(tmp_path / "output.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (96, 64, 12)
    assert output["video"]["file_size"] == (tmp_path / "output.mp4").stat().st_size


def test_the_log_says_what_was_fetched_planned_served_and_encoded(tmp_path: Path) -> None:
    told = Told()
    perform(job(json.dumps({"image_url": PICTURE})), tools(Shelf(tmp_path), told))
    assert told.messages[0].startswith("Fetched image_url: 96x64 image/png, ")
    assert told.messages[1] == "Making 96x64, 12 frames at 12 fps (1.00 s)"
    assert told.lines[2][:2] == ("Served by the tiny engine (a stand-in: grey frames, version 1)", "WARN")
    assert told.lines[-3][2] == {"progress": "1"}
    assert told.messages[-2].startswith("Encoded 12 frames, 1.00 s of video, ")
    assert told.messages[-1] == "Stored beside the result: poster.jpg, thumbnail.jpg, contact-sheet.jpg"


def test_the_result_says_who_served_it_with_which_seed(tmp_path: Path) -> None:
    outcome = perform(job('{"seed": 3}'), tools(Shelf(tmp_path), Told()))
    assert outcome.served_by == "tiny/1; model=grey frames; deployment=tiny; stand-in; seed=3"


def test_a_job_tried_again_gets_the_same_seed_and_another_job_another() -> None:
    roles = Roles(seed="seed")
    first = choose_seed(TinyInput(), roles, "job-1")
    assert first == choose_seed(TinyInput(seed=-1), roles, "job-1")
    assert first[1] != choose_seed(TinyInput(), roles, "job-2")[1]
    assert first[0].model_dump()["seed"] == first[1]
    assert first[1] is not None
    assert 0 <= first[1] < 2**31


def test_a_given_seed_stays_even_when_it_is_zero() -> None:
    assert choose_seed(TinyInput(seed=0), Roles(seed="seed"), "job-1")[1] == 0


def test_an_endpoint_without_a_seed_gets_none() -> None:
    assert choose_seed(TinyInput(seed=4), Roles(), "job-1") == (TinyInput(seed=4), None)


def test_a_cancel_ends_the_work_and_closes_the_engines_frames(tmp_path: Path) -> None:
    engine = TinyEngine()
    with pytest.raises(Cancelled):
        perform(job('{"frames": 1000}'), tools(Shelf(tmp_path), Told(cancel_after=20), engine))
    assert engine.closed
    assert engine.made < 200
    assert not list((tmp_path / "job").iterdir()), "no half-made file stays behind"


def test_an_engine_that_makes_too_few_frames_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="9 frames were made where 12 were asked for"):
        perform(job(), tools(Shelf(tmp_path), Told(), TinyEngine(short_by=3)))


def test_a_finished_file_is_stored_under_its_own_type(tmp_path: Path) -> None:
    finished = tmp_path / "vendor.webm"
    finished.write_bytes(b"webm")
    outcome = perform(job(), tools(Shelf(tmp_path), Told(), TinyEngine(finished)))
    assert json.loads(outcome.output)["video"]["content_type"] == "video/webm"
    assert (tmp_path / "output.webm").read_bytes() == b"webm"


def test_a_wrong_input_file_is_a_model_error_at_its_field(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        perform(job('{"image_url": "data:image/png;base64,aGVsbG8="}'), tools(Shelf(tmp_path), Told()))
    assert caught.value.problems[0].loc == ("body", "image_url")


def test_an_input_that_is_allowed_no_longer_is_the_callers_to_mend(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        perform(job('{"frames": "many", "seed": 0.5}'), tools(Shelf(tmp_path), Told()))
    assert [problem.loc for problem in caught.value.problems] == [("body", "seed"), ("body", "frames")]


def test_frames_are_told_at_every_twentieth_and_tick_in_between() -> None:
    told = Told()
    tell = progress_lines(told)
    for done in range(1, 201):
        tell(Progress(done, 200, "frames"))
    assert len(told.lines) == 20
    assert told.ticks == 180
    assert told.lines[4] == ("50 of 200 frames", "INFO", {"progress": "0.25"})


def test_what_else_an_engine_notes_is_told_before_any_step() -> None:
    told = Told()
    tell = progress_lines(told)
    tell(Progress(0, 4, "steps", note="4 steps are made in place of 30"))
    tell(Progress(1, 4, "steps"))
    assert [line[0] for line in told.lines] == ["4 steps are made in place of 30", "1 of 4 steps"]


def test_every_step_is_told() -> None:
    told = Told()
    tell = progress_lines(told)
    for done in range(1, 101):
        tell(Progress(done, 100, "steps"))
    assert len(told.lines) == 100


class VoiceInput(WireModel):
    text: str = ""
    voice_id: VoiceId | None = None


class VoiceOutput(WireModel):
    audio: File | None = None
    voice_id: str | None = None
    seconds: float | None = None
    said: str = ""


@dataclass
class Parrot:
    """An engine that clones voices, and notes what it was asked."""

    asked: list[object] = field(default_factory=list)

    def load(self) -> Maker:
        return Maker("parrot", "a parrot", "1", stand_in=True)

    def generate(self, call: object, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Output:
        self.asked.append(call)
        if isinstance(call, ForgetCall):
            return Value(None)
        chunks = iter([np.zeros((8_000, 1), np.float32)] * 2)
        return Voice('{"pitch": 120}', SoundTrack(chunks, 16_000, 1))

    def unload(self) -> None: ...


def voice_endpoint(forgets: bool = False) -> Endpoint:
    def reply(request: VoiceInput, made: Made) -> VoiceOutput:
        file = made.files[0] if made.files else None
        return VoiceOutput(audio=file, voice_id=made.voice_id, seconds=made.duration_s, said=made.prompt)

    return Endpoint(
        id=ENDPOINT.id,
        title="Voice",
        category="test",
        about="",
        input=VoiceInput,
        output=VoiceOutput,
        units=lambda request, plan: 1.0,
        unit="voice",
        engines={
            "tiny": lambda request, media, plan: (
                ForgetCall(request.voice_id or "") if forgets else CloneCall("", "sample.npy", request.text)
            )
        },
        reply=reply,
        roles=Roles(prompt="text", forgets_voice="voice_id" if forgets else None),
        voices=("Anna",),
    )


def with_endpoint(given: Tools, endpoint: Endpoint, engine: Parrot | None = None) -> Tools:
    routes = {endpoint.id: (Deployment("tiny", "tiny", engine, engine.load()),)} if engine else given.routes
    return replace(given, endpoints={endpoint.id: endpoint}, routes=routes)


def test_a_voice_that_was_made_is_reported_with_its_stored_profile(tmp_path: Path) -> None:
    parrot = Parrot()
    given = with_endpoint(tools(Shelf(tmp_path), Told()), voice_endpoint(), parrot)
    outcome = perform(job('{"text": "Hello"}'), given)
    output = json.loads(outcome.output)
    voice_id = output["voice_id"]
    assert voice_id.startswith("voice-")
    assert len(voice_id) == 18
    assert outcome.voice == VoiceMade(voice_id, "voice.json")
    assert outcome.files == ("preview.mp3", "waveform.png")
    assert (output["seconds"], output["said"]) == (1.0, "Hello")
    assert json.loads((tmp_path / "voice.json").read_text()) == {"pitch": 120}
    assert parrot.asked == [CloneCall(voice_id, "sample.npy", "Hello")]


def test_a_voices_id_follows_from_the_job() -> None:
    call = CloneCall("", "s", "t")
    assert with_voice_id(call, "job-1") == with_voice_id(call, "job-1")
    assert with_voice_id(call, "job-1") != with_voice_id(call, "job-2")
    other = ForgetCall("v")
    assert with_voice_id(other, "job-1") == (other, None)


def test_a_voice_to_be_forgotten_is_reported(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("{}")
    given = with_endpoint(tools(Shelf(tmp_path), Told()), voice_endpoint(forgets=True), Parrot())
    outcome = perform(job('{"voice_id": "voice-1"}', own_files={"voice-1": "profile"}), given)
    assert (outcome.forget_voice, outcome.voice, outcome.files) == ("voice-1", None, ())


def test_a_built_in_voice_is_not_forgotten(tmp_path: Path) -> None:
    given = with_endpoint(tools(Shelf(tmp_path), Told()), voice_endpoint(forgets=True), Parrot())
    with pytest.raises(ModelError, match="'Anna' is a built-in voice and stays") as caught:
        perform(job('{"voice_id": "Anna"}'), given)
    assert caught.value.problems[0].loc == ("body", "voice_id")


def test_a_result_inside_the_reply_is_private_and_stores_nothing(tmp_path: Path) -> None:
    endpoint = replace(ENDPOINT, delivery=lambda _: Delivery(VideoFormat("gif"), form="data_uri"))
    outcome = perform(job(), with_endpoint(tools(Shelf(tmp_path), Told()), endpoint))
    assert json.loads(outcome.output)["video"]["url"].startswith("data:image/gif;base64,")
    assert outcome.private
    assert outcome.files == ()


def test_every_kind_of_plan_is_described() -> None:
    assert describe(Clip(64, 48, 24, 24, True)) == "Making 64x48, 24 frames at 24 fps (1.00 s) with sound"
    assert describe(Stills(64, 48, 2)) == "Making 2 pictures of 64x48"
    assert describe(Sound(2.04, 32_000, 1)) == "Making about 2.0 s of sound at 32000 Hz, channels: 1"
