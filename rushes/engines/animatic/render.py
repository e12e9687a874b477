"""One frame from one pose: the photograph as a surface in depth, seen from where the camera stands.

For each pixel of the frame the ray is followed to the surface (a few steps of iteration on a coarse grid), and the
photograph is read there with a cubic kernel. One smooth surface was chosen over cut-out layers: without weights the
cuts are guesses, and a wrong cut shows as a halo while a wrong slope does not show at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.stir import Stirred

Stirrer = Callable[[Plane, Plane], Stirred]

Hold = Callable[[Plane, Plane], tuple[Plane, Plane]]

_CELL = 8  # frame pixels per cell of the coarse grid
_STEPS = 4  # of following a ray to the surface; it has settled to 0.05 pixels after three
_FOCAL = 1.2  # focal length over the geometric mean of the sides: a normal lens, slightly wide
_MOST_TURN = 0.1  # of a side; what a pan over a panorama goes beyond that is a slide
ELASTIC = 0.30  # part of a side over which the surface may be stretched outwards to fill the frame


@dataclass(frozen=True, slots=True)
class Overflow:
    """How far a frame looks past the picture on each side, in pixels; 0 where it does not."""

    left: float
    top: float
    right: float
    bottom: float


class Stage:
    """A picture set up in depth before a camera of one frame size.

    `picture` may be larger than the frame; the resting camera sees its middle. `disparity` is FAR..1, of any size and
    the picture's shape.
    """

    def __init__(
        self, picture: Picture, disparity: Plane, width: int, height: int, kernel: int = cv2.INTER_CUBIC
    ) -> None:
        """`kernel` is OpenCV's way of reading between pixels: a linear one is enough where nothing is finer than two.

        It takes a third of the time of a cubic one.
        """
        self._kernel = kernel
        self.picture, self.estimate = picture, disparity
        self.width, self.height = width, height
        tall, wide = picture.shape[:2]
        self._left, self._top = (wide - width) // 2, (tall - height) // 2
        # Half size: OpenCV reads maps at 1/32 of a pixel, and coarser steps in depth would be seen as steps in time.
        self._depth = cv2.resize(disparity, ((wide + 1) // 2, (tall + 1) // 2), interpolation=cv2.INTER_CUBIC)
        self._focal = _FOCAL * math.sqrt(width * height)
        self.hold: Hold | None = None
        self._columns, self._rows = -(-width // _CELL) + 2, -(-height // _CELL) + 2
        # Nodes lie where `cv2.resize` puts them when it enlarges (see `upscaled`): in the middle of
        # cells, of which the first begins one cell before the frame.
        x = (np.arange(self._columns, dtype=np.float32) - 0.5) * _CELL - 0.5
        y = (np.arange(self._rows, dtype=np.float32) - 0.5) * _CELL - 0.5
        self._x = ((x - (width - 1) / 2) / self._focal)[None, :]
        self._y = ((y - (height - 1) / 2) / self._focal)[:, None]

    def resting(self) -> Picture:
        """Return what the camera sees before it moves: the middle of the picture, untouched."""
        return np.asarray(self.picture[self.rested()], dtype=np.uint8)

    def rested(self) -> tuple[slice, slice]:
        """Return which part of the picture the resting camera sees."""
        return np.s_[self._top : self._top + self.height, self._left : self._left + self.width]

    def frame_nodes(self) -> tuple[Plane, Plane]:
        """Return where the coarse grid's nodes lie in the frame, (rows, columns) each, in pixels."""
        x = self._x * self._focal + np.float32((self.width - 1) / 2) + 0.0 * self._y
        y = self._y * self._focal + np.float32((self.height - 1) / 2) + 0.0 * self._x
        return np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)

    def at_rest(self) -> tuple[Plane, Plane]:
        """Return what the resting camera's coarse grid sees: picture coordinates x and y."""
        x, y = self.frame_nodes()
        return x + np.float32(self._left), y + np.float32(self._top)

    def draw(self, pose: Pose, frame: Picture, stir: Stirrer | None = None) -> None:
        """Write the view from `pose` into `frame` (height, width, 3). Never shows anything beyond the picture.

        `stir` may move the picture's coordinates that the coarse grid sees.
        """
        x, y = self._reach(pose)
        over = self._overflow(x, y)
        x = _elastic(x, over.left, over.right, self.picture.shape[1], self.width)
        y = _elastic(y, over.top, over.bottom, self.picture.shape[0], self.height)
        if stir is None:
            self._read(x, y, frame)
            return
        stirred = stir(x, y)
        self._read(stirred.x, stirred.y, frame)
        if stirred.second is not None:
            self._mix(stirred, stirred.second, frame)

    def _read(self, x: Plane, y: Plane, frame: Picture, rows: slice = slice(None)) -> None:
        """Fill rows of the frame from the picture coordinates of the whole coarse grid."""
        if self.hold is not None:
            x, y = self.hold(x, y)
        cv2.remap(
            self.picture,
            self.upscaled(x)[rows],
            self.upscaled(y)[rows],
            self._kernel,
            dst=frame[rows],
            borderMode=cv2.BORDER_REPLICATE,  # reached by half a pixel at most
        )

    def _mix(self, stirred: Stirred, second: tuple[Plane, Plane], frame: Picture) -> None:
        """Mix in the second reading, only in the rows in which it differs."""
        differs = np.abs(stirred.y - second[1]).max(axis=1) > 0.02
        found = np.flatnonzero(differs)
        if len(found) == 0:
            return
        # Two cells of room: a node counts in its neighbours' cells too.
        rows = slice(max(0, (int(found[0]) - 2) * _CELL), min(self.height, (int(found[-1]) + 2) * _CELL))
        other = np.empty_like(frame)
        self._read(*second, other, rows)
        cv2.addWeighted(frame[rows], 1.0 - stirred.share, other[rows], stirred.share, 0.0, dst=frame[rows])

    def nodes(self, pose: Pose) -> tuple[Plane, Plane, Plane]:
        """Return what the coarse grid sees: picture coordinates x and y, and the disparity there."""
        x, y = self._reach(pose)
        return x, y, self._depth_at(x, y)

    def near_at(self, x: Plane, y: Plane) -> Plane:
        """Return the disparity at points of the picture, (N,)."""
        return np.asarray(self._depth_at(x[None], y[None])[0], dtype=np.float32)

    def before(self, x: Plane, y: Plane, near: Plane) -> Plane:
        """Return 1 where things at points of the picture are before its surface, 0 behind it, softly between."""
        return np.asarray(np.clip((near - self.near_at(x, y)) / 0.12 + 1.0, 0.0, 1.0), dtype=np.float32)

    def full(self, plane: Plane, frame: Picture) -> Picture:
        """Return a plane of bytes on the coarse grid, (rows, columns) or with channels, at the frame's size."""
        size = (self._columns * _CELL, self._rows * _CELL)
        large = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(large[_CELL : _CELL + self.height, _CELL : _CELL + self.width], dtype=np.uint8)

    def place(self, pose: Pose, x: Plane, y: Plane, near: Plane) -> tuple[Plane, Plane]:
        """Return where in the frame things are seen that rest before the picture's points x, y at disparity `near`.

        The inverse of what `draw` follows, without the stretching of the rim.
        """
        focal = self._focal
        seen_x = (x - self._left - (self.width - 1) / 2) / focal
        seen_y = (y - self._top - (self.height - 1) / 2) / focal
        # What the camera has passed would turn inside out.
        closer = np.maximum(1.0 - near * pose.forward, 0.05)
        seen_x = (seen_x - near * pose.right * self.width / focal) / closer
        seen_y = (seen_y + near * pose.up * self.height / focal) / closer
        (tilt, slide_up), (pan, slide) = self._turned(pose.tilt, self.height), self._turned(pose.pan, self.width)
        seen_x, seen_y = seen_x - slide, seen_y + slide_up
        seen_x, depth = seen_x * math.cos(pan) - math.sin(pan), seen_x * math.sin(pan) + math.cos(pan)
        seen_y, depth = (
            seen_y * math.cos(tilt) + depth * math.sin(tilt),
            depth * math.cos(tilt) - seen_y * math.sin(tilt),
        )
        seen_x, seen_y = seen_x / depth, seen_y / depth
        lens = math.exp(pose.zoom)
        cos, sin = lens * math.cos(pose.roll), lens * math.sin(pose.roll)
        along, below = cos * seen_x + sin * seen_y, cos * seen_y - sin * seen_x
        return (
            np.asarray(along * focal + (self.width - 1) / 2, dtype=np.float32),
            np.asarray(below * focal + (self.height - 1) / 2, dtype=np.float32),
        )

    def seen_at(self, pose: Pose, points: Plane, near: float) -> Plane:
        """Return where places of the picture, (N, 2) in its pixels, at one disparity, are seen in the frame.

        The way of `draw` backwards, without the stretch of the rim.
        """
        x, y = self.place(pose, points[:, 0], points[:, 1], np.full(len(points), near, np.float32))
        return np.stack([x, y], axis=1)

    def overflow(self, pose: Pose) -> Overflow:
        """Return how far the view from `pose` would look past the picture if it were not stretched."""
        return self._overflow(*self._reach(pose))

    def _reach(self, pose: Pose) -> tuple[Plane, Plane]:
        """Return the picture coordinates that each node of the coarse grid sees."""
        x, y = self._rays(pose)
        right = pose.right * self.width / self._focal
        down = -pose.up * self.height / self._focal
        centre_x, centre_y = (self.width - 1) / 2 + self._left, (self.height - 1) / 2 + self._top
        seen_x, seen_y = x, y
        if pose.forward or right or down:
            # Where a ray meets the surface depends on the depth that is found there.
            for _ in range(_STEPS):
                near = self._depth_at(seen_x * self._focal + centre_x, seen_y * self._focal + centre_y)
                closer = 1.0 - near * pose.forward
                seen_x, seen_y = closer * x + near * right, closer * y + near * down
        return seen_x * self._focal + centre_x, seen_y * self._focal + centre_y

    def _rays(self, pose: Pose) -> tuple[Plane, Plane]:
        """Return where each node's ray meets the far plane: lens, then roll, then tilt, then pan."""
        lens = math.exp(-pose.zoom)
        cos, sin = lens * math.cos(pose.roll), lens * math.sin(pose.roll)
        x, y = cos * self._x - sin * self._y, sin * self._x + cos * self._y
        (tilt, slide_up), (pan, slide) = self._turned(pose.tilt, self.height), self._turned(pose.pan, self.width)
        y, z = y * math.cos(tilt) - math.sin(tilt), y * math.sin(tilt) + math.cos(tilt)
        x, z = x * math.cos(pan) + z * math.sin(pan), z * math.cos(pan) - x * math.sin(pan)
        return np.asarray(x / z + slide, dtype=np.float32), np.asarray(y / z - slide_up, dtype=np.float32)

    def _turned(self, amount: float, side: int) -> tuple[float, float]:
        """Split a pan or tilt into an angle and a plain slide: a flat picture cannot be turned far before it gapes."""
        turn = max(-_MOST_TURN, min(_MOST_TURN, amount))
        return math.atan(turn * side / self._focal), (amount - turn) * side / self._focal

    def _depth_at(self, x: Plane, y: Plane) -> Plane:
        # Places of pixels' middles, at half size.
        seen = cv2.remap(self._depth, x / 2 - 0.25, y / 2 - 0.25, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, dtype=np.float32)

    def _overflow(self, x: Plane, y: Plane) -> Overflow:
        wide, tall = self.picture.shape[1] - 0.5, self.picture.shape[0] - 0.5
        frame_x = _border(x, self.width, self.height)
        frame_y = _border(y, self.width, self.height)
        return Overflow(
            max(0.0, -0.5 - float(frame_x.min())),
            max(0.0, -0.5 - float(frame_y.min())),
            max(0.0, float(frame_x.max()) - wide),
            max(0.0, float(frame_y.max()) - tall),
        )

    def upscaled(self, plane: Plane) -> Plane:
        """Return a plane on the coarse grid at the frame's size."""
        size = (self._columns * _CELL, self._rows * _CELL)
        full = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(full[_CELL : _CELL + self.height, _CELL : _CELL + self.width], dtype=np.float32)


