"""Luma Dream Machine (`fal-ai/luma-dream-machine/…`): film from text and pictures, and films reframed or made over.

Sources: the API page for fields, enums, defaults and what 720p, 1080p and 9 s cost; Luma's Ray 2 for 24 frames per
second. Neither gives sizes in pixels, the price of reframing and modifying, or how long their videos may be:
`film_size`, `units_of_video` and the limits beside `RayVideo` and `FlashVideo` are our own rules.
"""

from __future__ import annotations

from functools import partial
from math import sqrt
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Endpoint, Made, Media, MediaMap
from rushes.errors import ModelError, Problem
from rushes.families import luma_vendor
from rushes.fields import File, ImageUrl, MediaField, Text, VideoUrl, WireModel

Shape = Literal["16:9", "9:16", "4:3", "3:4", "21:9", "9:21"]
NewShape = Literal["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"]
Size = tuple[int, int]
Window = tuple[float, float, float, float]

FPS = 24
SECONDS = {"5s": 5, "9s": 9}
AREA = {"540p": 960 * 540, "720p": 1280 * 720, "1080p": 1920 * 1080}  # pixels in a frame, whatever its shape
PLAIN = "720p"  # of endpoints that have no resolution: the first model's, and of reframed and modified videos

PRICE = {"540p": 1.0, "720p": 2.0, "1080p": 4.0}  # of 5 s
LONG = {"5s": 1.0, "9s": 2.0}
PRICED_S = 5.0

Mode = Literal[
    "adhere_1",
    "adhere_2",
    "adhere_3",
    "flex_1",
    "flex_2",
    "flex_3",
    "reimagine_1",
    "reimagine_2",
    "reimagine_3",
]
MODES: tuple[str, ...] = get_args(Mode)  # from the least change to the most

MOST_BYTES = 100_000_000
RayVideo = Annotated[str, MediaField("video", max_bytes=MOST_BYTES, max_s=10)]
FlashVideo = Annotated[str, MediaField("video", max_bytes=MOST_BYTES, max_s=30)]

Prompt = Annotated[Text, Field(description="What is to be seen, what happens, and how the camera moves.")]
Start = Annotated[ImageUrl | None, Field(description="Picture that the video begins on.")]
End = Annotated[ImageUrl | None, Field(description="Picture that the video ends on.")]
AspectRatio = Annotated[Shape, Field(description="Shape of the video; pictures are cropped to it at the centre.")]
Loop = Annotated[
    bool | None,
    Field(description="Lets the end run over into the beginning; with a picture to end on, by way of that picture."),
]
Resolution = Annotated[
    Literal["540p", "720p", "1080p"],
    Field(description="Size class of the video: 720p costs twice as much as 540p, 1080p four times."),
]
Place = Annotated[int | None, Field(ge=0)]
EndPlace = Annotated[int | None, Field(ge=1)]


class RayImageToVideoRequest(WireModel):
    """Ray 2: a prompt, and the picture that the video begins on, ends on, or both."""

    prompt: Prompt
    image_url: Start = None
    end_image_url: End = None
    aspect_ratio: AspectRatio = "16:9"
    loop: Loop = None
    resolution: Resolution = "540p"
    duration: Literal["5s"] = Field("5s", description="Length of the video.")

    @model_validator(mode="before")
    @classmethod
    def _one_picture_at_least(cls, given: Any) -> Any:
        """Hand image_url an explicit null where neither picture came, and only there.

        So the missing picture is found in image_url's place and beside whatever else is wrong.
        """
        if not isinstance(given, dict) or given.get("image_url") is not None:
            return given
        # A validator that runs after all fields would keep silent as long as any other field is wrong.
        others = {name: value for name, value in given.items() if name != "image_url"}
        return others if others.get("end_image_url") is not None else others | {"image_url": None}

    @field_validator("image_url")
    @classmethod
    def _there(cls, first: str | None) -> str:
        if first is None:
            raise PydanticCustomError(
                "missing", "A picture is missing: give image_url to begin on, end_image_url to end on, or both"
            )
        return first


class Ray2TextToVideoRequest(WireModel):
    """Ray 2: a prompt."""

    prompt: Prompt
    aspect_ratio: AspectRatio = "16:9"
    loop: Loop = None
    resolution: Resolution = "540p"
    duration: Literal["5s", "9s"] = Field("5s", description="Length of the video; 9s costs twice as much as 5s.")


class TextToVideoRequest(WireModel):
    """The first Dream Machine: a prompt."""

    prompt: Prompt
    aspect_ratio: AspectRatio = "16:9"
    loop: Loop = None


