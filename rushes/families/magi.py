"""MAGI-1 distilled: a video from text, from a picture, or as the continuation of another video.

Sources: the endpoints' API page for fields, the 96 to 192 frames, where an extension begins, and prices; the model's
own rules for 24 frames per second and sides in multiples of 16. The page gives no pixel sizes; `frame_size` has ours.
"""

from __future__ import annotations

from math import ceil, sqrt
from typing import Annotated, Literal

from pydantic import Field

from rushes.calls import AnimaticCall, Continuation, UpstreamCall
from rushes.endpoint import Clip, Endpoint, Made, Media, MediaMap, Roles
from rushes.errors import ModelError
from rushes.fields import File, ImageUrl, Seed, Spelled, Text, VideoUrl, WireModel

FPS = 24
BASE_FRAMES = 96
CHUNK_FRAMES = 24  # the model makes, and the price counts, frames by the chunk
PREFIX_FRAMES = 32  # an extension begins so many frames before the end
AREA = {"480p": 480 * 832, "720p": 720 * 1280}  # pixels in a frame, whatever its shape
OFFICIAL_WIDE = {"480p": (832, 480), "720p": (1280, 720)}  # for exactly 16:9; turned round for 9:16
RATIO = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
GRID = 16
SEEDS = 2**31  # the program's own generators take 32 bits
WEIGHTS = {"magi-1": False}  # of any size: each is a distilled MAGI-1
MOST_EXTREME = 8.0  # `auto` follows a picture up to 8:1 or 1:8 and crops beyond, so that no side vanishes

Prompt = Annotated[Text, Field(description="What should happen in the video, and how the camera should move.")]
NumFrames = Annotated[
    int,
    Field(
        ge=BASE_FRAMES,
        le=192,
        description="How many frames to make, 96 to 192; each 24 begun beyond 96 cost one unit more.",
    ),
]
Resolution = Annotated[
    Literal["480p", "720p"], Field(description="Size class of the video; 480p costs half of what 720p costs.")
]
Steps = Annotated[
    Literal["4", "8", "16", "32"],
    Spelled,
    Field(description="Sampling steps; more of them look better and take longer."),
]
SafetyChecker = Annotated[bool, Field(description="Checks the prompt and the frames.")]
AspectRatio = Annotated[
    Literal["auto", "16:9", "9:16", "1:1"],
    Field(description="Shape of the video; 'auto' takes that of the picture or video given, and 16:9 without one."),
]


class MagiImageInput(WireModel):
    """A prompt, a picture to begin on, and how long and large the video is to be."""

    prompt: Prompt
    image_url: ImageUrl = Field(
        description="Picture that is the first frame; scaled and cropped at the centre to fit another aspect ratio."
    )
    num_frames: NumFrames = BASE_FRAMES
    seed: Seed = None
    resolution: Resolution = "720p"
    num_inference_steps: Steps = "16"
    enable_safety_checker: SafetyChecker = True
    aspect_ratio: AspectRatio = "auto"


class MagiTextToVideoRequest(WireModel):
    """A prompt, and how long and large the video is to be."""

    prompt: Prompt
    num_frames: NumFrames = BASE_FRAMES
    seed: Seed = None
    resolution: Resolution = "720p"
    num_inference_steps: Steps = "16"
    enable_safety_checker: SafetyChecker = True
    aspect_ratio: AspectRatio = "auto"


class MagiVideoExtensionRequest(WireModel):
    """A prompt, a video to go on from, and where, how long and how large."""

    prompt: Prompt
    video_url: VideoUrl = Field(
        description="Video to go on from; scaled and cropped at the centre to fit another aspect ratio."
    )
    num_frames: NumFrames = BASE_FRAMES
    start_frame: int | None = Field(
        None,
        ge=1,
        description="How many frames of the given video are kept before the new ones; without it, all but its last 32, "
        "which works best.",
    )
    seed: Seed = None
    resolution: Resolution = "720p"
    num_inference_steps: Steps = "16"
    enable_safety_checker: SafetyChecker = True
    aspect_ratio: AspectRatio = "auto"


