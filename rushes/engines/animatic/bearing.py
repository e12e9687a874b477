"""How far a camera may go sideways before a picture: no further than what stands upright in it stays upright.

The depth of a tower's top is a guess like any other. Where it differs from that of its foot, a camera that goes to the
side leans the tower. Long upright edges are found, and the way is shortened until they lean by a few degrees at most.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from rushes.engines.animatic.camera import Move
from rushes.engines.animatic.depth import Picture, Plane

_LEAN = 0.11  # tangent: six degrees, which still reads as perspective
_LONG = 0.22  # of the height: an edge that goes on for so long is that of something built or grown upright
_EDGE = 0.05  # of the full range of light, between neighbours
_FEW = 0.007  # of the picture: fewer upright edges than that say nothing
_MOST = 92.0  # percentile of the slope along those edges
_LEAST = 0.5  # of a way: a move that was asked for is always seen


def sideways(picture: Picture, depth: Plane) -> float:
    """Return by how much the nearest plane may be shifted sideways, in frame widths of the picture; inf for freely.

    `picture` (H, W, 3), `depth` (h, w) its disparity.
    """
    tall, wide = depth.shape
    small = np.asarray(cv2.resize(picture, (wide, tall), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    light = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.float32) / np.float32(255.0)
    across = cv2.Sobel(light, cv2.CV_32F, 1, 0, scale=0.25)
    down = np.abs(cv2.Sobel(light, cv2.CV_32F, 0, 1, scale=0.25))
    reach = (1, 2 * round(_LONG * tall / 2) + 1)
    # Signed, so that texture cancels out and one edge adds up; a slope's outline also goes up and down.
    upright = np.abs(cv2.blur(across, reach, borderType=cv2.BORDER_REFLECT))
    upright -= cv2.blur(down, reach, borderType=cv2.BORDER_REFLECT)
    edges = upright > _EDGE
    if float(edges.mean()) < _FEW:
        return float("inf")
    slope = np.abs(np.gradient(depth, axis=0)) * tall
    steep = float(np.percentile(slope[edges], _MOST))
    return float(_LEAN * tall / wide / max(steep, 1e-3))


def shortened(moves: tuple[Move, ...], way: float, bears: float) -> tuple[Move, ...]:
    """Return the moves with those that go sideways shortened, where their `way` is longer than the picture bears."""
    if way <= bears:
        return moves
    share = max(bears / way, _LEAST)
    return tuple(
        replace(move, amount=move.amount * share) if move.kind in {"truck", "orbit"} else move for move in moves
    )
