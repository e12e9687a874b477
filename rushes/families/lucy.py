"""Lucy 5B image to video (`fal-ai/decart/lucy-5b/image-to-video`): input, clip, price, and how engines are asked.

Sources: the endpoint's API page for fields; the vendor's client for size and rate, its advertised five seconds for the
length. The page names no price; ours is in `units`.
"""

from __future__ import annotations

from pydantic import Field

from rushes.calls import AnimaticCall, DiffusersCall, VendorCall
from rushes.endpoint import Clip, Delivery, Endpoint, Made, MediaMap, Roles
from rushes.families.wan_weights import PRO_PICTURE, on_grid
from rushes.fields import File, ImageUrl, Text, WireModel

SECONDS = 5
FPS = 25
WIDE = (1280, 704)  # turned round for a tall picture
VENDOR_MODEL = "lucy-dev-i2v"  # the one of 5 billion parameters


class LucyInput(WireModel):
    """A prompt, a picture, and whether the answer carries the video itself."""

    prompt: Text = Field(description="What should be seen in the video.")
    image_url: ImageUrl = Field(description="Picture that the video starts from, cropped at the centre to 20:11.")
    sync_mode: bool = Field(
        True,
        description="Puts the video into the answer as a data URI and keeps nothing of it here; with false it is "
        "stored and the answer holds its URL.",
    )


class LucyOutput(WireModel):
    """The video, H.264 in mp4."""

    video: File = Field(description="The video that was made.")


def clip(_request: LucyInput, media: MediaMap) -> Clip:
    """Return the clip: always five seconds of one size, wide or tall as the picture is."""
    # The one size of the vendor's client; 704 lines, not 720, also lie on the stand-in's grid of 32.
    width, height = media["image_url"].size
    wide, high = WIDE if width >= height else WIDE[::-1]
    return Clip(wide, high, SECONDS * FPS, FPS)


def units(_request: LucyInput, _clip: Clip | None) -> float:
    """One unit for each second, so always five; our own rule, since the page names no price."""
    return float(SECONDS)


def delivery(request: LucyInput) -> Delivery:
    """In sync mode the answer carries the bytes."""
    return Delivery(form="data_uri" if request.sync_mode else "url")


def animatic(request: LucyInput, media: MediaMap, wanted: Clip) -> AnimaticCall:
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


def decart(request: LucyInput, media: MediaMap, wanted: Clip) -> VendorCall:
    """Ask Decart for the smaller of its two models, with the picture cropped to the film's shape."""
    picture = media["image_url"].attached("bytes", ("body", "image_url"), wanted.width / wanted.height)
    body = {"prompt": request.prompt, "data": picture}
    return VendorCall("decart", "jobs", VENDOR_MODEL, body, {"data": ("body", "image_url")})


def diffusers(request: LucyInput, media: MediaMap, wanted: Clip) -> DiffusersCall:
    """Ask open weights of the same size and kind, Wan 2.2 TI2V-5B as published: 50 steps, guidance 5, shift 5.

    There are no open weights of this model, so whichever serve it are declared as a stand-in.
    """
    return DiffusersCall(
        prompt=request.prompt,
        negative_prompt="",  # the endpoint has none; guided weights then lean away from an empty prompt
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        made=on_grid(wanted.frames),
        fps=wanted.fps,
        steps=50,
        guidance=5.0,
        seed=0,
        image=media["image_url"].path,
        shift=5.0,
    )


def reply(_request: LucyInput, made: Made) -> LucyOutput:
    """Put the video into the output, in whichever form it was delivered."""
    return LucyOutput(video=made.files[0])


ENDPOINTS = [
    Endpoint(
        id="fal-ai/decart/lucy-5b/image-to-video",
        title="Lucy 5B image to video",
        category="image-to-video",
        about="Animates one picture for five seconds at 1280x704; the answer carries the video unless told not to.",
        input=LucyInput,
        output=LucyOutput,
        clip=clip,
        units=units,
        unit="second of video",
        delivery=delivery,
        weights=PRO_PICTURE,
        engines={"animatic": animatic, "diffusers": diffusers, "decart": decart},
        reply=reply,
        roles=Roles(),
        example={
            "prompt": "The fox lifts its head and trots out of the frame",
            "image_url": "https://example.com/fox.jpg",
            "sync_mode": False,
        },
        tags=("image-to-video", "vendor"),
    )
]
