"""The depth of a picture on an even ground: what is on it is one body, and nobody sees where the ground lies.

For products, cut-outs and line drawings, whose straight lines must stay straight when the camera goes around them.
The body's edge in depth lies outside of it, on the ground, where a slope bends nothing. All other pictures have the
depth that `depth` estimates.
"""

from __future__ import annotations

import cv2
import numpy as np

from rushes.engines.animatic.cutout import unlike_ground
from rushes.engines.animatic.depth import FAR, Picture, Plane

_SIDE = 256  # pixels of the longer side at which the body is looked for
_STANDS_OUT = 16.0  # levels from the ground's colour
_LEAST, _MOST = 0.004, 0.85  # of the picture that is no ground; a line drawing is little else
_FLOOR = 0.9  # of the lower edge: covered to more than that, it is a floor, and the picture a place
_CLOSED, _BEYOND = 0.18, 0.09  # of the longer side: gaps that belong to a body; how far around it nothing slopes
_BODY, _ROUND = 0.74, 0.07  # a body's disparity at its rim, and how much nearer its middle is
_WALL, _TABLE = 0.06, 0.20  # how far before the farthest the ground is at the top, and how much more at the bottom


def solid(depth: Plane, picture: Picture) -> Plane:
    """Return the disparity (h, w) of one body where the picture (H, W, 3) shows one, else `depth` as it is."""
    body = _body(picture)
    if body is None:
        return depth
    tall, wide = depth.shape
    body = np.asarray(cv2.resize(body, (wide, tall), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    side = max(tall, wide)
    around = _grown(body, _BEYOND * side)
    share = _blur(around, 0.4 * _BEYOND * side)
    middle = _blur(body, 0.14 * side)
    rows = np.linspace(0.0, 1.0, tall, dtype=np.float32)[:, None]
    ground = FAR + _WALL + _TABLE * rows
    near = _BODY + _ROUND * middle
    return np.asarray(ground + share * (near - ground), dtype=np.float32)


def _body(picture: Picture) -> Plane | None:
    """Return 1 where something is on the ground, gaps closed, and 0 elsewhere; None for a picture without a ground."""
    tall, wide = picture.shape[:2]
    scale = min(1.0, _SIDE / max(tall, wide))
    size = (max(8, round(wide * scale)), max(8, round(tall * scale)))
    unlike = unlike_ground(np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8))
    if unlike is None:
        return None
    there = np.asarray(unlike > _STANDS_OUT, dtype=np.float32)
    if not _LEAST < float(there.mean()) < _MOST or float(there[-max(2, size[1] // 40) :].mean()) > _FLOOR:
        return None
    side = _CLOSED * max(size)
    rim = round(side) + 1  # with room around, or else what comes near the picture's edge would stick to it
    roomy = np.asarray(np.pad(there, rim), dtype=np.float32)
    closed = 1.0 - _grown(1.0 - _grown(roomy, side), side)
    return np.asarray(closed[rim:-rim, rim:-rim], dtype=np.float32)


def _grown(plane: Plane, radius: float) -> Plane:
    reach = 2 * max(1, round(radius)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate(plane, kernel), dtype=np.float32)


def _blur(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), max(sigma, 0.5), borderType=cv2.BORDER_REPLICATE), np.float32)