def _border(plane: Plane, width: int, height: int) -> Plane:
    """Return a grid's values along the frame's four edges, corners included (the grid reaches half a cell further)."""
    across, down = width / _CELL + 0.5, height / _CELL + 0.5
    sides = []
    for grid, edges, length in ((plane, (0.5, down), across), (plane.T, (0.5, across), down)):
        for edge in edges:
            line = _between(grid, edge)
            corners = np.array([_between(line, 0.5), _between(line, length)], np.float32)
            sides += [corners, line[1 : int(length) + 1]]
    return np.concatenate(sides)


def _between(plane: Plane, at: float) -> Plane:
    first = int(at)
    share = np.float32(at - first)
    between = plane[first] if not share else (1 - share) * plane[first] + share * plane[first + 1]
    return np.asarray(between, dtype=np.float32)


def _elastic(at: Plane, before: float, after: float, length: int, frame: int) -> Plane:
    """Squeeze coordinates that overflow by `before` and `after` back into -0.5..length-0.5.

    Only the outer part is squeezed, with the slope growing gently from 1, so that the picture's rim is stretched as a
    wide lens would stretch it, and nothing happens where nothing overflows.
    """
    zone = ELASTIC * frame
    for sign, edge, wanted in ((1.0, -0.5, before), (-1.0, length - 0.5, after)):
        if wanted <= 0.0:
            continue
        over = min(wanted, 0.7 * zone)  # at 1.0 the rim would fold over; a framed path stays far below
        inside = np.maximum(zone - sign * (at - edge), 0.0)  # 0 at the zone's inner end, zone + over at the frame's rim
        at = (at + sign * over * (inside / (zone + over)) ** 2).astype(np.float32)
    return at
