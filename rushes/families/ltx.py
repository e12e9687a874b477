"""LTX-Video preview, image to video (`fal-ai/ltx-video/image-to-video`): input, clip, price, how engines are asked.

Sources: the endpoint's API page for fields, defaults and the 768x512 that a picture should have; the model's authors
for the 121 frames at 24 per second. The page names neither ranges nor a price; ours are on the fields and in `units`.
"""

from __future__ import annotations

from pydantic import Field

from rushes.calls import AnimaticCall, DiffusersCall
from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Roles
from rushes.fields import BriefFile, ImageUrl, Seed, Text, WireModel

NEGATIVE_PROMPT = (
    "low quality, worst quality, deformed, distorted, disfigured, motion smear, motion artifacts, fused fingers, bad "
    "anatomy, weird hand, ugly"
)
CLIP = Clip(width=768, height=512, frames=121, fps=24)  # frames are 8n + 1, sides multiples of 32: no other choice


class LtxInput(WireModel):
    """A prompt, a picture, and how hard the model is to try."""

    prompt: Text = Field(
        description="One flowing paragraph of at most about 200 words: the action first, in order, then looks, place, "
        "camera and light."
    )
    negative_prompt: Text = Field(NEGATIVE_PROMPT, description="What the video should not show.")
    seed: Seed = None
    num_inference_steps: int = Field(
        30, ge=1, le=100, description="Sampling steps: 20 to 30 are quick, more than 40 look better."
    )
    guidance_scale: float = Field(
        3,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="How closely the prompt is followed: 3 to 5 leaves freedom, 5 to 7 is strict.",
    )
    image_url: ImageUrl = Field(
        description="Picture that the video starts from, best 768x512; another is scaled and cropped at the centre."
    )


class LtxOutput(WireModel):
    """The video and the seed it was made with."""

    video: BriefFile = Field(description="The video that was made.")
    seed: int = Field(description="The seed that was used.")


def clip(_request: LtxInput, _media: MediaMap) -> Clip:
    """Return the one clip that this endpoint makes: 121 frames of 768x512 at 24 per second, just over five seconds."""
    return CLIP


def units(_request: LtxInput, _clip: Clip | None) -> float:
    """One unit for each video, since all have one length and one size; our own rule, as the page names no price."""
    return 1.0


def animatic(request: LtxInput, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine. It has no use for the negative prompt, steps or guidance."""
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=request.seed or 0,
        image=media["image_url"].path,
    )


def diffusers(request: LtxInput, media: MediaMap, wanted: Clip) -> DiffusersCall:
    """Ask the open weights; their autoencoder is told the noise level that its authors give (from 0.9.1 on)."""
    return DiffusersCall(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        made=-(-(wanted.frames - 1) // 8) * 8 + 1,  # the pipeline rounds down in silence: 8n + 1, never too few
        fps=wanted.fps,
        steps=request.num_inference_steps,
        guidance=request.guidance_scale,
        seed=request.seed or 0,
        image=media["image_url"].path,
        # No shift: each release's own scheduler has one.
        decode_timestep=0.05,
        decode_noise=0.025,
    )


def reply(_request: LtxInput, made: Made) -> LtxOutput:
    """Put the stored video and its seed into the output."""
    return LtxOutput(video=made.files[0], seed=made.seed)


ENDPOINTS = [
    Endpoint(
        id="fal-ai/ltx-video/image-to-video",
        title="LTX-Video (preview) image to video",
        category="image-to-video",
        about="Turns one picture and a detailed prompt into five seconds of 768x512, for research only.",
        input=LtxInput,
        output=LtxOutput,
        clip=clip,
        units=units,
        unit="video",
        weights={"LTXImageToVideoPipeline": False, "LTXConditionPipeline": False},
        engines={"animatic": animatic, "diffusers": diffusers},
        reply=reply,
        roles=Roles(seed="seed"),
        example={
            "prompt": "A diver sinks past a wall of coral, bubbles rising; the camera follows from above in blue light",
            "image_url": "https://example.com/diver.jpg",
        },
        tags=("image-to-video", "open-weights", "research-only"),
    )
]
