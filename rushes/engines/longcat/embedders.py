"""What comes into the network and leaves it: patches, times and texts become vectors, vectors become latents.

Names of parameters are those of the published weights. Times and modulations are computed in float32 whatever the
weights' type, as the model was trained.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from rushes.engines.longcat.config import NetworkConfig

TIME_BASE = 10_000.0
NORM_EPS = 1e-6


def linear_fp32(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a Linear in float32, whatever type its weights are kept in."""
    assert isinstance(layer, nn.Linear)
    assert layer.weight.is_floating_point(), "numbers in eight bits are nothing without their scales"
    bias = layer.bias.float() if layer.bias is not None else None
    return functional.linear(x.float(), layer.weight.float(), bias)


def norm_fp32(x: Tensor) -> Tensor:
    """LayerNorm over the last axis without weights; gives float32."""
    return functional.layer_norm(x.float(), x.shape[-1:], eps=NORM_EPS)


def modulated(x: Tensor, shift: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """LN(x) * (1 + scale) + shift for x (B, T, S, C) with one vector per frame (B, T, 1, C); gives `dtype`."""
    return torch.addcmul(shift, norm_fp32(x), 1 + scale).to(dtype)


class PatchEmbedder(nn.Module):
    """(B, C, T, H, W) latents -> (B, T * H/2 * W/2, hidden), one token per patch."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.proj = nn.Conv3d(config.in_channels, config.hidden_size, config.patch_size, config.patch_size)

    def forward(self, latents: Tensor) -> Tensor:
        """Embed."""
        embedded: Tensor = self.proj(latents.to(self.proj.weight.dtype))
        return embedded.flatten(2).transpose(1, 2)


def time_features(timesteps: Tensor, width: int) -> Tensor:
    """Cosines, then sines, of t * 10000^(-i / half): (…) in 0..1000 -> (…, width) float32."""
    half = width // 2
    rates = torch.exp(-math.log(TIME_BASE) * torch.arange(half, dtype=torch.float32, device=timesteps.device) / half)
    angles = timesteps.float()[..., None] * rates
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


class TimeEmbedder(nn.Module):
    """(B, T) timesteps from 0 to 1000 -> (B, T, adaln_tembed_dim) float32."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.width = config.frequency_embedding_size
        inner = config.adaln_tembed_dim
        self.mlp = nn.Sequential(nn.Linear(self.width, inner), nn.SiLU(), nn.Linear(inner, inner))

    def forward(self, timesteps: Tensor) -> Tensor:
        """Embed."""
        first = linear_fp32(self.mlp[0], time_features(timesteps, self.width))
        return linear_fp32(self.mlp[2], functional.silu(first))


class TextEmbedder(nn.Module):
    """(B, L, caption_channels) of the text encoder -> (B, L, hidden)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        inner = config.hidden_size
        self.y_proj = nn.Sequential(
            nn.Linear(config.caption_channels, inner), nn.GELU(approximate="tanh"), nn.Linear(inner, inner)
        )

    def forward(self, text: Tensor) -> Tensor:
        """Embed."""
        weight = self.y_proj[2].weight
        assert isinstance(weight, Tensor)
        embedded: Tensor = self.y_proj(text.to(weight.dtype))
        return embedded


class FinalLayer(nn.Module):
    """(B, T, S, hidden) -> (B, T, S, patch * out_channels), modulated by the time."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(config.hidden_size, math.prod(config.patch_size) * config.out_channels)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(config.adaln_tembed_dim, 2 * config.hidden_size))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Project back to patches."""
        shift, scale = linear_fp32(self.adaLN_modulation[1], functional.silu(time))[:, :, None].chunk(2, dim=-1)
        projected: Tensor = self.linear(modulated(x, shift, scale, self.linear.weight.dtype))
        return projected


def unpatchified(x: Tensor, grid: tuple[int, int, int], patch: tuple[int, int, int], channels: int) -> Tensor:
    """(B, tokens, patch * C), a patch's numbers in the order (t, h, w, c) -> (B, C, T, H, W)."""
    (frames, rows, columns), (pt, ph, pw) = grid, patch
    x = x.reshape(x.shape[0], frames, rows, columns, pt, ph, pw, channels)
    x = x.permute(0, 7, 1, 4, 2, 5, 3, 6)
    return x.reshape(x.shape[0], channels, frames * pt, rows * ph, columns * pw)
