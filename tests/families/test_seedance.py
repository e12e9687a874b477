"""Seedance: sizes by resolution and the picture's shape, lengths as text or number, prices, both pictures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Made, Media
from rushes.families import ENDPOINTS
from rushes.families.seedance import OFFICIAL_WIDE, WIDEST, SeedanceInput, frame_size
from rushes.fields import File

ENDPOINT = ENDPOINTS["fal-ai/bytedance/seedance/v1/lite/image-to-video"]
ASKED = {"prompt": "a rider", "image_url": "https://example.com/a.png"}
RESOLUTIONS = ["480p", "720p", "1080p"]


def asked(**members: object) -> SeedanceInput:
    return SeedanceInput.model_validate({**ASKED, **members})


def picture(path: str, width: int, height: int) -> Media:
    return Media("image", path, "image/png", 10, width=width, height=height)


def test_prompt_and_picture_are_what_it_cannot_do_without() -> None:
    with pytest.raises(ValidationError) as caught:
        SeedanceInput.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [("prompt",), ("image_url",)]


@pytest.mark.parametrize(
    ("field", "bad"),
    [("resolution", "540p"), ("duration", "5s"), ("duration", 7), ("camera_fixed", "perhaps"), ("seed", 1.5)],
)
def test_a_value_the_page_does_not_list_is_refused(field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        asked(**{field: bad})
    assert caught.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize(("given_duration", "seconds"), [("5", 5), (5, 5), ("10", 10), (10, 10), (10.0, 10)])
def test_the_length_may_be_text_or_a_number(given_duration: object, seconds: int) -> None:
    request = asked(duration=given_duration)
    assert request.duration == str(seconds)
    assert ENDPOINT.clip is not None
    planned = ENDPOINT.clip(request, {"image_url": picture("/tmp/a.npy", 1600, 900)})
    assert planned == Clip(1280, 720, seconds * 24, 24)


@pytest.mark.parametrize(
    ("resolution", "source", "expected"),
    [
        ("480p", (1920, 1080), (864, 480)),
        ("720p", (1920, 1080), (1280, 720)),
        ("1080p", (1920, 1080), (1920, 1080)),
        ("720p", (1080, 1920), (720, 1280)),
        ("720p", (1000, 1000), (960, 960)),
        ("1080p", (3000, 3000), (1440, 1440)),
        ("480p", (4000, 3000), (736, 544)),
    ],
)
def test_the_size_keeps_the_pictures_shape(resolution: str, source: tuple[int, int], expected: tuple[int, int]) -> None:
    assert frame_size(resolution, *source) == expected


@given(st.sampled_from(RESOLUTIONS), st.integers(16, 16384), st.integers(16, 16384))
def test_every_picture_gives_an_encodable_size_near_the_area(resolution: str, width: int, height: int) -> None:
    wide, high = frame_size(resolution, width, height)
    area = OFFICIAL_WIDE[resolution][0] * OFFICIAL_WIDE[resolution][1]
    assert wide % 2 == 0 == high % 2
    assert 0.9 * area <= wide * high <= area * 1.005
    assert 1 / (WIDEST * 1.06) <= wide / high <= WIDEST * 1.06


@pytest.mark.parametrize(
    ("resolution", "duration", "expected"),
    [("480p", "5", 2.5), ("720p", "5", 5.0), ("720p", "10", 10.0), ("1080p", "10", 22.5)],
)
def test_the_price_is_by_second_and_resolution(resolution: str, duration: str, expected: float) -> None:
    assert ENDPOINT.units(asked(resolution=resolution, duration=duration), None) == expected


def test_the_animatic_engine_gets_both_pictures_and_the_still_camera() -> None:
    request = asked(end_image_url="https://example.com/b.png", camera_fixed=True, seed=7, resolution="480p")
    media = {"image_url": picture("/tmp/a.npy", 1600, 900), "end_image_url": picture("/tmp/b.npy", 10, 900)}
    assert ENDPOINT.clip is not None
    call = ENDPOINT.engines["animatic"](request, media, ENDPOINT.clip(request, media))
    assert call == AnimaticCall(
        "a rider", 864, 480, 120, 24, 7, image="/tmp/a.npy", end_image="/tmp/b.npy", camera_fixed=True
    )


def test_without_an_end_picture_and_the_switch_the_camera_is_free() -> None:
    media = {"image_url": picture("/tmp/a.npy", 1600, 900)}
    assert ENDPOINT.clip is not None
    call = ENDPOINT.engines["animatic"](asked(seed=0), media, ENDPOINT.clip(asked(), media))
    assert isinstance(call, AnimaticCall)
    assert (call.end_image, call.camera_fixed, call.seed) == (None, False, 0)


def test_the_reply_carries_the_file_and_the_seed() -> None:
    reply = ENDPOINT.reply(asked(), Made(files=(File(url="rushes-file:/a/b.mp4"),), seed=9))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}, "seed": 9}
