"""One picture turning into another that shows the same thing: each part travels to where it will be.

Both pictures are read where their parts are at the moment (see `flow`) and mixed in linear light; a part that only one
of them has comes from that one. The first moment is the first picture and the last the second, untouched. Everything
but two remaps and the mixing is done on a coarse grid. What has no match at all is `dissolve`'s.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.dissolve import LIGHT, darkened
from rushes.engines.animatic.easing import ease, smoothstep
from rushes.engines.animatic.flow import Affine, Match, inverse
from rushes.engines.animatic.path import Path, Pose

_CELL = 8  # frame pixels per cell of the coarse grid
_STEPS = 4  # of looking for what comes to a place; settled to a tenth of a pixel
_FADE = (0.18, 0.82)  # of the way: outside of it one picture alone is seen, so that nothing is double for longer
_LEAST = 0.12  # how much a part without a match counts beside one with a match
_RIM = 0.02  # of a side: how soft a picture's edge is where the other goes on
_AHEAD = 0.002  # how much a picture counts before its time: where the other one ends, it goes on at once
_CAMERA = 0.4  # of a camera's way: it goes out and comes home, for both ends are at rest

Area = tuple[slice, slice]
_ALL = (slice(None), slice(None))
_STRIP = 24  # rows that are mixed at a time
_NOTHING = 0.004  # a share below a level


class Morph:
    """The way from `first` to `second`, both exactly the frame's size; `journey` is the camera's."""

    def __init__(self, first: Picture, second: Picture, found: Match, journey: Path) -> None:
        self._first, self._second = np.ascontiguousarray(first), np.ascontiguousarray(second)
        self._found, self._journey = found, journey
        self._tall, self._wide = first.shape[:2]
        self._columns, self._rows = -(-self._wide // _CELL) + 2, -(-self._tall // _CELL) + 2
        self._x, self._y = _nodes(self._columns)[None, :], _nodes(self._rows)[:, None]

    def draw(self, t: float, frame: Picture) -> None:
        """Write the moment `t` in 0..1."""
        way = ease(t)
        if way <= 0.0 or way >= 1.0:
            frame[...] = self._first if way <= 0.0 else self._second
            return
        x, y = self._seen(t)
        a_x, a_y, u_x, u_y = self._origins(x, y, way)
        b_x, b_y = _applied(self._found.turn, u_x, u_y)
        share, opening = smoothstep((way - _FADE[0]) / (_FADE[1] - _FADE[0])), smoothstep(min(way, 1.0 - way) / 0.06)
        sure_one = _read(self._found.sure_onwards, a_x, a_y)
        sure_other = _read(self._found.sure_back, u_x, u_y)
        one = ((1.0 - share) * (sure_one + _LEAST) + _AHEAD * opening) * self._within(a_x, a_y)
        other = (share * (sure_other + _LEAST) + _AHEAD * opening) * self._within(b_x, b_y)
        # Where neither picture has anything, time alone decides.
        part = (other + 1e-4 * share) / (one + other + 1e-4)
        self._mix((a_x, a_y), (b_x, b_y), part.astype(np.float32), frame)

    def _seen(self, t: float) -> tuple[Plane, Plane]:
        """Return the point that each node of the grid sees, in small pixels of the picture in between."""
        pose = self._journey.at(t)
        x, y = _applied(_flat(pose, _there_and_home(t), self._wide, self._tall), self._x, self._y)
        across, down = self._found.scale
        return np.asarray((x + 0.5) * across - 0.5, np.float32), np.asarray((y + 0.5) * down - 0.5, np.float32)

    def _origins(self, x: Plane, y: Plane, way: float) -> tuple[Plane, Plane, Plane, Plane]:
        """Return which points of the first picture, and of the second's plane, have come to x, y."""
        found = self._found
        between = (1.0 - way) * np.eye(2, 3) + way * found.turn
        undo = inverse(between)
        start_x, start_y = _applied(undo, x, y)
        linear = undo[:, :2]
        ahead, behind = way * (linear @ found.turn[:, :2]), (1.0 - way) * linear
        a_x, a_y = _followed(found.onwards, start_x, start_y, ahead)
        u_x, u_y = _followed(found.back, start_x, start_y, behind)
        return a_x, a_y, u_x, u_y

    def _within(self, x: Plane, y: Plane) -> Plane:
        """Return 1 inside a picture, 0 beyond its edge, with a soft rim."""
        tall, wide = self._found.onwards.shape[:2]
        rim = max(_RIM * max(tall, wide), 1.0)
        inside = np.minimum(np.minimum(x + 0.5, wide - 0.5 - x), np.minimum(y + 0.5, tall - 0.5 - y))
        return np.asarray(np.clip(inside / rim + 0.5, 0.0, 1.0), dtype=np.float32)

    def _mix(self, first: tuple[Plane, Plane], second: tuple[Plane, Plane], part: Plane, frame: Picture) -> None:
        """Read both where needed and mix them; the one that is seen more is read with the better kernel."""
        better = float(part.mean()) >= 0.5
        if better:
            first, second, part = second, first, np.asarray(1.0 - part, dtype=np.float32)
        main, other = (self._second, self._first) if better else (self._first, self._second)
        self._read(main, first, frame, _ALL, cv2.INTER_CUBIC)
        area = self._area(part)
        if area is None:
            return
        weight = np.ascontiguousarray(self._upscaled(part)[area])
        seen, added = np.ascontiguousarray(frame[area]), np.empty_like(frame[area])
        self._read(other, second, added, area, cv2.INTER_LINEAR)
        # In strips that stay in the processor's cache: four bytes for each of a whole frame's would not.
        for top in range(0, len(seen), _STRIP):
            rows = slice(top, top + _STRIP)
            one, other_one = cv2.LUT(seen[rows], LIGHT), cv2.LUT(added[rows], LIGHT)
            light = cv2.blendLinear(one, other_one, np.float32(1.0) - weight[rows], weight[rows])
            darkened(np.asarray(light, np.float32), seen[rows])
        frame[area] = seen

    def _area(self, part: Plane) -> Area | None:
        """Return the part of the frame in which a share of the grid is not nothing."""
        rows, columns = np.flatnonzero(part.max(axis=1) > _NOTHING), np.flatnonzero(part.max(axis=0) > _NOTHING)
        if len(rows) == 0:
            return None
        top, bottom = max(0, (int(rows[0]) - 2) * _CELL), min(self._tall, (int(rows[-1]) + 1) * _CELL)
        left, right = max(0, (int(columns[0]) - 2) * _CELL), min(self._wide, (int(columns[-1]) + 1) * _CELL)
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None

    def _read(self, picture: Picture, at: tuple[Plane, Plane], frame: Picture, area: Area, kernel: int) -> None:
        across, down = self._found.scale
        x, y = (at[0] + 0.5) / across - 0.5, (at[1] + 0.5) / down - 0.5
        maps = self._upscaled(x.astype(np.float32))[area], self._upscaled(y.astype(np.float32))[area]
        cv2.remap(picture, *maps, kernel, dst=frame, borderMode=cv2.BORDER_REPLICATE)

    def _upscaled(self, plane: Plane) -> Plane:
        size = (self._columns * _CELL, self._rows * _CELL)
        full = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(full[_CELL : _CELL + self._tall, _CELL : _CELL + self._wide], dtype=np.float32)


