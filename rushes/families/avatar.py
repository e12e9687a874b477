"""LongCat avatar (`fal-ai/longcat-single-avatar/…`): somebody speaks or sings a given sound.

Sources: the API page for fields, defaults, segments and the price; the avatar model for its rate, its frames per
segment and its sizes. The page sets no bounds; those here keep a film under a minute. The sizes at 480p and the words
to keep clear of are LongCat-Video's, on which the avatar is built, and come from that family.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rushes.calls import AnimaticCall, UpstreamCall
from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Roles
from rushes.families.longcat import NEGATIVE_PROMPT as LONGCAT_NEGATIVE_PROMPT
from rushes.families.longcat import SIZES_480P, Size, nearest_size
from rushes.fields import AudioUrl, File, ImageUrl, Seed, Text, WireModel

PROMPT = "A person is talking naturally with natural expressions and movements."
NEGATIVE_PROMPT = f"Close-up, {LONGCAT_NEGATIVE_PROMPT}"

FPS = 16
FIRST_SEGMENT = 93  # frames: 5.8 s
NEXT_SEGMENT = 80  # frames that each further segment adds: 5 s, after 13 that it shares with the one before

# (width, height). Without a picture the film is lying: somebody in a place, not a bust.
SIZE_WITHOUT_PICTURE: dict[str, Size] = {"480p": (832, 480), "720p": (1280, 768)}
# The model's own 720p sizes, from wide to tall (LongCat-Video's 720p is refined from 480p and has others).
SIZES_720P: tuple[Size, ...] = (
    *((1920, 480), (1792, 512), (1696, 544), (1600, 576), (1504, 608), (1376, 672), (1312, 704), (1248, 736)),
    *((1152, 800), (1120, 832), (1056, 864), (1024, 896), (992, 928), (960, 960), (928, 992), (896, 1024)),
    *((864, 1056), (832, 1088), (832, 1120), (800, 1152), (736, 1248), (672, 1344), (672, 1376), (608, 1504)),
    *((608, 1536), (576, 1632), (544, 1664), (544, 1696), (512, 1856), (480, 1888), (480, 1920)),
)
SIZES: dict[str, tuple[Size, ...]] = {"480p": SIZES_480P, "720p": SIZES_720P}
SEEDS = 2**31  # what the model's program is sure to take
WEIGHTS = {"longcat-avatar": False}
PRICE_OF_SECOND: dict[str, float] = {"480p": 1.0, "720p": 4.0}  # the page's own

Audio = Annotated[
    AudioUrl,
    Field(description="Speech or song that moves the lips and is heard; followed by silence, or cut, to fit the film."),
]
NegativePrompt = Annotated[Text, Field(description="What the film should keep clear of.")]
Steps = Annotated[
    int, Field(ge=1, le=100, description="Sampling steps per segment, 1 to 100; more are finer and take longer.")
]
TextGuidance = Annotated[
    float, Field(ge=0, le=20, allow_inf_nan=False, description="How strictly the prompts are obeyed, 0 to 20.")
]
AudioGuidance = Annotated[
    float,
    Field(
        ge=0,
        le=20,
        allow_inf_nan=False,
        description="How closely the mouth follows the sound, 0 to 20; 3 to 5 look natural.",
    ),
]
Resolution = Annotated[
    Literal["480p", "720p"],
    Field(description="Size class of the film: a second costs one unit at 480p and four at 720p."),
]
Segments = Annotated[
    int,
    Field(ge=1, le=10, description="Length of the film, 1 to 10: the first segment is 5.8 s, each further one 5 s."),
]
Safety = Annotated[bool, Field(description="Has the prompt, the picture and the film looked at for harmful content.")]


class AudioToVideoRequest(WireModel):
    """A sound, and who is to be seen with it in words."""

    audio_url: Audio
    prompt: Text = Field(PROMPT, description="Who is seen, where, and how they behave while they speak.")
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    num_inference_steps: Steps = 30
    text_guidance_scale: TextGuidance = 4
    audio_guidance_scale: AudioGuidance = 4
    resolution: Resolution = "480p"
    num_segments: Segments = 1
    seed: Seed = None
    enable_safety_checker: Safety = True


class ImageAudioToVideoRequest(WireModel):
    """A sound, and a picture of who is to be seen with it."""

    image_url: ImageUrl = Field(description="Picture of the one who speaks; it also gives the film its shape.")
    audio_url: Audio
    prompt: Text = Field(description="How the one in the picture behaves while they speak.")
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    num_inference_steps: Steps = 30
    text_guidance_scale: TextGuidance = 4
    audio_guidance_scale: AudioGuidance = 4
    resolution: Resolution = "480p"
    num_segments: Segments = 1
    seed: Seed = None
    enable_safety_checker: Safety = True


class ImageAudioToVideoResponse(WireModel):
    """The film and the seed it was made with."""

    video: File = Field(description="The film, with its sound.")
    seed: int = Field(description="The seed that was used.")


Request = AudioToVideoRequest | ImageAudioToVideoRequest


def frame_count(segments: int) -> int:
    """Return how many frames so many segments have."""
    return FIRST_SEGMENT + NEXT_SEGMENT * (segments - 1)


def clip(request: Request, media: MediaMap) -> Clip:
    """Return the clip: as long as its segments, in the picture's shape, with sound."""
    picture = media.get("image_url")
    size = (
        nearest_size(SIZES[request.resolution], *picture.size) if picture else SIZE_WITHOUT_PICTURE[request.resolution]
    )
    return Clip(*size, frame_count(request.num_segments), FPS, audio=True)