class ImageToVideoRequest(WireModel):
    """The first Dream Machine: a prompt, the picture to begin on, and perhaps one to end on."""

    prompt: Prompt
    image_url: ImageUrl = Field(description="Picture that the video begins on.")
    end_image_url: End = None
    aspect_ratio: AspectRatio = "16:9"
    loop: Loop = None


class ReframeVideoRequest(WireModel):
    """A video, its new shape, and what of it is to be seen there."""

    video_url: VideoUrl = Field(description="Video that gets the new shape.")
    aspect_ratio: NewShape = Field(description="The new shape.")
    image_url: Start = None
    grid_position_x: Place = Field(
        None,
        description="Pixels of the video from the left edge of what is kept to the new frame's; centred if left out.",
    )
    grid_position_y: Place = Field(
        None,
        description="Pixels of the video from the upper edge of what is kept to the new frame's; centred if left out.",
    )
    prompt: Text | None = Field(None, description="What is to be seen where the video shows nothing.")
    x_end: EndPlace = Field(None, description="Right edge of what is kept of the video, in its pixels.")
    x_start: Place = Field(None, description="Left edge of what is kept of the video, in its pixels.")
    y_end: EndPlace = Field(None, description="Lower edge of what is kept of the video, in its pixels.")
    y_start: Place = Field(None, description="Upper edge of what is kept of the video, in its pixels.")

    @field_validator("x_start", "y_start")
    @classmethod
    def _starts_before_its_end(cls, start: int | None, info: ValidationInfo) -> int | None:
        end_name = f"{(info.field_name or '')[0]}_end"  # the page lists ends before starts, so the end is known
        end = info.data.get(end_name)
        if start is not None and end is not None and start >= end:
            raise PydanticCustomError(
                "less_than",
                "Input should be less than {end_name}, which is {lt}; got {start}",
                {"end_name": end_name, "lt": end, "start": start},
            )
        return start


class RayReframeVideoRequest(ReframeVideoRequest):
    """For Ray 2."""

    wire_name = "ReframeVideoRequest"

    # Luma takes longer videos for its quicker model, so the two have types of their own under one name.
    video_url: RayVideo = Field(description="Video that gets the new shape: up to 10 s and 100 MB.")


class FlashReframeVideoRequest(ReframeVideoRequest):
    """For Ray 2 Flash."""

    wire_name = "ReframeVideoRequest"

    video_url: FlashVideo = Field(description="Video that gets the new shape: up to 30 s and 100 MB.")


class ModifyVideoRequest(WireModel):
    """A video, and how far the new one may go from it."""

    video_url: VideoUrl = Field(description="Video to make over.")
    image_url: ImageUrl | None = Field(None, description="How the first frame is to look after it was made over.")
    prompt: Text | None = Field(None, description="What is to become of the video.")
    mode: Mode = Field(
        "flex_1", description="How far to go: adhere_1 stays closest to the video, reimagine_3 goes farthest."
    )


class RayModifyVideoRequest(ModifyVideoRequest):
    """For Ray 2."""

    wire_name = "ModifyVideoRequest"

    video_url: RayVideo = Field(description="Video to make over: up to 10 s and 100 MB.")


class FlashModifyVideoRequest(ModifyVideoRequest):
    """For Ray 2 Flash."""

    wire_name = "ModifyVideoRequest"

    video_url: FlashVideo = Field(description="Video to make over: up to 30 s and 100 MB.")


class VideoOutput(WireModel):
    """The video."""

    video: File | None = Field(None, description="The video that was made.")


Ray = RayImageToVideoRequest | Ray2TextToVideoRequest
First = TextToVideoRequest | ImageToVideoRequest
FromVideo = ReframeVideoRequest | ModifyVideoRequest


def proportions(aspect_ratio: str) -> Size:
    """Return the two numbers of "16:9"."""
    wide, high = aspect_ratio.split(":")
    return int(wide), int(high)


def film_size(resolution: str, aspect_ratio: str) -> Size:
    """Return (width, height) in pixels: of all even multiples of the shape, the one nearest to the class's area.

    So 16:9 is 960x540, 1280x720 and 1920x1080, and no other shape costs more pixels than that by much.
    """
    wide, high = proportions(aspect_ratio)
    # An even multiple keeps the shape exact and both sides even, as 4:2:0 video wants them.
    times = 2 * round(sqrt(AREA[resolution] / (wide * high)) / 2)
    return wide * times, high * times


