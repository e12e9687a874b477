from typing import Any

import pytest
from pydantic import ValidationError

from rushes.endpoint import Delivery, Frame, Made, Media, Stills
from rushes.families.camera import ENDPOINTS, CameraInput
from rushes.fields import File, Image

(CAMERA,) = ENDPOINTS
URL = "https://example.com/a.png"
MEDIA = {"image_url": Media("image", "/a.npy", "image/png", 10, 640, 360)}


def asked(**given: Any) -> CameraInput:
    return CameraInput(image_url=URL, **given)


def test_the_frame_is_512x288_unless_told_otherwise() -> None:
    assert CAMERA.clip is not None
    assert CAMERA.clip(asked(), MEDIA) == Stills(512, 288, 1)
    assert CAMERA.clip(asked(width=640, height=360), MEDIA) == Stills(640, 360, 1)


@pytest.mark.parametrize(
    "given",
    [
        {"x": 1.01},
        {"y": -2},
        {"z": "far"},
        {"yaw": 21},
        {"pitch": -20.5},
        {"roll": 46},
        {"zoom": -0.1},
        {"zoom": 2.5},
        {"x": float("nan")},
        {"width": 62},
        {"height": 1281},
        {"output_format": "gif"},
    ],
    ids=str,
)
def test_what_lies_beyond_a_members_range_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        asked(**given)


def test_the_pose_reaches_the_engine_member_by_member() -> None:
    pose = {"x": 0.1, "y": 0.2, "z": 0.3, "yaw": 4.0, "pitch": 5.0, "roll": 6.0, "zoom": 0.7}
    call: Any = CAMERA.engines["animatic"](asked(**pose), MEDIA, Stills(512, 288, 1))
    assert {name: getattr(call, name) for name in pose} == pose
    assert (call.image, call.width, call.height) == ("/a.npy", 512, 288)


def test_a_frame_costs_one_unit() -> None:
    assert CAMERA.units(asked(), None) == 1.0
    assert CAMERA.price_rule == "One unit for each frame, be it a still or one of a session."


def test_the_format_is_the_one_asked_for() -> None:
    assert CAMERA.delivery(asked()) == Delivery(still="image/jpeg")
    assert CAMERA.delivery(asked(output_format="png")) == Delivery(still="image/png")


def test_a_still_is_given_by_address_and_a_sessions_frame_by_its_bytes() -> None:
    image = Image(url="u", width=512, height=288)
    assert CAMERA.reply(asked(), Made(files=(image,))).images == [image]  # type: ignore[attr-defined]
    assert CAMERA.reply(asked(), Made(files=(File(url="u"),))).images[0].url == "u"  # type: ignore[attr-defined]
    assert CAMERA.realtime is not None
    assert CAMERA.realtime.reply(asked(), (Frame(b"\xff", "image/jpeg", 512, 288),)) == {
        "images": [{"content": b"\xff", "content_type": "image/jpeg", "width": 512, "height": 288}]
    }


def test_pages_find_it_as_realtime() -> None:
    assert "realtime" in CAMERA.tags
    assert CAMERA.session_id == "rushes/camera/realtime"
