"""A mouth that speaks, and the small life of a face around it: jaw, lips, teeth in the dark between them, lids, brows.

All movements are drawn up in a head's own coordinates, small, and brought to the picture by one transform, so that a
face may stand anywhere, lean, and move between frames by parts of a pixel. They fade out at the rim of a patch around
the face. Where the face is, `face` and `following` say; how its lips stand `articulation`, what else it does `acting`.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.acting import Acting, Mien
from rushes.engines.animatic.articulation import Lips
from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.face import Face, find_face
from rushes.engines.animatic.features import Reach, eyes_of, parting_of, read_at

_OPEN = 0.27  # how far apart the lips go at the loudest, in distances between the eyes
_SMILING = 0.19  # the same for a mouth that stands open at rest
_RISE = 0.22  # of that, how much the upper lip goes up
_SPREAD, _ROUND = 0.13, 0.24  # how much wider and narrower a mouth becomes, in shares of itself
_DARK = np.array([52.0, 22.0, 22.0], np.float32)  # the inside of a mouth
_TEETH = np.array([226.0, 218.0, 205.0], np.float32)
_TONGUE = np.array([150.0, 76.0, 74.0], np.float32)
_FINE = 64  # points to a distance between the eyes, in a head's own coordinates
_LEFT, _TOP, _RIGHT, _BOTTOM = -2.2, -1.9, 2.2, 3.0  # of the patch, in distances between the eyes
_MEET = 0.6  # of the way from an eye's middle down: where closed lids meet
_LEAST = 4.0  # pixels between the eyes of a face that is worth it


class Mouth:
    """The face of one picture. It changes that picture in place, or a frame on which the same face stands."""

    def __init__(self, picture: Picture, face: Face | None = None, *, seed: int = 0, fps: float = 25.0) -> None:
        """Find the face in `picture` (unless it is given), which is changed by `open`."""
        self._picture = picture
        self._acting = Acting(seed, fps)
        self._head: _Head | None = None
        self._closed: Picture | None = None
        self.move(picture, face or find_face(picture))

    @property
    def found(self) -> bool:
        """Whether there is a face that can speak."""
        return self._head is not None

    def open(self, lips: Lips, on: Picture | None = None) -> None:
        """Let it stand like this: on the picture it was found in, or `on` a frame of the same size."""
        mien = self._acting.next(lips)
        if self._head is None:
            return
        if on is None:
            if self._closed is None:
                self._closed = self._head.of(self._picture).copy()
            self._head.draw(mien, self._closed, self._picture)
        else:
            self._head.draw(mien, self._head.of(on), on)

    def move(self, frame: Picture, face: Face | None) -> None:
        """Go on with where the face is now; without one, nothing moves."""
        if face is None or face.apart < _LEAST:
            self._head = None
        elif self._head is None:
            self._head = _Head(face, frame)
        else:
            self._head.place(face, frame)


class _Head:
    """A face's movements in its own coordinates (u to the right, v from the eyes to the chin, 1 between the eyes)."""

    def __init__(self, face: Face, picture: Picture) -> None:
        self._buffers: tuple[Plane, Plane, Picture] | None = None
        self.place(face, picture)
        unit, (ex, ey) = self._unit, self._middle
        to_u = self._across / unit
        # Measured once: a face found anew in each frame would make the lips tremble.
        mouth = np.array(face.mouth) - (ex, ey)
        # (H, W) each, in distances between the eyes
        v, u = (np.mgrid[0 : (_BOTTOM - _TOP) * _FINE, 0 : (_RIGHT - _LEFT) * _FINE] / _FINE).astype(np.float32)
        u, v = u + np.float32(_LEFT), v + np.float32(_TOP)
        self._half = float(np.clip(face.mouth_width / unit, 0.55, 1.15)) / 2
        parting = parting_of(picture, face)
        # Teeth that are seen at rest belong to the skull: then the jaw alone moves.
        self._rise, self._teeth = (0.0, False) if parting.teeth else (_RISE, True)
        mu = u - np.float32(mouth @ to_u)
        mv = v - np.float32(parting.v) - np.float32(parting.bend) * np.clip(mu, -0.45, 0.45) ** 2
        self._part = _parting(mu, mv, self._half, self._rise)
        self._corners = np.asarray(mu * _bump(mu / (1.9 * self._half)) * _bump(mv / 0.5), np.float32)
        self._whole = np.asarray(_bump(u / 2.1) * _bump((v - 0.5) / 2.3), np.float32)
        self._brows = np.asarray(_bump((np.abs(u) - 0.5) / 0.6) * _bump((v + 0.48) / 0.36), np.float32)
        self._spot = _around(np.abs(mu) < 1.3 * self._half + 0.1, np.abs(mv) < 0.7)
        self._mu, self._below = mu[self._spot], mv[self._spot]
        self._lids = [_Lids(u, v, side, eyes_of(picture, face)) for side in (0, 1)]

    def place(self, face: Face, picture: Picture) -> None:
        """Say where the head is now."""
        (lx, ly), (rx, ry) = face.eyes
        self._unit, self._middle = face.apart, np.array([(lx + rx) / 2, (ly + ry) / 2])
        self._across = np.array([rx - lx, ry - ly]) / self._unit
        right, down = self._across, np.array([-self._across[1], self._across[0]])
        corners = [self._middle + (a * right + b * down) * self._unit for a in (_LEFT, _RIGHT) for b in (_TOP, _BOTTOM)]
        low, high = np.min(corners, axis=0), np.max(corners, axis=0)
        tall, wide = picture.shape[:2]
        self._left, self._right = (int(np.clip(value, 0, wide)) for value in (low[0], high[0] + 1))
        self._top, self._bottom = (int(np.clip(value, 0, tall)) for value in (low[1], high[1] + 1))
        # from a pixel of the patch to a point of the head's coordinates
        turn = np.stack([right, down]) * (_FINE / self._unit)
        begin = np.array([self._left, self._top]) - self._middle
        self._to_head = np.concatenate([turn, (turn @ begin - np.array([_LEFT, _TOP]) * _FINE)[:, None]], axis=1)

    def of(self, picture: Picture) -> Picture:
        """Return the part of a picture that the movements reach, to be written to."""
        return picture[self._top : self._bottom, self._left : self._right]

    def draw(self, mien: Mien, closed: Picture, on: Picture) -> None:
        """Write the face with this look onto `on`, from the patch as it is at rest."""
        if not closed.size:
            return
        gap = mien.lips.open * (_OPEN if self._teeth else _SMILING) * min(1.0, self._half / 0.4)
        stretch = (_SPREAD if mien.lips.wide > 0 else _ROUND) * mien.lips.wide * min(1.0, 3.0 * mien.lips.open)
        shift = self._shifts(mien, gap, stretch)
        tall, wide = closed.shape[:2]
        field, grid, warped = self._kept(tall, wide)
        cv2.warpAffine(shift, self._to_head, (wide, tall), field, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        cv2.add(field, grid, field)
        read_at(closed, field, warped)
        if gap * self._unit >= 0.4:
            self._part_lips(warped, mien, gap, stretch)
        if mien.blink > 0.2:
            self._draw_lashes(warped, mien)
        self.of(on)[...] = warped

    def _kept(self, tall: int, wide: int) -> tuple[Plane, Plane, Picture]:
        """Return what a frame needs again and again, of this size: two planes for places, and the patch to be made."""
        if self._buffers is None or self._buffers[0].shape[:2] != (tall, wide):
            grid = _grid(tall, wide)
            self._buffers = np.empty_like(grid), grid, np.empty((tall, wide, 3), np.uint8)
        return self._buffers

    def _draw_lashes(self, warped: Picture, mien: Mien) -> None:
        """Draw the upper lids' edges, or the line in which closed lids meet, in a darker shade of their own skin."""
        back = cv2.invertAffineTransform(self._to_head)
        begin = np.array([_LEFT, _TOP])
        for lids in self._lids:
            line = lids.line(mien.blink) + np.array([mien.right, mien.down]) - begin
            points = line * _FINE @ back[:, :2].T + back[:, 2]
            x, y = points[len(points) // 2].astype(int)
            above = y - max(2, round(0.05 * self._unit))
            skin = warped[max(above - 1, 0) : above + 2, max(x - 2, 0) : x + 3]
            if x >= 0 and y >= 0 and skin.size:
                colour = [float(value) for value in 0.5 * skin.mean(axis=(0, 1))]
                thick = max(1, round(0.02 * self._unit))
                cv2.polylines(warped, [np.round(points * 16).astype(np.int32)], False, colour, thick, cv2.LINE_AA, 4)

    def _shifts(self, mien: Mien, gap: float, stretch: float) -> Plane:
        """Return (H, W, 2): where each point is read, from itself, in pixels of the picture, x then y."""
        down = self._part * np.float32(gap) - self._brows * np.float32(0.07 * mien.brows)
        for lids in self._lids if mien.blink > 0.02 else ():
            lids.close(down, mien.blink)
        down += self._whole * np.float32(mien.down)
        right = self._corners * np.float32(stretch) + self._whole * np.float32(mien.right)
        cos, sin = (np.float32(value * -self._unit) for value in self._across)
        return cv2.merge([right * cos - down * sin, right * sin + down * cos])  # type: ignore[return-value]

    def _part_lips(self, warped: Picture, mien: Mien, gap: float, stretch: float) -> None:
        """Paint what is seen between parted lips: dark, with a hint of the upper teeth."""
        inside = self._inside(mien, gap, stretch)
        rows, columns = self._spot
        # The part of the patch in which the mouth's points lie.
        back = cv2.invertAffineTransform(self._to_head)
        edges = [(x, y, 1.0) for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)]
        reached = np.array(edges) @ back.T
        left, top = (int(max(value, 0)) for value in reached.min(axis=0))
        right, bottom = (int(max(value, 0)) + 2 for value in reached.max(axis=0))
        target = warped[top:bottom, left:right]
        if not target.size:
            return
        to_spot = self._to_head.copy()
        to_spot[:, 2] += self._to_head[:, :2] @ (left, top) - (columns.start, rows.start)
        paint = cv2.warpAffine(
            cv2.merge(inside),
            to_spot,
            (target.shape[1], target.shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        # Against 140 levels, an ordinary light on a face.
        light = np.float32(np.clip(target.mean() / 140.0, 0.25, 1.1))  # a dark room has no white teeth
        colour = _DARK + (_TEETH * np.float32(0.8) - _DARK) * paint[..., 1:2] + (_TONGUE - _DARK) * paint[..., 2:]
        target[...] = (target + (colour * light - target) * paint[..., :1] + np.float32(0.5)).astype(np.uint8)

    def _inside(self, mien: Mien, gap: float, stretch: float) -> list[Plane]:
        """Return how much of each point is the inside of the mouth, and how much of that is teeth and tongue."""
        u, v = self._mu - np.float32(mien.right), self._below - np.float32(mien.down)
        half = np.float32(self._half * (1.0 + stretch))
        tall = np.float32(gap)
        arch = np.sqrt(np.clip(1.0 - (u / (half * np.float32(0.86))) ** 2, 0.0, 1.0))
        top, bottom = -self._rise * tall * arch, (1.0 - self._rise) * tall * arch
        edge = np.float32(max(0.9 / self._unit, 0.018))
        inside = np.clip((v - top) / edge + 0.3, 0.0, 1.0) * np.clip((bottom - v) / edge + 0.3, 0.0, 1.0)
        share = inside * np.clip(arch * 3.0, 0.0, 1.0) * np.float32(min(1.0, gap * self._unit / 2.5) * 0.92)
        shown = 0.6 * min(1.0, mien.lips.open * 2.2) * min(1.0, 1.0 + mien.lips.wide) if self._teeth else 0.0
        teeth = np.clip((top + 0.32 * tall * arch - v) / edge, 0.0, 1.0) * np.float32(shown)
        teeth = teeth * np.clip(1.2 - np.abs(u) / (half * np.float32(0.8)), 0.0, 1.0)
        tongue = (
            0.6 * _bump(u / (half * np.float32(0.7))) * np.clip((v - 0.45 * bottom) / (0.5 * tall + edge), 0.0, 1.0)
        )
        return [np.asarray(plane, np.float32) for plane in (share, teeth, tongue)]


class _Lids:
    """Two lids of one eye, which meet a little below its middle."""

    def __init__(self, u: Plane, v: Plane, side: int, reach: Reach) -> None:
        """`reach`: how far the eye reaches from its middle up, down and aside, in distances between the eyes."""
        up, down, wide = reach
        self._shape = (0.5 if side else -0.5, wide, up, down)
        middle = 0.5 if side else -0.5
        self._where = _around(np.abs(u - middle) < 1.3 * wide, (v > -up - 0.2) & (v < down + 0.2))
        u, v = u[self._where], v[self._where]
        arch = np.sqrt(np.clip(1.0 - ((u - middle) / (1.3 * wide)) ** 2, 0.0, 1.0))
        self._v, self._arch, self._up, self._down = v, arch, up * arch, down * arch
        self._meet = _MEET * self._down
        # So much of the skin beyond the eye is stretched over it; the brow is no part of it.
        self._skin = 0.055 * arch + 1e-4

    def line(self, share: float) -> npt.NDArray[np.float64]:
        """Return (points, 2): u and v along the edge of the upper lid, so far closed, 0 to 1."""
        u = np.linspace(-0.85, 0.85, 13)
        middle, wide, up, low = self._shape
        edge = -up + share * (up + _MEET * low)
        return np.stack([middle + u * wide, edge * np.sqrt(1.0 - (u / 1.3) ** 2)], axis=1)

    def close(self, down: Plane, share: float) -> None:
        """Put into `down` (how far each point has come from above) that the lids are so far closed, 0 to 1."""
        part, v = down[self._where], self._v
        upper = -self._up + np.float32(share) * (self._meet + self._up)
        lower = self._down - np.float32(share) * (self._down - self._meet)
        begins, ends = -self._up - self._skin, self._down + self._skin
        kept = self._skin * np.float32(1.0 - 0.25 * share)
        from_above = begins + (v - begins) * kept / (upper - begins)
        from_below = ends - (ends - v) * kept / (ends - lower)
        over, under = (v > begins) & (v < upper), (v < ends) & (v > lower)
        part[over] = (v - from_above)[over]
        part[under & ~over] = (v - from_below)[under & ~over]


def _parting(mu: Plane, mv: Plane, half: float, rise: float) -> Plane:
    """Return how far each point goes down for lips that part by 1: `rise` of it the upper lip up, the rest the jaw."""
    soft = np.clip(0.5 + mv / 0.05, 0.0, 1.0)
    corners = _bump(mu / (half * 1.02))  # the corners of a mouth stay together
    chin = _bump(mu / 0.95) * _bump(np.clip(mv, 0.0, None) / 1.15)
    near = np.clip(1.0 - np.abs(mv) / 0.45, 0.0, 1.0)
    jaw = soft * chin * (corners * near + (1.0 - near) * _bump(mu))
    lip = (1.0 - soft) * corners * _bump(np.clip(-mv, 0.0, None) / 0.38)
    return np.asarray((1.0 - rise) * jaw - rise * lip, np.float32)


def _grid(tall: int, wide: int) -> Plane:
    """Return (H, W, 2): each pixel's own place, x then y."""
    rows, columns = np.arange(tall, dtype=np.float32), np.arange(wide, dtype=np.float32)
    return cv2.merge([np.tile(columns, (tall, 1)), np.tile(rows[:, None], (1, wide))])  # type: ignore[return-value]


def _around(*where: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the smallest part of an array outside of which one of the conditions is false."""
    rows, columns = np.nonzero(np.logical_and.reduce(where))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)


def _bump(at: Plane) -> Plane:
    """Return 1 in the middle, falling smoothly to 0 at -1 and 1."""
    return np.asarray(np.clip(1.0 - at * at, 0.0, 1.0) ** 2, np.float32)
