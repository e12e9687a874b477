"""What a shutter that is open for half of each frame's time leaves of a fast move: a smear along the way, nothing else.

The drawn frame is smeared along the way that each of its points goes while the shutter is open. Doubling makes it
cheap: two copies half a step apart, then two of those a step apart, so that sixteen positions cost four readings. Slow
moves are left alone; between slow and fast the smear grows from nothing, so that it never sets in.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.length import lengths
from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.render import Stage

OPEN = 0.5  # of a frame's time: 180 degrees
_UNSEEN, _FULL = 4.0, 9.0  # pixels a frame at 1280 x 720, below which nothing is smeared, and above which fully
_APART = 1.6  # pixels between positions: closer ones cannot be told from a line
_MOST = 4  # doublings


def smear(stage: Stage, opening: Pose, closing: Pose, frame: Picture) -> None:
    """Smear a frame that was drawn from between two poses, those in which the shutter opens and closes, in place."""
    scale = math.sqrt(stage.width * stage.height / (1280 * 720))
    if _most(stage, opening, closing) <= OPEN * _UNSEEN * scale:
        return
    x, y = (
        np.asarray(end - begin, dtype=np.float32)
        for begin, end in zip(stage.nodes(opening)[:2], stage.nodes(closing)[:2], strict=True)
    )
    length = lengths(x, y)
    share = np.clip((length / (OPEN * scale) - _UNSEEN) / (_FULL - _UNSEEN), 0.0, 1.0)
    x, y, longest = x * share, y * share, float((length * share).max())
    if longest < 1.0:
        return
    doublings = min(max(1, math.ceil(math.log2(longest / _APART))), _MOST)
    nodes = stage.frame_nodes()
    other = np.empty_like(frame)
    for doubling in range(doublings):
        # The last and longest one goes back, so that the smear lies around the frame and not before it.
        way = np.float32((1.0 if doubling + 1 < doublings else -1.0) * 2.0**doubling / 2.0**doublings)
        maps = stage.upscaled(nodes[0] + way * x), stage.upscaled(nodes[1] + way * y)
        cv2.remap(frame, *maps, cv2.INTER_LINEAR, dst=other, borderMode=cv2.BORDER_REFLECT_101)
        cv2.addWeighted(frame, 0.5, other, 0.5, 0.0, dst=frame)


def _most(stage: Stage, opening: Pose, closing: Pose) -> float:
    """Return at least about how many pixels anything goes between two poses; next to free."""
    wide, tall = stage.width, stage.height
    way = opening.plus(closing, -1.0)
    return (
        (abs(way.right) + abs(way.pan)) * wide
        + (abs(way.up) + abs(way.tilt)) * tall
        + (abs(way.forward) + abs(way.zoom) + abs(way.roll)) * math.hypot(wide, tall) / 2
    )
