"""MiniMax's films and pictures (`fal-ai/minimax/…`): Hailuo 02 pro, the Video-01 family, and Image-01.

Sources: the family's API page for fields and limits, MiniMax's published figures for rate and size. Every film lasts
six seconds. Speech has a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from rushes.calls import AnimaticCall, StillsCall
from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Roles, Stills
from rushes.families import minimax_vendor
from rushes.fields import File, ImageUrl, Text, WireModel

SECONDS = 6
HAILUO_LINES, HAILUO_FPS = 1080, 24  # pixels on the short side, frames per second
VIDEO_01_LINES, VIDEO_01_FPS = 720, 25
MOST_EXTREME = 2.5  # MiniMax takes pictures from 2:5 to 5:2; what is beyond is cropped at the centre

PICTURE_SIZE = {
    "1:1": (1024, 1024),
    "16:9": (1280, 720),
    "4:3": (1152, 864),
    "3:2": (1248, 832),
    "2:3": (832, 1248),
    "3:4": (864, 1152),
    "9:16": (720, 1280),
    "21:9": (1344, 576),
}  # MiniMax's own sizes for each shape

MOST_MOVES = 3  # camera moves that one pair of brackets may combine
MOVE = re.compile(
    r"truck (left|right)|pan (left|right)|push in|pull out|pedestal (up|down)|tilt (up|down)|zoom (in|out)"
    r"|shake|tracking shot|static shot",
    re.IGNORECASE,
)
SHOWN = 100  # characters of a bracket that its error repeats
BRACKETS = re.compile(r"\[([^\[\]]*)\]")

PROMPT = "What should happen in the video."
DIRECTED = (
    "What should happen in the video. Camera moves stand in square brackets, up to three together, as in "
    "[Tilt up, Push in, Shake]. There are: pan or truck (left, right), zoom (in, out), pedestal or tilt (up, down), "
    "push in, pull out, shake, static shot and tracking shot."
)
FIRST = "Picture that the video starts from and takes its shape from."
OPTIMIZER = "Rewrites the prompt into a fuller one before it is used."


def _moves_together(prompt: str) -> str:
    for bracket in BRACKETS.findall(prompt):
        # Brackets hold other asides too; only known moves count.
        moves = [part for part in bracket.split(",") if MOVE.fullmatch(part.strip())]
        if len(moves) > MOST_MOVES:
            raise PydanticCustomError(
                "value_error",
                "[{bracket}] combines {count} camera moves; up to 3 go together, further ones in brackets of their own",
                {"bracket": bracket[:SHOWN], "count": len(moves)},
            )
    return prompt


class TextToVideoRequest(WireModel):
    """A prompt."""

    prompt: Text = Field(description=PROMPT)
    prompt_optimizer: bool = Field(True, description=OPTIMIZER)


class TextToVideoLiveRequest(TextToVideoRequest):
    """The same for the model made for drawn figures."""


class TextToVideoDirectorRequest(WireModel):
    """A prompt with camera moves."""

    prompt: Text = Field(description=DIRECTED)
    prompt_optimizer: bool = Field(True, description=OPTIMIZER)

    _few_moves = field_validator("prompt")(_moves_together)


class ImageToVideoRequest(WireModel):
    """A prompt and a first picture."""

    prompt: Text = Field(description=PROMPT)
    image_url: ImageUrl = Field(description=FIRST)
    prompt_optimizer: bool = Field(True, description=OPTIMIZER)


class Hailuo02ProRequest(ImageToVideoRequest):
    """The same for Hailuo 02."""


class ImageToVideoDirectorRequest(WireModel):
    """A prompt with camera moves, and a first picture."""

    prompt: Text = Field(description=DIRECTED)
    image_url: ImageUrl = Field(description=FIRST)
    prompt_optimizer: bool = Field(True, description=OPTIMIZER)

    _few_moves = field_validator("prompt")(_moves_together)


class SubjectReferenceRequest(WireModel):
    """A prompt, and who is to be seen."""

    prompt: Text = Field(description=PROMPT)
    subject_reference_image_url: ImageUrl = Field(
        description="Picture of the one who is to be seen throughout; not the first picture."
    )
    prompt_optimizer: bool = Field(True, description=OPTIMIZER)


AspectRatio = Literal["1:1", "16:9", "4:3", "3:2", "2:3", "3:4", "9:16", "21:9"]
PICTURED = "What should be seen, in up to 1,500 characters."
SHAPE = "Shape of the pictures."
COUNT = "How many pictures to make, 1 to 9; each costs a unit."


class MiniMaxTextToImageRequest(WireModel):
    """A prompt, and how many pictures of which shape."""

    prompt: str = Field(max_length=1500, description=PICTURED)
    aspect_ratio: AspectRatio = Field("1:1", description=SHAPE)
    num_images: int = Field(1, ge=1, le=9, description=COUNT)
    prompt_optimizer: bool | None = Field(None, description=OPTIMIZER)


class MiniMaxTextToImageWithReferenceRequest(WireModel):
    """The same, with who is to be seen."""

    prompt: str = Field(max_length=1500, description=PICTURED)
    image_url: ImageUrl = Field(description="Picture of the one who is to be seen in every result.")
    aspect_ratio: AspectRatio = Field("1:1", description=SHAPE)
    num_images: int = Field(1, ge=1, le=9, description=COUNT)
    prompt_optimizer: bool | None = Field(None, description=OPTIMIZER)


class VideoOutput(WireModel):
    """The video."""

    video: File = Field(description="The video that was made.")


class ImagesOutput(WireModel):
    """The pictures."""

    images: list[File] = Field(description="The pictures that were made, as many as asked for.")


def frame_size(lines: int, width: int, height: int) -> tuple[int, int]:
    """Return the even (width, height) of the shape `width`:`height` with `lines` pixels on the short side."""
    longer = round(lines * min(max(width, height) / min(width, height), MOST_EXTREME) / 2) * 2
    return (longer, lines) if width >= height else (lines, longer)


def clip(lines: int, fps: int, _request: WireModel, media: MediaMap) -> Clip:
    """Six seconds in the first picture's shape; 16:9 without one."""
    first = media.get("image_url")
    width, height = frame_size(lines, *(first.size if first else (16, 9)))
    return Clip(width, height, SECONDS * fps, fps)


