"""What a film needs before it is refined: brought to its new size, twice as many frames, padded to whole chunks.

Padding is done in frames: the first is repeated in front of the clean frames and the last behind the others, so that
both parts are multiples of 4 latent frames, as attention in chunks needs them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rushes.engines.longcat.autoencoder import TEMPORAL, Frames
from rushes.engines.longcat.block_sparse import CHUNK


@dataclass(frozen=True, slots=True)
class Padding:
    """Frames to be added in front and behind, and how many latent frames are clean then."""

    front: int
    back: int
    condition: int


def padding(frames: int, clean: int) -> Padding:
    """Return what `frames` need, of which the first `clean` are known.

    With clean ones both parts become 4k latents; without, the whole does, and 1 + 4 * (latents - 1) frames must cover
    the film.
    """
    if not clean:
        # + 3, since the first latent frame is one frame and all others are four.
        latents = _whole_chunks(-(-(frames + TEMPORAL - 1) // TEMPORAL))
        return Padding(0, 1 + TEMPORAL * (latents - 1) - frames, 0)
    condition = _whole_chunks(1 + -(-(clean - 1) // TEMPORAL))
    new = _whole_chunks(-(-(frames - clean) // TEMPORAL))
    front = 1 + TEMPORAL * (condition - 1) - clean
    return Padding(front, TEMPORAL * new - (frames - clean), condition)


def _whole_chunks(latents: int) -> int:
    return -(-latents // CHUNK) * CHUNK


def enlarged(film: Frames, height: int, width: int, frames: int, device: torch.device) -> Tensor:
    """(T, h, w, 3) uint8 -> (1, 3, frames, height, width) float32 from -1 to 1.

    Bilinear in the picture, then linear in time, the outermost samples staying where they are.
    """
    parts = [
        functional.interpolate(
            torch.from_numpy(one).to(device).permute(2, 0, 1)[None].float(),
            size=(height, width),
            mode="bilinear",
            align_corners=True,
        )
        for one in film
    ]
    pixels = torch.stack(parts, dim=2) / 127.5 - 1.0
    if frames == len(film):
        return pixels
    return functional.interpolate(pixels, size=(frames, height, width), mode="trilinear", align_corners=True)


def padded(pixels: Tensor, pads: Padding) -> Tensor:
    """Repeat the first and the last of (1, 3, T, H, W)."""
    front, back = pixels[:, :, :1], pixels[:, :, -1:]
    return torch.cat((front.expand(-1, -1, pads.front, -1, -1), pixels, back.expand(-1, -1, pads.back, -1, -1)), dim=2)
