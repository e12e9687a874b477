"""LongCat-Video (`fal-ai/longcat-video/…`): film from a picture or a text, at 480p or 720p, full or distilled model.

Eight endpoints with one request type each. The field types come first and are the same wherever a field appears; the
request types then list them in their page's order, with their page's defaults.
Sources: the API page for fields, defaults and enums; LongCat-Video's tables of sizes. The page sets no bounds and no
price: bounds here keep a request within what the model was built for, and the price is `units`'s rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from rushes.calls import AnimaticCall, LongCatCall, RefinePass
from rushes.endpoint import Clip, Delivery, Endpoint, Made, MediaMap, Roles, VideoFormat
from rushes.fields import File, ImageUrl, Seed, Text, WireModel

Size = tuple[int, int]
Resolution = Literal["480p", "720p"]
Shape = Literal["16:9", "9:16", "1:1"]
Container = Literal["X264 (.mp4)", "VP9 (.webm)", "PRORES4444 (.mov)", "GIF (.gif)"]

PROMPT = (
    "First-person view from the cockpit of a Formula 1 car. The driver's gloved hands firmly grip the intricate, "
    "carbon-fiber steering wheel adorned with numerous colorful buttons and a vibrant digital display showing "
    "race data. Beyond the windshield, a sun-drenched racetrack stretches ahead, lined with cheering spectators "
    "in the grandstands. Several rival cars are visible in the distance, creating a dynamic sense of competition."
    " The sky above is a clear, brilliant blue, reflecting the exhilarating atmosphere of a high-speed race. high"
    " resolution 4k"
)

NEGATIVE_PROMPT = (
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, "
    "overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly "
    "drawn hands, poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still picture, messy "
    "background, three legs, many people in the background, walking backwards"
)

# (width, height) of the film from a picture: the nearest in height / width wins. From wide to tall.
SIZES_480P: tuple[Size, ...] = (
    *((1216, 320), (1120, 352), (1024, 384), (960, 416), (864, 448), (832, 480), (768, 512), (736, 544), (672, 576)),
    *((640, 608), (608, 640), (576, 672), (544, 704), (544, 736), (512, 768), (480, 800), (480, 832), (448, 896)),
    *((416, 960), (384, 992), (384, 1056), (352, 1088), (320, 1184), (320, 1216), (320, 1248), (320, 1280)),
)
# The refining second pass has a table of its own (multiples of 64); the 480p film's size chooses from it.
SIZES_REFINED: tuple[Size, ...] = (
    *((2048, 448), (1792, 512), (1600, 576), (1408, 640), (1280, 704), (1216, 768), (1088, 832), (1024, 896)),
    *((960, 960), (896, 1024), (832, 1088), (768, 1152), (768, 1216), (704, 1280), (704, 1344), (640, 1408)),
    *((640, 1472), (576, 1536), (576, 1664), (512, 1856), (512, 1920)),
)
# The table has no square and serves pictures; from text the model takes any multiples of 16.
SIZE_OF_SHAPE: dict[str, Size] = {"16:9": (832, 480), "9:16": (480, 832), "1:1": (640, 640)}  # text to video, 480p

FRAMES_PER_SECOND: dict[str, int] = {"480p": 15, "720p": 30}  # the model's own rates, by which a second is counted
PRICE_OF_SECOND: dict[str, float] = {"480p": 1.0, "720p": 2.0}
NEEDED_TO_DISTIL, NEEDED_TO_REFINE = "cfg_step_lora", "refinement_lora"  # LoRAs of the published weights
DISTILLED_SHARE = 0.25  # of the price: 12 steps without guidance in place of 40 with it

CONTAINERS: dict[str, Literal["mp4", "webm", "mov", "gif"]] = {
    "X264 (.mp4)": "mp4",
    "VP9 (.webm)": "webm",
    "PRORES4444 (.mov)": "mov",
    "GIF (.gif)": "gif",
}

Picture = Annotated[ImageUrl, Field(description="Picture that the film starts from; it also gives the film its shape.")]
Prompt = Annotated[Text, Field(description="What is to be seen and what happens in it.")]
NegativePrompt = Annotated[Text, Field(description="What the film should keep clear of.")]
NumFrames = Annotated[
    int, Field(ge=17, le=961, description="Length of the film in frames, 17 to 961; each one counts for the price.")
]
Steps = Annotated[
    int, Field(ge=1, le=100, description="Sampling steps of the film, 1 to 100; more are finer and take longer.")
]
RefineSteps = Annotated[
    int, Field(ge=1, le=100, description="Sampling steps of the second pass, which brings the film up to 720p.")
]
Guidance = Annotated[
    float,
    Field(
        ge=0, le=20, allow_inf_nan=False, description="How strictly the prompts are obeyed, 0 to 20; 1 adds no stress."
    ),
]
AspectRatio = Annotated[Shape, Field(description="Shape of the film.")]
Rate = Annotated[
    int, Field(ge=1, le=60, description="Frames per second that the film is played at, 1 to 60; changes its length.")
]
Expansion = Annotated[bool | None, Field(description="Has the prompt written out more fully before it is used.")]
Safety = Annotated[bool, Field(description="Has the prompt, the picture and the film looked at for harmful content.")]
OutputType = Annotated[Container, Field(description="Codec and container of the file.")]
Quality = Annotated[
    Literal["low", "medium", "high", "maximum"], Field(description="How well the codec keeps the picture.")
]
WriteMode = Annotated[
    Literal["fast", "balanced", "small"], Field(description="Whether writing the file is to save time or bytes.")
]
Sync = Annotated[
    bool | None,
    Field(description="Puts the film itself into the answer, as a data URI; nothing of it is kept on the server."),
]
Acceleration = Annotated[
    Literal["none", "regular"], Field(description="Whether steps that change little may be skipped to save time.")
]


class LongCatCFGImageToVideoRequest(WireModel):
    """From a picture, 480p, full model."""

    image_url: Picture
    prompt: Prompt = PROMPT
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    num_frames: NumFrames = 162
    num_inference_steps: Steps = 40
    guidance_scale: Guidance = 4
    fps: Rate = 15
    seed: Seed = None
    enable_prompt_expansion: Expansion = None
    enable_safety_checker: Safety = True
    video_output_type: OutputType = "X264 (.mp4)"
    video_quality: Quality = "high"
    video_write_mode: WriteMode = "balanced"
    sync_mode: Sync = None
    acceleration: Acceleration = "regular"


class LongCat720PCFGImageToVideoRequest(WireModel):
    """From a picture, 720p, full model."""

    image_url: Picture
    prompt: Prompt = PROMPT
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    num_frames: NumFrames = 162
    num_inference_steps: Steps = 40
    num_refine_inference_steps: RefineSteps = 40
    guidance_scale: Guidance = 4
    fps: Rate = 30
    seed: Seed = None
    enable_prompt_expansion: Expansion = None
    enable_safety_checker: Safety = True
    video_output_type: OutputType = "X264 (.mp4)"
    video_quality: Quality = "high"
    video_write_mode: WriteMode = "balanced"
    sync_mode: Sync = None
    acceleration: Acceleration = "regular"


class LongCatCFGVideoRequest(WireModel):
    """From text, 480p, full model."""

    prompt: Prompt
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    num_frames: NumFrames = 162
    num_inference_steps: Steps = 40
    guidance_scale: Guidance = 4
    aspect_ratio: AspectRatio = "16:9"
    fps: Rate = 15
    seed: Seed = None
    enable_prompt_expansion: Expansion = None
    enable_safety_checker: Safety = True
    video_output_type: OutputType = "X264 (.mp4)"
    video_quality: Quality = "high"
    video_write_mode: WriteMode = "balanced"
    sync_mode: Sync = None
    acceleration: Acceleration = "regular"


class LongCat720PCFGVideoRequest(WireModel):
    """From text, 720p, full model."""

    prompt: Prompt
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT
    num_frames: NumFrames = 162
    num_inference_steps: Steps = 40
    num_refine_inference_steps: RefineSteps = 40
    guidance_scale: Guidance = 4
    aspect_ratio: AspectRatio = "16:9"
    fps: Rate = 30
    seed: Seed = None
    enable_prompt_expansion: Expansion = None
    enable_safety_checker: Safety = True
    video_output_type: OutputType = "X264 (.mp4)"
    video_quality: Quality = "high"
    video_write_mode: WriteMode = "balanced"
    sync_mode: Sync = None
    acceleration: Acceleration = "regular"


class LongCatImageToVideoRequest(WireModel):
    """From a picture, 480p, distilled model."""

    image_url: Picture
    prompt: Prompt = PROMPT
    num_frames: NumFrames = 162
    num_inference_steps: Steps = 12
    fps: Rate = 15
    seed: Seed = None
    enable_prompt_expansion: Expansion = None
    enable_safety_checker: Safety = True
    video_output_type: OutputType = "X264 (.mp4)"
    video_quality: Quality = "high"
    video_write_mode: WriteMode = "balanced"
    sync_mode: Sync = None


class LongCat720PImageToVideoRequest(WireModel):
    """From a picture, 720p, distilled model."""

    image_url: Picture
    prompt: Prompt = PROMPT
    num_frames: NumFrames = 162
    num_inference_steps: Steps = 12
    num_refine_inference_steps: RefineSteps = 12
    fps: Rate = 30
    seed: Seed = None
    enable_prompt_expansion: Expansion = None
    enable_safety_checker: Safety = True
    video_output_type: OutputType = "X264 (.mp4)"
    video_quality: Quality = "high"
    video_write_mode: WriteMode = "balanced"
    sync_mode: Sync = None


class LongCatVideoRequest(WireModel):
    """From text, 480p, distilled model."""

    prompt: Prompt
    num_frames: NumFrames = 162
    num_inference_steps: Steps = 12
    aspect_ratio: AspectRatio = "16:9"
    fps: Rate = 15
    seed: Seed = None
    enable_prompt_expansion: Expansion = None
    enable_safety_checker: Safety = True
    video_output_type: OutputType = "X264 (.mp4)"
    video_quality: Quality = "high"
    video_write_mode: WriteMode = "balanced"
    sync_mode: Sync = None


class LongCat720PVideoRequest(WireModel):
    """From text, 720p, distilled model."""

    prompt: Prompt
    num_frames: NumFrames = 162
    num_inference_steps: Steps = 12
    num_refine_inference_steps: RefineSteps = 12
    aspect_ratio: AspectRatio = "16:9"
    fps: Rate = 30
    seed: Seed = None
    enable_prompt_expansion: Expansion = None
    enable_safety_checker: Safety = True
    video_output_type: OutputType = "X264 (.mp4)"
    video_quality: Quality = "high"
    video_write_mode: WriteMode = "balanced"
    sync_mode: Sync = None


class LongCatVideoResponse(WireModel):
    """The film, and what it was made from."""

    prompt: str = Field(description="The prompt as it was used, after any expansion.")
    seed: int = Field(description="The seed that was used.")
    video: File = Field(description="The film.")


FromPicture = (
    LongCatCFGImageToVideoRequest
    | LongCat720PCFGImageToVideoRequest
    | LongCatImageToVideoRequest
    | LongCat720PImageToVideoRequest
)
FromText = LongCatCFGVideoRequest | LongCat720PCFGVideoRequest | LongCatVideoRequest | LongCat720PVideoRequest
Request = FromPicture | FromText
Guided = (
    LongCatCFGImageToVideoRequest
    | LongCat720PCFGImageToVideoRequest
    | LongCatCFGVideoRequest
    | LongCat720PCFGVideoRequest
)
Refined = (
    LongCat720PCFGImageToVideoRequest
    | LongCat720PCFGVideoRequest
    | LongCat720PImageToVideoRequest
    | LongCat720PVideoRequest
)


def nearest_size(sizes: Sequence[Size], width: int, height: int) -> Size:
    """Return the (width, height) of a table whose height / width comes nearest to that of `width` x `height`."""
    # By height / width, as the model's tables are read (model reference 3.10); width / height would choose others.
    return min(sizes, key=lambda size: abs(size[1] / size[0] - height / width))


def film_size(resolution: str, first_pass: Size) -> Size:
    """Return the film's size from that of the 480p pass, which at 720p is refined into a larger one."""
    return first_pass if resolution == "480p" else nearest_size(SIZES_REFINED, *first_pass)


