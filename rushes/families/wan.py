"""Wan 2.1 (`fal-ai/wan-i2v`) and its enhanced edition Wan Pro: inputs, clips, prices, and how engines are asked.

Sources: the endpoints' API pages for fields, ranges and prices, and for Pro's six seconds at 1080p and 30 frames per
second; Wan's own size rule for the clip. Pro's page names no price; ours is in `pro_units`.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Literal

from pydantic import Field

from rushes.calls import AnimaticCall, DiffusersCall, Finish, VendorCall
from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Roles
from rushes.families.wan_weights import (
    NATIVE_FPS,
    OFFICIAL_GUIDANCE,
    OFFICIAL_SHIFT,
    OFFICIAL_STEPS,
    PICTURE,
    PRO_PICTURE,
    PRO_TEXT,
    on_grid,
    pro_frames,
)
from rushes.fields import BriefFile, File, ImageUrl, Seed, Text, WireModel

NEGATIVE_PROMPT = (
    "bright colors, overexposed, static, blurred details, subtitles, style, artwork, painting, picture, still, "
    "overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly drawn "
    "hands, poorly drawn faces, deformed, disfigured, malformed limbs, fused fingers, still picture, cluttered "
    "background, three legs, many people in the background, walking backwards"
)

AREA = {"480p": 480 * 832, "720p": 720 * 1280, "1080p": 1080 * 1920}  # pixels in a frame, whatever its shape
OFFICIAL_WIDE = {
    "480p": (832, 480),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
}  # used for exactly 16:9; turned round for 9:16
RATIO = {"16:9": 9 / 16, "9:16": 16 / 9, "1:1": 1.0}  # height / width
GRID = 16  # sides are multiples of this
MOST_EXTREME = 8.0  # `auto` follows a picture up to 8:1 or 1:8 and crops beyond, so that no side vanishes
BASE_FRAMES = 81
PRO_RESOLUTION, PRO_MADE = "1080p", "720p"  # the film, and what the open weights make before it is enlarged
PRO_SECONDS = 6
PRO_FPS = 30
VENDOR_SECONDS = 5  # no model of the vendor makes six


class WanI2VInput(WireModel):
    """A prompt, a picture, and how long, large and fast the video is to be."""

    prompt: Text = Field(description="What should happen in the video, and how the camera should move.")
    negative_prompt: Text = Field(NEGATIVE_PROMPT, description="What the video should not show.")
    image_url: ImageUrl = Field(
        description="Picture that the video starts from; scaled and cropped at the centre to fit another aspect ratio."
    )
    num_frames: int = Field(
        BASE_FRAMES, ge=81, le=100, description="How many frames to make, 81 to 100; more than 81 cost 1.25 times."
    )
    frames_per_second: int = Field(16, ge=5, le=24, description="Frames per second of the video, 5 to 24.")
    seed: Seed = None
    resolution: Literal["480p", "720p"] = Field(
        "720p", description="Size class of the video: 480p costs half a unit, 720p one."
    )
    num_inference_steps: int = Field(
        30, ge=1, le=100, description="Sampling steps; more of them look better and take longer."
    )
    guide_scale: float = Field(
        5, ge=0, le=100, allow_inf_nan=False, description="How closely the prompt is followed, at the cost of quality."
    )
    shift: float = Field(
        5, gt=0, le=100, allow_inf_nan=False, description="Shifts the noise schedule towards its noisy end."
    )
    enable_safety_checker: bool | None = Field(None, description="Checks the prompt and the frames.")
    enable_prompt_expansion: bool | None = Field(None, description="Rewrites a short prompt into a fuller one.")
    acceleration: Literal["none", "regular"] = Field(
        "regular", description="Trades a little quality for speed; 'regular' is recommended."
    )
    aspect_ratio: Literal["auto", "16:9", "9:16", "1:1"] = Field(
        "auto", description="Shape of the video; 'auto' takes the picture's."
    )


class WanI2VOutput(WireModel):
    """The video and the seed it was made with."""

    video: File = Field(description="The video that was made.")
    seed: int = Field(description="The seed that was used.")


def frame_size(resolution: str, aspect_ratio: str, width: int, height: int) -> tuple[int, int]:
    """Return the video's (width, height) in pixels for a picture of `width` x `height`.

    Wan's rule: a fixed area, the shape r = height / width, both sides rounded down to multiples of 16; for exactly
    16:9 and 9:16 the official pair.
    """
    r = height / width if aspect_ratio == "auto" else RATIO[aspect_ratio]
    wide = OFFICIAL_WIDE[resolution]
    if r == RATIO["16:9"]:
        return wide
    if r == RATIO["9:16"]:
        return wide[1], wide[0]
    r = min(max(r, 1 / MOST_EXTREME), MOST_EXTREME)
    area = AREA[resolution]
    return round(sqrt(area / r)) // GRID * GRID, round(sqrt(area * r)) // GRID * GRID


def clip(request: WanI2VInput, media: MediaMap) -> Clip:
    """Return the clip: size from the resolution and the picture's shape, length and rate as asked."""
    width, height = frame_size(request.resolution, request.aspect_ratio, *media["image_url"].size)
    return Clip(width, height, request.num_frames, request.frames_per_second)


