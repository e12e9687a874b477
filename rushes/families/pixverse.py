"""PixVerse v4.5 and its neighbours (`fal-ai/pixverse/…`): text, a picture or two into video, a video made longer, given
sound effects, or made to speak.

Sources: the family's API page for fields, styles, the 1080p rule and "8s costs double". It names no frame rate and no
pixels, so those are set here: 24 per second, and the resolution's number as the short side. What the engines make of
prompts and styles is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, TypeVar
from zlib import crc32

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from rushes.calls import AnimaticCall, SpeechCall, VendorCall
from rushes.endpoint import Clip, Endpoint, Made, Media, MediaMap, Roles
from rushes.families import pixverse_vendor
from rushes.fields import AudioUrl, File, ImageUrl, Seed, Spelled, Text, VideoUrl, WireModel

FPS = 24
FAST_S = 5  # the fast endpoints have no duration: PixVerse makes fast videos of five seconds only
LINES = {"360p": 360, "540p": 540, "720p": 720, "1080p": 1080}  # pixels on the short side
SHAPE = {"16:9": (16, 9), "4:3": (4, 3), "1:1": (1, 1), "3:4": (3, 4), "9:16": (9, 16)}
MOST_TEXT = 5000  # characters, our own limit: far more than fits any video, yet no burden to read out
MOST_EXTREME = 3.0  # a longer film keeps its source's shape up to 3:1 or 1:3 and is cropped beyond

AMBIENCES = (
    "wind in the trees and distant birds",
    "a busy street with footsteps and passing cars",
    "rain on a roof with far thunder",
    "waves on a beach",
    "the hum of a large room with soft voices",
)  # for an empty prompt, for which the page promises sounds of any kind

AspectRatio = Literal["16:9", "4:3", "1:1", "3:4", "9:16"]
Resolution = Literal["360p", "540p", "720p", "1080p"]
FastResolution = Literal["360p", "540p", "720p"]
Duration = Annotated[Literal["5", "8"], Spelled]
Style = Literal["anime", "3d_animation", "clay", "comic", "cyberpunk"]
Version = Literal["v3.5", "v4", "v4.5"]
VoiceName = Literal[
    "Emily",
    "James",
    "Isabella",
    "Liam",
    "Chloe",
    "Adrian",
    "Harper",
    "Ava",
    "Sophia",
    "Julia",
    "Mason",
    "Jack",
    "Oliver",
    "Ethan",
    "Auto",
]


def _as_printed(style: object) -> object:
    """The extend pages print "day" where all others have "clay"; callers write either and mean clay."""
    return "day" if style == "clay" else style


ExtendStyle = Annotated[
    Literal["anime", "3d_animation", "day", "cyberpunk", "comic"] | None, BeforeValidator(_as_printed)
]

PROMPT = "What should happen in the video."
RATIO = "Shape of the video; a picture of another shape is cropped at the centre."
SIZE = "Size class of the video; 1080p can only be had with 5 seconds."
FAST_SIZE = "Size class of the video; the fast mode has no 1080p."
LENGTH = "Length in seconds: 8 costs twice as much as 5, and is not to be had at 1080p."
NEGATIVE = "What the video should not show."
STYLE = "A look for the whole video; without it, the prompt decides."
FIRST = "Picture that the video starts from."

Choice = TypeVar("Choice", bound=str)


def _length_for_size(duration: Choice, info: ValidationInfo) -> Choice:
    if duration == "8" and info.data.get("resolution") == "1080p":
        raise PydanticCustomError(
            "one_of",
            "at 1080p a video has 5 seconds and no more, so duration '8' is not to be had; "
            "ask for duration '5', or for a resolution of 720p or less",
            {"expected": "'5'"},
        )
    return duration


class TextToVideoRequest(WireModel):
    """A prompt, and how large, long and in what style the video is to be."""

    prompt: Text = Field(description=PROMPT)
    aspect_ratio: AspectRatio = Field("16:9", description=RATIO)
    resolution: Resolution = Field("720p", description=SIZE)
    duration: Duration = Field("5", description=LENGTH)
    negative_prompt: Text = Field("", description=NEGATIVE)
    style: Style | None = Field(None, description=STYLE)
    seed: Seed = None

    _1080p_is_short = field_validator("duration")(_length_for_size)


class ImageToVideoRequest(TextToVideoRequest):
    """The same, from a first picture."""

    image_url: ImageUrl = Field(description=FIRST)


class TransitionRequest(TextToVideoRequest):
    """The same, from a first picture to a last one."""

    first_image_url: ImageUrl = Field(description=FIRST)
    last_image_url: ImageUrl = Field(description="Picture that the video ends on.")


class FastTextToVideoRequest(WireModel):
    """A prompt and a style; always five seconds."""

    prompt: Text = Field(description=PROMPT)
    aspect_ratio: AspectRatio = Field("16:9", description=RATIO)
    resolution: FastResolution = Field("720p", description=FAST_SIZE)
    negative_prompt: Text = Field("", description=NEGATIVE)
    style: Style | None = Field(None, description=STYLE)
    seed: Seed = None


class FastImageToVideoRequest(FastTextToVideoRequest):
    """The same, from a first picture."""

    image_url: ImageUrl = Field(description=FIRST)


class FastImageToVideoRequestV4(FastImageToVideoRequest):
    """The same for version 4."""


class ExtendRequest(WireModel):
    """A video, and what is to come after it."""

    video_url: VideoUrl = Field(description="Video to go on from; it is kept whole, and the new part follows it.")
    prompt: Text = Field(description="What should happen in the new part.")
    negative_prompt: Text = Field("", description=NEGATIVE)
    style: ExtendStyle = Field(None, description="A look for the new part; 'clay' is taken for 'day'.")
    resolution: Resolution = Field("720p", description=SIZE)
    duration: Duration = Field("5", description=f"{LENGTH} Counts the new part only.")
    model: Version = Field("v4.5", description="Version of the model that makes the new part.")
    seed: Seed = None

    _1080p_is_short = field_validator("duration")(_length_for_size)


class FastExtendRequest(WireModel):
    """A video, and what is to come in the five seconds after it."""

    video_url: VideoUrl = Field(description="Video to go on from; it is kept whole, and five new seconds follow it.")
    prompt: Text = Field(description="What should happen in the new part.")
    negative_prompt: Text = Field("", description=NEGATIVE)
    style: ExtendStyle = Field(None, description="A look for the new part; 'clay' is taken for 'day'.")
    resolution: FastResolution = Field("720p", description=FAST_SIZE)
    model: Version = Field("v4.5", description="Version of the model that makes the new part.")
    seed: Seed = None


class SoundEffectRequest(WireModel):
    """A video, and what should be heard in it."""

    video_url: VideoUrl = Field(description="Video that gets the sounds; its pictures stay as they are.")
    original_sound_switch: bool | None = Field(
        None, description="Keeps the video's own sound beneath the new one; it is dropped without this."
    )
    prompt: Text = Field("", description="What should be heard; without it, sounds of any kind are made up.")


class LipsyncRequest(WireModel):
    """A video of somebody, and what they are to say: a recording, or a text with a voice."""

    video_url: VideoUrl = Field(description="Video of the one who is to speak; the result is exactly as long.")
    audio_url: AudioUrl | None = Field(None, description="Recording to be spoken; without it, the text is.")
    voice_id: VoiceName = Field("Auto", description="Who reads the text; 'Auto' leaves the choice to us.")
    text: str | None = Field(
        None,
        max_length=MOST_TEXT,
        description="Text to be read out where no recording is given, in up to 5,000 characters.",
        validate_default=True,
    )

    @field_validator("text")
    @classmethod
    def _one_source(cls, text: str | None, info: ValidationInfo) -> str | None:
        """The last of the fields is judged, since all others are known by then."""
        if "audio_url" not in info.data:  # then it has a problem of its own, which is enough
            return text
        if info.data["audio_url"] is None and not (text and text.strip()):
            raise PydanticCustomError(
                "value_error", "nothing to say: give text (to be read out) or audio_url (a recording)"
            )
        return text


class VideoOutput(WireModel):
    """The video."""

    video: File = Field(description="The video that was made.")


class VideoOutputV4(VideoOutput):
    """The same for version 4."""


Drawn = TextToVideoRequest | FastTextToVideoRequest
Extended = ExtendRequest | FastExtendRequest


def seconds(request: Drawn | Extended) -> int:
    """How much is made anew."""
    return FAST_S if isinstance(request, FastTextToVideoRequest | FastExtendRequest) else int(request.duration)


def frame_size(resolution: str, width: int, height: int) -> tuple[int, int]:
    """Return the even (width, height) of the shape `width`:`height` whose short side the resolution names."""
    short = LINES[resolution]
    # Even, as 4:2:0 video wants both sides; the short one is even in every class.
    longer = round(short * min(max(width, height) / min(width, height), MOST_EXTREME) / 2) * 2
    return (longer, short) if width >= height else (short, longer)


def clip(request: Drawn, _media: MediaMap) -> Clip:
    """Size and length as asked."""
    width, height = frame_size(request.resolution, *SHAPE[request.aspect_ratio])
    return Clip(width, height, seconds(request) * FPS, FPS)


def rate_and_frames(video: Media) -> tuple[float, int]:
    """A video's own rate and number of frames; decoded videos have both, and at least one frame."""
    fps = video.fps or FPS
    return fps, video.frames or max(1, round((video.duration_s or 0) * fps))


