"""Rotary position embedding over three axes: time, row, column.

Each head's width is split (`NetworkConfig.rope_split`); within an axis's part neighbouring numbers (2i, 2i+1) are a
pair, turned by position / 10000^(2i / width of the part). Source: RoFormer (arXiv 2104.09864), by axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BASE = 10_000.0

Grid = tuple[int, int, int]
"""(frames, rows, columns) of tokens; tokens stand in that order, columns fastest."""


def tokens_of(grid: Grid) -> int:
    """Return how many tokens a grid has."""
    return grid[0] * grid[1] * grid[2]


@dataclass(frozen=True, slots=True)
class Rotation:
    """Cosines and sines of every token's angles, (tokens, head width / 2) float32 each."""

    cos: Tensor
    sin: Tensor

    def part(self, first: int) -> Rotation:
        """Return those of the tokens from `first` on."""
        return Rotation(self.cos[first:], self.sin[first:])

    def turn(self, x: Tensor) -> Tensor:
        """Turn (batch, heads, tokens, head width), in float32; the type stays what it was."""
        pairs = x.float().reshape(*x.shape[:-1], -1, 2)
        even, odd = pairs.unbind(-1)
        turned = torch.stack((even * self.cos - odd * self.sin, even * self.sin + odd * self.cos), dim=-1)
        return turned.flatten(-2).to(x.dtype)


def rotation(grid: Grid, split: tuple[int, int, int], device: torch.device | str = "cpu") -> Rotation:
    """Return the rotation of every token of a grid; `split` is each axis's width within a head, all even.

    Computed on the CPU in double precision, so that every device turns by the same angles.
    """
    angles = []
    for axis, (length, width) in enumerate(zip(grid, split, strict=True)):
        rates = BASE ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
        one = torch.outer(torch.arange(length, dtype=torch.float64), rates)  # (length, width / 2)
        shape = [1, 1, 1, one.shape[1]]
        shape[axis] = length
        angles.append(one.view(shape).expand(*grid, -1))
    whole = torch.cat(angles, dim=-1).reshape(tokens_of(grid), -1)  # (tokens, head width / 2)
    return Rotation(whole.cos().float().to(device), whole.sin().float().to(device))
