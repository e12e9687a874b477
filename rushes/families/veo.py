"""Veo 2 image to video (`fal-ai/veo2/image-to-video`): input, clip, price, and how engines are asked.

Sources: the endpoint's API page for fields, the 8 MB limit, 720p and the two shapes; the vendor's figures for the rate.
The page has no price and no rule for the automatic shapes; ours are in `units` and `is_wide`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rushes.calls import AnimaticCall, VendorCall
from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Roles
from rushes.fields import File, MediaField, Text, WireModel

FPS = 24
WIDE = (1280, 720)
TALL = (720, 1280)
MAX_PICTURE_BYTES = 8 * 1024 * 1024  # the page's "8 MB", read in the sender's favour; Google itself takes 20
VENDOR_MODEL = "veo-2.0-generate-001"
CLEARLY_WIDE = 4 / 3  # width / height from which a picture is landscape even to one who prefers portrait

PictureUrl = Annotated[str, MediaField("image", max_bytes=MAX_PICTURE_BYTES)]


class VeoInput(WireModel):
    """A prompt, a picture, and the shape and length of the video."""

    prompt: Text = Field(
        description="How the picture should come alive: the action and the style, and if you like camera and mood."
    )
    image_url: PictureUrl = Field(
        description="Picture to animate, at most 8 MB; 1280x720 or larger gives the best result."
    )
    aspect_ratio: Literal["auto", "auto_prefer_portrait", "16:9", "9:16"] = Field(
        "auto",
        description="Shape of the video; 'auto' takes the one nearer to the picture's, 'auto_prefer_portrait' is 9:16 "
        "unless the picture is 4:3 or wider.",
    )
    duration: Literal["5s", "6s", "7s", "8s"] = Field("5s", description="Length of the video; each second is a unit.")


class VeoOutput(WireModel):
    """The video; the seed stays with the model."""

    video: File = Field(description="The video that was made.")


def seconds(request: VeoInput) -> int:
    """Return the length asked for."""
    return int(request.duration.removesuffix("s"))


def is_wide(aspect_ratio: str, width: int, height: int) -> bool:
    """Say whether the video of a picture of `width` x `height` is 16:9; otherwise it is 9:16."""
    if aspect_ratio == "auto":
        return width >= height  # a square is wide: model reference 3.1
    if aspect_ratio == "auto_prefer_portrait":
        return width >= CLEARLY_WIDE * height
    return aspect_ratio == "16:9"


def clip(request: VeoInput, media: MediaMap) -> Clip:
    """Return the clip: 720p in one of two shapes, at 24 frames per second."""
    width, height = WIDE if is_wide(request.aspect_ratio, *media["image_url"].size) else TALL
    return Clip(width, height, seconds(request) * FPS, FPS)


def units(request: VeoInput, _clip: Clip | None) -> float:
    """One unit for each second; our own rule, since the page names no price."""
    return float(seconds(request))


def animatic(request: VeoInput, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine; this endpoint has no seed, so the same input gives the same video."""
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        image=media["image_url"].path,
    )


def google(request: VeoInput, media: MediaMap, wanted: Clip) -> VendorCall:
    """Ask Google; the picture is cropped to the film's shape before, so that nothing is padded there."""
    shape = wanted.width / wanted.height
    picture = media["image_url"].attached("bytes", ("body", "image_url"), shape)
    body = {
        "instances": [{"prompt": request.prompt, "image": picture}],
        "parameters": {
            "sampleCount": 1,
            "durationSeconds": seconds(request),
            "aspectRatio": "16:9" if shape > 1 else "9:16",
            "personGeneration": "allow_adult",
        },
    }
    fields = {"image": "image_url", "durationSeconds": "duration", "aspectRatio": "aspect_ratio"}
    places = {member: ("body", field) for member, field in fields.items()}
    return VendorCall("google", "predictLongRunning", VENDOR_MODEL, body, places)


def reply(_request: VeoInput, made: Made) -> VeoOutput:
    """Put the stored video into the output."""
    return VeoOutput(video=made.files[0])


ENDPOINTS = [
    Endpoint(
        id="fal-ai/veo2/image-to-video",
        title="Veo 2 image to video",
        category="image-to-video",
        about="Animates one picture for five to eight seconds at 720p, wide or tall.",
        input=VeoInput,
        output=VeoOutput,
        clip=clip,
        units=units,
        unit="second of video",
        engines={"animatic": animatic, "google": google},
        reply=reply,
        roles=Roles(safety=True),
        example={
            "prompt": "The cook tosses the pan, steam rises, the camera moves in slowly",
            "image_url": "https://example.com/cook.jpg",
            "duration": "6s",
        },
        tags=("image-to-video", "vendor"),
    )
]