def extend_clip(request: Extended, media: MediaMap) -> Clip:
    """The whole source at its own rate and then the new part, in the source's shape and the resolution asked for."""
    video = media["video_url"]
    fps, kept = rate_and_frames(video)
    width, height = frame_size(request.resolution, *video.size)
    # The source's rate for all of it, since its frames come untouched; its sound ends where the new part begins.
    return Clip(width, height, kept + round(seconds(request) * fps), fps, audio=video.sound is not None)


def same_clip(_request: SoundEffectRequest | LipsyncRequest, media: MediaMap) -> Clip:
    """As large, as long and as fast as the video (an odd side loses a pixel), with sound."""
    video = media["video_url"]
    fps, frames = rate_and_frames(video)
    width, height = (max(2, side // 2 * 2) for side in video.size)
    return Clip(width, height, frames, fps, audio=True)


def units(request: Drawn | Extended, _clip: Clip | None) -> float:
    """The page's rule: 5 s are one unit and 8 s two, at any size. Of a lengthened video the new part counts."""
    return {5: 1.0, 8: 2.0}[seconds(request)]


def units_of_a_video(_request: SoundEffectRequest | LipsyncRequest, clip: Clip | None) -> float:
    """Our own rule, the page gives none: each second in which a frame begins is a unit."""
    return 1.0 if clip is None else 1.0 + (clip.frames - 1) // clip.fps


def animatic(request: Any, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask for a video from a prompt and up to two pictures, whatever they are called. The engine knows no negatives."""
    first = media.get("image_url") or media.get("first_image_url")
    last = media.get("last_image_url")
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        image=first.path if first else None,
        end_image=last.path if last else None,
        style=request.style,
    )


def animatic_extend(request: Extended, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask for the source, untouched and with its sound, and for more of it."""
    video = media["video_url"]
    _, kept = rate_and_frames(video)
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        style="clay" if request.style == "day" else request.style,  # the engine knows the style by its true name
        video=video.path,
        keep=kept,
        sound=video.sound,
    )


def animatic_sound(request: SoundEffectRequest, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask for the video untouched with sounds made up for it. Without a prompt they depend on the video's address."""
    video = media["video_url"]
    # Not hash(), which differs from process to process: a job tried again must make the same film.
    anything = AMBIENCES[crc32(request.video_url.encode()) % len(AMBIENCES)]
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        video=video.path,
        keep=wanted.frames,  # all of them: only the sound is new
        sound=video.sound if request.original_sound_switch else None,
        foley=request.prompt.strip() or anything,
    )


def animatic_lipsync(request: LipsyncRequest, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine for the video with other lips and another sound.

    Where it sees no face, the film keeps its picture and gets the sound: it misses faces in profile and in outline
    drawings, so that its no is no reason for a face_detection_error, of which the page says nothing either.
    """
    recording = media.get("audio_url")
    voice = "" if request.voice_id == "Auto" else request.voice_id
    return AnimaticCall(
        prompt="",
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        video=media["video_url"].path,
        sound=recording.path if recording else None,
        speech=None if recording else SpeechCall(text=request.text or "", voice=voice),
        lipsync=True,
    )


def reply(output: type[VideoOutput], _request: WireModel, made: Made) -> VideoOutput:
    """Put the stored video into the output."""
    return output(video=made.files[0])


PHOTOGRAPH = "https://example.com/photograph.jpg"
VIDEO = "https://example.com/video.mp4"


def _drawn(
    path: str,
    title: str,
    about: str,
    model: type[Drawn],
    example: dict[str, str],
    *,
    output: type[VideoOutput] = VideoOutput,
) -> Endpoint:
    """One of the endpoints that draw a video from a prompt and pictures."""
    category = "text-to-video" if model in (TextToVideoRequest, FastTextToVideoRequest) else "image-to-video"
    return Endpoint(
        id=f"fal-ai/pixverse/{path}",
        title=title,
        category=category,
        about=about,
        input=model,
        output=output,
        clip=clip,
        units=units,
        unit="5 s of video",
        engines={"animatic": animatic, "pixverse": partial(_asking(model), path.partition("/")[0])},
        reply=partial(reply, output),
        roles=Roles(seed="seed"),
        example={"prompt": "Slow push in while the clouds drift", **example},
        tags=(category, "vendor"),
    )


def _asking(model: type[Drawn]) -> Callable[..., VendorCall]:
    """How the maker's own API is asked for one of these."""
    if issubclass(model, TransitionRequest):
        return pixverse_vendor.transition
    pictured = issubclass(model, ImageToVideoRequest | FastImageToVideoRequest)
    return pixverse_vendor.from_picture if pictured else pixverse_vendor.from_text


def _extending(path: str, title: str, about: str, model: type[Extended]) -> Endpoint:
    """One of the endpoints that go on from a video."""
    return Endpoint(
        id=f"fal-ai/pixverse/{path}",
        title=title,
        category="video-to-video",
        about=about,
        input=model,
        output=VideoOutput,
        clip=extend_clip,
        units=units,
        unit="5 s of video",
        engines={"animatic": animatic_extend, "pixverse": pixverse_vendor.extend},
        reply=partial(reply, VideoOutput),
        roles=Roles(seed="seed"),
        example={"video_url": VIDEO, "prompt": "The camera goes on along the shore"},
        tags=("video-to-video", "vendor"),
    )


ENDPOINTS = [
    _drawn(
        "v4.5/image-to-video",
        "PixVerse v4.5 image to video",
        "Turns one picture and a prompt into a video of 5 or 8 seconds, in a style if wanted.",
        ImageToVideoRequest,
        {"image_url": PHOTOGRAPH},
    ),
    _drawn(
        "v4.5/text-to-video",
        "PixVerse v4.5 text to video",
        "Turns a prompt into a video of 5 or 8 seconds, in a style if wanted.",
        TextToVideoRequest,
        {},
    ),
    _drawn(
        "v4.5/text-to-video/fast",
        "PixVerse v4.5 fast text to video",
        "Turns a prompt into a video of 5 seconds, quicker, at up to 720p.",
        FastTextToVideoRequest,
        {},
    ),
    _drawn(
        "v4.5/image-to-video/fast",
        "PixVerse v4.5 fast image to video",
        "Turns one picture and a prompt into a video of 5 seconds, quicker, at up to 720p.",
        FastImageToVideoRequest,
        {"image_url": PHOTOGRAPH},
    ),
    _drawn(
        "v4/image-to-video/fast",
        "PixVerse v4 fast image to video",
        "Turns one picture and a prompt into a video of 5 seconds with version 4, at up to 720p.",
        FastImageToVideoRequestV4,
        {"image_url": PHOTOGRAPH},
        output=VideoOutputV4,
    ),
    _drawn(
        "v4.5/transition",
        "PixVerse v4.5 transition",
        "Makes the way from a first picture to a last one, in 5 or 8 seconds.",
        TransitionRequest,
        {"first_image_url": PHOTOGRAPH, "last_image_url": "https://example.com/night.jpg"},
    ),
    _extending(
        "extend",
        "PixVerse extend",
        "Goes on from a video for 5 or 8 seconds more; the result holds both.",
        ExtendRequest,
    ),
    _extending(
        "extend/fast",
        "PixVerse fast extend",
        "Goes on from a video for 5 seconds more, quicker, at up to 720p; the result holds both.",
        FastExtendRequest,
    ),
    Endpoint(
        id="fal-ai/pixverse/sound-effects",
        title="PixVerse sound effects",
        category="video-to-video",
        about="Adds made-up sounds to a video, described or not, with or without the sound it had.",
        input=SoundEffectRequest,
        output=VideoOutput,
        clip=same_clip,
        units=units_of_a_video,
        unit="second of video",
        engines={"animatic": animatic_sound, "pixverse": pixverse_vendor.sound_effects},
        reply=partial(reply, VideoOutput),
        example={"video_url": VIDEO, "prompt": "Waves and gulls"},
        tags=("video-to-video", "vendor"),
    ),
    Endpoint(
        id="fal-ai/pixverse/lipsync",
        title="PixVerse lipsync",
        category="video-to-video",
        about="Lets somebody in a video say a recording or a text, with the lips to match.",
        input=LipsyncRequest,
        output=VideoOutput,
        clip=same_clip,
        units=units_of_a_video,
        unit="second of video",
        engines={"animatic": animatic_lipsync, "pixverse": pixverse_vendor.lipsync},
        reply=partial(reply, VideoOutput),
        roles=Roles(prompt="text"),
        example={"video_url": VIDEO, "text": "Good morning, and welcome aboard."},
        tags=("video-to-video", "vendor"),
    ),
]
