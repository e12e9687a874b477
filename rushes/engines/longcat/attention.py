"""Attention within a film and from a film to its text.

How softmax(q k^T) v is computed is an `Attend`: dense here, in chunks in `block_sparse`. Condition tokens (the clean
frames that a film goes on from) come first, see only themselves, and hear nothing of the text; all others see
everything. What was kept of condition tokens in an earlier pass (`KeyValue`) stands in for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rushes.engines.longcat.config import NetworkConfig
from rushes.engines.longcat.embedders import NORM_EPS
from rushes.engines.longcat.rotary import Grid, Rotation, tokens_of

Attend = Callable[[Tensor, Tensor, Tensor, Grid, Grid], Tensor]
"""(q, k, v, grid of q, grid of k) -> out; all (B, heads, tokens, head width)."""

KeyValue = tuple[Tensor, Tensor]
"""One block's keys (after their norm, before the rotation) and values of condition tokens, (1, heads, tokens, D)."""


def dense(q: Tensor, k: Tensor, v: Tensor, _q_grid: Grid, _k_grid: Grid) -> Tensor:
    """Let every query see every key."""
    return functional.scaled_dot_product_attention(q, k, v)


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + 1e-6) * weight over the last axis, in float32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; the type stays what it was."""
        return functional.rms_norm(x.float(), x.shape[-1:], self.weight.float(), NORM_EPS).to(x.dtype)


@dataclass(frozen=True, slots=True)
class View:
    """What a pass over a film shares between its blocks.

    `grid` is the whole film's, condition frames included; `condition` how many of its frames are clean. Where `kept`,
    those frames are not in the pass: their keys and values come from before.
    """

    grid: Grid
    rotation: Rotation
    condition: int = 0
    kept: bool = False
    attend: Attend = dense

    @property
    def condition_grid(self) -> Grid:
        """The grid of the clean frames."""
        return self.condition, *self.grid[1:]

    @property
    def new_grid(self) -> Grid:
        """The grid of the others."""
        return self.grid[0] - self.condition, *self.grid[1:]


class SelfAttention(nn.Module):
    """Attention among a film's tokens; `qkv` gives (3, heads, head width) for each."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.heads = config.num_heads
        self.qkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.q_norm = RMSNorm(config.head_dim)
        self.k_norm = RMSNorm(config.head_dim)
        self.proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, view: View, kept: KeyValue | None = None) -> tuple[Tensor, KeyValue]:
        """(B, tokens, hidden) -> the same, and this pass's keys (before rotation) and values."""
        # (B, tokens, 3 * hidden) -> three of (B, heads, tokens, head width)
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        if kept is not None:
            out = self._after_kept(q, k, v, view, kept)
        elif view.condition:
            out = self._parted(view.rotation.turn(q), view.rotation.turn(k), v, view)
        else:
            out = view.attend(view.rotation.turn(q), view.rotation.turn(k), v, view.grid, view.grid)
        projected: Tensor = self.proj(out.transpose(1, 2).flatten(2))
        return projected, (k, v)

    def _parted(self, q: Tensor, k: Tensor, v: Tensor, view: View) -> Tensor:
        """Condition tokens among themselves, the others over all."""
        cut = tokens_of(view.condition_grid)
        clean = view.attend(q[:, :, :cut], k[:, :, :cut], v[:, :, :cut], view.condition_grid, view.condition_grid)
        if cut == q.shape[2]:  # a pass over clean frames alone, to remember them
            return clean
        new = view.attend(q[:, :, cut:], k, v, view.new_grid, view.grid)
        return torch.cat((clean, new), dim=2)

    def _after_kept(self, q: Tensor, k: Tensor, v: Tensor, view: View, kept: KeyValue) -> Tensor:
        """New tokens over the kept ones and themselves; positions are those in the whole film."""
        cut = tokens_of(view.condition_grid)
        # Remembered once, without text, so they are the same for the negative prompt and the prompt.
        before_k, before_v = (one.expand(q.shape[0], -1, -1, -1) for one in kept)
        k, v = torch.cat((before_k, k), dim=2), torch.cat((before_v, v), dim=2)
        return view.attend(view.rotation.part(cut).turn(q), view.rotation.turn(k), v, view.new_grid, view.grid)


@dataclass(frozen=True, slots=True)
class Words:
    """Embedded text, (B, L, hidden), and how many of the L tokens of each sample are to be seen; None: all."""

    tokens: Tensor
    lengths: tuple[int, ...] | None = None


class CrossAttention(nn.Module):
    """Attention from a film's tokens to its text; `kv_linear` gives (2, heads, head width) for each word."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.heads = config.num_heads
        self.q_linear = nn.Linear(config.hidden_size, config.hidden_size)
        self.kv_linear = nn.Linear(config.hidden_size, 2 * config.hidden_size)
        self.proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.q_norm = RMSNorm(config.head_dim)
        self.k_norm = RMSNorm(config.head_dim)

    def forward(self, x: Tensor, words: Words) -> Tensor:
        """(B, tokens, hidden) -> the same."""
        q = self.q_norm(self.q_linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2))
        k, v = self.kv_linear(words.tokens).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        out = _seen(q, self.k_norm(k), v, words.lengths)
        projected: Tensor = self.proj(out.transpose(1, 2).flatten(2))
        return projected


def _seen(q: Tensor, k: Tensor, v: Tensor, lengths: tuple[int, ...] | None) -> Tensor:
    """Leave padded words out by cutting each sample's text: a mask would keep the fast kernels from being used."""
    if lengths is None:
        return functional.scaled_dot_product_attention(q, k, v)
    each = [
        functional.scaled_dot_product_attention(q[one : one + 1], k[one : one + 1, :, :n], v[one : one + 1, :, :n])
        for one, n in enumerate(lengths)
    ]
    return torch.cat(each)
