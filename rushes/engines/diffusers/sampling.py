"""One film's latents from one pipeline: what it is asked, which passes it makes, and how its steps are watched.

Sizes and frame counts off the model's grid are made on the next larger one and cropped. Decoding is `decoding`'s job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rushes.calls import DiffusersCall
from rushes.engines.diffusers.fewsteps import FewSteps
from rushes.engines.diffusers.layouts import LAYOUTS, Layout
from rushes.engines.diffusers.loading import Pipe
from rushes.engines.diffusers.passes import Order, Passes
from rushes.engines.diffusers.pulse import Beat, Soundness, pulse
from rushes.engines.diffusers.skipping import KNOWN, Ratios, computed, write_ratios
from rushes.engines.diffusers.texts import Texts
from rushes.engines.diffusers.tuning import networks

FEW_TOKENS = 8192
"""A pass of fewer tokens leaves a large GPU partly idle, so that two at once take hardly longer than one."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on: `between` is called many times in a step and ends everything by what it raises; `stepped` with the

    number of steps done and the latents (1, C, T, h, w).
    """

    between: Callable[[], None]
    stepped: Callable[[int, Tensor], None]


@dataclass(frozen=True, slots=True)
class Ways:
    """How a deployment's films are sampled, beside what each asks.

    Without `ratios` a list that the engine has is gone by; `calibrate` is a file that a film's own are written to.
    `batched` None decides for each film by its size. `local` is as in `passes.Order`.
    """

    texts: Texts | None = None
    ratios: Ratios | None = None
    calibrate: str | None = None
    few: FewSteps | None = None
    batched: bool | None = None
    streamed: bool = False  # whether the weights come to the device anew for each pass
    parts: int = 1  # that a film's tokens are shared among
    local: Callable[[Tensor], Tensor] = lambda tokens: tokens


def latents_of(
    pipe: Pipe, layout_name: str, call: DiffusersCall, watch: Watch, ways: Ways | None = None
) -> tuple[Tensor, torch.Generator]:
    """Sample a film's latents (1, C, T, h, w). Raises what the watch raises, Unable, torch.OutOfMemoryError."""
    layout, ways = LAYOUTS[layout_name], ways or Ways()
    width, height = grid_size(pipe, call, ways.parts)
    generator = torch.Generator().manual_seed(call.seed % 2**64)  # on the CPU: the same film whatever the device
    given: dict[str, Any] = {
        "image": _picture(call.image, width, height),
        "last_image": _picture(call.last_image, width, height),
        "frame_rate": call.fps,
    }
    shape = ((call.made - 1) // layout.frame_step + 1, height, width)
    soundness = Soundness(call.steps)

    def after_step(pipe: Pipe, step: int, _time: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        watch.between()
        latents = tensors["latents"]
        soundness.ask(step + 1, latents)
        watch.stepped(step + 1, unpacked(pipe, latents, shape))
        return {}

    texts = ways.texts or Texts(pipe, 0, layout.text_tokens)
    denoisers = networks(pipe)
    with (
        _schedule(pipe, call, ways.few, generator, layout),
        pulse(pipe, watch.between, without=denoisers),
    ):
        said = texts.given(call.prompt, call.negative_prompt or "", guided=call.guidance > 1)
        passes = Passes(_order(pipe, layout_name, call, ways, said, shape), Beat(pipe, watch.between))
        with passes.through(denoisers):
            latents = pipe(
                width=width,
                height=height,
                num_frames=call.made,
                num_inference_steps=call.steps,
                guidance_scale=call.guidance,
                generator=generator,
                output_type="latent",
                max_sequence_length=layout.text_tokens,
                callback_on_step_end=after_step,
                return_dict=False,
                **said,
                **{name: value for name, value in given.items() if name in layout.takes and value is not None},
            )[0]
    soundness.answer()
    if ways.calibrate is not None:
        write_ratios(ways.calibrate, passes.ratios())
    return unpacked(pipe, latents, shape), generator


def _order(  # noqa: PLR0917
    pipe: Pipe,
    layout_name: str,
    call: DiffusersCall,
    ways: Ways,
    said: dict[str, Tensor],
    shape: tuple[int, int, int],
) -> Order:
    """Decide on a film's passes."""
    twice = LAYOUTS[layout_name].apart and call.guidance > 1
    batched = ways.batched
    if twice and batched is None:  # a GPU that is full already gains nothing, one that waits for weights nearly half
        batched = pipe._execution_device.type == "cuda" and (ways.streamed or _tokens(pipe, shape) <= FEW_TOKENS)
    ratios = ways.ratios or KNOWN.get(layout_name)
    left_out = call.acceleration == "regular" and ratios is not None and ways.calibrate is None
    return Order(
        branches=2 if twice else 1,
        second=said["negative_prompt_embeds"] if twice and batched else None,
        computed=computed(ratios, call.steps) if left_out and ratios is not None else None,
        measure=ways.calibrate is not None,
        local=ways.local,
    )


def _tokens(pipe: Pipe, shape: tuple[int, int, int]) -> int:
    """Return how many tokens a pass of a network with patches of 2 x 2 has."""
    frames, height, width = shape
    side = 2 * int(pipe.vae_scale_factor_spatial)
    return frames * (height // side) * (width // side)


def grid_size(pipe: Pipe, call: DiffusersCall, parts: int = 1) -> tuple[int, int]:
    """Return the next larger (width, height) that the model can make, with tokens that can be shared evenly."""
    spatial = getattr(pipe, "vae_scale_factor_spatial", None)
    if spatial is None:
        step = pipe.vae_spatial_compression_ratio * pipe.transformer_spatial_patch_size
    else:
        step = spatial * (pipe.transformer or pipe.transformer_2).config.patch_size[1]
    across, down = -(-call.width // step), -(-call.height // step)
    while across * down % parts:
        across += 1
    return across * step, down * step


def unpacked(pipe: Pipe, latents: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return latents as (1, C, T, h, w); some pipelines hold them as a sequence. `shape` is T and pixels."""
    if latents.ndim == 5:
        return latents
    frames, height, width = shape
    ratio = pipe.vae_spatial_compression_ratio
    sides = (frames, height // ratio, width // ratio)
    made: Tensor = pipe._unpack_latents(
        latents, *sides, pipe.transformer_spatial_patch_size, pipe.transformer_temporal_patch_size
    )
    return made


@contextmanager
def _schedule(
    pipe: Pipe, call: DiffusersCall, few: FewSteps | None, generator: torch.Generator, layout: Layout
) -> Iterator[None]:
    """Give the pipeline a scheduler of its own for one film, and the old one back."""
    old = pipe.scheduler
    pipe.scheduler = few.scheduler(generator) if few is not None else _usual(old, call, layout)
    try:
        yield
    finally:
        pipe.scheduler = old


def _usual(old: Any, call: DiffusersCall, layout: Layout) -> Any:
    """Return a scheduler like the weights' own, as the film asks."""
    changes: dict[str, Any] = {}
    if layout.shifts and call.shift is not None:
        # The multistep schedulers' word for it, and the Euler one's.
        changes = {"flow_shift": call.shift} if "flow_shift" in old.config else {"shift": call.shift}
    if call.steps == 1 and old.config.get("shift_terminal"):
        changes["shift_terminal"] = None  # stretching a single step to its end divides by nothing
    if layout.steady and old.config.get("use_dynamic_shifting"):
        changes["use_dynamic_shifting"] = False
    return _from_the_first(type(old).from_config(old.config, **changes))


def _from_the_first(scheduler: Any) -> Any:
    """Let it begin at its first step; it would look for that by its timestep, and take the second of two alike.

    A large shift puts many steps so near to the noise that their timesteps, whole numbers, are the same.
    """
    plain = scheduler.set_timesteps

    @wraps(plain)  # pipelines look at the parameters' names before they pass any
    def set_timesteps(*args: Any, **given: Any) -> None:
        plain(*args, **given)
        scheduler.set_begin_index(0)

    scheduler.set_timesteps = set_timesteps
    return scheduler


def _picture(path: str | None, width: int, height: int) -> Image.Image | None:
    """Return a decoded picture, scaled to cover the size and cropped at its centre."""
    if path is None:
        return None
    picture = np.load(path)
    tall, wide = picture.shape[:2]
    scale = max(width / wide, height / tall)
    # Cropped first: a strip of 20000 x 20 must not be enlarged as a whole.
    across, upright = min(wide, round(width / scale)), min(tall, round(height / scale))
    top, left = (tall - upright) // 2, (wide - across) // 2
    cropped = picture[top : top + max(1, upright), left : left + max(1, across)]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
    return Image.fromarray(cv2.resize(cropped, (width, height), interpolation=method))
