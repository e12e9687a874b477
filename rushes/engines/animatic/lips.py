"""A mouth that opens with the sound: where it probably is in a picture, and a small stretch of it.

No face detector is at hand, so a face is where skin is, in the upper middle; where there is none, the usual place of a
portrait's mouth is taken. The movement is small enough to be forgiven when the guess is wrong.
"""

from __future__ import annotations

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane

_SMALL = 160  # side of the picture in which skin is looked for
_OPEN = 0.16  # of the mouth's height, at the loudest


class Mouth:
    """The mouth of one picture. It changes that picture in place, or a frame on which the same face stands."""

    def __init__(self, picture: Picture) -> None:
        """Find the mouth in `picture`, which is changed by `open`."""
        self._picture = picture
        x, y, size = find_mouth(picture)
        tall, wide = picture.shape[:2]
        across, upright = max(8, round(size * 0.9)), max(8, round(size * 1.0))
        self._top, self._left = max(0, y - upright // 2), max(0, x - across // 2)
        self._bottom, self._right = min(tall, y + upright // 2), min(wide, x + across // 2)
        self._closed = picture[self._top : self._bottom, self._left : self._right].copy()
        self._x, self._y, self._shift = _stretch(self._closed.shape[0], self._closed.shape[1])

    def open(self, level: float, on: Picture | None = None) -> None:
        """Open it by 0..1: on the picture it was found in, or `on` a frame of the same size."""
        target = (self._picture if on is None else on)[self._top : self._bottom, self._left : self._right]
        closed = self._closed if on is None else target.copy()
        level = min(max(level, 0.0), 1.0)
        if level < 0.01:
            target[...] = closed
            return
        target[...] = cv2.remap(
            closed,
            self._x,
            self._y - np.float32(level) * self._shift,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )


def find_mouth(picture: Picture) -> tuple[int, int, int]:
    """Return where the mouth probably is: x, y, and the face's height, in pixels."""
    tall, wide = picture.shape[:2]
    scale = _SMALL / max(tall, wide)
    small = cv2.resize(
        picture, (max(8, round(wide * scale)), max(8, round(tall * scale))), interpolation=cv2.INTER_AREA
    )
    skin = _skin(np.asarray(small, dtype=np.uint8))
    total = float(skin.sum())
    rows, columns = np.mgrid[0 : skin.shape[0], 0 : skin.shape[1]].astype(np.float32)
    if total < 0.012 * skin.size:
        return round(wide * 0.5), round(tall * 0.46), round(min(tall, wide) * 0.42)
    x, y = float((skin * columns).sum()) / total, float((skin * rows).sum()) / total
    spread = float(np.sqrt((skin * (rows - y) ** 2).sum() / total))
    face = min(max(3.4 * spread, 0.15 * min(small.shape[:2])), 0.8 * small.shape[0])
    return round(x / scale), round((y + 0.19 * face) / scale), round(face / scale)


def _skin(small: Picture) -> Plane:
    """Return how likely each pixel is skin of a face: its hue, weighed by nearness to the upper middle."""
    red, blue = (cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb)[..., channel].astype(np.float32) for channel in (1, 2))
    like = np.exp(-0.5 * (((red - 152) / 9) ** 2 + ((blue - 108) / 10) ** 2))
    tall, wide = small.shape[:2]
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    middle = np.exp(-0.5 * (((x / wide - 0.5) / 0.22) ** 2 + ((y / tall - 0.40) / 0.20) ** 2))
    weight = like * middle
    return np.asarray(np.where(weight > 0.2, weight, 0.0), dtype=np.float32)


def _stretch(tall: int, wide: int) -> tuple[Plane, Plane, Plane]:
    """Return where each pixel is read from, and how far the lower lip and chin go down; nothing moves at the rim."""
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    across, down = (x / max(wide - 1, 1) - 0.5) * 2.0, (y / max(tall - 1, 1) - 0.5) * 2.0
    window = np.clip(1.0 - across**2, 0.0, 1.0) ** 2 * np.clip(1.0 - down**2, 0.0, 1.0) ** 2
    below = np.clip(0.5 + down * 2.5, 0.0, 1.0)  # the upper lip stays with the nose
    return x, y, np.asarray(window * below * (_OPEN * tall * 0.5), dtype=np.float32)
