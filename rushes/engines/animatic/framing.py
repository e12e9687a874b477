"""Which part of a picture the camera may use, and how far it must close in so that no edge is ever seen.

The clip begins with the photograph as it is. A move that needs room beyond the photograph's edges gets it in two ways
that do not show: the rim is stretched a little (`render`), and the camera closes in gradually while it moves.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.easing import smoothstep
from rushes.engines.animatic.path import Journey, Pose
from rushes.engines.animatic.render import Stage

_SPARE = 0.5  # how much of a wider picture is kept on each side, in frame sizes: no move goes further
_STRETCH = 0.06  # part of a side that may come from stretching the rim: by eye, unseen up to here
_BACK = 0.03  # how far a camera draws back, in lengths or in logarithms of the lens, before it gets surroundings
_BEYOND = 0.055  # of a side: the widest band of surroundings that is made up
_INSIDE = 0.06  # of a side that stretching the rim gives beside them
_LOOKS = 49  # poses checked along the path
_ROUNDS = 8


def cover(picture: Picture, width: int, height: int) -> Picture:
    """Scale a picture so that its middle fills the frame, and keep what lies around it within reach of a move.

    The result is at least (height, width); its middle is the plain centre crop.
    """
    tall, wide = picture.shape[:2]
    scale = max(width / wide, height / tall)
    picture = _within_reach(picture, math.ceil(width / scale), math.ceil(height / scale))
    tall, wide = picture.shape[:2]
    size = (max(width, round(wide * scale)), max(height, round(tall * scale)))
    if size != (wide, tall):
        method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LANCZOS4
        picture = np.asarray(cv2.resize(picture, size, interpolation=method), dtype=np.uint8)
    left = max(0, (size[0] - width) // 2 - int(_SPARE * width))
    top = max(0, (size[1] - height) // 2 - int(_SPARE * height))
    return np.ascontiguousarray(picture[top : size[1] - top, left : size[0] - left])


def _within_reach(picture: Picture, across: int, upright: int) -> Picture:
    """Cut off, evenly on both sides, what no move can reach: a strip of 20000 x 20 must not be enlarged as a whole."""
    tall, wide = picture.shape[:2]
    most = 1.0 + 2.0 * _SPARE
    # Two pixels to spare, so that rounding can't make the rest too small.
    left, top = max(0, int(wide - across * most) // 2 - 2), max(0, int(tall - upright * most) // 2 - 2)
    return picture[top : tall - top, left : wide - left]


def slack(picture: Picture, width: int, height: int) -> tuple[float, float]:
    """Return how much picture lies beyond the resting frame on each side, in frame widths and heights."""
    tall, wide = picture.shape[:2]
    return (wide - width) / 2 / width, (tall - height) / 2 / height


def closing_in(stage: Stage, path: Journey) -> npt.NDArray[np.float64]:
    """Return the extra zoom (a logarithm) at evenly spaced times along the path: 0 at first, smooth, never falling."""
    times = np.linspace(0.0, 1.0, _LOOKS)
    # A lens that opened again in mid-move would be seen to breathe.
    needed = np.maximum.accumulate([_needed(stage, path.at(float(t))) for t in times])
    # A third of the looks wide: the closing in must not be felt as a move of its own.
    kernel = np.hanning(15)
    # Nothing is needed before the clip, and at its end as much as at its last look.
    padded = np.concatenate([np.zeros(7), needed, np.full(7, needed[-1])])
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    # Exactly 0 at first, whatever the path needs: the first frame is the picture as it is.
    opening = np.array([smoothstep(float(t) / 0.2) for t in times])
    return np.asarray(smooth * opening)


def beyond(stage: Stage, path: Journey) -> tuple[int, int]:
    """Return how many pixels of surroundings a camera that draws back needs at each side, and above and below.

    Even on all sides, so that the resting view stays the middle. A move that only goes sideways or turns gets none: it
    would look straight at what was made up, where one that draws back sees it at the rim.
    """
    end = path.at(1.0)
    back = -end.forward - end.zoom
    if back <= _BACK:
        return 0, 0
    still = replace(end, right=0.0, up=0.0, pan=0.0, tilt=0.0, roll=0.0)
    over = stage.overflow(still)
    wanted = max(over.left, over.right) - _INSIDE * stage.width, max(over.top, over.bottom) - _INSIDE * stage.height
    across = min(max(wanted[0], 0.0), _BEYOND * stage.width)
    upright = min(max(wanted[1], 0.0), _BEYOND * stage.height)
    return math.ceil(across), math.ceil(upright)


def framed(pose: Pose, t: float, closing: npt.NDArray[np.float64]) -> Pose:
    """Return the pose with the extra zoom of its time."""
    times = np.linspace(0.0, 1.0, len(closing))
    return replace(pose, zoom=pose.zoom + float(np.interp(t, times, closing)))


def _needed(stage: Stage, pose: Pose) -> float:
    extra = 0.0
    for _ in range(_ROUNDS):
        over = stage.overflow(replace(pose, zoom=pose.zoom + extra))
        across = max(over.left, over.right) / stage.width
        upright = max(over.top, over.bottom) / stage.height
        excess = max(across, upright) - _STRETCH
        # Half a pixel at 720p.
        if excess <= 0.0005:
            break
        # A zoom takes half of itself off each of two opposite edges.
        extra += 2.0 * excess
    return extra
