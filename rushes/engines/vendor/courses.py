"""Paths of regions as a vendor takes them: whole pixels of the picture that is sent, counted from its bottom left.

Callers count from the top, as the field says, or from the bottom, as some makers do; a path begins on its own region,
which tells the two apart.
"""

from __future__ import annotations

from math import ceil, hypot
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.calls import Course

_LOOKED_AT = 512  # pixels along a mask's longer side: enough to tell where it is painted
_COLOURED = 60  # levels between channels, as the storyboard engine reads a brush's colour
_SOME = 0.0005  # of a mask: less colour than this is no brush
_NEAR = 0.02  # of the longer side: a path may begin so far beside its region


def course_points(course: Course) -> list[dict[str, int]]:
    """Return the points of a course as a vendor is told them; those outside the window come to its edge."""
    points = course.points
    region = _painted(np.load(course.mask, mmap_mode="r", allow_pickle=False))
    upside_down = tuple((x, 1.0 - y) for x, y in points)
    if points and _away(upside_down[0], region) < _away(points[0], region):
        points = upside_down
    return [_told(point, course) for point in points]


def _told(point: tuple[float, float], course: Course) -> dict[str, int]:
    (x, y), (left, top, right, bottom), (width, height) = point, course.window, course.size
    across = min(max((x - left) / (right - left), 0.0), 1.0)
    down = min(max((y - top) / (bottom - top), 0.0), 1.0)
    return {"x": round(across * width), "y": round((1.0 - down) * height)}


def _painted(mask: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return where a mask (H, W, 3) is painted, in colour if it has any, else in white; seen coarsely."""
    step = max(1, ceil(max(mask.shape[:2]) / _LOOKED_AT))
    seen = np.asarray(mask[::step, ::step], dtype=np.int16)
    coloured = np.asarray(seen.max(axis=2) - seen.min(axis=2) > _COLOURED)
    return coloured if float(coloured.mean()) > _SOME else np.asarray(seen.mean(axis=2) > 127.5)


def _away(point: tuple[float, float], region: npt.NDArray[np.bool_]) -> float:
    """Return how far a point is from a region, in its pixels; 0 where it is near enough, or nothing is painted."""
    rows, columns = np.nonzero(region)
    if not len(rows):
        return 0.0
    tall, wide = region.shape
    gap = float(np.hypot(columns + 0.5 - point[0] * wide, rows + 0.5 - point[1] * tall).min())
    return gap if gap > max(_NEAR * max(region.shape), hypot(0.5, 0.5)) else 0.0
