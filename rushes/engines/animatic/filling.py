"""What was probably behind a part of a picture that is taken away.

Colours grow in from the hole's rim (Telea 2004, at a small size); texture is copied from the place in the same picture
whose surroundings resemble the hole's most. A guess, good enough for what is seen beside a moving thing.
"""

from __future__ import annotations

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture

_SMALL = 320  # longer side at which colours are spread and texture is looked for
_RING = 6  # pixels at that size: how much around the hole is compared
_COARSE = 0.02  # of the longer side: what is finer than this is texture


def filled(picture: Picture, hole: Picture, unusable: Picture) -> Picture:
    """Return the picture with `hole` (H, W, 0 or 1) filled in; nothing is copied from where `unusable` is 1."""
    tall, wide = picture.shape[:2]
    if not hole.any() or hole.all():
        return picture
    factor = min(1.0, _SMALL / max(tall, wide))
    size = (max(8, round(wide * factor)), max(8, round(tall * factor)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    small_hole = _shrunk(hole, size)
    spread = cv2.inpaint(small, small_hole, 5.0, cv2.INPAINT_TELEA)
    base = cv2.resize(spread, (wide, tall), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    shift = _source(small, small_hole, _shrunk(unusable, size))
    if shift is not None:
        base += _texture(picture, (round(shift[0] * wide / size[0]), round(shift[1] * tall / size[1])))
    sigma = max(1.0, 0.003 * max(tall, wide))
    soft = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), sigma)[..., None]
    return np.asarray(np.clip(picture + soft * (base - picture) + 0.5, 0.0, 255.0), dtype=np.uint8)


def _shrunk(hole: Picture, size: tuple[int, int]) -> Picture:
    # Any part of a hole makes the small pixel one, or its colour would leak into what is filled in.
    return (cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.0).astype(np.uint8)


def _source(small: Picture, hole: Picture, unusable: Picture) -> tuple[int, int] | None:
    """Return the shift (x, y) to the place that the ring around the hole resembles most; None when there is no room."""
    kernel = np.ones((2 * _RING + 1, 2 * _RING + 1), np.uint8)
    around = cv2.dilate(hole, kernel)
    left, top, width, height = cv2.boundingRect(around)
    part = np.s_[top : top + height, left : left + width]
    ring = (around - hole)[part] * (1 - unusable[part])
    if (width >= small.shape[1] and height >= small.shape[0]) or not ring.any():
        return None
    compared = cv2.merge([ring.astype(np.float32)] * 3)
    image = small.astype(np.float32)
    score = cv2.matchTemplate(image, image[part], cv2.TM_SQDIFF, mask=compared)
    needed = hole[part].astype(np.float32)
    # For each place, how many pixels that must not be copied the hole would get from there.
    taken = cv2.matchTemplate(unusable.astype(np.float32), needed, cv2.TM_CCORR)
    # None: these are counts, but in floats.
    allowed = np.asarray(taken, np.float32) < 0.5
    if not allowed.any():
        return None
    best = np.where(allowed, score, np.inf)
    row, column = np.unravel_index(int(np.argmin(best)), best.shape)
    return int(column) - left, int(row) - top


def _texture(picture: Picture, shift: tuple[int, int]) -> Picture:
    """Return what is fine in the picture, moved so that what lay at `shift` lies at 0."""
    tall, wide = picture.shape[:2]
    move = np.array([[1.0, 0.0, -shift[0]], [0.0, 1.0, -shift[1]]])
    moved = cv2.warpAffine(picture, move, (wide, tall), borderMode=cv2.BORDER_REFLECT).astype(np.float32)
    coarse = cv2.GaussianBlur(moved, (0, 0), max(1.5, _COARSE * max(tall, wide)))
    return np.asarray(moved - coarse)
