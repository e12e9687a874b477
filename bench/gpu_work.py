"""How much a pass through a video transformer computes: multiplications and additions, by formulas.

With n tokens of width d, t tokens of text and L layers, a layer's work is

    self-attention   8 n d² (queries, keys, values, output) + 4 n² d (scores and their sum), the latter times the share
                     of keys that is seen
    text             4 n d² (queries, output) + 4 t d² (keys, values) + 4 n t d
    feed-forward     2 m n d f, with m matrices of d x f: 2 with GELU, 3 with SwiGLU

A multiplication and an addition are two operations, as vendors count them. Embeddings, modulation and norms are left
out: below half a per cent. The tests hold this to torch's own counter. It tells nothing of memory traffic.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transformer:
    """The numbers that count: `text` are the tokens that each layer listens to, those of a picture included."""

    layers: int
    width: int
    inner: int
    text: int
    matrices: int = 2


def work_of_pass(network: Transformer, tokens: int, seen: float = 1.0) -> float:
    """Return a pass's operations for one sample; of all pairs of tokens the share `seen` counts."""
    n, d, t = tokens, network.width, network.text
    own = 8 * n * d**2 + 4 * n**2 * d * seen
    text = 4 * n * d**2 + 4 * t * d**2 + 4 * n * t * d
    return float(network.layers * (own + text + 2 * network.matrices * n * d * network.inner))
