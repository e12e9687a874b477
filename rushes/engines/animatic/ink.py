"""Clean anti-aliased shapes: a paper for backdrops, with depth, and a sketch for one figure on nothing.

Only geometry and paint. What is drawn with them is left to the files of places and figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import FAR, Picture, Plane

Colour = tuple[int, int, int]
Point = tuple[float, float]
Paint = Colour | tuple[Colour, Colour]  # one colour, or from the shape's top to its bottom
Line = npt.NDArray[np.float64]

_SHIFT = 4  # bits of a pixel's fraction that OpenCV reads
_FINE = 2  # a sketch is drawn this much larger: OpenCV's own anti-aliasing is a little coarse on thin limbs


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour `share` of the way from one to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def lighter(colour: Colour, by: float) -> Colour:
    """Return a colour nearer to white, or with a negative `by` nearer to black."""
    return mix(colour, (255, 255, 255) if by > 0 else (0, 0, 0), abs(by))


def curve(points: Sequence[Point], *, closed: bool = True, steps: int = 8) -> Line:
    """Return a smooth line through the points, (N, 2): a Catmull-Rom spline."""
    knots = np.asarray(points, np.float64)
    if closed:
        knots = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        knots = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    a, b, c, d = (knots[i : len(knots) - 3 + i, None, :] for i in range(4))
    line = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([line.reshape(-1, 2), knots[-2:-1]])


def oval(x: float, y: float, across: float, upright: float, turn: float = 0.0) -> Line:
    """Return an ellipse's outline, (48, 2); `across` and `upright` are its half axes, `turn` in radians."""
    angle = np.linspace(0.0, math.tau, 48, endpoint=False)
    dx, dy = across * np.cos(angle), upright * np.sin(angle)
    cos, sin = math.cos(turn), math.sin(turn)
    return np.stack([x + dx * cos - dy * sin, y + dx * sin + dy * cos], axis=1)


def box(left: float, bottom: float, right: float, top: float, corner: float = 0.0) -> Line:
    """Return a rectangle's outline, with round corners."""
    if corner <= 0.0:
        return np.array([(left, bottom), (right, bottom), (right, top), (left, top)], np.float64)
    corner = min(corner, abs(right - left) / 2, abs(top - bottom) / 2)
    rise = 1.0 if top > bottom else -1.0
    centres = [(right - corner, 1.0), (left + corner, -1.0), (left + corner, -1.0), (right - corner, 1.0)]
    parts = []
    for quarter, (x, _) in enumerate(centres):
        angle = np.linspace(quarter, quarter + 1, 7) * math.pi / 2
        y = top - rise * corner if quarter < 2 else bottom + rise * corner
        parts.append(np.stack([x + corner * np.cos(angle), y + rise * corner * np.sin(angle)], axis=1))
    return np.concatenate(parts)


def limb(start: Point, end: Point, thick: float, thin: float) -> Line:
    """Return a tapered capsule's outline; `thick` and `thin` are the radii at its ends."""
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    half = np.linspace(math.pi / 2, 3 * math.pi / 2, 12)
    near = np.stack([start[0] + thick * np.cos(angle + half), start[1] + thick * np.sin(angle + half)], axis=1)
    half = half - math.pi
    far = np.stack([end[0] + thin * np.cos(angle + half), end[1] + thin * np.sin(angle + half)], axis=1)
    return np.concatenate([near, far])


