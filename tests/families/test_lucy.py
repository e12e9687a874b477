"""Lucy: one length, two shapes, and the switch that puts the video into the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Made, Media
from rushes.families import ENDPOINTS
from rushes.families.lucy import LucyInput
from rushes.fields import File

ENDPOINT = ENDPOINTS["fal-ai/decart/lucy-5b/image-to-video"]
ASKED = {"prompt": "a fox", "image_url": "https://example.com/a.png"}


def asked(**members: object) -> LucyInput:
    return LucyInput.model_validate({**ASKED, **members})


def picture(width: int, height: int) -> dict[str, Media]:
    return {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=width, height=height)}


def test_prompt_and_picture_are_what_it_cannot_do_without() -> None:
    with pytest.raises(ValidationError) as caught:
        LucyInput.model_validate({"sync_mode": "perhaps"})
    assert [error["loc"] for error in caught.value.errors()] == [("prompt",), ("image_url",), ("sync_mode",)]


@pytest.mark.parametrize(("members", "form"), [({}, "data_uri"), ({"sync_mode": True}, "data_uri")])
def test_the_answer_carries_the_video_unless_told_not_to(members: dict[str, object], form: str) -> None:
    delivery = ENDPOINT.delivery(asked(**members))
    assert delivery.form == form
    assert delivery.video.container == "mp4"


def test_without_sync_mode_the_video_is_stored() -> None:
    assert ENDPOINT.delivery(asked(sync_mode=False)).form == "url"


@given(st.integers(16, 16384), st.integers(16, 16384))
def test_every_clip_is_five_seconds_in_the_pictures_orientation(width: int, height: int) -> None:
    assert ENDPOINT.clip is not None
    planned = ENDPOINT.clip(asked(), picture(width, height))
    assert planned == (Clip(1280, 704, 125, 25) if width >= height else Clip(704, 1280, 125, 25))
    assert isinstance(planned, Clip)
    assert planned.duration_s == 5
    assert ENDPOINT.units(asked(), planned) == 5


def test_the_animatic_engine_is_asked_for_exactly_the_clip() -> None:
    media = picture(1920, 1080)
    assert ENDPOINT.clip is not None
    call = ENDPOINT.engines["animatic"](asked(), media, ENDPOINT.clip(asked(), media))
    assert call == AnimaticCall("a fox", 1280, 704, 125, 25, seed=0, image="/tmp/a.npy")


def test_the_reply_is_the_video_as_it_was_delivered() -> None:
    reply = ENDPOINT.reply(asked(), Made(files=(File(url="data:video/mp4;base64,AAAA"),)))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "data:video/mp4;base64,AAAA"}}
