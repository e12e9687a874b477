"""How several pictures share one frame: a tidy split, or cards on top of a background.

Only the geometry and the pasting; what is seen inside each part is a shot of its own (`views`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane

_GROUND = (20, 20, 22)  # what shows between the parts: nearly black, as between frames of film
_GUTTER = 0.009  # of the frame's shorter side
_CARD = 0.30  # of the frame's height
_OVERLAP = 0.12  # of a part, on each inner side
_BORDER = (246, 244, 240)


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the frame, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def of(self, frame: Picture) -> Picture:
        """Return that part of a frame, as a view."""
        return frame[self.top : self.top + self.height, self.left : self.left + self.width]


def split(count: int, width: int, height: int) -> tuple[Box, ...]:
    """Divide the frame into `count` parts in rows, as nearly square as can be, with thin gutters between."""
    gutter = max(2, round(_GUTTER * min(width, height)))
    rows = min(range(1, count + 1), key=lambda rows: _oddness(count, rows, width, height))
    boxes = []
    for row, (top, tall) in enumerate(_shares(rows, height, gutter)):
        columns = count // rows + (row < count % rows)
        boxes += [Box(left, top, wide, tall) for left, wide in _shares(columns, width, gutter)]
    return tuple(boxes)


def joined(count: int, width: int, height: int) -> tuple[Box, ...]:
    """Divide the frame into parts that lie over each other a little, side by side or, in a tall frame, in a column."""
    along = max(width, height)
    step = along / count
    over = round(_OVERLAP * step) if count > 1 else 0
    spans = [(max(0, round(i * step) - over), min(along, round((i + 1) * step) + over)) for i in range(count)]
    if width >= height:
        return tuple(Box(start, 0, end - start, height) for start, end in spans)
    return tuple(Box(0, start, width, end - start) for start, end in spans)


def blended(frame: Picture, box: Box, part: Picture) -> None:
    """Paste a part of a joined frame, fading in over what lies before it, in place."""
    along = 1 if box.left else 0
    if not (box.left or box.top):
        box.of(frame)[...] = part
        return
    # What two parts share: exact for one between two others, a little less for one at an end.
    over = 2 * _OVERLAP / (1 + 2 * _OVERLAP) * part.shape[along]
    ramp = np.minimum(np.arange(1, min(math.ceil(over), part.shape[along]) + 1, dtype=np.float32) / over, 1.0)
    mask = ramp[None, :, None] if along else ramp[:, None, None]
    both = np.s_[:, : len(ramp)] if along else np.s_[: len(ramp)]
    under = box.of(frame)
    mixed = under[both] + (part[both].astype(np.float32) - under[both]) * mask
    under[...] = part
    under[both] = mixed


def cards(count: int, width: int, height: int) -> tuple[Box, ...]:
    """Place `count` cards along the lower edge, from the right, inside the area that televisions show."""
    margin = max(2, round(0.05 * min(width, height)))
    tall = round(_CARD * height)
    # Four to five, as prints are; narrower where many have to fit.
    wide = min(round(tall * 0.8), (width - margin * (count + 1)) // count)
    tall = min(tall, max(8, round(wide * 1.25)))
    wide, tall = max(wide, 8), max(tall, 8)
    return tuple(
        Box(max(0, width - (index + 1) * (wide + margin)), height - margin - tall, wide, tall) for index in range(count)
    )


def ground(width: int, height: int) -> Picture:
    """Return the empty board."""
    return np.full((height, width, 3), _GROUND, np.uint8)


def shadows(boxes: tuple[Box, ...], width: int, height: int) -> Plane:
    """Return the light, (height, width, 3) from 0 to 1, that is left around cards which lie on a picture."""
    light = np.ones((height, width), np.float32)
    for box in boxes:
        shadow = _outlined(box, 0.02)
        light[shadow.top : shadow.top + shadow.height, shadow.left : shadow.left + shadow.width] = 0.45
    soft = np.minimum(cv2.GaussianBlur(light, (0, 0), max(1.0, 0.012 * height)), 1.0)
    return np.asarray(cv2.merge([soft, soft, soft]), dtype=np.float32)


def shade(frame: Picture, boxes: tuple[Box, ...], light: Plane) -> None:
    """Lay shadows and thin white borders where cards will lie, in place."""
    cv2.multiply(frame, light, dst=frame, dtype=cv2.CV_8U)
    for box in boxes:
        _outlined(box, 0.012).of(frame)[...] = _BORDER


def _outlined(box: Box, share: float) -> Box:
    rim = max(1, round(share * box.height))
    left, top = max(0, box.left - rim), max(0, box.top - rim)
    return Box(left, top, box.left + box.width + rim - left, box.top + box.height + rim - top)


def _oddness(count: int, rows: int, width: int, height: int) -> float:
    """Return how far the parts would be from a square, counting unequal rows as a fault."""
    columns = {count // rows, math.ceil(count / rows)}
    shape = max(abs(math.log((width / wide) / (height / rows))) for wide in columns)
    return shape + (0.25 if count % rows else 0.0)


def _shares(count: int, length: int, gutter: int) -> list[tuple[int, int]]:
    """Cut a length into equal shares with gutters between; return (start, length) of each, together without a gap."""
    usable = length - gutter * (count - 1)
    edges = [round(usable * index / count) for index in range(count + 1)]
    return [(edges[i] + i * gutter, max(1, edges[i + 1] - edges[i])) for i in range(count)]