def _nodes(count: int) -> Plane:
    """Return where the grid's nodes lie along one side, in frame pixels; the grid reaches a cell beyond the frame."""
    return np.asarray((np.arange(count) - 0.5) * _CELL - 0.5, dtype=np.float32)


def _followed(flow: Plane, x: Plane, y: Plane, linear: npt.NDArray[np.float64]) -> tuple[Plane, Plane]:
    """Return the points p with p + linear · flow(p) = (x, y), by iteration."""
    at_x, at_y = x, y
    for _ in range(_STEPS):
        moved = cv2.remap(flow, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        at_x = (x - linear[0, 0] * moved[..., 0] - linear[0, 1] * moved[..., 1]).astype(np.float32)
        at_y = (y - linear[1, 0] * moved[..., 0] - linear[1, 1] * moved[..., 1]).astype(np.float32)
    return at_x, at_y


def _applied(turn: Affine, x: Plane, y: Plane) -> tuple[Plane, Plane]:
    (a, b, c), (d, e, f) = turn.astype(np.float32)
    return np.asarray(a * x + b * y + c, dtype=np.float32), np.asarray(d * x + e * y + f, dtype=np.float32)


def _read(plane: Plane, x: Plane, y: Plane) -> Plane:
    return np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)


def _there_and_home(t: float) -> float:
    """Return how much of the camera's way counts: 0 at both ends, at rest there and in the middle."""
    return _CAMERA * math.sin(math.pi * t) ** 2


def _flat(pose: Pose, share: float, wide: int, tall: int) -> Affine:
    """Return which point of a flat picture each frame pixel sees, closed in so that no edge is ever seen."""
    across = share * (pose.right * 0.6 + pose.pan) * wide
    down = -share * (pose.up * 0.6 + pose.tilt) * tall
    angle, size = share * pose.roll, math.exp(share * (pose.zoom + 0.8 * pose.forward))
    cos, sin = math.cos(angle), math.sin(angle)
    reach_x, reach_y = abs(cos) * wide + abs(sin) * tall, abs(sin) * wide + abs(cos) * tall
    size = max(size, reach_x / max(wide - 2 * abs(across), 1.0), reach_y / max(tall - 2 * abs(down), 1.0))
    cos, sin = cos / size, sin / size
    middle_x, middle_y = (wide - 1) / 2, (tall - 1) / 2
    return np.array(
        [
            [cos, -sin, middle_x + across - cos * middle_x + sin * middle_y],
            [sin, cos, middle_y + down - sin * middle_x - cos * middle_y],
        ]
    )
