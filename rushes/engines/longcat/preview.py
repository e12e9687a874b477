"""A small picture of what the film looks like so far, without decoding it.

Latents are turned into colours by a linear map, fitted once to the loaded autoencoder: a chart of colours and gradients
is encoded, and each latent cell is matched to its mean colour by least squares. So it needs no table of factors, and
fits any weights.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rushes.engines.longcat.autoencoder import SPATIAL, Autoencoder, to_pixels

CHART = 128  # pixels on a side
PATCH = 16  # pixels on a side of a patch of plain colour
RIDGE = 1e-3  # keeps the fit calm where latents say little


class Preview:
    """The fitted map: 16 numbers and a constant -> 3 colours from -1 to 1."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        pixels = to_pixels(_chart())
        cells = torch.nn.functional.avg_pool2d(pixels[:, :, 0], SPATIAL)[0].flatten(1).T  # (cells, 3)
        latents = autoencoder.encode(pixels)[0, :, 0].flatten(1).T.cpu()  # (cells, 16)
        known = torch.cat((latents, torch.ones(len(latents), 1)), dim=1).double()
        square = known.T @ known + RIDGE * torch.eye(known.shape[1], dtype=torch.float64)
        self.factors = torch.linalg.solve(square, known.T @ cells.double()).float()  # (17, 3)

    def picture(self, latents: Tensor) -> npt.NDArray[np.uint8]:
        """(1, 16, T, h, w) -> (h, w, 3) uint8 RGB of the middle frame, an eighth of the film's size."""
        # The middle: the first frame may be the caller's own picture, which shows nothing of how far the film is.
        middle = latents[0, :, latents.shape[2] // 2].float().cpu()
        colours = torch.einsum("chw,cd->hwd", middle, self.factors[:-1]) + self.factors[-1]
        seen: npt.NDArray[np.uint8] = ((colours.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()
        return seen


def _chart() -> npt.NDArray[np.uint8]:
    """(1, 128, 128, 3): plain patches above, gradients in each colour below; always the same."""
    count = CHART // PATCH
    patches = np.random.default_rng(0).integers(0, 256, (count, count, 3))
    chart = patches.repeat(PATCH, axis=0).repeat(PATCH, axis=1)
    ramp = np.linspace(0, 255, CHART)
    half = CHART // 2
    chart[half:, :, 0], chart[half:, :, 2] = ramp, ramp[::-1]
    chart[half:, :, 1] = np.linspace(0, 255, half)[:, None]
    return chart[None].astype(np.uint8)