class Paper:
    """A backdrop being painted: colours and disparity, in units of the height; y goes down from 0 to 1."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.aspect = width / height
        self.picture: Plane = np.zeros((height, width, 3), np.float32)
        self.depth: Plane = np.full((height, width), FAR, np.float32)
        self.rows = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
        self.columns = ((np.arange(width, dtype=np.float32) + 0.5) / height)[None, :]

    def wash(self, stops: Sequence[tuple[float, Colour]], top: float = 0.0, bottom: float = 1.0) -> None:
        """Fill rows `top` to `bottom` with a gradient through the stops (row, colour)."""
        first, last = max(0, int(top * self.height)), min(self.height, math.ceil(bottom * self.height))
        rows = self.rows[first:last, 0]
        at = [stop[0] for stop in stops]
        band = np.stack([np.interp(rows, at, [stop[1][i] for stop in stops]) for i in range(3)], axis=1)
        self.picture[first:last] = band[:, None, :]

    def shape(self, outline: Line, paint: Paint, *, near: float | None = None, strength: float = 1.0) -> None:
        """Fill an outline; `near` is its disparity, None leaves the depth as it is."""
        self.shapes([outline], paint, near=near, strength=strength)

    def shapes(
        self, outlines: Sequence[Line], paint: Paint, *, near: float | None = None, strength: float = 1.0
    ) -> None:
        """Fill several outlines of one paint at once, in the box that holds them."""
        if not outlines:
            return
        points = np.concatenate(outlines) * self.height
        left, top = np.floor(points.min(axis=0)).astype(int) - 2
        right, bottom = np.ceil(points.max(axis=0)).astype(int) + 2
        left, top, right, bottom = max(0, left), max(0, top), min(self.width, right), min(self.height, bottom)
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        for outline in outlines:
            fixed = np.round((outline * self.height - (left, top)) * 2**_SHIFT).astype(np.int32)
            cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SHIFT)
        self._blend(mask.astype(np.float32) * np.float32(strength / 255.0), (left, top), paint, near)

    def _blend(self, share: Plane, corner: tuple[int, int], paint: Paint, near: float | None) -> None:
        left, top = corner
        tall, wide = share.shape
        place = self.picture[top : top + tall, left : left + wide]
        if isinstance(paint[0], tuple):
            down = np.linspace(0.0, 1.0, tall, dtype=np.float32)[:, None, None]
            start, end = np.array(paint[0], np.float32), np.array(paint[1], np.float32)
            colour = start + (end - start) * down
        else:
            colour = np.array(paint, np.float32)
        place += share[..., None] * (colour - place)
        if near is not None:
            depth = self.depth[top : top + tall, left : left + wide]
            depth += share * (np.float32(near) - depth)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Add light around a point, falling off softly; never whiter than white."""
        reach = int(3.0 * radius * self.height) + 1
        column, row = int(x * self.height), int(y * self.height)
        left, right = max(0, column - reach), min(self.width, column + reach)
        top, bottom = max(0, row - reach), min(self.height, row + reach)
        if right <= left or bottom <= top:
            return
        across, down = self.columns[:, left:right] - x, self.rows[top:bottom] - y
        share = strength * np.exp(-(across**2 + down**2) / radius**2)
        # What is left at three radii, where the box ends, is taken off everywhere, or the box would show.
        edge = np.float32(strength * math.exp(-9.0))
        place = self.picture[top:bottom, left:right]
        light = np.array(colour, np.float32)
        place += np.clip(share - edge, 0.0, 1.0)[..., None] * (light - place)

    def ground(self, horizon: float, top: float = FAR, bottom: float = 1.0) -> None:
        """Lay the depth of a floor that comes nearer from the horizon down to the lower edge."""
        share = np.clip((self.rows - horizon) / max(1.0 - horizon, 1e-3), 0.0, 1.0)
        self.depth[...] = np.where(self.rows >= horizon, top + (bottom - top) * share, self.depth)

    def finished(self, seed: int) -> Picture:
        """Return the picture in eight bits; a whisper of dither keeps slow gradients free of bands."""
        grain = np.random.default_rng(seed % 2**63).uniform(0.0, 1.0, (self.height, self.width, 1)).astype(np.float32)
        return np.asarray(np.clip(self.picture + grain, 0.0, 255.0), dtype=np.uint8)


class Sketch:
    """One figure on nothing: premultiplied colour and coverage. Units of its own height, x from 0, y up from its foot.

    `span` is (left, bottom, right, top) in those units: what may be drawn on.
    """

    def __init__(self, span: tuple[float, float, float, float], height: int) -> None:
        """`height` is the pixels that one unit gets."""
        self.span, self._scale = span, height * _FINE
        left, bottom, right, top = span
        size = (max(2, math.ceil((top - bottom) * height)), max(2, math.ceil((right - left) * height)))
        self.size = size
        self._ink = np.zeros((size[0] * _FINE, size[1] * _FINE, 4), np.uint8)

    def fill(self, outline: Line | Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill an outline with one colour, over what is there."""
        points = np.asarray(outline, np.float64)
        left, _, _, top = self.span
        pixels = np.stack([(points[:, 0] - left) * self._scale, (top - points[:, 1]) * self._scale], axis=1)
        low = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 2, 0)
        tall, wide = self._ink.shape[:2]
        high = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 2, (wide, tall))
        if (high <= low).any():
            return
        place = self._ink[low[1] : high[1], low[0] : high[0]]
        fixed = np.round((pixels - low) * 2**_SHIFT).astype(np.int32)
        if alpha >= 1.0:
            cv2.fillPoly(place, [fixed], (*colour, 255), cv2.LINE_AA, _SHIFT)
            return
        mask = np.zeros(place.shape[:2], np.uint8)
        cv2.fillPoly(mask, [fixed], round(255 * alpha), cv2.LINE_AA, _SHIFT)
        share = cv2.merge([mask] * 4)
        paint = np.arange(256)[:, None, None] * np.array((*colour, 255)) / 255.0 + 0.5
        cv2.multiply(place, cv2.bitwise_not(share), dst=place, scale=1.0 / 255.0)
        cv2.add(place, cv2.LUT(share, paint.astype(np.uint8)), dst=place)

    def cut(self, outline: Line | Sequence[Point]) -> None:
        """Take a shape out again."""
        points = np.asarray(outline, np.float64)
        left, _, _, top = self.span
        pixels = np.stack([(points[:, 0] - left) * self._scale, (top - points[:, 1]) * self._scale], axis=1)
        fixed = np.round(pixels * 2**_SHIFT).astype(np.int32)
        cv2.fillPoly(self._ink, [fixed], (0, 0, 0, 0), cv2.LINE_AA, _SHIFT)

    def finished(self) -> Picture:
        """Return (H, W, 4) uint8: premultiplied RGB and coverage."""
        tall, wide = self.size
        return np.asarray(cv2.resize(self._ink, (wide, tall), interpolation=cv2.INTER_AREA), dtype=np.uint8)