def first_pass(request: Request, picture: Size | None) -> Size:
    """Return the size of the 480p pass: the table's nearest to the picture's shape, or that of the shape asked for."""
    if isinstance(request, FromText):
        return SIZE_OF_SHAPE[request.aspect_ratio]
    assert picture is not None  # an endpoint that asks for one has it by now
    return nearest_size(SIZES_480P, *picture)


def clip_from_picture(resolution: str, request: FromPicture, media: MediaMap) -> Clip:
    """Return the clip: the table's size nearest to the picture's shape, frames and rate as asked."""
    width, height = film_size(resolution, first_pass(request, media["image_url"].size))
    return Clip(width, height, request.num_frames, request.fps)


def clip_from_text(resolution: str, request: FromText, _media: MediaMap) -> Clip:
    """Return the clip: the shape's size, frames and rate as asked."""
    width, height = film_size(resolution, first_pass(request, None))
    return Clip(width, height, request.num_frames, request.fps)


def units(resolution: str, share: float, request: Request, _clip: Clip | None) -> float:
    """Our own rule: a second of 480p (15 frames) is one unit, of 720p (30) two; with the distilled model a quarter.

    `fps` changes how long the film plays, not what it takes to make it, so it doesn't change the price.
    """
    seconds = request.num_frames / FRAMES_PER_SECOND[resolution]
    return round(seconds * PRICE_OF_SECOND[resolution] * share, 4)


