"""Where in a picture are leaves, hair, cloth, water, cloud and firelight, by colour, texture and place.

Soft guesses without weights, each 0..1 at the depth estimate's own small size. They end before the picture's edges,
so that what sways in them never uncovers an edge. What the regions do is `stir`'s and `veil`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane, backdrop, edges
from rushes.engines.animatic.face import Face

Values = npt.NDArray[Any]  # (h, w), what arithmetic makes of planes

_SIDE = 288
_RIM = 0.035  # of a side, over which every region fades out at the picture's edges


@dataclass(frozen=True, slots=True)
class Regions:
    """What is where: planes (h, w) 0..1 of one small size; `horizon` in shares of the height."""

    foliage: Plane
    hair: Plane
    cloth: Plane
    water: Plane
    sky: Plane
    glow: Plane
    horizon: float


def regions_of(picture: Picture, face: Face | None) -> Regions:
    """Find the regions of a picture (H, W, 3)."""
    tall, wide = picture.shape[:2]
    scale = _SIDE / max(tall, wide)
    size = (max(16, round(wide * scale)), max(16, round(tall * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255.0)
    lab: Plane = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.float32)
    light, green, blue = (np.ascontiguousarray(lab[..., channel]) for channel in range(3))
    sky = backdrop((light / 100.0).astype(np.float32))
    rows = np.linspace(0.0, 1.0, size[1], dtype=np.float32)[:, None]
    horizon = float(np.clip((sky.mean(axis=1) > 0.45).mean(), 0.15, 0.6))
    # Steps from here on are in Lab: light up to 100, green to red and blue to yellow about -100 to 100.
    texture = _blur(np.abs(light - _blur(light, 0.008)), 0.02)
    detailed = _step(texture, 0.7, 2.6)
    plants = detailed * _step(blue, 4.0, 14.0) * _step(-green, -14.0, -2.0) * (1.0 - _step(sky, 0.3, 0.7))
    # Water mirrors the sky: no colour of earth or leaves, below the horizon, with little upright in it.
    wet = _step(-blue, -10.0, 2.0) * _step(rows, horizon - 0.02, horizon + 0.06) * (1.0 - 0.8 * plants)
    person = _person(size, scale, face)
    warm = _step(light, 62.0, 86.0) * _step(blue + 0.5 * green, 10.0, 34.0)
    return Regions(
        foliage=_region(np.asarray(plants * (1.0 - person[0] - person[1]).clip(0.0), np.float32), 0.02),
        hair=_region(np.asarray(person[0] * _hairy(lab, face, scale), np.float32), 0.012),
        cloth=_region(person[1] if face is not None else np.asarray(_middle(size) * detailed, dtype=np.float32), 0.03),
        water=_region(wet, 0.02),
        sky=_region(np.asarray(np.maximum(sky, _upper(lab, rows, horizon)) * (1.0 - _firm(light)), np.float32), 0.02),
        glow=_blur(warm, 0.02) + 0.6 * _blur(warm, 0.10),
        horizon=horizon,
    )


def _blur(plane: Plane, share: float) -> Plane:
    sigma = max(share * max(plane.shape), 0.5)
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _step(plane: Plane, low: float, high: float) -> Plane:
    t = np.clip((plane - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def _region(plane: Values, softness: float) -> Plane:
    """Close small holes, soften the outline, and fade out at the picture's rim."""
    tall, wide = plane.shape
    soft = _blur(np.asarray(np.clip(plane, 0.0, 1.0), dtype=np.float32), softness)
    x = np.minimum(np.arange(wide), np.arange(wide)[::-1]) / (_RIM * wide)
    y = np.minimum(np.arange(tall), np.arange(tall)[::-1]) / (_RIM * tall)
    return np.asarray(soft * np.clip(x, 0.0, 1.0)[None, :] * np.clip(y, 0.0, 1.0)[:, None], dtype=np.float32)


def _upper(lab: Plane, rows: Plane, horizon: float) -> Plane:
    """Return clouds that `backdrop` leaves out because they have outlines: pale or blue things high in the picture."""
    pale = np.maximum(_step(-lab[..., 2], -2.0, 6.0), _step(lab[..., 0], 68.0, 84.0) * _step(-lab[..., 2], -12.0, -4.0))
    return np.asarray(pale * (1.0 - _step(rows, max(0.3, horizon), max(0.3, horizon) + 0.12)), dtype=np.float32)


def _firm(light: Plane) -> Plane:
    """Return what stands before a sky: around sharp outlines, which clouds have not."""
    sharp = (edges((light / 100.0).astype(np.float32)) > 0.22).astype(np.float32)
    return _step(_blur(np.asarray(cv2.dilate(sharp, np.ones((11, 11), np.uint8)), np.float32), 0.014), 0.03, 0.4)


def _middle(size: tuple[int, int]) -> Plane:
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    away = ((x / size[0] - 0.5) / 0.28) ** 2 + ((y / size[1] - 0.6) / 0.3) ** 2
    return np.asarray(np.exp(-0.5 * away**2), dtype=np.float32)


def _person(size: tuple[int, int], scale: float, face: Face | None) -> tuple[Plane, Plane]:
    """Return where hair may be (around and above the face, not on it) and where clothes are (below it)."""
    wide, tall = size
    if face is None:
        return np.zeros((tall, wide), np.float32), np.zeros((tall, wide), np.float32)
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    left, top, right, bottom = (value * scale for value in face.box)
    across, down = max(right - left, 1.0), max(bottom - top, 1.0)
    x, y = (x - (left + right) / 2) / across, (y - top) / down
    on_face = 1.0 - _step(np.hypot(x / 0.5, (y - 0.5) / 0.62), 0.8, 1.15)
    around = 1.0 - _step(np.hypot(x / 1.05, (y - 0.35) / 1.0), 0.75, 1.1)
    below = _step(y, 1.5, 2.2) * (1.0 - _step(np.abs(x), 1.4, 2.2))
    return np.asarray(around * (1.0 - on_face), np.float32), np.asarray(below, np.float32)


def _hairy(lab: Plane, face: Face | None, scale: float) -> Plane:
    """Return how much a pixel has the colour of what lies on top of the head."""
    if face is None:
        return np.zeros(lab.shape[:2], np.float32)
    left, top, right, _ = (value * scale for value in face.box)
    # Just above the hairline, in the middle: the one place that is hair on nearly every head.
    row, x0, x1 = round(top - 0.12 * (right - left)), round(left * 0.7 + right * 0.3), round(left * 0.3 + right * 0.7)
    crown = lab[max(0, row - 3) : max(1, row + 4), max(0, x0) : max(1, x1)].reshape(-1, 3)
    if len(crown) == 0:
        return np.ones(lab.shape[:2], np.float32)
    return _step(-np.linalg.norm(lab - np.median(crown, axis=0), axis=2), -42.0, -16.0)
