"""A film's latents decoded into pixels: a few frames at a time where the autoencoder allows it.

A causal autoencoder needs nothing of later frames, only what it remembers of earlier ones. Decoding it slice by slice
gives the very numbers of decoding it whole, takes the memory of one slice, and lets frames be encoded while later ones
are decoded. Others, and tiles, are decoded whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify
from torch import Tensor

from rushes.calls import DiffusersCall
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.preview import scales
from rushes.engines.diffusers.pulse import pulse
from rushes.engines.trouble import broken_numbers

Pixels = npt.NDArray[np.uint8]

CHUNK = 8  # frames that are converted at once, while those before are encoded
SETTLED = 2  # slices after which each needs the same memory


def slices_of(  # noqa: PLR0917
    pipe: Any,
    latents: Tensor,
    call: DiffusersCall,
    layout_name: str,
    generator: torch.Generator,
    between: Callable[[], None],
    *,
    sliced: bool = True,
) -> Iterator[Tensor]:
    """Yield (t, 3, H, W) from -1 to 1, all frames. Raises what `between` raises, Unable, torch.OutOfMemoryError.

    The first slices are made at once, so that too little memory is found before any frame is given away.
    """
    if LAYOUTS[layout_name].causal and sliced and not _tiled(pipe.vae, latents):
        slices = _by_slices(pipe, latents, between)
        first = list(islice(slices, SETTLED))
        return _closing(chain(first, slices), slices)
    return iter((decoded(pipe, latents, call, layout_name, generator, between),))


def decoded(  # noqa: PLR0917
    pipe: Any,
    latents: Tensor,
    call: DiffusersCall,
    layout_name: str,
    generator: torch.Generator,
    between: Callable[[], None],
) -> Tensor:
    """Decode latents (1, C, T, h, w) whole into (T, 3, H, W) from -1 to 1. Raises Unable where numbers broke down."""
    vae = pipe.vae
    inner = _inner(vae, latents)
    extra: tuple[Tensor | None, ...] = ()
    if LAYOUTS[layout_name].told_noise:
        extra = (None,)
        if vae.config.timestep_conditioning:
            noise = torch.randn(inner.shape, generator=generator, dtype=torch.float32).to(inner)
            share = call.decode_timestep if call.decode_noise is None else call.decode_noise
            inner = (1 - share) * inner + share * noise
            extra = (torch.tensor([call.decode_timestep], device=inner.device, dtype=inner.dtype),)
    with torch.no_grad(), pulse(pipe, between):
        video: Tensor = vae.decode(inner, *extra, return_dict=False)[0][0].transpose(0, 1)
    _free(pipe)
    return _sound(video)


def chunks_of(slices: Iterator[Tensor], call: DiffusersCall) -> Iterator[Pixels]:
    """Yield (t, 3, H, W) from -1 to 1 as (t, height, width, 3) uint8: the first `frames`, cropped evenly."""
    left_over = call.frames
    try:
        for whole in slices:
            top, left = (whole.shape[2] - call.height) // 2, (whole.shape[3] - call.width) // 2
            video = whole[:left_over, :, top : top + call.height, left : left + call.width]
            for part in video.split(CHUNK):  # type: ignore[no-untyped-call]
                # In place after the first step, since each step elsewhere costs a CPU as much again.
                shade = part.float().clamp(-1, 1).add_(1).mul_(127.5).round_()
                pixels: Pixels = shade.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
                yield pixels
            left_over -= len(video)
            if not left_over:
                return
    finally:
        end = getattr(slices, "close", None)
        if end is not None:
            end()


def _by_slices(pipe: Any, latents: Tensor, between: Callable[[], None]) -> Iterator[Tensor]:
    vae = pipe.vae
    hook = getattr(vae, "_hf_hook", None)
    if hook is not None:  # `decode` itself would bring the weights to the device
        hook.pre_forward(vae)
    vae.clear_cache()
    try:
        inner = _inner(vae, latents)
        with torch.no_grad():
            inner = vae.post_quant_conv(inner)
        for place in range(inner.shape[2]):
            yield _slice(pipe, inner[:, :, place : place + 1], between, first=place == 0)
    finally:
        vae.clear_cache()
        _free(pipe)


def _slice(pipe: Any, inner: Tensor, between: Callable[[], None], *, first: bool) -> Tensor:
    vae = pipe.vae
    vae._conv_idx = [0]
    with torch.no_grad(), pulse(pipe, between, only=vae):
        video = vae.decoder(inner, feat_cache=vae._feat_map, feat_idx=vae._conv_idx, first_chunk=first)
        if vae.config.patch_size is not None:
            video = unpatchify(video, patch_size=vae.config.patch_size)  # type: ignore[no-untyped-call]
        return _sound(video[0].transpose(0, 1)).clamp_(-1, 1)


def _free(pipe: Any) -> None:
    """Move parts out that wait outside; a pipeline without such looks through all its modules for them."""
    if getattr(pipe, "_all_hooks", None):
        pipe.maybe_free_model_hooks()


def _inner(vae: Any, latents: Tensor) -> Tensor:
    """Return latents as the autoencoder has them, from those that are sampled."""
    mean, deviation = scales(vae, latents)
    inner: Tensor = (latents * deviation + mean).to(vae.dtype)
    return inner


def _sound(video: Tensor) -> Tensor:
    if not torch.isfinite(video).all():
        raise broken_numbers("after decoding")
    return video


def _tiled(vae: Any, latents: Tensor) -> bool:
    if not vae.use_tiling:
        return False
    ratio = vae.spatial_compression_ratio
    sides = vae.tile_sample_min_height // ratio, vae.tile_sample_min_width // ratio
    return bool(latents.shape[3] > sides[0] or latents.shape[4] > sides[1])


def _closing(slices: Iterator[Tensor], behind: Any) -> Iterator[Tensor]:
    with closing(behind):
        yield from slices
