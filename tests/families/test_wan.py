"""The wan family and its Pro edition: fields, Wan's size rule, prices, and what the engine is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Endpoint, Made, Media
from rushes.families import ENDPOINTS
from rushes.families.wan import AREA, WanI2VInput, WanI2VOutput, frame_size
from rushes.fields import File
from tests.families.reference import our_type, reference_type

ENDPOINT = ENDPOINTS["fal-ai/wan-i2v"]
PRO_IMAGE = ENDPOINTS["fal-ai/wan-pro/image-to-video"]
PRO_TEXT = ENDPOINTS["fal-ai/wan-pro/text-to-video"]
ASKED = {"prompt": "a boat", "image_url": "https://example.com/a.png"}


def picture(width: int, height: int) -> dict[str, Media]:
    return {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=width, height=height)}


@pytest.mark.parametrize(("name", "model"), [("Input", WanI2VInput), ("Output", WanI2VOutput), ("File", File)])
def test_the_types_are_the_references(name: str, model: type[WanI2VInput]) -> None:
    expected = reference_type("fal-ai/wan-i2v", name)
    assert our_type(model, expected) == expected


def test_prompt_and_picture_are_what_it_cannot_do_without() -> None:
    with pytest.raises(ValidationError) as caught:
        WanI2VInput.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [("prompt",), ("image_url",)]


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("num_frames", 80),
        ("num_frames", 101),
        ("frames_per_second", 4),
        ("frames_per_second", 25),
        ("resolution", "1080p"),
        ("aspect_ratio", "4:3"),
        ("acceleration", "high"),
        ("num_inference_steps", 0),
        ("guide_scale", float("nan")),
        ("shift", float("inf")),
        ("seed", "lucky"),
        ("enable_safety_checker", "perhaps"),
    ],
)
def test_a_value_outside_its_range_is_refused(field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        WanI2VInput.model_validate({**ASKED, field: bad})
    assert caught.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize(
    ("resolution", "ratio", "source", "expected"),
    [
        ("720p", "auto", (1920, 1080), (1280, 720)),
        ("720p", "auto", (1080, 1920), (720, 1280)),
        ("480p", "auto", (1280, 720), (832, 480)),
        ("480p", "auto", (720, 1280), (480, 832)),
        ("720p", "16:9", (100, 100), (1280, 720)),
        ("480p", "9:16", (100, 100), (480, 832)),
        ("720p", "1:1", (1920, 1080), (960, 960)),
        ("480p", "1:1", (1920, 1080), (624, 624)),
        ("720p", "auto", (4000, 3000), (1104, 816)),
        ("480p", "auto", (3000, 4000), (544, 720)),
    ],
)
def test_the_size_follows_wans_rule(
    resolution: str, ratio: str, source: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert frame_size(resolution, ratio, *source) == expected


@given(st.sampled_from(["480p", "720p"]), st.integers(16, 16384), st.integers(16, 16384))
def test_every_picture_gives_an_encodable_size_near_the_area(resolution: str, width: int, height: int) -> None:
    wide, high = frame_size(resolution, "auto", width, height)
    assert wide % 16 == 0 == high % 16
    assert min(wide, high) >= 208
    assert 0.85 * AREA[resolution] <= wide * high <= AREA[resolution] * 1.001


@pytest.mark.parametrize(
    ("resolution", "frames", "expected"),
    [("480p", 81, 0.5), ("720p", 81, 1.0), ("480p", 82, 0.625), ("720p", 100, 1.25)],
)
def test_the_price_is_the_pages(resolution: str, frames: int, expected: float) -> None:
    request = WanI2VInput.model_validate({**ASKED, "resolution": resolution, "num_frames": frames})
    assert ENDPOINT.units(request, None) == expected


def test_the_animatic_engine_is_asked_for_exactly_the_clip() -> None:
    request = WanI2VInput.model_validate({**ASKED, "num_frames": 100, "frames_per_second": 24, "seed": 7})
    media = picture(1920, 1080)
    assert ENDPOINT.clip is not None
    clip = ENDPOINT.clip(request, media)
    call = ENDPOINT.engines["animatic"](request, media, clip)
    assert (call.width, call.height, call.frames, call.fps) == (1280, 720, 100, 24)  # type: ignore[union-attr]
    assert (call.seed, call.prompt, call.image) == (7, "a boat", "/tmp/a.npy")  # type: ignore[union-attr]


def test_the_reply_carries_the_file_and_the_seed() -> None:
    request = WanI2VInput.model_validate(ASKED)
    reply = ENDPOINT.reply(request, Made(files=(File(url="rushes-file:/a/b.mp4"),), seed=9))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}, "seed": 9}


def test_pro_cannot_do_without_its_prompt_and_its_picture() -> None:
    with pytest.raises(ValidationError) as caught:
        PRO_IMAGE.input.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [("prompt",), ("image_url",)]
    with pytest.raises(ValidationError) as caught:
        PRO_TEXT.input.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [("prompt",)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ((1280, 720), (1920, 1080)),
        ((720, 1280), (1080, 1920)),
        ((500, 500), (1440, 1440)),
        ((4000, 3000), (1648, 1232)),
    ],
)
def test_pro_keeps_the_pictures_shape_at_1080p(source: tuple[int, int], expected: tuple[int, int]) -> None:
    assert PRO_IMAGE.clip is not None
    clip = PRO_IMAGE.clip(PRO_IMAGE.input.model_validate(ASKED), picture(*source))
    assert clip == Clip(*expected, 180, 30)
    assert isinstance(clip, Clip)
    assert clip.duration_s == 6


@given(st.integers(16, 16384), st.integers(16, 16384))
def test_pro_gives_every_picture_an_encodable_size_near_the_area(width: int, height: int) -> None:
    wide, high = frame_size("1080p", "auto", width, height)
    assert wide % 2 == 0 == high % 2
    assert 0.9 * AREA["1080p"] <= wide * high <= AREA["1080p"] * 1.001


def test_pro_makes_a_wide_video_from_text_alone() -> None:
    request = PRO_TEXT.input.model_validate({"prompt": "a glider", "seed": 7})
    assert PRO_TEXT.clip is not None
    clip = PRO_TEXT.clip(request, {})
    assert clip == Clip(1920, 1080, 180, 30)
    assert PRO_TEXT.engines["animatic"](request, {}, clip) == AnimaticCall("a glider", 1920, 1080, 180, 30, 7)


def test_the_animatic_engine_begins_pros_video_on_the_picture() -> None:
    request, media = PRO_IMAGE.input.model_validate(ASKED), picture(1920, 1080)
    assert PRO_IMAGE.clip is not None
    call = PRO_IMAGE.engines["animatic"](request, media, PRO_IMAGE.clip(request, media))
    assert call == AnimaticCall("a boat", 1920, 1080, 180, 30, 0, image="/tmp/a.npy")


@pytest.mark.parametrize("endpoint", [PRO_IMAGE, PRO_TEXT], ids=lambda e: e.id)
def test_pro_costs_a_unit_checks_by_default_and_keeps_its_seed_to_itself(endpoint: Endpoint) -> None:
    request = endpoint.input.model_validate(ASKED)
    assert endpoint.units(request, None) == 1
    assert endpoint.roles.safety is not None
    assert getattr(request, endpoint.roles.safety) is True
    assert endpoint.roles.seed == "seed"
    reply = endpoint.reply(request, Made(files=(File(url="rushes-file:/a/b.mp4"),), seed=9))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}}
