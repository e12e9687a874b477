"""MAGI: the three ways to begin, sizes, the price by begun chunk, and what an extension keeps of its video."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rushes.calls import AnimaticCall, Continuation, UpstreamCall
from rushes.endpoint import Clip, Endpoint, Made, Media
from rushes.errors import ModelError
from rushes.families import ENDPOINTS
from rushes.families.magi import AREA, MagiInput, frame_size, kept_frames
from rushes.fields import File

IMAGE = ENDPOINTS["fal-ai/magi-distilled/image-to-video"]
TEXT = ENDPOINTS["fal-ai/magi-distilled"]
EXTEND = ENDPOINTS["fal-ai/magi-distilled/extend-video"]
ALL = pytest.mark.parametrize("endpoint", [IMAGE, TEXT, EXTEND], ids=lambda e: e.id)

ASKED = {"prompt": "a keeper", "image_url": "https://example.com/a.png", "video_url": "https://example.com/a.mp4"}
PICTURE = {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=1920, height=1080)}


def asked(endpoint: Endpoint, **members: object) -> MagiInput:
    request = endpoint.input.model_validate({**ASKED, **members})
    assert isinstance(request, MagiInput)
    return request


def film(frames: int | None, fps: float | None = 24, width: int = 1920, height: int = 1080) -> dict[str, Media]:
    video = Media("video", "/tmp/a.mp4", "video/mp4", 10, width=width, height=height, frames=frames, fps=fps)
    return {"video_url": video}


def plan(endpoint: Endpoint, request: MagiInput, media: Mapping[str, Media]) -> Clip:
    assert endpoint.clip is not None
    planned = endpoint.clip(request, media)
    assert isinstance(planned, Clip)
    return planned


def call(endpoint: Endpoint, request: MagiInput, media: Mapping[str, Media]) -> AnimaticCall:
    asked_for = endpoint.engines["animatic"](request, media, plan(endpoint, request, media))
    assert isinstance(asked_for, AnimaticCall)
    return asked_for


@pytest.mark.parametrize(
    ("endpoint", "needed"),
    [(IMAGE, ["prompt", "image_url"]), (TEXT, ["prompt"]), (EXTEND, ["prompt", "video_url"])],
    ids=["image", "text", "extend"],
)
def test_the_prompt_and_what_it_begins_with_are_required(endpoint: Endpoint, needed: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        endpoint.input.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [(name,) for name in needed]


@ALL
@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("num_frames", 95),
        ("num_frames", 193),
        ("num_inference_steps", 5),
        ("num_inference_steps", True),
        ("resolution", "1080p"),
        ("aspect_ratio", "4:3"),
        ("enable_safety_checker", "perhaps"),
    ],
)
def test_a_value_outside_its_range_is_refused(endpoint: Endpoint, field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        asked(endpoint, **{field: bad})
    assert caught.value.errors()[0]["loc"] == (field,)


@ALL
def test_steps_may_be_text_or_a_number(endpoint: Endpoint) -> None:
    assert asked(endpoint).num_inference_steps == "16"
    assert asked(endpoint, num_inference_steps=8).num_inference_steps == "8"
    assert asked(endpoint, num_inference_steps="32").num_inference_steps == "32"


@pytest.mark.parametrize(
    ("resolution", "ratio", "expected"),
    [
        ("720p", "auto", (1280, 720)),
        ("720p", "9:16", (720, 1280)),
        ("720p", "1:1", (960, 960)),
        ("480p", "16:9", (832, 480)),
        ("480p", "1:1", (624, 624)),
    ],
)
def test_the_size_is_of_the_shape_asked_for(resolution: str, ratio: str, expected: tuple[int, int]) -> None:
    members = {"resolution": resolution, "aspect_ratio": ratio}
    for endpoint, media in ((IMAGE, PICTURE), (TEXT, {}), (EXTEND, film(64))):
        planned = plan(endpoint, asked(endpoint, **members), media)
        assert (planned.width, planned.height) == expected


def test_auto_follows_the_video_that_is_extended() -> None:
    planned = plan(EXTEND, asked(EXTEND), film(64, width=540, height=960))
    assert (planned.width, planned.height) == (720, 1280)


@given(st.sampled_from(["480p", "720p"]), st.integers(16, 16384), st.integers(16, 16384))
def test_every_shape_gives_an_encodable_size_near_the_area(resolution: str, width: int, height: int) -> None:
    wide, high = frame_size(resolution, width, height)
    assert wide % 16 == 0 == high % 16
    assert min(wide, high) >= 208
    assert 0.85 * AREA[resolution] <= wide * high <= AREA[resolution] * 1.01


@ALL
@pytest.mark.parametrize(
    ("frames", "resolution", "expected"),
    [
        (96, "720p", 1.0),
        (97, "720p", 2.0),
        (120, "720p", 2.0),
        (121, "720p", 3.0),
        (192, "720p", 5.0),
        (96, "480p", 0.5),
        (192, "480p", 2.5),
    ],
)
def test_the_price_is_by_begun_chunk_and_resolution(
    endpoint: Endpoint, frames: int, resolution: str, expected: float
) -> None:
    assert endpoint.units(asked(endpoint, num_frames=frames, resolution=resolution), None) == expected


@given(st.integers(96, 192))
def test_a_video_has_as_many_frames_as_asked_for_at_24_per_second(frames: int) -> None:
    planned = plan(TEXT, asked(TEXT, num_frames=frames), {})
    assert planned == Clip(1280, 720, frames, 24)
    assert 1 <= TEXT.units(asked(TEXT, num_frames=frames), planned) <= 5


@given(st.integers(96, 192), st.integers(1, 2000), st.data())
def test_an_extension_keeps_the_frames_before_its_start_and_adds_the_new_ones(
    frames: int, length: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(1, length))
    request = asked(EXTEND, num_frames=frames, start_frame=start, seed=3)
    assert plan(EXTEND, request, film(length)) == Clip(1280, 720, start + frames, 24)
    wanted = call(EXTEND, request, film(length))
    assert (wanted.video, wanted.keep, wanted.image, wanted.seed) == ("/tmp/a.mp4", start, None, 3)


@pytest.mark.parametrize(("length", "kept"), [(120, 88), (34, 2), (33, 1), (32, 1), (1, 1)])
def test_an_extension_begins_32_frames_before_the_end_unless_told_where(length: int, kept: int) -> None:
    assert kept_frames(None, length) == kept
    assert plan(EXTEND, asked(EXTEND), film(length)).frames == kept + 96


@pytest.mark.parametrize(("fps", "expected"), [(30.0, 30.0), (12.5, 12.5), (None, 24)])
def test_an_extension_runs_at_the_videos_own_rate(fps: float | None, expected: float) -> None:
    assert plan(EXTEND, asked(EXTEND), film(120, fps=fps)).fps == expected


def test_a_start_beyond_the_video_is_refused_with_the_videos_length() -> None:
    with pytest.raises(ModelError, match="start_frame is 200, but the video has 120 frames") as caught:
        plan(EXTEND, asked(EXTEND, start_frame=200), film(120))
    (problem,) = caught.value.problems
    assert (problem.type, problem.loc, problem.ctx) == ("less_than_equal", ("body", "start_frame"), {"le": 120})


@pytest.mark.parametrize("bad", [0, -1])
def test_an_extension_keeps_at_least_one_frame(bad: int) -> None:
    with pytest.raises(ValidationError) as caught:
        asked(EXTEND, start_frame=bad)
    assert caught.value.errors()[0]["loc"] == ("start_frame",)


@pytest.mark.parametrize("frames", [None, 0])
def test_a_video_without_countable_frames_is_refused(frames: int | None) -> None:
    with pytest.raises(ModelError, match="can't be counted") as caught:
        plan(EXTEND, asked(EXTEND), film(frames))
    assert caught.value.problems[0].loc == ("body", "video_url")


def test_the_animatic_engine_begins_on_the_picture() -> None:
    request = asked(IMAGE, seed=7, num_frames=100)
    assert call(IMAGE, request, PICTURE) == AnimaticCall("a keeper", 1280, 720, 100, 24, 7, image="/tmp/a.npy")


def test_the_animatic_engine_draws_what_only_a_prompt_asks_for() -> None:
    assert call(TEXT, asked(TEXT), {}) == AnimaticCall("a keeper", 1280, 720, 96, 24, 0)


@ALL
def test_the_reply_carries_the_file_and_the_seed(endpoint: Endpoint) -> None:
    reply = endpoint.reply(asked(endpoint), Made(files=(File(url="rushes-file:/a/b.mp4"),), seed=9))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}, "seed": 9}


@ALL
def test_the_seed_and_the_safety_switch_are_found_by_their_roles(endpoint: Endpoint) -> None:
    assert (endpoint.roles.seed, endpoint.roles.safety) == ("seed", "enable_safety_checker")


def own_program(endpoint: Endpoint, request: MagiInput, media: Mapping[str, Media]) -> UpstreamCall:
    asked_for = endpoint.engines["upstream"](request, media, plan(endpoint, request, media))
    assert isinstance(asked_for, UpstreamCall)
    return asked_for


@given(
    st.integers(96, 192),
    st.sampled_from(["4", "8", "16", "32"]),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from(["480p", "720p"]),
    st.tuples(st.integers(16, 5_000), st.integers(16, 5_000)),
)
def test_the_models_own_program_gets_what_its_rules_allow(
    frames: int, steps: str, seed: int, resolution: str, size: tuple[int, int]
) -> None:
    media = {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=size[0], height=size[1])}
    members = {"num_frames": frames, "num_inference_steps": steps, "seed": seed, "resolution": resolution}
    told = own_program(IMAGE, asked(IMAGE, **members), media)
    assert (told.task, told.steps, told.fps, told.frames) == ("i2v", int(steps), 24, frames)
    assert told.made % 24 == 0
    assert frames <= told.made < frames + 24
    assert told.width % 16 == 0
    assert told.height % 16 == 0
    assert 0 <= told.seed < 2**31
    assert told.negative_prompt is None


def test_the_models_own_program_gets_no_picture_for_a_text() -> None:
    told = own_program(TEXT, asked(TEXT, num_frames=97), {})
    assert (told.task, told.image, told.made) == ("t2v", None, 120)


def test_the_models_own_program_sees_32_frames_before_the_cut() -> None:
    told = own_program(EXTEND, asked(EXTEND, start_frame=70, num_frames=100), film(200))
    assert (told.task, told.frames, told.made) == ("v2v", 170, 120)
    assert told.continued == Continuation("/tmp/a.mp4", fps=24, kept=70, prefix=32)


@pytest.mark.parametrize(("fps", "made"), [(24.0, 96), (30.0, 96), (60.0, 96), (16.0, 144), (12.0, 192), (1.0, 192)])
def test_a_slower_video_has_more_frames_made_so_that_they_last(fps: float, made: int) -> None:
    assert own_program(EXTEND, asked(EXTEND), film(200, fps=fps)).made == made
