"""Which part of a picture a frame of another shape keeps, so that nobody loses the head.

For panels and effects, where no exact opening picture is promised; all others are cropped at the centre (`framing`).
"""

from __future__ import annotations

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.face import find_face

_ALIKE = 0.92  # of a side that is seen anyway: nothing to choose
_SURE = 0.7
_HAIR, _CHIN, _EARS = 0.5, 0.3, 0.25  # kept above, below and beside a face, of its height and width


def headed(picture: Picture, width: int, height: int) -> Picture:
    """Return the part of a picture whose centre crop to `width` x `height` holds the face, if one would be cut."""
    tall, wide = picture.shape[:2]
    scale = max(width / wide, height / tall)
    across, upright = width / scale, height / scale
    if across > _ALIKE * wide and upright > _ALIKE * tall:
        return picture
    face = find_face(picture)
    if face is None or face.confidence < _SURE:
        return picture
    left, top, right, bottom = face.box
    high, broad = bottom - top, right - left
    rows = _around(tall, upright, top - _HAIR * high, bottom + _CHIN * high)
    columns = _around(wide, across, left - _EARS * broad, right + _EARS * broad)
    return picture[rows[0] : rows[1], columns[0] : columns[1]]


def _around(length: int, seen: float, first: float, last: float) -> tuple[int, int]:
    """Return the part of a side whose middle `seen` pixels hold first to last, as near to the side's own as can be."""
    first, last = max(first, 0.0), min(last, float(length))
    fits = last - first < seen
    middle = min(max(length / 2, last - seen / 2), first + seen / 2) if fits else (first + last) / 2
    middle = min(max(middle, seen / 2), length - seen / 2)
    # Even on both sides of it: what follows crops at the centre.
    reach = min(middle, length - middle)
    return max(0, round(middle - reach)), min(length, round(middle + reach))
