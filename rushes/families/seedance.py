"""Seedance 1.0 Lite image to video: what it takes, what clip it makes, what it costs, how engines are asked.

Sources: the endpoint's API page for fields, lengths and resolutions; the vendor's figures for the rate. The page says
that the picture's shape is kept, but neither sizes nor prices; ours are in `frame_size` and `units`.
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Any, Literal

from pydantic import Field

from rushes.calls import AnimaticCall, Attachment, VendorCall
from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Roles
from rushes.fields import File, ImageUrl, Seed, Spelled, Text, WireModel

FPS = 24
OFFICIAL_WIDE = {"480p": (864, 480), "720p": (1280, 720), "1080p": (1920, 1080)}  # for 16:9; turned round for 9:16
UNITS_PER_SECOND = {"480p": 0.5, "720p": 1.0, "1080p": 2.25}  # about the pixels in a frame
GRID = 16  # sides of all other shapes are multiples of this
ARK_WIDEST = 2.5  # the maker takes pictures from 1:2.5 to 2.5:1; longer ones are cropped to that
WIDEST = 21 / 9  # wider and taller pictures are cropped, so that no side vanishes


class SeedanceInput(WireModel):
    """A prompt, a picture to begin on and perhaps one to end on, and how long and large the video is to be."""

    prompt: Text = Field(description="What should happen in the video.")
    resolution: Literal["480p", "720p", "1080p"] = Field(
        "720p", description="Size class of the video: a second costs half a unit at 480p, one at 720p, 2.25 at 1080p."
    )
    duration: Annotated[Literal["5", "10"], Spelled] = Field("5", description="Length of the video in seconds.")
    camera_fixed: bool | None = Field(None, description="Keeps the camera where it stands; only the subject moves.")
    seed: Seed = None
    image_url: ImageUrl = Field(description="Picture that the video starts from; its shape is the video's.")
    end_image_url: ImageUrl | None = Field(None, description="Picture that the video ends on, cropped to that shape.")


class SeedanceOutput(WireModel):
    """The video and the seed it was made with."""

    video: File = Field(description="The video that was made.")
    seed: int = Field(description="The seed that was used.")


def frame_size(resolution: str, width: int, height: int) -> tuple[int, int]:
    """Return the video's (width, height) in pixels for a picture of `width` x `height`.

    16:9 and 9:16 have the size that the resolution's name promises. Other shapes get as many pixels in the picture's
    own ratio, down to multiples of 16, as far as 21:9 and 9:21.
    """
    wide, high = OFFICIAL_WIDE[resolution]
    # In whole numbers: the area rule would round 16:9 at 480p to 848x480, not to the 864x480 that is promised.
    if width * 9 == height * 16:
        return wide, high
    if width * 16 == height * 9:
        return high, wide
    ratio = min(max(width / height, 1 / WIDEST), WIDEST)
    return round(sqrt(wide * high * ratio)) // GRID * GRID, round(sqrt(wide * high / ratio)) // GRID * GRID


def clip(request: SeedanceInput, media: MediaMap) -> Clip:
    """Return the clip: size from the resolution and the first picture's shape, at 24 frames per second."""
    width, height = frame_size(request.resolution, *media["image_url"].size)
    return Clip(width, height, int(request.duration) * FPS, FPS)


def units(request: SeedanceInput, _clip: Clip | None) -> float:
    """Our own rule: a second is half a unit at 480p, one at 720p and 2.25 at 1080p; the page names no price."""
    return int(request.duration) * UNITS_PER_SECOND[request.resolution]


def animatic(request: SeedanceInput, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine."""
    end = media.get("end_image_url")
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        image=media["image_url"].path,
        end_image=end.path if end else None,
        camera_fixed=bool(request.camera_fixed),
    )


def ark(request: SeedanceInput, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask the maker's own service. `adaptive` keeps the first picture's shape, to which the last one is cropped."""
    first, end = media["image_url"], media.get("end_image_url")
    width, height = first.size
    content: list[dict[str, Any]] = []
    if request.prompt.strip():  # a part without text would be refused
        content.append({"type": "text", "text": request.prompt})
    content.append(_frame("first_frame", first.attached("data_uri", ("body", "image_url"))))
    if end:
        shape = min(max(width / height, 1 / ARK_WIDEST), ARK_WIDEST)
        content.append(_frame("last_frame", end.attached("data_uri", ("body", "end_image_url"), shape)))
    body = {
        "content": content,
        "resolution": request.resolution,
        "ratio": "adaptive",
        "duration": int(request.duration),
        "camera_fixed": bool(request.camera_fixed),
        "seed": -1 if request.seed is None else request.seed,
        "watermark": False,
    }
    fields = {
        "content": ("body",),
        "content.text": ("body", "prompt"),
        "content.image_url": ("body", "image_url"),
        "ratio": ("body", "image_url"),
        "model": ("body",),
    }
    return VendorCall("ark", "image to video", "seedance-1-0-lite-i2v-250428", body, fields)


def _frame(role: str, picture: Attachment) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": picture}, "role": role}


def reply(_request: SeedanceInput, made: Made) -> SeedanceOutput:
    """Put the stored video and its seed into the output."""
    return SeedanceOutput(video=made.files[0], seed=made.seed)


ENDPOINTS = [
    Endpoint(
        id="fal-ai/bytedance/seedance/v1/lite/image-to-video",
        title="Seedance 1.0 Lite image to video",
        category="image-to-video",
        about="Animates one picture, or the way from one picture to another, for five or ten seconds at up to 1080p.",
        input=SeedanceInput,
        output=SeedanceOutput,
        clip=clip,
        units=units,
        unit="second of 720p",
        engines={"animatic": animatic, "ark": ark},
        reply=reply,
        roles=Roles(seed="seed"),
        example={
            "prompt": "The rider leans into the bend while leaves swirl up behind",
            "image_url": "https://example.com/rider.jpg",
            "camera_fixed": True,
        },
        tags=("image-to-video", "vendor"),
    )
]