def delivery(request: Request) -> Delivery:
    """Return how the file is written, and whether it comes as a data URI."""
    video = VideoFormat(CONTAINERS[request.video_output_type], request.video_quality, request.video_write_mode)
    return Delivery(video=video, form="data_uri" if request.sync_mode else "url")


def animatic(request: Request, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine. It has no use for steps, guidance, acceleration or the negative prompt."""
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        image=media["image_url"].path if "image_url" in media else None,
    )


def longcat(request: Request, media: MediaMap, wanted: Clip) -> LongCatCall:
    """Ask the model itself. At 720p the film is made at 480p with half of its frames, then refined to twice as many.

    `fps` is only written into the file. The distilled model knows no guidance, negative prompt or skipped steps.
    """
    picture = media.get("image_url")
    width, height = first_pass(request, picture.size if picture else None)
    call = LongCatCall(
        prompt=request.prompt,
        width=width,
        height=height,
        frames=wanted.frames,
        seed=request.seed or 0,
        steps=request.num_inference_steps,
        distilled=not isinstance(request, Guided),
        image=picture.path if picture else None,
        # How many frames the first pass has is left to the engine: half of the film's, rounded up.
        refine=RefinePass(wanted.width, wanted.height, request.num_refine_inference_steps)
        if isinstance(request, Refined)
        else None,
    )
    if not isinstance(request, Guided):
        return call
    return replace(
        call,
        guidance=request.guidance_scale,
        negative_prompt=request.negative_prompt,
        accelerated=request.acceleration == "regular",
    )


def reply(_request: Request, made: Made) -> LongCatVideoResponse:
    """Put the prompt and the seed that were used beside the film."""
    return LongCatVideoResponse(prompt=made.prompt, seed=made.seed, video=made.files[0])


def endpoint(asked: type[Request], resolution: Resolution, *, distilled: bool = False) -> Endpoint:
    """Describe one of the eight; whether it takes a picture shows in its request type."""
    pictured = "image_url" in asked.model_fields
    kind = "image-to-video" if pictured else "text-to-video"
    source = "a picture" if pictured else "text alone"
    model, pace = ("distilled LongCat-Video", "in a few steps") if distilled else ("LongCat-Video", "in full quality")
    return Endpoint(
        id=f"fal-ai/longcat-video/{'distilled/' if distilled else ''}{kind}/{resolution}",
        title=f"LongCat-Video {kind.replace('-', ' ')}, {resolution}{', distilled' if distilled else ''}",
        category=kind,
        about=f"Makes a film of any length up to 961 frames from {source} with {model}, at {resolution}, {pace}.",
        input=asked,
        output=LongCatVideoResponse,
        clip=partial(clip_from_picture if pictured else clip_from_text, resolution),
        units=partial(units, resolution, DISTILLED_SHARE if distilled else 1.0),
        unit="second of 480p",
        engines={"animatic": animatic, "longcat": longcat},
        weights={"LongCat-Video": False},
        needs=(*((NEEDED_TO_DISTIL,) if distilled else ()), *((NEEDED_TO_REFINE,) if resolution == "720p" else ())),
        reply=reply,
        delivery=delivery,
        roles=Roles(seed="seed", safety="enable_safety_checker", expansion="enable_prompt_expansion"),
        example={"prompt": "A fox trots along a snowy ridge at dawn, the camera keeps pace beside it"}
        | ({"image_url": "https://example.com/fox.jpg"} if pictured else {}),
        tags=(kind, "open-weights", "long", *(("fast",) if distilled else ())),
    )


ENDPOINTS = [
    endpoint(LongCatCFGImageToVideoRequest, "480p"),
    endpoint(LongCat720PCFGImageToVideoRequest, "720p"),
    endpoint(LongCatCFGVideoRequest, "480p"),
    endpoint(LongCat720PCFGVideoRequest, "720p"),
    endpoint(LongCatImageToVideoRequest, "480p", distilled=True),
    endpoint(LongCat720PImageToVideoRequest, "720p", distilled=True),
    endpoint(LongCatVideoRequest, "480p", distilled=True),
    endpoint(LongCat720PVideoRequest, "720p", distilled=True),
]
