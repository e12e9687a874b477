"""Classifier-free guidance as this model has it: the unconditional part is first fitted to the conditional one.

Source: CFG-Zero* (arXiv 2503.18886), its optimised scale.
"""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-8


def guided(negative: Tensor, positive: Tensor, scale: float) -> Tensor:
    """s * negative + scale * (positive - s * negative) for (B, …) float32, s = <p, n> / (<n, n> + 1e-8) per sample."""
    p, n = positive.flatten(1), negative.flatten(1)
    s = (p * n).sum(dim=1) / (n.square().sum(dim=1) + EPS)
    fitted = negative * s.view(-1, *[1] * (negative.ndim - 1))
    # fitted + scale * (positive - fitted), in one pass over the numbers
    return torch.lerp(fitted, positive, scale)