def video_size(width: int, height: int) -> Size:
    """Return the size of a modified video: its original's, scaled down to the area of 720p if it is larger."""
    scale = min(1.0, sqrt(AREA[PLAIN] / (width * height)))
    # Down, so that rounding takes nothing beyond the class's area; 16 is the least that the encoder is given.
    return max(16, int(width * scale) // 2 * 2), max(16, int(height * scale) // 2 * 2)


def length(video: Media) -> tuple[int, float]:
    """Return how many frames the video has, and how many of them per second; at most 60, as all decoded ones."""
    if not video.frames or not video.fps:
        raise ModelError(
            "video_load_error", "The video has no frames, or no frame rate, to go by", loc=("body", "video_url")
        )
    return video.frames, video.fps


def ray_clip(request: Ray, _media: MediaMap) -> Clip:
    """Return the clip: everything as asked, 24 frames per second."""
    return Clip(*film_size(request.resolution, request.aspect_ratio), SECONDS[request.duration] * FPS, FPS)


def first_clip(request: First, _media: MediaMap) -> Clip:
    """Return the clip of the first model: five seconds of 720p."""
    return Clip(*film_size(PLAIN, request.aspect_ratio), 5 * FPS, FPS)


def reframe_clip(request: ReframeVideoRequest, media: MediaMap) -> Clip:
    """Return the clip: the new shape at 720p, as long and as fast as the video, with its sound."""
    video = media["video_url"]
    seen(request, *video.size)  # refuses edges outside the video before anything is made
    return Clip(*film_size(PLAIN, request.aspect_ratio), *length(video), audio=video.sound is not None)


def modify_clip(_request: ModifyVideoRequest, media: MediaMap) -> Clip:
    """Return the clip: the video's own shape, length, rate and sound."""
    video = media["video_url"]
    return Clip(*video_size(*video.size), *length(video), audio=video.sound is not None)


def seen(request: ReframeVideoRequest, width: int, height: int) -> Window | None:
    """Return the part of a `width` x `height` video that is to be seen: left, top, right, bottom from 0 to 1.

    That is what the edges leave of it. With a grid position it is the largest frame of the new shape in there, moved to
    that place as far as there is room. None where neither is given: the engine then takes the middle.
    """
    left, top, right, bottom = kept(request, width, height)
    x, y = request.grid_position_x, request.grid_position_y
    if x is not None or y is not None:
        wide, high = proportions(request.aspect_ratio)
        across = min(right - left, (bottom - top) * wide / high)  # in the video's pixels, as all of these
        down = across * high / wide
        left = placed(x, across, left, right)
        top = placed(y, down, top, bottom)
        right, bottom = left + across, top + down
    # left + across may exceed the edge by its last digit.
    window = (left / width, top / height, min(1.0, right / width), min(1.0, bottom / height))
    return None if window == (0, 0, 1, 1) else window


def kept(request: ReframeVideoRequest, width: int, height: int) -> Window:
    """Return the edges in pixels; ModelError for one that begins where the video has ended."""
    left, top = request.x_start or 0, request.y_start or 0
    outside = [
        Problem(
            "less_than",
            f"Input should lie within the video, which is {size} pixels {what}; got {start}",
            ("body", name),
            {"lt": size},
        )
        for name, start, size, what in (("x_start", left, width, "wide"), ("y_start", top, height, "high"))
        if start >= size
    ]
    if outside:
        raise ModelError.of(outside)
    return left, top, min(request.x_end or width, width), min(request.y_end or height, height)


def placed(wanted: int | None, extent: float, low: float, high: float) -> float:
    """Return where something of this extent begins between `low` and `high`: where it is wanted, or in the middle."""
    room = max(0.0, high - low - extent)
    return low + (room / 2 if wanted is None else min(wanted, room))


def ray_units(request: Ray, _clip: Clip | None) -> float:
    """The page's rule: 720p costs twice as much, 1080p four times; 9 s twice."""
    return PRICE[request.resolution] * LONG[request.duration]


def first_units(_request: First, _clip: Clip | None) -> float:
    """The first model has no resolution and one length, hence one price."""
    return 1.0


def units_of_video(_request: FromVideo, wanted: Clip) -> float:
    """Our own rule: what Ray 2 costs at 720p, by the second; a video of 5 s is two units."""
    return round(PRICE[PLAIN] * wanted.duration_s / PRICED_S, 4)


def animatic(request: Ray | First, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine for a new film."""
    ends_on = media["end_image_url"].path if "end_image_url" in media else None
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,  # these endpoints know no seed: the same request is the same film
        image=media["image_url"].path if "image_url" in media else None,
        end_image=ends_on,
        loop=bool(request.loop),
    )


def animatic_reframe(request: ReframeVideoRequest, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine for the same film in another frame."""
    return AnimaticCall(
        prompt=request.prompt or "",
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        image=media["image_url"].path if "image_url" in media else None,
        video=media["video_url"].path,
        sound=media["video_url"].sound,
        window=seen(request, *media["video_url"].size),
    )


def animatic_modify(request: ModifyVideoRequest, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine for a film that goes as far from the video as the mode says."""
    return AnimaticCall(
        prompt=request.prompt or "",
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        image=media["image_url"].path if "image_url" in media else None,
        video=media["video_url"].path,
        sound=media["video_url"].sound,
        strength=(MODES.index(request.mode) + 1) / len(MODES),  # never 0: even adhere_1 is to change something
    )


def reply(_request: Ray | First | FromVideo, made: Made) -> VideoOutput:
    """Put the stored video into the output."""
    return VideoOutput(video=made.files[0])


PROMPT = "A lighthouse in a storm, waves break over the rocks, the camera circles it slowly"


def new_film(path: str, title: str, about: str, asked: type[Ray | First]) -> Endpoint:
    """Describe one that makes a film from a prompt and perhaps pictures, with Ray 2 or the first model."""
    pictured = "image_url" in asked.model_fields
    ray = "resolution" in asked.model_fields
    kind = "image-to-video" if pictured else "text-to-video"
    return Endpoint(
        id=f"fal-ai/luma-dream-machine{path}",
        title=title,
        category=kind,
        about=about,
        input=asked,
        output=VideoOutput,
        clip=ray_clip if ray else first_clip,
        units=ray_units if ray else first_units,
        unit="5 s of 540p" if ray else "video",
        engines={"animatic": animatic, "luma": partial(luma_vendor.film, luma_vendor.model_of(path))},
        reply=reply,
        example={"prompt": PROMPT} | ({"image_url": "https://example.com/lighthouse.jpg"} if pictured else {}),
        tags=(kind, "loop"),
    )


def reframed(path: str, title: str, asked: type[ReframeVideoRequest]) -> Endpoint:
    """Describe one that gives a video another shape."""
    return Endpoint(
        id=f"fal-ai/luma-dream-machine{path}",
        title=title,
        category="video-to-video",
        about="Gives a video another shape, for another screen or another place to show it.",
        input=asked,
        output=VideoOutput,
        clip=reframe_clip,
        units=units_of_video,
        unit="5 s of 540p",
        engines={
            "animatic": animatic_reframe,
            "luma": partial(luma_vendor.reframe, luma_vendor.model_of(path)),
        },
        reply=reply,
        example={"video_url": "https://example.com/lighthouse.mp4", "aspect_ratio": "9:16"},
        tags=("video-to-video", "reframe"),
    )


def modified(path: str, title: str, asked: type[ModifyVideoRequest]) -> Endpoint:
    """Describe one that makes a video over."""
    return Endpoint(
        id=f"fal-ai/luma-dream-machine{path}",
        title=title,
        category="video-to-video",
        about="Makes a video over by a prompt, close to the original or far from it, with its movement kept.",
        input=asked,
        output=VideoOutput,
        clip=modify_clip,
        units=units_of_video,
        unit="5 s of 540p",
        engines={
            "animatic": animatic_modify,
            "luma": partial(luma_vendor.modify, luma_vendor.model_of(path)),
        },
        reply=reply,
        example={"video_url": "https://example.com/lighthouse.mp4", "prompt": "Make it a pencil drawing"},
        tags=("video-to-video", "modify"),
    )


ENDPOINTS = [
    new_film(
        "/ray-2-flash/image-to-video",
        "Luma Ray 2 Flash image to video",
        "Makes five seconds of video that begin or end on a picture, quickly.",
        RayImageToVideoRequest,
    ),
    new_film(
        "/ray-2-flash",
        "Luma Ray 2 Flash text to video",
        "Makes five or nine seconds of video from a prompt, quickly.",
        Ray2TextToVideoRequest,
    ),
    new_film(
        "/ray-2",
        "Luma Ray 2 text to video",
        "Makes five or nine seconds of video from a prompt.",
        Ray2TextToVideoRequest,
    ),
    new_film(
        "",
        "Luma Dream Machine text to video",
        "Makes five seconds of video from a prompt with Luma's first model.",
        TextToVideoRequest,
    ),
    new_film(
        "/image-to-video",
        "Luma Dream Machine image to video",
        "Makes five seconds of video from a picture with Luma's first model.",
        ImageToVideoRequest,
    ),
    reframed("/ray-2-flash/reframe", "Luma Ray 2 Flash reframe", FlashReframeVideoRequest),
    reframed("/ray-2/reframe", "Luma Ray 2 reframe", RayReframeVideoRequest),
    modified("/ray-2-flash/modify", "Luma Ray 2 Flash modify", FlashModifyVideoRequest),
    modified("/ray-2/modify", "Luma Ray 2 modify", RayModifyVideoRequest),
]