def units(request: WanI2VInput, _clip: Clip | None) -> float:
    """480p is half a unit and 720p one; more than 81 frames cost 1.25 times as much."""
    base = {"480p": 0.5, "720p": 1.0}[request.resolution]
    return base * (1.25 if request.num_frames > BASE_FRAMES else 1.0)


def animatic(request: WanI2VInput, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine. It has no use for steps, guidance, shift or acceleration."""
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        image=media["image_url"].path,
    )


def diffusers(request: WanI2VInput, media: MediaMap, wanted: Clip) -> DiffusersCall:
    """Ask the open weights: the next number of frames on their grid is made, and as many as were asked for are kept."""
    return DiffusersCall(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        made=on_grid(wanted.frames),
        fps=wanted.fps,
        steps=request.num_inference_steps,
        guidance=request.guide_scale,
        seed=request.seed or 0,
        image=media["image_url"].path,
        shift=request.shift,
        acceleration=request.acceleration,
        variant=request.resolution,
    )


def reply(_request: WanI2VInput, made: Made) -> WanI2VOutput:
    """Put the stored video and its seed into the output."""
    return WanI2VOutput(video=made.files[0], seed=made.seed)


class WanProImageInput(WireModel):
    """A prompt and a picture; length, rate and size class are always the same."""

    prompt: Text = Field(description="What should happen in the video, and how the camera should move.")
    seed: Seed = None
    enable_safety_checker: bool = Field(True, description="Checks the prompt and the frames.")
    image_url: ImageUrl = Field(description="Picture that the video starts from; its shape is the video's.")


class WanProT2VRequest(WireModel):
    """A prompt; length, rate and size are always the same."""

    prompt: Text = Field(description="What should be seen in the video, and how the camera should move.")
    seed: Seed = None
    enable_safety_checker: bool = Field(True, description="Checks the prompt and the frames.")


WanProInput = WanProImageInput | WanProT2VRequest


class WanProOutput(WireModel):
    """The video; unlike Wan 2.1's, this output does not tell the seed."""

    video: BriefFile = Field(description="The video that was made.")


def pro_clip(_request: WanProInput, media: MediaMap) -> Clip:
    """Return the clip: six seconds of 1080p at 30 frames per second, in the picture's shape; 16:9 without one."""
    picture = media.get("image_url")
    shape = picture.size if picture else OFFICIAL_WIDE[PRO_RESOLUTION]
    width, height = frame_size(PRO_RESOLUTION, "auto", *shape)
    return Clip(width, height, PRO_SECONDS * PRO_FPS, PRO_FPS)


def pro_units(_request: WanProInput, _clip: Clip | None) -> float:
    """One unit for each video, since all have one length and one size; our own rule, as the page names no price."""
    return 1.0


def pro_animatic(request: WanProInput, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine, with the picture if there is one."""
    picture = media.get("image_url")
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        image=picture.path if picture else None,
    )


def pro_dashscope(request: WanProInput, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask Alibaba Model Studio, whose nearest film has the same size and rate, but five seconds, not six."""
    given: dict[str, Any] = {"prompt": request.prompt}
    parameters: dict[str, Any] = {"duration": VENDOR_SECONDS, "prompt_extend": True, "watermark": False}
    if request.seed is not None:
        parameters["seed"] = request.seed
    if picture := media.get("image_url"):
        given["img_url"] = picture.attached("data_uri", ("body", "image_url"))
        parameters["resolution"] = PRO_RESOLUTION.upper()
    else:
        width, height = OFFICIAL_WIDE[PRO_RESOLUTION]
        parameters["size"] = f"{width}*{height}"
    model = "wan2.2-i2v-plus" if picture else "wan2.2-t2v-plus"
    fields = {"input.prompt": "prompt", "input.img_url": "image_url", "parameters.seed": "seed"}
    places = {member: ("body", field) for member, field in fields.items()}
    return VendorCall("dashscope", "video-synthesis", model, {"input": given, "parameters": parameters}, places)


def pro_diffusers(request: WanProInput, media: MediaMap, wanted: Clip) -> DiffusersCall:
    """Ask the open weights at 720p and 16 frames per second, and have the film brought to 1080p and 30."""
    picture = media.get("image_url")
    width, height = frame_size(PRO_MADE, "auto", *(picture.size if picture else OFFICIAL_WIDE[PRO_MADE]))
    finish = Finish(wanted.width, wanted.height, wanted.frames, wanted.fps)
    made = pro_frames(finish)
    return DiffusersCall(
        prompt=request.prompt,
        negative_prompt=NEGATIVE_PROMPT,
        width=width,
        height=height,
        frames=made,
        made=made,
        fps=NATIVE_FPS,
        steps=OFFICIAL_STEPS,
        guidance=OFFICIAL_GUIDANCE,
        seed=request.seed or 0,
        image=picture.path if picture else None,
        shift=OFFICIAL_SHIFT,
        acceleration="regular",
        finish=finish,
        variant=PRO_MADE,
    )


def pro_reply(_request: WanProInput, made: Made) -> WanProOutput:
    """Put the stored video into the output."""
    return WanProOutput(video=made.files[0])


PRO_ROLES = Roles(seed="seed", safety="enable_safety_checker")

ENDPOINTS = [
    Endpoint(
        id="fal-ai/wan-i2v",
        title="Wan 2.1 image to video",
        category="image-to-video",
        about="Turns one picture and a prompt into a video of about five seconds, at 480p or 720p.",
        input=WanI2VInput,
        output=WanI2VOutput,
        clip=clip,
        units=units,
        unit="video",
        weights=PICTURE,
        variants=("480p", "720p"),
        engines={"animatic": animatic, "diffusers": diffusers},
        reply=reply,
        roles=Roles(
            seed="seed",
            safety="enable_safety_checker",
            expansion="enable_prompt_expansion",
        ),
        example={
            "prompt": "Slow push in while the clouds drift",
            "image_url": "https://example.com/photograph.jpg",
        },
        tags=("image-to-video", "open-weights"),
    ),
    Endpoint(
        id="fal-ai/wan-pro/image-to-video",
        title="Wan Pro image to video",
        category="image-to-video",
        about="Turns one picture and a prompt into six seconds of 1080p at 30 frames per second.",
        input=WanProImageInput,
        output=WanProOutput,
        clip=pro_clip,
        units=pro_units,
        unit="video",
        weights=PRO_PICTURE,
        variants=(PRO_MADE,),
        engines={"animatic": pro_animatic, "diffusers": pro_diffusers, "dashscope": pro_dashscope},
        reply=pro_reply,
        roles=PRO_ROLES,
        example={
            "prompt": "The dancer turns once and the camera circles with her",
            "image_url": "https://example.com/dancer.jpg",
        },
        tags=("image-to-video", "vendor"),
    ),
    Endpoint(
        id="fal-ai/wan-pro/text-to-video",
        title="Wan Pro text to video",
        category="text-to-video",
        about="Turns a prompt into six seconds of 1080p at 30 frames per second.",
        input=WanProT2VRequest,
        output=WanProOutput,
        clip=pro_clip,
        units=pro_units,
        unit="video",
        weights=PRO_TEXT,
        variants=(PRO_MADE,),
        engines={"animatic": pro_animatic, "diffusers": pro_diffusers, "dashscope": pro_dashscope},
        reply=pro_reply,
        roles=PRO_ROLES,
        example={"prompt": "A glider crosses a valley at dawn, seen from above"},
        tags=("text-to-video", "vendor"),
    ),
]