def units(_request: WireModel, _clip: Clip | None) -> float:
    """Our own rule, the page gives none: every video is one unit."""
    return 1.0


def animatic(request: Any, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine; it finds the moves in the prompt itself. Endpoints without a seed always use 0."""
    first = media.get("image_url")
    subject = media.get("subject_reference_image_url")
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        image=first.path if first else None,
        pictures=(subject.path,) if subject else (),  # who is to be seen, not the opening picture
    )


def reply(_request: WireModel, made: Made) -> VideoOutput:
    """Put the stored video into the output."""
    return VideoOutput(video=made.files[0])


Pictured = MiniMaxTextToImageRequest | MiniMaxTextToImageWithReferenceRequest


def stills(request: Pictured, _media: MediaMap) -> Stills:
    """As many pictures as asked for, in MiniMax's size for the shape."""
    return Stills(*PICTURE_SIZE[request.aspect_ratio], request.num_images)


def picture_units(request: Pictured, _stills: Stills | None) -> float:
    """Our own rule, the page gives none: every picture is one unit."""
    return float(request.num_images)


def animatic_stills(request: Pictured, media: MediaMap, wanted: Stills) -> StillsCall:
    """Ask the animatic engine for pictures."""
    subject = media.get("image_url")
    return StillsCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        count=wanted.count,
        seed=0,
        image=subject.path if subject else None,
    )


def reply_images(_request: Pictured, made: Made) -> ImagesOutput:
    """Put the stored pictures into the output, in the order they were made."""
    return ImagesOutput(images=list(made.files))


PHOTOGRAPH = "https://example.com/photograph.jpg"
FACE = "https://example.com/face.jpg"
video_01: Callable[[WireModel, MediaMap], Clip] = partial(clip, VIDEO_01_LINES, VIDEO_01_FPS)
hailuo_02: Callable[[WireModel, MediaMap], Clip] = partial(clip, HAILUO_LINES, HAILUO_FPS)


VENDOR_MODEL: dict[str, tuple[str, dict[str, Any]]] = {
    "hailuo-02/pro/image-to-video": (minimax_vendor.HAILUO_02, {"duration": SECONDS, "resolution": "1080P"}),
    "video-01": ("T2V-01", {}),
    "video-01/image-to-video": ("I2V-01", {}),
    "video-01-live": ("T2V-01-live", {}),  # no such model: the operator names what stands in for it, or nothing does
    "video-01-live/image-to-video": ("I2V-01-live", {}),
    "video-01-director": ("T2V-01-Director", {}),
    "video-01-director/image-to-video": ("I2V-01-Director", {}),
    "video-01-subject-reference": ("S2V-01", {}),
}
"""What MiniMax calls the model behind each film, and what is fixed where that model leaves a choice."""


