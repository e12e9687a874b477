"""What the tests of the engine share: a deployment of tiny weights, a call, and the film that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline

from rushes.calls import DiffusersCall
from rushes.engines.diffusers.engine import DiffusersEngine
from rushes.engines.diffusers.sampling import _picture
from rushes.engines.engine import Progress
from rushes.engines.residence import Residence
from rushes.routing import DiffusersDeployment

Folders = Mapping[str, Path]
Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]


def engine(folder: Path, residence: Residence | None = None, name: str = "mine", **setting: Any) -> DiffusersEngine:
    made = DiffusersDeployment(engine="diffusers", model=str(folder), device="cpu", **setting)
    return DiffusersEngine(name, made, residence or Residence())


def call(folders: Folders, **given: Any) -> DiffusersCall:
    usual: dict[str, Any] = {
        "prompt": "a cab",
        "negative_prompt": "bad",
        "width": 48,
        "height": 32,
        "frames": 9,
        "made": 9,
        "fps": 16,
        "steps": 2,
        "guidance": 5.0,
        "seed": 7,
        "image": str(folders["photograph"]),
        "shift": 3.0,
    }
    return DiffusersCall(**{**usual, **given})


def film(
    made_by: DiffusersEngine, asked: DiffusersCall, seen: list[Progress] | None = None, looks: int = 10**9
) -> Pixels:
    left = iter(range(looks))
    frames = made_by.generate(asked, (seen if seen is not None else []).append, lambda: next(left, None) is None)
    return np.concatenate(list(frames.chunks))


def bare_film(weights: Path, folders: Folders, flow_shift: float | None = None) -> Floats:
    """Return what diffusers alone makes of `call`, 0 to 1; without a shift, by the weights' own."""
    bare = WanImageToVideoPipeline.from_pretrained(weights)
    if flow_shift is not None:
        bare.scheduler = UniPCMultistepScheduler.from_config(bare.scheduler.config, flow_shift=flow_shift)
    bare.set_progress_bar_config(disable=True)
    made: Floats = bare(
        image=_picture(str(folders["photograph"]), 48, 32),
        prompt="a cab",
        negative_prompt="bad",
        width=48,
        height=32,
        num_frames=9,
        num_inference_steps=2,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(7),
    ).frames[0]
    return made
