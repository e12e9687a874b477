"""Which part of each frame of a video is seen in a frame of another shape, and what is seen where the video ends.

A narrower frame follows what matters (`attention`); a much wider or taller one shows the whole picture, and around it
the picture itself goes on: mirrored at its edge, then dissolving into its own blurred colours. A window that was asked
for is shown exactly and whole. Never a black bar.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from rushes.engines.animatic.attention import way_through
from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.shot import cropped

Window = tuple[float, float, float, float]

_SAME = 0.02  # shapes nearer than that are one shape
_LEAST_HEIGHT = 0.68  # of a picture that a wider frame may cut down to; beyond, heads and feet would go
_FINE = 6  # times smaller is what lies around the picture
_FEATHER = 0.022  # of the frame's shorter side
_CALM = 0.2  # how much of the surroundings is new in each frame: nothing flickers in the corner of the eye


class Framing(Protocol):
    """Puts a frame of the video into the film's frame."""

    def put(self, number: int, picture: Picture, frame: Picture) -> None:
        """Write what is seen of `picture`, the video's frame `number`; numbers never fall."""
        ...


def framing_of(path: str, source: tuple[int, int], size: tuple[int, int], window: Window | None) -> Framing:
    """Choose the framing for a video of `source` (width, height) in a film of `size`."""
    wide, tall = source
    if window is not None:
        return Windowed(window, size)
    ratio = (size[0] / size[1]) / (wide / tall)
    if abs(ratio - 1.0) < _SAME:
        return Plain(size)
    if ratio < 1.0:
        return Tracked(path, source, size)
    return Tracked(path, source, size) if 1.0 / ratio >= _LEAST_HEIGHT else Windowed((0.0, 0.0, 1.0, 1.0), size)


