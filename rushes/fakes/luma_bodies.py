"""What Luma takes, as lumaai 1.21.0 writes it, in strict types. Judging what lies behind the URLs is `luma`'s."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rushes.fakes.bodies import Strict

Ratio = Literal["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"]
Model = Literal["ray-2", "ray-flash-2"]
Resolution = Literal["540p", "720p", "1080p", "4k"]
Mode = Literal[
    "adhere_1", "adhere_2", "adhere_3", "flex_1", "flex_2", "flex_3", "reimagine_1", "reimagine_2", "reimagine_3"
]
Prompt = Annotated[str, Field(min_length=3, max_length=5000)]
Pixel = Annotated[int, Field(ge=0)]


class ImageFrame(Strict):
    """A keyframe from a picture."""

    type: Literal["image"]
    url: str


class GenerationFrame(Strict):
    """A keyframe from an earlier generation: extends it, or leads into it."""

    type: Literal["generation"]
    id: str


Frame = Annotated[ImageFrame | GenerationFrame, Field(discriminator="type")]


class Keyframes(Strict):
    """Where the film starts and ends."""

    frame0: Frame | None = None
    frame1: Frame | None = None


class Link(Strict):
    """A picture or film by its address."""

    url: str


class Concept(Strict):
    """A named movement."""

    key: str


class Create(Strict):
    """`POST /generations/video`."""

    model: Model
    generation_type: Literal["video"] = "video"
    prompt: Prompt | None = None
    aspect_ratio: Ratio = "16:9"
    loop: bool = False
    keyframes: Keyframes | None = None
    resolution: Resolution = "720p"
    duration: Literal["5s", "9s"] = "5s"
    concepts: tuple[Concept, ...] = Field(default=(), strict=False)
    callback_url: str | None = None


class Modify(Strict):
    """`POST /generations/video/modify`."""

    generation_type: Literal["modify_video"]
    model: Model
    media: Link
    mode: Mode
    first_frame: Link | None = None
    prompt: Prompt | None = None
    callback_url: str | None = None


class Reframe(Strict):
    """`POST /generations/video/reframe`."""

    generation_type: Literal["reframe_video"]
    model: Model
    media: Link
    aspect_ratio: Ratio
    first_frame: Link | None = None
    prompt: Prompt | None = None
    grid_position_x: Pixel | None = None
    grid_position_y: Pixel | None = None
    x_start: Pixel | None = None
    x_end: Pixel | None = None
    y_start: Pixel | None = None
    y_end: Pixel | None = None
    resized_width: Pixel | None = None
    resized_height: Pixel | None = None
    callback_url: str | None = None


class Audio(Strict):
    """`POST /generations/{id}/audio`."""

    generation_type: Literal["add_audio"] = "add_audio"
    prompt: Prompt | None = None
    negative_prompt: Prompt | None = None
    callback_url: str | None = None


class Upscale(Strict):
    """`POST /generations/{id}/upscale`."""

    generation_type: Literal["upscale_video"] = "upscale_video"
    resolution: Resolution = "1080p"
    callback_url: str | None = None
