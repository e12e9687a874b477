"""Kling from a prompt or a picture, versions 1 to 2.1 (`fal-ai/kling-video/…/text-to-video`, `…/image-to-video`).

What each version takes, what clip its tiers make, what that costs, and how engines are asked. Fields, enums and
defaults are the endpoint page's; ranges that the page leaves open are those of Kling's own API. Elements, effects and
lipsync are in `kling_effects`, which shares the grades and shapes with this file; how Kling's own API is asked for any
of it is in `kling_vendor`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

from rushes.calls import AnimaticCall, Mask, Move, VendorCall
from rushes.endpoint import Clip, Endpoint, Made, Media, MediaMap
from rushes.families import kling_vendor
from rushes.families.kling_vendor import MOST_EXTREME
from rushes.fields import File, ImageUrl, MaskUrl, Spelled, WireModel

ROOT = "fal-ai/kling-video"
NEGATIVE_PROMPT = "blur, distort, and low quality"
PROMPT_CHARS = 2_500
SHAPES = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}  # width / height
MOST_MASKS = 6
MOST_POINTS = 77  # of one path; fewer than two lead nowhere
FARTHEST = 100_000  # pixels from a picture's corner: beyond any picture, yet no number too large to reckon with
FULL_MOVE = 10  # movement_value at its largest


@dataclass(frozen=True, slots=True)
class Grade:
    """What a version delivers in one of its tiers: pixels in a frame (whatever its shape), rate, units for 5 s."""

    area: int
    fps: int
    units: float


HD = 1280 * 720
FULL_HD = 1920 * 1080
# The rate went from 30 to 24 with version 2. Prices are in proportion to Kling's own for five seconds (model
# reference 3.3 d: 0.28, 0.49 and 1.40 dollars), since the pages print none.
GRADES = {
    "v1/standard": Grade(HD, 30, 1.0),
    "v1.5/pro": Grade(FULL_HD, 30, 1.75),
    "v1.6/standard": Grade(HD, 30, 1.0),
    "v1.6/pro": Grade(FULL_HD, 30, 1.75),
    "v2/master": Grade(FULL_HD, 24, 5.0),
    "v2.1/standard": Grade(HD, 24, 1.0),
    "v2.1/pro": Grade(FULL_HD, 24, 1.75),
    "v2.1/master": Grade(FULL_HD, 24, 5.0),
}
UNIT = "5 s of standard"

CameraPreset = Literal["down_back", "forward_up", "right_turn_forward", "left_turn_forward"]
# The page names the combinations and no amounts: each half of one goes half as far as a single move can.
PRESETS: Mapping[str, tuple[Move, ...]] = {
    "down_back": (Move("pedestal", -0.5), Move("dolly", -0.5)),
    "forward_up": (Move("dolly", 0.5), Move("pedestal", 0.5)),
    "right_turn_forward": (Move("pan", 0.5), Move("dolly", 0.5)),
    "left_turn_forward": (Move("pan", -0.5), Move("dolly", 0.5)),
}
MOVES: Mapping[str, Literal["truck", "pedestal", "pan", "tilt", "roll", "zoom"]] = {
    "horizontal": "truck",
    "vertical": "pedestal",
    "pan": "pan",
    "tilt": "tilt",
    "roll": "roll",
    "zoom": "zoom",
}

Prompt = Annotated[
    str,
    Field(
        max_length=PROMPT_CHARS,
        description=f"What is to be seen and what happens, in at most {PROMPT_CHARS:,} characters.",
    ),
]
NegativePrompt = Annotated[
    str,
    Field(
        max_length=PROMPT_CHARS,
        description=f"What to keep out of the video, in at most {PROMPT_CHARS:,} characters.",
    ),
]
FirstImage = Annotated[
    ImageUrl, Field(description="Picture that the video opens on; the video has its shape, from 1:2.5 to 2.5:1.")
]
Duration = Annotated[
    Literal["5", "10"], Spelled, Field(description="Length of the video in seconds; ten cost twice as much as five.")
]
AspectRatio = Annotated[Literal["16:9", "9:16", "1:1"], Field(description="Shape of the video: width to height.")]
Guidance = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="How strictly the prompt is followed: 0 leaves the most freedom, 1 the least.",
    ),
]
TailImage = Annotated[ImageUrl | None, Field(description="Picture that the video is to end on.")]


class ImageToVideoRequest(WireModel):
    """A picture and what is to happen in it; the same for versions 1.6 to 2.1 but for pro 1.6."""

    prompt: Prompt
    image_url: FirstImage
    duration: Duration = "5"
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    cfg_scale: Guidance = 0.5


# These four are alike but for their names: the page lists each endpoint's type by one of its own.
class ImageToVideoV21StandardRequest(ImageToVideoRequest):
    """Version 2.1, standard: the page's main input."""