def units(request: Request, _clip: Clip | None) -> float:
    """The page's rule: for each second (16 frames) one unit at 480p and four at 720p."""
    return frame_count(request.num_segments) / FPS * PRICE_OF_SECOND[request.resolution]


def animatic(request: Request, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine. It has no use for steps, guidance or the negative prompt.

    Where it sees no face, the film keeps its picture and gets the sound: it misses faces in profile and in outline
    drawings, so that its no is no reason for a face_detection_error, of which the page says nothing either.
    """
    picture = media.get("image_url")
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        image=picture.path if picture else None,
        sound=media["audio_url"].path,
        lipsync=True,
    )


def upstream(request: Request, media: MediaMap, wanted: Clip) -> UpstreamCall:
    """Ask the model's own program: from the picture and the sound, or from the prompt and the sound."""
    picture = media.get("image_url")
    return UpstreamCall(
        task="ai2v" if picture else "at2v",
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        made=wanted.frames,  # a film is whole segments, so nothing of it is cut off
        fps=FPS,
        seed=(request.seed or 0) % SEEDS,
        steps=request.num_inference_steps,
        segments=request.num_segments,
        resolution=request.resolution,
        text_guidance=request.text_guidance_scale,
        audio_guidance=request.audio_guidance_scale,
        image=picture.path if picture else None,
        sound=media["audio_url"].path,
    )


def reply(_request: Request, made: Made) -> ImageAudioToVideoResponse:
    """Put the film and its seed into the output."""
    return ImageAudioToVideoResponse(video=made.files[0], seed=made.seed)


EXAMPLE = {
    "audio_url": "https://example.com/speech.mp3",
    "prompt": "A woman in a bright kitchen explains a recipe to the camera",
}


ENDPOINTS = [
    Endpoint(
        id="fal-ai/longcat-single-avatar/audio-to-video",
        title="LongCat avatar from sound",
        category="audio-to-video",
        about="Makes a film of somebody described in words who speaks or sings a given sound.",
        input=AudioToVideoRequest,
        output=ImageAudioToVideoResponse,
        clip=clip,
        units=units,
        unit="second of 480p",
        engines={"animatic": animatic, "upstream": upstream},
        weights=WEIGHTS,
        reply=reply,
        roles=Roles(seed="seed", safety="enable_safety_checker"),
        example=EXAMPLE,
        tags=("audio-to-video", "lipsync", "open-weights", "sound"),
    ),
    Endpoint(
        id="fal-ai/longcat-single-avatar/image-audio-to-video",
        title="LongCat avatar from a picture and sound",
        category="audio-to-video",
        about="Lets the one in a picture speak or sing a given sound.",
        input=ImageAudioToVideoRequest,
        output=ImageAudioToVideoResponse,
        clip=clip,
        units=units,
        unit="second of 480p",
        engines={"animatic": animatic, "upstream": upstream},
        weights=WEIGHTS,
        reply=reply,
        roles=Roles(seed="seed", safety="enable_safety_checker"),
        example={"image_url": "https://example.com/portrait.jpg", **EXAMPLE},
        tags=("audio-to-video", "image-to-video", "lipsync", "open-weights", "sound"),
    ),
]
