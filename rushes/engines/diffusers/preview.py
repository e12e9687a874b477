"""A small picture of how far a film is, without decoding it.

Latents become colours by a linear map that is fitted once to the loaded autoencoder: a chart of plain patches and ramps
is encoded, and each cell's latents are matched to its mean colour by least squares. So it needs no table of factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

SIDE = 256  # pixels of the chart: 64 to 256 cells, more than there are channels in most
PATCH = 32
RIDGE = 1e-3  # keeps the fit solvable where there are as many channels as cells, or channels that hardly change
_SEED = 7


class Look:
    """The fitted map, (channels + 1, 3)."""

    def __init__(self, vae: Any, device: torch.device) -> None:
        """Fit it on the device that the autoencoder works on, which need not be where its weights wait."""
        chart = _chart()
        pixels = chart.to(device=device, dtype=vae.dtype)
        with torch.no_grad():
            latents = normal(vae, vae.encode(pixels).latent_dist.mode())[0, :, 0].float().cpu()
        cells = (
            torch.nn.functional.adaptive_avg_pool2d(chart[0, :, 0], (latents.shape[1], latents.shape[2])).flatten(1).T
        )
        known = torch.cat((latents.flatten(1).T, torch.ones(cells.shape[0], 1)), dim=1).double()
        square = known.T @ known + RIDGE * torch.eye(known.shape[1], dtype=torch.float64)
        self._factors = torch.linalg.solve(square, known.T @ cells.double()).float()

    def picture(self, latents: Tensor) -> npt.NDArray[np.uint8]:
        """(1, C, T, h, w), as they are sampled -> (h, w, 3) uint8 RGB of the middle."""
        middle = latents[0, :, latents.shape[2] // 2].float().cpu()
        colours = torch.einsum("chw,cd->hwd", middle, self._factors[:-1]) + self._factors[-1]
        seen: npt.NDArray[np.uint8] = ((colours.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()
        return seen


def scales(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the deviation of an autoencoder's latents, (1, C, 1, 1, 1), like another tensor."""
    kept = dict(vae.named_buffers(recurse=False))  # some keep them among the weights, others in the configuration
    mean = kept["latents_mean"] if kept else torch.tensor(vae.config.latents_mean)
    deviation = kept["latents_std"] if kept else torch.tensor(vae.config.latents_std)
    factor = getattr(vae.config, "scaling_factor", None) or 1.0
    shape = (1, -1, 1, 1, 1)
    return mean.view(shape).to(like), (deviation / factor).view(shape).to(like)


def normal(vae: Any, latents: Tensor) -> Tensor:
    """Return latents as they are sampled, from latents as the autoencoder gives them."""
    mean, deviation = scales(vae, latents)
    return (latents - mean) / deviation


def _chart() -> Tensor:
    """(1, 3, 1, SIDE, SIDE) from -1 to 1: patches above, ramps below; always the same."""
    generator = torch.Generator().manual_seed(_SEED)
    count = SIDE // PATCH
    patches = torch.rand((3, count, count), generator=generator)
    chart = patches.repeat_interleave(PATCH, 1).repeat_interleave(PATCH, 2)
    half, ramp = SIDE // 2, torch.linspace(0, 1, SIDE)
    chart[0, half:], chart[2, half:] = ramp, ramp.flip(0)
    chart[1, half:] = torch.linspace(0, 1, half)[:, None]
    return (chart * 2 - 1)[None, :, None]
