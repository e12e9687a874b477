"""LTX-Video: the page's defaults and our ranges, the one clip it makes, and the page's shorter File."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Made, Media
from rushes.families import ENDPOINTS
from rushes.families.ltx import LtxInput
from rushes.fields import File

ENDPOINT = ENDPOINTS["fal-ai/ltx-video/image-to-video"]
ASKED = {"prompt": "a diver", "image_url": "https://example.com/a.png"}


def asked(**members: object) -> LtxInput:
    return LtxInput.model_validate({**ASKED, **members})


def picture(width: int, height: int) -> dict[str, Media]:
    return {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=width, height=height)}


def test_prompt_and_picture_are_required() -> None:
    with pytest.raises(ValidationError) as caught:
        LtxInput.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [("prompt",), ("image_url",)]


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("num_inference_steps", 0),
        ("num_inference_steps", 101),
        ("guidance_scale", -0.1),
        ("guidance_scale", float("inf")),
        ("seed", "lucky"),
    ],
)
def test_a_value_outside_its_range_is_refused(field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        asked(**{field: bad})
    assert caught.value.errors()[0]["loc"] == (field,)


@given(st.integers(16, 16384), st.integers(16, 16384), st.integers(1, 100))
def test_every_picture_gives_the_same_clip_at_the_same_price(width: int, height: int, steps: int) -> None:
    request = asked(num_inference_steps=steps)
    assert ENDPOINT.clip is not None
    planned = ENDPOINT.clip(request, picture(width, height))
    assert planned == Clip(768, 512, 121, 24)
    assert ENDPOINT.units(request, planned) == 1


def test_the_animatic_engine_is_asked_for_exactly_the_clip() -> None:
    request, media = asked(seed=7), picture(768, 512)
    assert ENDPOINT.clip is not None
    call = ENDPOINT.engines["animatic"](request, media, ENDPOINT.clip(request, media))
    assert call == AnimaticCall("a diver", 768, 512, 121, 24, 7, image="/tmp/a.npy")


def test_the_reply_has_the_seed_and_the_pages_shorter_file() -> None:
    made = Made(files=(File(url="rushes-file:/a/b.mp4", file_size=3, file_data="AAAA"),), seed=9)
    reply = ENDPOINT.reply(asked(), made)
    assert json.loads(reply.model_dump_json(exclude_none=True)) == {
        "video": {"url": "rushes-file:/a/b.mp4", "file_size": 3},
        "seed": 9,
    }
