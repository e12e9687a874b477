"""Frames <-> latents, by the Wan 2.1 autoencoder of diffusers.

Latents are normalised, (z - mean) / std by its config's lists. Decoding gives frames while it goes on, one latent frame
at a time, so that encoding the film overlaps with it and memory stays flat; with tiling it gives them all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify, unpatchify
from torch import Tensor

Frames = npt.NDArray[np.uint8]
"""(T, H, W, 3) uint8 RGB."""

CPU = torch.device("cpu")
SPATIAL = 8  # pixels per latent, on each side
TEMPORAL = 4  # frames per latent, after the first


def latent_frames(frames: int) -> int:
    """Return how many latent frames a film of 4n + 1 frames has: n + 1."""
    return (frames - 1) // TEMPORAL + 1


def to_pixels(frames: Frames, device: torch.device | str = "cpu") -> Tensor:
    """(T, H, W, 3) uint8 -> (1, 3, T, H, W) float32 from -1 to 1."""
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(device)
    return pixels.permute(3, 0, 1, 2)[None].float() / 127.5 - 1.0


def to_frames(pixels: Tensor) -> Frames:
    """(1, 3, T, H, W) from -1 to 1 -> (T, H, W, 3) uint8, rounded."""
    scaled = ((pixels[0].float().clamp(-1, 1) + 1.0) * 127.5).round().to(torch.uint8)
    found: Frames = scaled.permute(1, 2, 3, 0).contiguous().cpu().numpy()
    return found


class Autoencoder:
    """An AutoencoderKLWan, and what is done with it on a device; between two uses it waits at `home`."""

    def __init__(self, vae: Any, device: torch.device = CPU, home: torch.device = CPU) -> None:
        self.vae, self.device, self._home = vae, device, home
        self._fold = vae.config.patch_size
        count = int(vae.config.z_dim)
        self.channels = count
        self._mean = torch.tensor(vae.config.latents_mean, dtype=torch.float32).view(1, count, 1, 1, 1)
        self._std = torch.tensor(vae.config.latents_std, dtype=torch.float32).view(1, count, 1, 1, 1)

    @contextmanager
    def _here(self) -> Iterator[None]:
        """Have it on the device."""
        self.vae.to(self.device)
        try:
            yield
        finally:
            self.vae.to(self._home)

    def encode(self, pixels: Tensor, between: Callable[[], None] = lambda: None) -> Tensor:
        """(1, 3, 4n + 1, H, W) from -1 to 1 -> (1, 16, n + 1, H/8, W/8) float32; the mean, so nothing is random.

        `between` is called before each latent frame.
        """
        between()
        with self._here():
            if self.vae.use_tiling:  # tiles are diffusers' own loop, which can't be looked into
                found = self.vae.encode(pixels.to(self.device, self.vae.dtype)).latent_dist.mode().float()
            else:
                found = self._encoded(pixels, between)
        normalised: Tensor = (found - self._mean.to(found.device)) / self._std.to(found.device)
        return normalised

    def _encoded(self, pixels: Tensor, between: Callable[[], None]) -> Tensor:
        remembered, parts = [None] * _causal_convolutions(self.vae.encoder), []
        # The first latent frame is of one frame, each further one of four.
        stops = range(1, pixels.shape[2] + 1, TEMPORAL)
        for start, stop in zip((0, *stops), stops, strict=False):
            between()
            part = self._folded(pixels[:, :, start:stop].to(self.device, self.vae.dtype))
            # feat_idx counts the convolutions within one call and is changed by it, so each call gets a new one.
            parts.append(self.vae.encoder(part, feat_cache=remembered, feat_idx=[0]))
        mean: Tensor = self.vae.quant_conv(torch.cat(parts, dim=2))[:, : self.channels]
        return mean.float()

    def decode(self, latents: Tensor, between: Callable[[], None] = lambda: None) -> Iterator[Frames]:
        """(1, 16, T, h, w) -> chunks of frames, 1 + 4 * (T - 1) over all; `between` is called before each."""
        z = latents.to(self.device, torch.float32)
        z = (z * self._std.to(z.device) + self._mean.to(z.device)).to(self.vae.dtype)
        with self._here():
            yield from self._decoded(z, between)

    def _decoded(self, z: Tensor, between: Callable[[], None]) -> Iterator[Frames]:
        between()
        if self.vae.use_tiling:
            whole = to_frames(self.vae.decode(z, return_dict=False)[0])
            for start in range(0, len(whole), TEMPORAL):
                between()
                yield whole[start : start + TEMPORAL]
            return
        z = self.vae.post_quant_conv(z)
        remembered = [None] * _causal_convolutions(self.vae.decoder)  # what each one saw last, filled in place
        for number in range(z.shape[2]):
            between()
            out = self.vae.decoder(
                z[:, :, number : number + 1], feat_cache=remembered, feat_idx=[0], first_chunk=number == 0
            )
            yield to_frames(self._unfolded(out))

    def _folded(self, pixels: Tensor) -> Tensor:
        """Return what the encoder takes: some take squares of pixels as one pixel of more channels."""
        if self._fold is None:
            return pixels
        folded: Tensor = patchify(pixels, patch_size=self._fold)  # type: ignore[no-untyped-call]
        return folded

    def _unfolded(self, out: Tensor) -> Tensor:
        """Return the decoder's pixels, each as large as any other."""
        if self._fold is None:
            return out
        pixels: Tensor = unpatchify(out, patch_size=self._fold)  # type: ignore[no-untyped-call]
        return pixels


def _causal_convolutions(module: Any) -> int:
    """Count the convolutions that look back in time; each has its place in the decoder's memory."""
    return sum(type(one).__name__ == "WanCausalConv3d" for one in module.modules())
