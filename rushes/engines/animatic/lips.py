"""A mouth that speaks, and the small life of a face around it: jaw, lips, teeth in the dark between them, blinks, nods.

Everything happens in one patch around the face, a warp and a little paint per frame, and fades out at its rim. Where
the face is, `face` says; without one nothing is moved (a guess would bend a landscape). How far the mouth is open at
each moment comes from `soundtrack`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.face import Face, find_face

_OPEN = 0.34  # how far apart the lips go at the loudest, in distances between the eyes
_CALM_S = 3.4  # between two blinks, on average
_BLINK_S = 0.24
_DARK = np.array([52.0, 22.0, 22.0], np.float32)  # the inside of a mouth
_TEETH = np.array([226.0, 218.0, 205.0], np.float32)


@dataclass(frozen=True, slots=True)
class Mien:
    """How a face looks at one moment: mouth and lids from 0 (at rest) to 1, the head shifted in eye distances."""

    open: float
    blink: float = 0.0
    right: float = 0.0
    down: float = 0.0


class Acting:
    """Blinks and nods of one speaker: by the seed, at natural times, the same for the same film."""

    def __init__(self, seed: int, fps: float) -> None:
        self._dice = np.random.default_rng([seed & 0xFFFFFFFF, 41])
        self._fps = fps
        self._phases = self._dice.uniform(0.0, 2.0 * np.pi, 3)
        self._blink = self._dice.uniform(0.6, _CALM_S)
        self._index = 0
        self._spirit = 0.0

    def next(self, opened: float) -> Mien:
        """Return the next frame's look, with the mouth this far open."""
        at = self._index / self._fps
        self._index += 1
        self._spirit += (opened - self._spirit) * min(1.0, 3.0 / self._fps)  # a head follows slowly
        since = at - self._blink
        if since > _BLINK_S:
            self._blink = at + float(np.clip(self._dice.gamma(4.0, _CALM_S / 4.0), 1.2, 8.0))
        lids = float(np.sin(np.pi * np.clip(since / _BLINK_S, 0.0, 1.0)) ** 0.7) if since > 0.0 else 0.0
        slow, other = 2.0 * np.pi * 0.19 * at, 2.0 * np.pi * 0.31 * at
        a, b, c = self._phases
        right = 0.020 * np.sin(slow + a) + 0.010 * np.sin(other + b) - 0.020 * np.sin(a) - 0.010 * np.sin(b)
        down = 0.012 * np.sin(1.3 * slow + c) - 0.012 * np.sin(c) + 0.030 * self._spirit
        return Mien(opened, lids, float(right), float(down))


class Mouth:
    """The face of one picture. It changes that picture in place, or a frame on which the same face stands."""

    def __init__(self, picture: Picture, face: Face | None = None, *, seed: int = 0, fps: float = 25.0) -> None:
        """Find the face in `picture` (unless it is given), which is changed by `open`."""
        self._picture = picture
        self._acting = Acting(seed, fps)
        self._patch: _Patch | None = None
        self._follow(picture, face or find_face(picture))

    @property
    def found(self) -> bool:
        """Whether there is a face that can speak."""
        return self._patch is not None

    def open(self, level: float, on: Picture | None = None) -> None:
        """Open it by 0..1: on the picture it was found in, or `on` a frame of the same size."""
        mien = self._acting.next(min(max(level, 0.0), 1.0))
        if self._patch is None:
            return
        if on is None:
            self._patch.draw(mien, self._closed, self._picture)
        else:
            self._patch.draw(mien, self._patch.of(on).copy(), on)

    def move(self, frame: Picture, face: Face | None) -> None:
        """Go on with where the face is now; without one, where it was."""
        if face is not None:
            self._follow(frame, face)

    def _follow(self, picture: Picture, face: Face | None) -> None:
        if face is not None and face.apart >= 4.0:
            self._patch = _Patch(face, picture.shape[1], picture.shape[0])
            self._closed = self._patch.of(picture).copy()


