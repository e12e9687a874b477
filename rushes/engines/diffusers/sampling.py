"""One film from one pipeline: what it is asked, how its steps are watched, and its latents decoded into pixels.

Signs of life and looks at cancel come from the layers themselves, many in a step, since a step of a large film takes
longer than a runner may be silent. Sizes and frame counts off the model's grid are made on the next larger one and
cropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from rushes.calls import DiffusersCall
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.loading import Pipe
from rushes.engines.diffusers.preview import scales
from rushes.engines.diffusers.skipping import skipping
from rushes.engines.diffusers.trouble import broken_numbers

Pixels = npt.NDArray[np.uint8]

CHUNK = 8  # frames that are converted at once, while those before are encoded
AHEAD = 2  # layers that a GPU may be behind its process: enough to stay busy
REMEDY = "verify the weights' checksums, and use bfloat16 or float32"


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on: `between` is called many times in a step and ends everything by what it raises; `stepped` with the

    number of steps done and the latents (1, C, T, h, w).
    """

    between: Callable[[], None]
    stepped: Callable[[int, Tensor], None]


def latents_of(pipe: Pipe, layout_name: str, call: DiffusersCall, watch: Watch) -> tuple[Tensor, torch.Generator]:
    """Sample a film's latents (1, C, T, h, w). Raises what the watch raises, Unable, torch.OutOfMemoryError."""
    layout = LAYOUTS[layout_name]
    width, height = grid_size(pipe, call)
    generator = torch.Generator().manual_seed(call.seed % 2**63)  # on the CPU: the same film whatever the device
    given: dict[str, Any] = {
        "image": _picture(call.image, width, height),
        "last_image": _picture(call.last_image, width, height),
        "frame_rate": call.fps,
    }
    shape = ((call.made - 1) // layout.frame_step + 1, height, width)

    def after_step(pipe: Pipe, step: int, _time: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        watch.between()
        latents = tensors["latents"]
        if not torch.isfinite(latents).all():
            raise broken_numbers(f"step {step + 1} of {call.steps}", REMEDY)
        watch.stepped(step + 1, unpacked(pipe, latents, shape))
        return {}

    with _schedule(pipe, call, shifts=layout.shifts), _skipped(pipe, layout_name, call), _pulse(pipe, watch.between):
        latents = pipe(
            prompt=call.prompt,
            negative_prompt=call.negative_prompt,
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
            **{name: value for name, value in given.items() if name in layout.takes and value is not None},
        )[0]
    return unpacked(pipe, latents, shape), generator


def decoded(  # noqa: PLR0917
    pipe: Pipe, latents: Tensor, call: DiffusersCall, layout_name: str, generator: torch.Generator, watch: Watch
) -> Tensor:
    """Decode latents into (T, 3, H, W) from -1 to 1. Raises Unable where numbers broke down."""
    vae = pipe.vae
    mean, deviation = scales(vae, latents)
    inner = (latents * deviation + mean).to(vae.dtype)
    extra: tuple[Tensor | None, ...] = ()
    if LAYOUTS[layout_name].told_noise:
        extra = (None,)
        if vae.config.timestep_conditioning:
            noise = torch.randn(inner.shape, generator=generator, dtype=torch.float32).to(inner)
            share = call.decode_timestep if call.decode_noise is None else call.decode_noise
            inner = (1 - share) * inner + share * noise
            extra = (torch.tensor([call.decode_timestep], device=inner.device, dtype=inner.dtype),)
    with torch.no_grad(), _pulse(pipe, watch.between):
        video: Tensor = vae.decode(inner, *extra, return_dict=False)[0][0].transpose(0, 1)
    pipe.maybe_free_model_hooks()
    if not torch.isfinite(video).all():
        raise broken_numbers("decoding", REMEDY)
    return video


def chunks_of(video: Tensor, call: DiffusersCall) -> Iterator[Pixels]:
    """Yield (T, 3, H, W) from -1 to 1 as (t, height, width, 3) uint8: the first `frames`, cropped evenly."""
    top, left = (video.shape[2] - call.height) // 2, (video.shape[3] - call.width) // 2
    video = video[: call.frames, :, top : top + call.height, left : left + call.width]
    for start in range(0, call.frames, CHUNK):
        part = (video[start : start + CHUNK].float().clamp(-1, 1) + 1) * 127.5
        pixels: Pixels = part.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        yield pixels


def grid_size(pipe: Pipe, call: DiffusersCall) -> tuple[int, int]:
    """Return the next larger (width, height) that the model can make."""
    spatial = getattr(pipe, "vae_scale_factor_spatial", None)
    if spatial is None:
        step = pipe.vae_spatial_compression_ratio * pipe.transformer_spatial_patch_size
    else:
        step = spatial * (pipe.transformer or pipe.transformer_2).config.patch_size[1]
    return -(-call.width // step) * step, -(-call.height // step) * step


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
def _schedule(pipe: Pipe, call: DiffusersCall, *, shifts: bool) -> Iterator[None]:
    """Give the pipeline a scheduler of its own for one film, and the old one back."""
    old = pipe.scheduler
    changes: dict[str, Any] = {}
    if shifts and call.shift is not None:
        changes = {"flow_shift": call.shift} if "flow_shift" in old.config else {"shift": call.shift}
    if call.steps == 1 and old.config.get("shift_terminal"):
        changes["shift_terminal"] = None  # stretching a single step to its end divides by nothing
    pipe.scheduler = type(old).from_config(old.config, **changes)
    try:
        yield
    finally:
        pipe.scheduler = old


@contextmanager
def _skipped(pipe: Pipe, layout_name: str, call: DiffusersCall) -> Iterator[None]:
    """Skip passes for one film; what was remembered goes with it, or a film after one that ended early is wrong."""
    config = skipping(layout_name, call.steps) if call.acceleration == "regular" else None
    if config is None:
        yield
        return
    pipe.transformer.enable_cache(config)
    try:
        yield
    finally:
        pipe.transformer._reset_stateful_cache()
        pipe.transformer.disable_cache()


@contextmanager
def _pulse(pipe: Pipe, between: Callable[[], None]) -> Iterator[None]:
    """Call `between` before every layer. On a GPU wait for the layer before last: its queue would hide the time."""
    waiting: deque[Any] = deque()

    def beat(*_: Any) -> None:
        between()
        if torch.cuda.is_available() and pipe._execution_device.type == "cuda":
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
            waiting.append(event)
            if len(waiting) > AHEAD:
                waiting.popleft().synchronize()

    hooks = [layer.register_forward_pre_hook(beat) for layer in _layers(pipe)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _layers(pipe: Pipe) -> Iterator[torch.nn.Module]:
    """Yield the layers of all models: members of module lists that lie in no other such list."""
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            seen: list[str] = []
            for name, module in part.named_modules():
                if isinstance(module, torch.nn.ModuleList) and not any(name.startswith(f"{one}.") for one in seen):
                    seen.append(name)
                    yield from module


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