MagiInput = MagiImageInput | MagiTextToVideoRequest | MagiVideoExtensionRequest


class MagiOutput(WireModel):
    """The video and the seed it was made with."""

    video: File = Field(description="The video that was made; an extension contains the frames that were kept.")
    seed: int = Field(description="The seed that was used.")


def frame_size(resolution: str, width: int, height: int) -> tuple[int, int]:
    """Return the video's (width, height) in pixels for a shape of `width` to `height`.

    A fixed area, both sides rounded down to multiples of 16; for exactly 16:9 and 9:16 the official pair.
    """
    wide = OFFICIAL_WIDE[resolution]
    if width * 9 == height * 16:
        return wide
    if width * 16 == height * 9:
        return wide[1], wide[0]
    ratio = min(max(width / height, 1 / MOST_EXTREME), MOST_EXTREME)
    area = AREA[resolution]
    return round(sqrt(area * ratio)) // GRID * GRID, round(sqrt(area / ratio)) // GRID * GRID


def size(request: MagiInput, given: Media | None) -> tuple[int, int]:
    """Return the video's size: of the shape asked for, else of the picture or video given, else wide."""
    shape = RATIO.get(request.aspect_ratio) or (given.size if given else RATIO["16:9"])
    return frame_size(request.resolution, *shape)


def clip(request: MagiImageInput | MagiTextToVideoRequest, media: MediaMap) -> Clip:
    """Return the clip: as many frames as asked for, at the model's 24 per second."""
    return Clip(*size(request, media.get("image_url")), request.num_frames, FPS)


def kept_frames(start_frame: int | None, frames: int) -> int:
    """Return how many of a video's `frames` an extension keeps, at least one; ModelError if there aren't so many."""
    if start_frame is None:
        return max(frames - PREFIX_FRAMES, 1)  # a shorter video is gone on from after its first frame
    if start_frame > frames:
        raise ModelError(
            "less_than_equal",
            f"start_frame is {start_frame}, but the video has {frames} frames; give at most {frames}, or leave "
            f"start_frame out to begin {PREFIX_FRAMES} frames before the end",
            loc=("body", "start_frame"),
            ctx={"le": frames},
        )
    return start_frame


def extended_clip(request: MagiVideoExtensionRequest, media: MediaMap) -> Clip:
    """Return the clip: the frames kept and then the new ones, at the given video's rate.

    The kept frames are to come unchanged, and at another rate they would run faster or slower than they did. The film
    is silent all the same: the video's sound would end where nothing ends in the picture.
    """
    video = media["video_url"]
    if not video.frames:
        raise ModelError(
            "video_load_error",
            "The video's frames can't be counted, so there is no place to go on from; send it as mp4 or webm",
            loc=("body", "video_url"),
        )
    kept = kept_frames(request.start_frame, video.frames)
    return Clip(*size(request, video), kept + request.num_frames, video.fps or FPS)


def units(request: MagiInput, _clip: Clip | None) -> float:
    """One unit up to 96 new frames and one more for each 24 begun beyond; 480p costs half."""
    chunks = 1 + ceil((request.num_frames - BASE_FRAMES) / CHUNK_FRAMES)
    return chunks * {"480p": 0.5, "720p": 1.0}[request.resolution]


def animatic(request: MagiImageInput | MagiTextToVideoRequest, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine for a film of its own, from the picture if there is one. It has no use for steps."""
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


def extended_animatic(request: MagiVideoExtensionRequest, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine to go on from the last of the frames that are kept."""
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        video=media["video_url"].path,
        keep=wanted.frames - request.num_frames,
    )


def made_frames(frames: int, fps: float = FPS) -> int:
    """Return how many frames the model makes for `frames` at `fps`: whole chunks, for all of that time.

    Of a film at less than 24 per second the model makes as many as last as long, up to twice as many as asked for.
    """
    # Unbounded, 192 frames for a video of one per second would be 4,585 of the model's: hours of work.
    lasting = min(ceil((frames - 1) * FPS / fps) + 1, 2 * frames)
    return ceil(max(frames, lasting) / CHUNK_FRAMES) * CHUNK_FRAMES