class ImageToVideoV21ProRequest(ImageToVideoRequest):
    """Version 2.1, pro."""


class ImageToVideoV21MasterRequest(ImageToVideoRequest):
    """Version 2.1, master."""


class ImageToVideoV2MasterRequest(ImageToVideoRequest):
    """Version 2, master."""


class ProImageToVideoRequest(WireModel):
    """Versions 1.5 and 1.6, pro: a shape of its own, and a picture to end on."""

    prompt: Prompt
    image_url: Annotated[
        ImageUrl, Field(description="Picture that the video opens on, cropped at the centre to the video's shape.")
    ]
    duration: Duration = "5"
    aspect_ratio: AspectRatio = "16:9"
    tail_image_url: TailImage = None
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    cfg_scale: Guidance = 0.5


class Trajectory(WireModel):
    """One point of the path that a masked region takes."""

    x: int = Field(ge=-FARTHEST, le=FARTHEST, description="Where the point lies across the picture, in pixels.")
    y: int = Field(
        ge=-FARTHEST,
        le=FARTHEST,
        description=(
            "Where the point lies along the picture's height, in pixels from the top; from the bottom where only so "
            "the path begins on its region."
        ),
    )


class DynamicMask(WireModel):
    """A region of the picture and the path it is to take."""

    mask_url: MaskUrl = Field(description="Picture of the region that is to move, painted over the opening picture.")
    trajectories: list[Trajectory] | None = Field(
        None,
        min_length=2,
        max_length=MOST_POINTS,
        description=f"The path that the region takes, as 2 to {MOST_POINTS} points in order.",
    )


class V1ImageToVideoRequest(ImageToVideoRequest):
    """Version 1, standard: regions of the picture can be held still or led along a path."""

    tail_image_url: TailImage = None
    static_mask_url: MaskUrl | None = Field(None, description="Picture of the region that is to stay still.")
    dynamic_masks: list[DynamicMask] | None = Field(
        None,
        max_length=MOST_MASKS,
        description=f"Up to {MOST_MASKS} regions that move, each with its path.",
    )


class TextToVideoRequest(WireModel):
    """A prompt alone; the same for all versions from 1.5 on."""

    prompt: Prompt
    duration: Duration = "5"
    aspect_ratio: AspectRatio = "16:9"
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    cfg_scale: Guidance = 0.5


class TextToVideoV21MasterRequest(TextToVideoRequest):
    """Version 2.1, master."""


class TextToVideoV2MasterRequest(TextToVideoRequest):
    """Version 2, master."""


class CameraControl(WireModel):
    """One camera move and how far it goes."""

    movement_type: Literal["horizontal", "vertical", "pan", "tilt", "roll", "zoom"] = Field(
        description="Which way the camera moves or turns."
    )
    movement_value: int = Field(
        ge=-FULL_MOVE,
        le=FULL_MOVE,
        description="How far, from -10 to 10: positive is right, up, clockwise or in; 0 is no move.",
    )


class V1TextToVideoRequest(TextToVideoRequest):
    """Version 1, standard: the camera can be led by parameter."""

    camera_control: CameraPreset | None = Field(None, description="A combined camera move by its name.")
    advanced_camera_control: CameraControl | None = Field(
        None, description="A single camera move in steps; counts instead of camera_control where both are given."
    )


