"""Attention in chunks of 4x4x4 tokens, of which every query chunk sees only the most promising key chunks.

A chunk's promise is the product of its mean key with the query chunk's mean; the best share of 1 - sparsity is kept,
for every head on its own. Grids must be multiples of 4 on each axis (films are padded to that when they are refined).
`BlockSparse` gathers the chosen chunks and needs no mask; `masked` is the same by a dense mask, for small grids and as
the measure of the other. Sizes that are not multiples of 4 are refused, never rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rushes.engines.longcat.rotary import Grid

CHUNK = 4  # on each axis
CHUNK_TOKENS = CHUNK**3
GATHER_BYTES = 1 << 30  # of keys and values at a time


def chunks_of(x: Tensor, grid: Grid) -> Tensor:
    """(B, heads, tokens, D) in the grid's order -> (B, heads, chunks, 64, D). Raises ValueError for an odd grid."""
    if any(side % CHUNK for side in grid):
        raise ValueError(f"a grid of {grid} can't be cut into chunks of {CHUNK}x{CHUNK}x{CHUNK} tokens")
    f, r, c = (side // CHUNK for side in grid)
    batch, heads, _, width = x.shape
    x = x.reshape(batch, heads, f, CHUNK, r, CHUNK, c, CHUNK, width)
    return x.permute(0, 1, 2, 4, 6, 3, 5, 7, 8).reshape(batch, heads, f * r * c, CHUNK_TOKENS, width)


def from_chunks(x: Tensor, grid: Grid) -> Tensor:
    """(B, heads, chunks, 64, D) -> (B, heads, tokens, D) in the grid's order."""
    f, r, c = (side // CHUNK for side in grid)
    batch, heads, _, _, width = x.shape
    x = x.reshape(batch, heads, f, r, c, CHUNK, CHUNK, CHUNK, width)
    return x.permute(0, 1, 2, 5, 3, 6, 4, 7, 8).reshape(batch, heads, math.prod(grid), width)


def kept_chunks(chunks: int, sparsity: float) -> int:
    """Return how many key chunks a query chunk sees: the share 1 - sparsity, rounded up, at least one."""
    # 10 * (1 - 0.7) is a little above 3 in binary, and would be rounded up to 4.
    return max(1, math.ceil(chunks * (1 - sparsity) - 1e-9))


def chosen(q: Tensor, k: Tensor, sparsity: float) -> Tensor:
    """Chunks (B, heads, nq, 64, D) and (B, heads, nk, 64, D) -> (B, heads, nq, kept) indices of key chunks."""
    promise = q.float().mean(dim=3) @ k.float().mean(dim=3).transpose(-1, -2)
    return promise.topk(kept_chunks(k.shape[2], sparsity), dim=-1).indices


@dataclass(frozen=True, slots=True)
class BlockSparse:
    """An `Attend` that gathers each query chunk's keys and values, so many at a time as memory allows."""

    sparsity: float
    gather_bytes: int = GATHER_BYTES

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, q_grid: Grid, k_grid: Grid) -> Tensor:
        """Attend; see `attention.Attend`."""
        qs, ks, vs = chunks_of(q, q_grid), chunks_of(k, k_grid), chunks_of(v, k_grid)
        picks = chosen(qs, ks, self.sparsity)
        if picks.shape[-1] == ks.shape[2]:  # all are seen
            return functional.scaled_dot_product_attention(q, k, v)
        batch, heads, count, _, width = qs.shape
        qs, ks, vs, picks = (one.flatten(0, 1) for one in (qs, ks, vs, picks))
        # Keys and values of one query chunk, over all samples and heads.
        each = 2 * batch * heads * picks.shape[-1] * CHUNK_TOKENS * width * q.element_size()
        at_once = max(1, self.gather_bytes // each)
        parts = [
            _gathered(qs[:, start : start + at_once], ks, vs, picks[:, start : start + at_once])
            for start in range(0, count, at_once)
        ]
        return from_chunks(torch.cat(parts, dim=1).reshape(batch, heads, count, CHUNK_TOKENS, width), q_grid)


def _gathered(q: Tensor, k: Tensor, v: Tensor, picks: Tensor) -> Tensor:
    """(BH, n, 64, D) queries over chunks (BH, nk, 64, D) picked by (BH, n, kept) -> (BH, n, 64, D)."""
    rows = torch.arange(k.shape[0], device=k.device)[:, None, None]
    keys, values = (one[rows, picks].flatten(2, 3).flatten(0, 1) for one in (k, v))  # (BH * n, kept * 64, D)
    out = functional.scaled_dot_product_attention(q.flatten(0, 1)[:, None], keys[:, None], values[:, None])
    return out[:, 0].reshape(q.shape)


@dataclass(frozen=True, slots=True)
class Masked:
    """The same `Attend` by a mask over all pairs of tokens; memory grows with the square of their number."""

    sparsity: float

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, q_grid: Grid, k_grid: Grid) -> Tensor:
        """Attend; see `attention.Attend`."""
        qs, ks = chunks_of(q, q_grid), chunks_of(k, k_grid)
        picks = chosen(qs, ks, self.sparsity)
        seen = torch.zeros(*picks.shape[:3], ks.shape[2], dtype=torch.bool, device=q.device)
        seen.scatter_(-1, picks, True)
        pairs = seen.repeat_interleave(CHUNK_TOKENS, 2).repeat_interleave(CHUNK_TOKENS, 3)
        out = functional.scaled_dot_product_attention(
            qs.flatten(2, 3), ks.flatten(2, 3), chunks_of(v, k_grid).flatten(2, 3), attn_mask=pairs
        )
        return from_chunks(out.reshape(qs.shape), q_grid)