class Plain:
    """The middle of the picture."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size

    def put(self, number: int, picture: Picture, frame: Picture) -> None:
        """Write the centre crop."""
        frame[...] = cropped(picture, *self._size)


class Tracked:
    """A crop that follows what matters."""

    def __init__(self, path: str, source: tuple[int, int], size: tuple[int, int]) -> None:
        self._size = size
        scale = max(size[0] / source[0], size[1] / source[1])
        self._scaled = (max(size[0], round(source[0] * scale)), max(size[1], round(source[1] * scale)))
        share = (size[0] / self._scaled[0], size[1] / self._scaled[1])
        self._places, _ = way_through(path, share)

    def put(self, number: int, picture: Picture, frame: Picture) -> None:
        """Write the crop of that moment; between two pixels while it goes, on one while it rests."""
        wide, tall = self._size
        scaled = _resized(picture, self._scaled)
        place = float(self._places[min(number, len(self._places) - 1)])
        left, top = place * (self._scaled[0] - wide), place * (self._scaled[1] - tall)
        earlier = float(self._places[max(0, min(number, len(self._places) - 1) - 1)])
        if abs(earlier - place) < 1e-6:
            left, top = round(left), round(top)
        centre = (left + (wide - 1) / 2, top + (tall - 1) / 2)
        cv2.getRectSubPix(scaled, (wide, tall), centre, frame)


class Windowed:
    """One part of the picture, all of it, with its own colours around it where the shapes differ."""

    def __init__(self, window: Window, size: tuple[int, int]) -> None:
        self._window, self._size = window, size
        self._around: _Around | None = None

    def put(self, number: int, picture: Picture, frame: Picture) -> None:
        """Write the window, as large as it fits."""
        part = within(picture, self._window)
        wide, tall = self._size
        scale = min(wide / part.shape[1], tall / part.shape[0])
        # A row or two less would be a hairline, which is worse than a crop by it.
        inner = tuple(
            side if abs(round(length * scale) - side) <= max(2, 0.01 * side) else max(1, round(length * scale))
            for side, length in ((wide, part.shape[1]), (tall, part.shape[0]))
        )
        if inner == self._size:
            frame[...] = cropped(part, wide, tall)
            return
        if self._around is None:
            self._around = _Around(self._size, (inner[0], inner[1]))
        self._around.put(_resized(part, (inner[0], inner[1])), frame)


class _Around:
    """What lies around a picture that does not fill its frame."""

    def __init__(self, size: tuple[int, int], inner: tuple[int, int]) -> None:
        (wide, tall), self._inner = size, inner
        self._size = size
        self._left, self._top = (wide - inner[0]) // 2, (tall - inner[1]) // 2
        self._small = (max(8, wide // _FINE), max(8, tall // _FINE))
        x = _outside(self._small[0], self._left / wide, inner[0] / wide) * wide
        y = _outside(self._small[1], self._top / tall, inner[1] / tall) * tall
        away = np.hypot(x[None, :], y[:, None]) / min(wide, tall)
        self._far = np.clip(away / 0.22, 0.0, 1.0).astype(np.float32)[..., None]
        self._light = (1.0 - 0.08 * np.clip(away / 0.45, 0.0, 1.0)).astype(np.float32)[..., None]
        # Where the picture ends within the frame it fades into what goes on around it.
        feather = max(2, round(_FEATHER * min(wide, tall)))
        self._mask = _soft_edges(inner, feather, across=inner[0] < wide, down=inner[1] < tall)
        self._plate: Plane | None = None

    def put(self, picture: Picture, frame: Picture) -> None:
        """Write the surroundings and the picture in their middle."""
        plate = self._surroundings(picture)
        if self._plate is None or float(np.abs(plate - self._plate).mean()) > 24.0:  # a cut
            self._plate = plate
        else:
            self._plate += (plate - self._plate) * np.float32(_CALM)
        small = np.clip(self._plate * self._light, 0, 255).astype(np.uint8)
        cv2.resize(small, self._size, dst=frame, interpolation=cv2.INTER_CUBIC)
        place = frame[self._top : self._top + self._inner[1], self._left : self._left + self._inner[0]]
        place[...] = cv2.blendLinear(picture, np.ascontiguousarray(place), self._mask, 1.0 - self._mask)

    def _surroundings(self, picture: Picture) -> Plane:
        """Mirror the picture's edge outwards, the more blurred the farther from it: small, float32."""
        wide, tall = self._small
        inner = (
            max(2, round(self._inner[0] / self._size[0] * wide)),
            max(2, round(self._inner[1] / self._size[1] * tall)),
        )
        small = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA)
        left, top = (wide - inner[0]) // 2, (tall - inner[1]) // 2
        whole = cv2.copyMakeBorder(
            small, top, tall - inner[1] - top, left, wide - inner[0] - left, cv2.BORDER_REFLECT
        ).astype(np.float32)
        sigma = min(wide, tall) / 9
        near, far = cv2.GaussianBlur(whole, (0, 0), max(0.8, sigma / 6)), cv2.GaussianBlur(whole, (0, 0), sigma)
        return np.asarray(near + (far - near) * self._far, np.float32)


def within(picture: Picture, window: Window) -> Picture:
    """Cut the window out of a frame; an empty one is widened to two pixels."""
    tall, wide = picture.shape[:2]
    left, right = _span(window[0], window[2], wide)
    top, bottom = _span(window[1], window[3], tall)
    return picture[top:bottom, left:right]


def _span(start: float, end: float, length: int) -> tuple[int, int]:
    first = min(max(round(start * length), 0), max(length - 2, 0))
    return first, max(min(round(end * length), length), first + 2)


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    smaller = size[0] < picture.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=method), dtype=np.uint8)


def _outside(count: int, start: float, share: float) -> Plane:
    """Return how far each of `count` places is from the span start..start + share; 0 inside."""
    at = (np.arange(count, dtype=np.float32) + 0.5) / count
    return np.asarray(np.maximum(np.maximum(start - at, at - start - share), 0.0), np.float32)


def _soft_edges(size: tuple[int, int], feather: int, *, across: bool, down: bool) -> Plane:
    """Return (height, width): 1 inside, falling to 0 at the edges that lie within the frame."""
    lines = []
    for length, soft in ((size[0], across), (size[1], down)):
        at = np.arange(length, dtype=np.float32)
        ramp = np.clip((np.minimum(at, length - 1 - at) + 0.5) / feather, 0.0, 1.0) if soft else np.ones(length)
        lines.append(np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32))
    return np.ascontiguousarray(lines[1][:, None] * lines[0][None, :])