class KlingOutput(WireModel):
    """The video; there is no seed to tell, since Kling takes none."""

    video: File = Field(description="The video that was made.")


Request = ImageToVideoRequest | ProImageToVideoRequest | TextToVideoRequest


class Timed(Protocol):
    """Any request with a length to choose."""

    @property
    def duration(self) -> str:
        """Seconds as the pages spell them."""
        ...


def frame_size(area: int, shape: float) -> tuple[int, int]:
    """Return the video's (width, height) in pixels, both even, for a shape given as width / height.

    Kling keeps the number of pixels and changes the sides: a square is 960x960 in standard and 1440x1440 in pro.
    """
    shape = min(max(shape, 1 / MOST_EXTREME), MOST_EXTREME)
    return 2 * round(sqrt(area * shape) / 2), 2 * round(sqrt(area / shape) / 2)


def shape_of(picture: Media) -> float:
    """Width / height of a picture."""
    width, height = picture.size
    return width / height


def film(grade: Grade, shape: float, duration: str) -> Clip:
    """Return the silent clip of a grade in this shape, exactly as long as asked."""
    width, height = frame_size(grade.area, shape)
    return Clip(width, height, int(duration) * grade.fps, grade.fps)


def clip(grade: Grade, request: Request, media: MediaMap) -> Clip:
    """Return the clip: shaped as asked where the request can say so, else as the opening picture."""
    if isinstance(request, ImageToVideoRequest):
        return film(grade, shape_of(media["image_url"]), request.duration)
    return film(grade, SHAPES[request.aspect_ratio], request.duration)


def units(grade: Grade, request: Timed, _clip: Clip | None) -> float:
    """Five seconds cost 1 unit in standard, 1.75 in pro and 5 in master; ten seconds cost double."""
    return grade.units * int(request.duration) / 5


def camera(request: Request) -> tuple[Move, ...]:
    """Return the moves asked for by parameter, none where the version knows no such parameter."""
    if not isinstance(request, V1TextToVideoRequest):
        return ()
    if single := request.advanced_camera_control:
        return (Move(MOVES[single.movement_type], single.movement_value / FULL_MOVE),)
    return PRESETS[request.camera_control] if request.camera_control else ()


def masks(request: Request, media: MediaMap) -> tuple[Mask, ...]:
    """Return the regions that stay still or are led, none where the version knows none; without a path one is free."""
    if not isinstance(request, V1ImageToVideoRequest):
        return ()
    # The page speaks of the picture's pixels; the film has another size, so paths travel in shares.
    still = (Mask(media["static_mask_url"].path),) if "static_mask_url" in media else ()
    width, height = media["image_url"].size
    led = tuple(
        Mask(media[f"dynamic_masks.{number}.mask_url"].path, path)
        for number, mask in enumerate(request.dynamic_masks or ())
        if (path := tuple((point.x / width, point.y / height) for point in mask.trajectories or ()))
    )
    return still + led


