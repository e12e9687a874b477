"""Veo 2: which of the two shapes a picture gets, lengths, the picture's limit, and what the engine is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Made, Media
from rushes.families import ENDPOINTS
from rushes.families.veo import VeoInput, is_wide
from rushes.fields import File, media_inputs

ENDPOINT = ENDPOINTS["fal-ai/veo2/image-to-video"]
ASKED = {"prompt": "a cook", "image_url": "https://example.com/a.png"}


def asked(**members: object) -> VeoInput:
    return VeoInput.model_validate({**ASKED, **members})


def picture(width: int, height: int) -> dict[str, Media]:
    return {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=width, height=height)}


def clip(request: VeoInput, width: int, height: int) -> Clip:
    assert ENDPOINT.clip is not None
    planned = ENDPOINT.clip(request, picture(width, height))
    assert isinstance(planned, Clip)
    return planned


def test_prompt_and_picture_are_what_it_cannot_do_without() -> None:
    with pytest.raises(ValidationError) as caught:
        VeoInput.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [("prompt",), ("image_url",)]


@pytest.mark.parametrize(
    ("field", "bad"),
    [("aspect_ratio", "1:1"), ("duration", "4s"), ("duration", "9s"), ("duration", 5), ("prompt", None)],
)
def test_a_value_the_page_does_not_list_is_refused(field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        asked(**{field: bad})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_the_picture_may_have_eight_megabytes() -> None:
    (given_picture,) = media_inputs(asked())
    assert given_picture.field.kind == "image"
    assert given_picture.field.max_bytes == 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("aspect_ratio", "size", "wide"),
    [
        ("auto", (1920, 1080), True),
        ("auto", (1000, 1000), True),
        ("auto", (999, 1000), False),
        ("auto_prefer_portrait", (1920, 1080), True),
        ("auto_prefer_portrait", (4000, 3000), True),
        ("auto_prefer_portrait", (1200, 1000), False),
        ("auto_prefer_portrait", (1000, 1000), False),
        ("16:9", (100, 900), True),
        ("9:16", (900, 100), False),
    ],
)
def test_the_shape_is_asked_for_or_the_pictures(aspect_ratio: str, size: tuple[int, int], wide: bool) -> None:
    assert is_wide(aspect_ratio, *size) is wide
    expected = (1280, 720) if wide else (720, 1280)
    planned = clip(asked(aspect_ratio=aspect_ratio), *size)
    assert (planned.width, planned.height) == expected


@given(
    st.sampled_from(["auto", "auto_prefer_portrait", "16:9", "9:16"]),
    st.sampled_from([5, 6, 7, 8]),
    st.integers(16, 16384),
    st.integers(16, 16384),
)
def test_every_clip_is_720p_at_24_frames_and_costs_its_seconds(
    ratio: str, seconds: int, width: int, height: int
) -> None:
    request = asked(aspect_ratio=ratio, duration=f"{seconds}s")
    planned = clip(request, width, height)
    assert {planned.width, planned.height} == {1280, 720}
    assert (planned.fps, planned.duration_s, planned.audio) == (24, seconds, False)
    assert ENDPOINT.units(request, planned) == seconds


def test_the_animatic_engine_is_asked_for_exactly_the_clip() -> None:
    request = asked(duration="8s")
    planned = clip(request, 720, 1280)
    call = ENDPOINT.engines["animatic"](request, picture(720, 1280), planned)
    assert call == AnimaticCall("a cook", 720, 1280, 192, 24, seed=0, image="/tmp/a.npy")


def test_the_reply_is_the_video_alone() -> None:
    reply = ENDPOINT.reply(asked(), Made(files=(File(url="rushes-file:/a/b.mp4"),)))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}}
