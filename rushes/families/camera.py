"""Our own interactive camera (`rushes/camera`): one picture, a camera that is moved by hand, and what it sees.

It answers a request with one still, and a session (`rushes/camera/realtime`) with a frame for each input. No vendor
has such an endpoint: fields, ranges and price are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from rushes.calls import ViewCall
from rushes.endpoint import Delivery, Endpoint, Frame, Made, MediaMap, Realtime, Roles, Stills
from rushes.fields import File, Image, ImageUrl, WireModel

# The engine's largest zoom is reckoned for a strip of 64x1280, rolled: see `animatic.view` before widening either.
MOST_SIDE = 1280
Side = Annotated[int, Field(ge=64, le=MOST_SIDE)]
Way = Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]
Turn = Annotated[float, Field(ge=-20.0, le=20.0, allow_inf_nan=False)]


class CameraInput(WireModel):
    """A picture, where the camera is, and how the frame is to be written."""

    image_url: ImageUrl = Field(
        description="Picture to look around in. In a session the first input needs it; later ones keep it."
    )
    x: Way = Field(0.0, description="Step to the side: -1 is far left, 1 far right.")
    y: Way = Field(0.0, description="Step up or down: -1 is far down, 1 far up.")
    z: Way = Field(0.0, description="Dolly: 1 is far into the picture, -1 back out of it.")
    yaw: Turn = Field(0.0, description="Turn to the right, in degrees.")
    pitch: Turn = Field(0.0, description="Turn upwards, in degrees.")
    roll: Annotated[float, Field(ge=-45.0, le=45.0, allow_inf_nan=False)] = Field(
        0.0, description="Roll clockwise, in degrees."
    )
    zoom: Annotated[float, Field(ge=0.0, le=2.0, allow_inf_nan=False)] = Field(
        0.0, description="Field of view: each whole step halves it, and so doubles the magnification."
    )
    width: Side = Field(512, description="Width of the frame in pixels.")
    height: Side = Field(288, description="Height of the frame in pixels.")
    output_format: Literal["jpeg", "png"] = Field("jpeg", description="How the frame is written.")


class CameraOutput(WireModel):
    """What the camera sees; in a session `content` holds each picture's bytes, and there is no `url`."""

    images: list[Image] = Field(description="The frame.")


def plan(request: CameraInput, _media: MediaMap) -> Stills:
    """Return the one frame, of the size that was asked for."""
    return Stills(request.width, request.height, 1)


def units(_request: CameraInput, _plan: Stills | None) -> float:
    """One unit for each frame, be it a still or one of a session."""
    return 1.0


def delivery(request: CameraInput) -> Delivery:
    """Return how the frame is written."""
    return Delivery(still="image/jpeg" if request.output_format == "jpeg" else "image/png")


def animatic(request: CameraInput, media: MediaMap, wanted: Stills) -> ViewCall:
    """Ask the animatic engine."""
    return ViewCall(
        image=media["image_url"].path,
        width=wanted.width,
        height=wanted.height,
        x=request.x,
        y=request.y,
        z=request.z,
        yaw=request.yaw,
        pitch=request.pitch,
        roll=request.roll,
        zoom=request.zoom,
    )


def reply(_request: CameraInput, made: Made) -> CameraOutput:
    """Put the stored still into the output."""
    return CameraOutput(images=[_image(file) for file in made.files])


def frame_reply(_request: CameraInput, frames: tuple[Frame, ...]) -> Mapping[str, Any]:
    """Put the frame itself into the output of a session."""
    return {
        "images": [
            {"content": one.content, "content_type": one.content_type, "width": one.width, "height": one.height}
            for one in frames
        ]
    }


def _image(file: File) -> Image:
    return file if isinstance(file, Image) else Image(**file.model_dump())


ENDPOINTS = [
    Endpoint(
        id="rushes/camera",
        title="Interactive camera",
        category="image-to-image",
        about="Shows one picture from a camera that you move: a still for each request, or live frames in a session.",
        input=CameraInput,
        output=CameraOutput,
        clip=plan,
        units=units,
        unit="frame",
        delivery=delivery,
        engines={"animatic": animatic},
        reply=reply,
        roles=Roles(prompt=None),
        example={"image_url": "https://example.com/harbour.jpg", "x": 0.3, "yaw": 4.0, "zoom": 0.2},
        tags=("image-to-image", "camera", "realtime"),
        realtime=Realtime(kept=("image_url",), reply=frame_reply),
        own=True,
    )
]