def animatic(request: Request, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine. It has no use for the negative prompt and guidance."""
    first, last = media.get("image_url"), media.get("tail_image_url")
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,  # Kling takes no seed; the same request makes the same film
        image=first.path if first else None,
        end_image=last.path if last else None,
        camera=camera(request),
        masks=masks(request, media),
    )


def reply(_request: WireModel, made: Made) -> KlingOutput:
    """Put the stored video into the output."""
    return KlingOutput(video=made.files[0])


def title(grade: str, what: str) -> str:
    """Name an endpoint for people: "Kling 2.1 pro image to video"."""
    version, tier = grade.removeprefix("v").split("/")
    return f"Kling {version} {tier} {what}"


Asked = Callable[..., VendorCall]
ASKED: Mapping[type[Request], Asked] = {
    ImageToVideoRequest: kling_vendor.from_picture,
    ProImageToVideoRequest: kling_vendor.from_picture_shaped,
    V1ImageToVideoRequest: kling_vendor.from_picture_with_masks,
    TextToVideoRequest: kling_vendor.from_text,
    V1TextToVideoRequest: kling_vendor.from_text_with_camera,
}
"""How Kling itself is asked, by the request's type or the nearest one above it."""


def asked(grade: str, request: type[Request]) -> Asked:
    """Return how Kling itself is asked for a grade."""
    # The nearest first: V1ImageToVideoRequest is an ImageToVideoRequest too, but is asked with its masks.
    return partial(next(ASKED[kind] for kind in request.__mro__ if kind in ASKED), grade)


def _endpoint(grade: str, task: str, request: type[Request], about: str, example: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        id=f"{ROOT}/{grade}/{task}",
        title=title(grade, task.replace("-", " ")),
        category=task,
        about=about,
        input=request,
        output=KlingOutput,
        clip=partial(clip, GRADES[grade]),
        units=partial(units, GRADES[grade]),
        unit=UNIT,
        engines={"animatic": animatic, "kling": asked(grade, request)},
        reply=reply,
        example=example,
        tags=(task, "vendor"),
    )


def _from_picture(grade: str, request: type[Request], about: str, **more: str) -> Endpoint:
    example = {
        "prompt": "The camera glides in while the wind moves the grass",
        "image_url": "https://example.com/meadow.jpg",
    }
    return _endpoint(grade, "image-to-video", request, about, example | more)


def _from_text(grade: str, request: type[TextToVideoRequest], about: str, **more: str) -> Endpoint:
    example = {"prompt": "A paper boat drifts down a rainy street, seen from low above the water"}
    return _endpoint(grade, "text-to-video", request, about, example | more)


ENDPOINTS = [
    _from_picture(
        "v2.1/standard", ImageToVideoV21StandardRequest, "Sets a picture in motion for five or ten seconds, at 720p."
    ),
    _from_picture("v2.1/pro", ImageToVideoV21ProRequest, "Sets a picture in motion for five or ten seconds, at 1080p."),
    _from_picture(
        "v2.1/master",
        ImageToVideoV21MasterRequest,
        "Sets a picture in motion with Kling's largest 2.1 model, at 1080p.",
    ),
    _from_text(
        "v2.1/master",
        TextToVideoV21MasterRequest,
        "Makes a video from a prompt with Kling's largest 2.1 model, at 1080p.",
    ),
    _from_picture(
        "v2/master", ImageToVideoV2MasterRequest, "Sets a picture in motion with Kling's largest 2.0 model, at 1080p."
    ),
    _from_text(
        "v2/master", TextToVideoV2MasterRequest, "Makes a video from a prompt with Kling's largest 2.0 model, at 1080p."
    ),
    _from_picture("v1.6/standard", ImageToVideoRequest, "Sets a picture in motion with version 1.6, at 720p."),
    _from_picture(
        "v1.6/pro",
        ProImageToVideoRequest,
        "Leads from one picture to another with version 1.6, at 1080p and in a shape of your choice.",
        tail_image_url="https://example.com/meadow-at-night.jpg",
    ),
    _from_picture(
        "v1.5/pro",
        ProImageToVideoRequest,
        "Leads from one picture to another with version 1.5, at 1080p and in a shape of your choice.",
        tail_image_url="https://example.com/meadow-at-night.jpg",
    ),
    _from_text("v1.6/standard", TextToVideoRequest, "Makes a video from a prompt with version 1.6, at 720p."),
    _from_text("v1.6/pro", TextToVideoRequest, "Makes a video from a prompt with version 1.6, at 1080p."),
    _from_text("v1.5/pro", TextToVideoRequest, "Makes a video from a prompt with version 1.5, at 1080p."),
    _from_text(
        "v1/standard",
        V1TextToVideoRequest,
        "Makes a video from a prompt with version 1, at 720p; the camera can be led by parameter.",
        camera_control="forward_up",
    ),
    _from_picture(
        "v1/standard",
        V1ImageToVideoRequest,
        "Sets a picture in motion with version 1, at 720p; regions can be held still or led along paths.",
        static_mask_url="https://example.com/sky-mask.png",
    ),
]
