"""The members by which servers of video jobs are asked for a film: OpenAI's names, with diffusers' for the sampling.

What only one of them knows is added in its dialect's file.
"""

from __future__ import annotations

from typing import Any

from rushes.engines.server.wish import Wish


def members(wish: Wish) -> dict[str, Any]:
    """Return what all of them are told, but for the picture."""
    return {
        "prompt": wish.prompt,
        "negative_prompt": wish.negative_prompt,
        "size": wish.size,
        "num_frames": wish.made,
        "fps": round(wish.fps),  # their types take no fractions; our frames are timed by the call's own rate
        "num_inference_steps": wish.steps,
        "guidance_scale": wish.guidance,
        "seed": wish.seed,
    }


def teacache(wish: Wish) -> dict[str, Any]:
    """Return whether steps that change little may be skipped, for servers that are told so by request."""
    return {"enable_teacache": wish.accelerated}


def sampling(wish: Wish, decoding: str) -> dict[str, Any]:
    """Return the noise shift, and under `decoding` what an autoencoder is told, where the call says anything of them.

    What isn't told stays as the weights' own configuration has it.
    """
    found: dict[str, Any] = {}
    if wish.shift is not None:
        found["flow_shift"] = wish.shift
    if wish.decoding:
        found[decoding] = dict(wish.decoding)
    return found