def _film(path: str, title: str, about: str, model: type[WireModel], example: dict[str, str]) -> Endpoint:
    """One of the endpoints that make a film of six seconds."""
    category = "image-to-video" if len(example) > 1 else "text-to-video"  # all else in an example is a picture
    return Endpoint(
        id=f"fal-ai/minimax/{path}",
        title=title,
        category=category,
        about=about,
        input=model,
        output=VideoOutput,
        clip=hailuo_02 if path.startswith("hailuo") else video_01,
        units=units,
        unit="video",
        engines={"animatic": animatic, "minimax": partial(minimax_vendor.film, *VENDOR_MODEL[path])},
        reply=reply,
        roles=Roles(expansion="prompt_optimizer"),
        example=example,
        tags=(category, "vendor"),
    )


def _pictures(path: str, title: str, about: str, model: type[Pictured], example: dict[str, Any]) -> Endpoint:
    """One of the endpoints that make pictures."""
    category = "image-to-image" if "image_url" in example else "text-to-image"
    return Endpoint(
        id=f"fal-ai/minimax/{path}",
        title=title,
        category=category,
        about=about,
        input=model,
        output=ImagesOutput,
        clip=stills,
        units=picture_units,
        unit="image",
        engines={"animatic": animatic_stills, "minimax": minimax_vendor.pictures},
        reply=reply_images,
        roles=Roles(expansion="prompt_optimizer"),
        example=example,
        tags=(category, "vendor"),
    )


DRIFT = "Slow push in while the clouds drift"
DIRECTION = "[Truck left, Pan right] A ship leaves the harbour at dawn"

ENDPOINTS = [
    _film(
        "hailuo-02/pro/image-to-video",
        "MiniMax Hailuo 02 pro image to video",
        "Turns one picture and a prompt into a video of six seconds at 1080p.",
        Hailuo02ProRequest,
        {"prompt": DRIFT, "image_url": PHOTOGRAPH},
    ),
    _film(
        "video-01",
        "MiniMax Video-01 text to video",
        "Turns a prompt into a video of six seconds at 720p.",
        TextToVideoRequest,
        {"prompt": DRIFT},
    ),
    _film(
        "video-01/image-to-video",
        "MiniMax Video-01 image to video",
        "Turns one picture and a prompt into a video of six seconds at 720p.",
        ImageToVideoRequest,
        {"prompt": DRIFT, "image_url": PHOTOGRAPH},
    ),
    _film(
        "video-01-live",
        "MiniMax Video-01 Live text to video",
        "Turns a prompt into a video of six seconds at 720p, best with drawn figures.",
        TextToVideoLiveRequest,
        {"prompt": "A drawn fox looks up and smiles"},
    ),
    _film(
        "video-01-live/image-to-video",
        "MiniMax Video-01 Live image to video",
        "Brings a drawing to life for six seconds at 720p.",
        ImageToVideoRequest,
        {"prompt": "The fox looks up and smiles", "image_url": PHOTOGRAPH},
    ),
    _film(
        "video-01-director",
        "MiniMax Video-01 Director text to video",
        "Turns a prompt with camera moves in brackets into a video of six seconds at 720p.",
        TextToVideoDirectorRequest,
        {"prompt": DIRECTION},
    ),
    _film(
        "video-01-director/image-to-video",
        "MiniMax Video-01 Director image to video",
        "Moves the camera through a picture as the prompt says in brackets, for six seconds at 720p.",
        ImageToVideoDirectorRequest,
        {"prompt": DIRECTION, "image_url": PHOTOGRAPH},
    ),
    _film(
        "video-01-subject-reference",
        "MiniMax Video-01 with a subject",
        "Makes a video of six seconds at 720p in which somebody from a picture is seen.",
        SubjectReferenceRequest,
        {"prompt": "She walks along the shore", "subject_reference_image_url": FACE},
    ),
    _pictures(
        "image-01",
        "MiniMax Image-01 text to image",
        "Turns a prompt into one to nine pictures.",
        MiniMaxTextToImageRequest,
        {"prompt": "A lighthouse in the morning mist", "num_images": 2},
    ),
    _pictures(
        "image-01/subject-reference",
        "MiniMax Image-01 with a subject",
        "Makes one to nine pictures in which somebody from a picture is seen.",
        MiniMaxTextToImageWithReferenceRequest,
        {"prompt": "She stands on a lighthouse", "image_url": FACE},
    ),
]