def upstream(request: MagiImageInput | MagiTextToVideoRequest, media: MediaMap, wanted: Clip) -> UpstreamCall:
    """Ask the model's own program, from the picture if there is one; it has no negative prompt and no guidance."""
    picture = media.get("image_url")
    return UpstreamCall(
        task="i2v" if picture else "t2v",
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        made=made_frames(wanted.frames),
        fps=FPS,
        seed=(request.seed or 0) % SEEDS,
        steps=int(request.num_inference_steps),  # the page's four all divide by the program's window of 4 chunks
        resolution=request.resolution,
        image=picture.path if picture else None,
    )


def extended_upstream(request: MagiVideoExtensionRequest, media: MediaMap, wanted: Clip) -> UpstreamCall:
    """Ask the model's own program to go on from the 32 frames, at its own rate, before the cut."""
    video = media["video_url"]
    return UpstreamCall(
        task="v2v",
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        made=made_frames(request.num_frames, wanted.fps),  # the program leaves the prefix out of its film
        fps=FPS,
        seed=(request.seed or 0) % SEEDS,
        steps=int(request.num_inference_steps),
        resolution=request.resolution,
        continued=Continuation(
            video=video.path,
            fps=wanted.fps,
            kept=wanted.frames - request.num_frames,
            prefix=PREFIX_FRAMES,
        ),
    )


def reply(_request: MagiInput, made: Made) -> MagiOutput:
    """Put the stored video and its seed into the output."""
    return MagiOutput(video=made.files[0], seed=made.seed)


ROLES = Roles(seed="seed", safety="enable_safety_checker")

ENDPOINTS = [
    Endpoint(
        id="fal-ai/magi-distilled/image-to-video",
        title="MAGI-1 distilled image to video",
        category="image-to-video",
        about="Turns one picture and a prompt into a video of four to eight seconds, at 480p or 720p.",
        input=MagiImageInput,
        output=MagiOutput,
        clip=clip,
        units=units,
        unit="video",
        engines={"animatic": animatic, "upstream": upstream},
        weights=WEIGHTS,
        reply=reply,
        roles=ROLES,
        example={
            "prompt": "The lighthouse keeper turns to the sea and the camera pulls back over the waves",
            "image_url": "https://example.com/keeper.jpg",
        },
        tags=("image-to-video", "open-weights"),
    ),
    Endpoint(
        id="fal-ai/magi-distilled",
        title="MAGI-1 distilled text to video",
        category="text-to-video",
        about="Turns a prompt into a video of four to eight seconds, at 480p or 720p.",
        input=MagiTextToVideoRequest,
        output=MagiOutput,
        clip=clip,
        units=units,
        unit="video",
        engines={"animatic": animatic, "upstream": upstream},
        weights=WEIGHTS,
        reply=reply,
        roles=ROLES,
        example={"prompt": "A paper boat drifts down a gutter in the rain", "resolution": "480p"},
        tags=("text-to-video", "open-weights"),
    ),
    Endpoint(
        id="fal-ai/magi-distilled/extend-video",
        title="MAGI-1 distilled video extension",
        category="video-to-video",
        about="Goes on from a video, from its end or an earlier frame, for another four to eight seconds.",
        input=MagiVideoExtensionRequest,
        output=MagiOutput,
        clip=extended_clip,
        units=units,
        unit="video",
        engines={"animatic": extended_animatic, "upstream": extended_upstream},
        weights=WEIGHTS,
        reply=reply,
        roles=ROLES,
        example={
            "prompt": "The train leaves the tunnel and crosses a viaduct",
            "video_url": "https://example.com/train.mp4",
            "start_frame": 100,
        },
        tags=("video-to-video", "open-weights"),
    ),
]