class _Patch:
    """The part of a picture that a face's movements reach, with what each of them does there, in pixels."""

    def __init__(self, face: Face, wide: int, tall: int) -> None:
        unit = face.apart
        (lx, ly), (rx, ry) = face.eyes
        ex, ey = (lx + rx) / 2, (ly + ry) / 2
        self._left, self._right = max(0, round(ex - 2.2 * unit)), min(wide, round(ex + 2.2 * unit))
        self._top, self._bottom = max(0, round(ey - 1.9 * unit)), min(tall, round(ey + 3.0 * unit))
        y, x = np.mgrid[self._top : self._bottom, self._left : self._right].astype(np.float32)
        # A head's own axes: v points from the eyes to the chin.
        cos, sin = (rx - lx) / unit, (ry - ly) / unit
        self._axis = np.float32(-sin), np.float32(cos)
        u, v = ((x - ex) * cos + (y - ey) * sin) / unit, (-(x - ex) * sin + (y - ey) * cos) / unit
        mx, my = face.mouth
        mu, mv = ((mx - ex) * cos + (my - ey) * sin) / unit, (-(mx - ex) * sin + (my - ey) * cos) / unit
        half = float(np.clip(face.mouth_width / unit, 0.55, 1.15)) / 2
        self._unit, self._half = unit, half
        self._x, self._y = x - self._left, y - self._top
        self._mu, self._mv = u - mu, v - mv
        self._jaw, self._lip = self._weights(mv)
        self._spot = _around(np.abs(self._mu) < 1.3 * half + 0.1, np.abs(self._mv) < 0.7)
        self._head = np.asarray(_bump(u / 2.1) * _bump((v - 0.5) / 2.3), np.float32)
        self._upper = _around(np.abs(u) < 0.95, np.abs(v) < 0.55)
        lids = np.clip(2.0 * _bump((np.abs(u) - 0.5) / 0.40) * _bump(v / 0.42), 0.0, 1.0)
        # What lies at the lid's fold is read at the eye's lower rim when it is closed.
        self._lids = np.asarray(lids * np.clip(v + 0.30, 0.0, 0.46) * unit, np.float32)[self._upper]

    def of(self, picture: Picture) -> Picture:
        """Return this part of a picture, to be written to."""
        return picture[self._top : self._bottom, self._left : self._right]

    def draw(self, mien: Mien, closed: Picture, on: Picture) -> None:
        """Write the face with this look onto `on`, from the patch as it is at rest."""
        target = self.of(on)
        gap = mien.open * _OPEN * min(1.0, self._half / 0.4) * self._unit  # pixels between the lips
        across, along = self._axis
        # The lower lip goes down with the jaw, the upper one a little up.
        fall = self._jaw * np.float32(0.78 * gap) - self._lip * np.float32(0.22 * gap)
        x = self._x - fall * across - self._head * np.float32(mien.right * self._unit)
        y = self._y - fall * along - self._head * np.float32(mien.down * self._unit)
        warped = np.asarray(cv2.remap(closed, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
        self._part_lips(warped, gap, mien)
        self._close_lids(warped, mien.blink)
        target[...] = warped

    def _weights(self, mv: float) -> tuple[Plane, Plane]:
        """Return how far each pixel goes with the jaw (below the lips' line), and with the upper lip."""
        below, side = self._mv, np.abs(self._mu)
        soft = np.clip(0.5 + below / 0.05, 0.0, 1.0)
        corners = _bump(self._mu / (self._half * 1.02))  # the corners of a mouth stay together
        chin = _bump(self._mu / 0.95) * _bump(np.clip(below, 0.0, None) / 1.15)
        near = np.clip(1.0 - np.abs(below) / 0.45, 0.0, 1.0)
        jaw = soft * chin * (corners * near + (1.0 - near) * _bump(side / 1.0))
        lip = (1.0 - soft) * corners * _bump(np.clip(-below, 0.0, None) / 0.38)
        return np.asarray(jaw, np.float32), np.asarray(lip, np.float32)

    def _part_lips(self, warped: Picture, gap: float, mien: Mien) -> None:
        """Paint what is seen between parted lips: dark, with a hint of the upper teeth."""
        if gap < 0.4 or not self._mu[self._spot].size:
            return
        spot = self._spot
        warped, head = warped[spot], self._head[spot]
        u = self._mu[spot] - np.float32(mien.right) * head
        v = self._mv[spot] - np.float32(mien.down) * head
        tall = np.float32(gap / self._unit)
        arch = np.sqrt(np.clip(1.0 - (u / np.float32(self._half * 0.86)) ** 2, 0.0, 1.0))
        top, bottom = -0.22 * tall * arch, 0.78 * tall * arch
        edge = np.float32(max(0.9 / self._unit, 0.018))
        inside = np.clip((v - top) / edge + 0.3, 0.0, 1.0) * np.clip((bottom - v) / edge + 0.3, 0.0, 1.0)
        share = inside * np.clip(arch * 3.0, 0.0, 1.0) * np.float32(min(1.0, gap / 2.5) * 0.92)
        teeth = np.clip((top + 0.32 * tall * arch - v) / edge, 0.0, 1.0) * np.float32(0.6 * min(1.0, mien.open * 2.2))
        teeth = teeth * np.clip(1.2 - np.abs(u) / np.float32(self._half * 0.7), 0.0, 1.0)
        light = np.float32(np.clip(warped.mean() / 140.0, 0.25, 1.1))  # a dark room has no white teeth
        colour = _DARK * light + (_TEETH * light * 0.8 - _DARK * light) * teeth[..., None]
        warped[...] = (warped + (colour - warped) * share[..., None] + np.float32(0.5)).astype(np.uint8)

    def _close_lids(self, warped: Picture, blink: float) -> None:
        """Pull the upper lid over the eyes: the skin above is stretched down to the lower rim."""
        if blink < 0.02 or not self._lids.size:
            return
        part = warped[self._upper]
        shift = self._lids * np.float32(blink)
        y, x = np.mgrid[0 : part.shape[0], 0 : part.shape[1]].astype(np.float32)
        across, along = self._axis
        part[...] = cv2.remap(
            part.copy(), x - shift * across, y - shift * along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )


def _around(*where: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the smallest part of an array outside of which one of the conditions is false."""
    rows, columns = np.nonzero(np.logical_and.reduce(where))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)


def _bump(at: Plane) -> Plane:
    """Return 1 in the middle, falling smoothly to 0 at -1 and 1."""
    return np.asarray(np.clip(1.0 - at * at, 0.0, 1.0) ** 2, np.float32)
