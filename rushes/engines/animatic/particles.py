"""What falls and floats before a picture: rain, snow, leaves, dust, embers, bubbles, confetti, fireflies; and stars.

Each thing hangs at a place in the picture's space and is seen by the same camera, so that it passes faster the nearer
it is, and behind what is nearer still. Positions are functions of time; with a period they come back: what glows or
swings does so a whole number of times, and what goes its way is gone for a moment, and begins it anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.elements import Kind
from rushes.engines.animatic.length import lengths
from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.render import Stage

_SPAN = 1.7  # frames across in which things are strewn; the camera never looks further
_GONE = 0.1  # of a period in which a thing fades, and again as long in which it comes back
Colours = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Species:
    """How one kind looks and moves. Lengths in frame heights, times in seconds, for things at disparity 1.

    `fall` and `blow`: speed down and to the side; `sway`: width of swinging; `length`: of a streak along the way, or of
    an elongated body when `spins`; `near`: from the farthest to the nearest disparity; `pulse`: hertz of glowing.
    """

    count: int
    colours: Colours
    alpha: float
    radius: float
    fall: float
    blow: float = 0.0
    sway: float = 0.0
    length: float = 0.0
    spins: bool = False
    near: tuple[float, float] = (0.4, 1.9)
    pulse: float = 0.0
    hollow: bool = False
    adds: bool = False


_AUTUMN: Colours = ((176, 92, 34), (202, 140, 44), (148, 58, 30), (120, 98, 40))
SPECIES: dict[Kind, Species] = {
    "rain": Species(620, ((214, 223, 236),), 0.5, 0.0009, 1.35, 0.10, length=0.035),
    "snow": Species(760, ((252, 253, 255),), 0.9, 0.0031, 0.11, 0.025, 0.016),
    "leaves": Species(34, _AUTUMN, 0.95, 0.0062, 0.13, 0.09, 0.05, length=0.016, spins=True),
    "petals": Species(70, ((255, 196, 212), (250, 222, 230), (244, 170, 190)), 0.92, 0.004, 0.09, 0.07, 0.04,
                      length=0.008, spins=True),
    "dust": Species(150, ((255, 240, 208),), 0.42, 0.0016, -0.006, 0.014, 0.02, pulse=0.3),
    "embers": Species(110, ((255, 150, 50), (255, 196, 90), (255, 110, 30)), 0.95, 0.0017, -0.2, 0.03, 0.03,
                      pulse=1.7, adds=True),
    "bubbles": Species(36, ((232, 244, 252),), 0.6, 0.014, -0.07, 0.02, 0.02, hollow=True),
    "confetti": Species(150, ((236, 66, 84), (250, 204, 60), (70, 160, 240), (90, 200, 120), (190, 110, 220)), 0.96,
                        0.0034, 0.2, 0.01, 0.03, length=0.008, spins=True),
    "fireflies": Species(46, ((220, 255, 120),), 0.95, 0.0024, -0.008, 0.0, 0.04, pulse=0.5, adds=True),
}  # fmt: skip


class Particles:
    """All things of one species before one stage."""

    def __init__(
        self, kind: Kind, stage: Stage, *, strength: float, seed: int, period: float | None, side: float = 1.0
    ) -> None:
        """`side`: 1 or -1, to which the wind blows."""
        self._kind, self._stage, self._period = SPECIES[kind], stage, period
        # Dice of its own for each kind: snow with embers falls as snow alone does.
        dice = np.random.default_rng([seed % 2**63, sum(map(ord, kind))])
        species = self._kind
        count = max(4, round(species.count * strength))
        self._u, self._v, draw = (dice.uniform(0.0, 1.0, count) for _ in range(3))
        low, high = species.near
        # Room grows with distance, so far things are many and near ones few; sorted, the near ones are drawn last.
        self._near = np.sort(low + (high - low) * draw**2.2).astype(np.float32)
        self._phase = dice.uniform(0.0, math.tau, (4, count))
        self._hertz = dice.uniform(0.7, 1.4, (4, count))
        palette = np.array(species.colours, np.float32)
        self._colour = palette[dice.integers(0, len(palette), count)]
        blow = species.blow * side * (1.0 if strength < 1.3 else 1.8)
        # Spans a second, by distance.
        self._fall = species.fall * dice.uniform(0.85, 1.15, count) * self._near / _SPAN
        self._blow = blow * (dice.uniform(0.6, 1.4, count) if species.sway else np.ones(count)) * self._near / _SPAN
        self._begins = dice.uniform(0.0, 1.0, count)

    def draw(self, pose: Pose, seconds: float, presence: float, frame: Picture) -> None:
        """Paint them into the frame; `presence` 0..1 fades them all."""
        species, stage = self._kind, self._stage
        way_s, there = self._lives(seconds)
        x, y = self._where(seconds, way_s)
        across, down = stage.place(pose, x, y, self._near)
        size = stage.height * self._near * math.exp(pose.zoom)
        alpha = species.alpha * presence * self._glow(seconds) * stage.before(x, y, self._near) * there
        # Half a pixel at least, and paler instead of smaller: what is thinner flickers.
        radius = np.maximum(species.radius * size, 0.55)
        alpha = alpha * np.minimum(1.0, species.radius * size / 0.55 + 0.25)
        along = self._along(seconds, size)
        seen = (alpha > 0.01) & (np.abs(across - stage.width / 2) < stage.width * 0.6)
        seen &= np.abs(down - stage.height / 2) < stage.height * 0.65
        at = np.stack([across, down], axis=1)[seen]
        soft = np.clip(np.abs(self._near[seen] - 1.0) * 1.1, 0.25, 1.0) * radius[seen] + 0.5
        brush = Brush(at, along[seen], radius[seen], soft, alpha[seen], self._colour[seen])
        brush.paint(frame, hollow=species.hollow, adds=species.adds)

    def _lives(self, seconds: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return for how many seconds each thing has been on its way, and how much of it is there, 0..1.

        Snow comes round too slowly to be back where it was when a short loop closes, so each flake begins anew at a
        moment of its own, unseen.
        """
        if self._period is None:
            return np.full(len(self._near), seconds), np.ones(len(self._near))
        part = (seconds / self._period + self._begins) % 1.0
        there = np.clip(np.minimum(part, 1.0 - part) / _GONE, 0.0, 1.0)
        return part * self._period, there

    def _where(self, seconds: float, way_s: npt.NDArray[np.float64]) -> tuple[Plane, Plane]:
        stage, sway = self._stage, self._kind.sway
        u = (self._u + self._blow * way_s) % 1.0
        v = (self._v + self._fall * way_s) % 1.0
        tall, wide = stage.picture.shape[:2]
        # What is far is strewn wider, for the camera sees more of its plane.
        reach = _SPAN / self._near.clip(0.4, 1.0) ** 0.5
        x = wide / 2 + (u - 0.5) * reach * stage.width
        y = tall / 2 + (v - 0.5) * reach * stage.height
        if sway:
            x += sway * stage.height * self._near * self._swing(0, 0.45, seconds)
            y += 0.4 * sway * stage.height * self._near * self._swing(1, 0.6, seconds)
        return x.astype(np.float32), y.astype(np.float32)

    def _swing(self, row: int, hertz: float, seconds: float) -> npt.NDArray[np.float64]:
        rate = self._hertz[row] * hertz
        if self._period is not None:
            rate = np.maximum(1.0, np.round(rate * self._period)) / self._period
        return np.asarray(np.sin(self._phase[row] + math.tau * rate * seconds))

    def _glow(self, seconds: float) -> npt.NDArray[np.float64]:
        if not self._kind.pulse:
            return np.ones(len(self._near))
        return np.asarray((0.5 + 0.5 * self._swing(2, self._kind.pulse, seconds)) ** 1.5)

    def _along(self, seconds: float, size: Plane) -> Plane:
        """Return the vector from one end of each thing to the other, in pixels."""
        species = self._kind
        length = species.length * size
        if species.spins:  # a leaf turns about its stem too, so that it is seen edge-on in between
            turn = self._swing(3, 0.35, seconds) * 2.2 + self._phase[2]
            return np.stack([np.cos(turn) * length, np.sin(turn) * length * 0.8], axis=1).astype(np.float32)
        way = np.stack([self._blow, self._fall], axis=1)
        speed = np.maximum(np.linalg.norm(way, axis=1), 1e-9)
        return np.asarray(way / speed[:, None] * length[:, None], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Brush:
    """Strokes of soft-edged capsules: `at` (N, 2) centres and `along` (N, 2) their length, x then y; the rest (N,)."""

    at: Plane
    along: Plane
    radius: Plane
    soft: Plane
    alpha: Plane
    colour: Plane  # (N, 3)

    def paint(self, frame: Picture, *, hollow: bool = False, adds: bool = False) -> None:
        """Put them on the frame, in order, grouped by size so that each group is one piece of arithmetic."""
        reach = (np.abs(self.along) / 2 + (self.radius + self.soft)[:, None] + 1.0).astype(np.int64)
        group = np.minimum(np.maximum(reach[:, 0], 1), 24) * 64 + np.minimum(np.maximum(reach[:, 1], 1), 40)
        group = (group // 64 + 1) // 2 * 128 + (group % 64 + 1) // 2  # in steps of two pixels: fewer, fuller groups
        for key in np.unique(group):
            rows = np.flatnonzero(group == key)
            around = int(key // 128 * 2), int(key % 128 * 2)
            self._stamp(frame, rows, around, hollow=hollow, adds=adds)

    def _stamp(
        self, frame: Picture, rows: npt.NDArray[np.int64], reach: tuple[int, int], *, hollow: bool, adds: bool
    ) -> None:
        wide, tall = reach
        at, along = self.at[rows].astype(np.float32), self.along[rows].astype(np.float32)
        radius, soft, alpha = (part[rows, None].astype(np.float32) for part in (self.radius, self.soft, self.alpha))
        corner = np.floor(at)
        dx, dy = _around(wide, tall)
        # All in single precision and in the pixels' own frame: half of what doubles of the whole frame's cost.
        away_x, away_y = dx - (at - corner)[:, :1], dy - (at - corner)[:, 1:]  # (N, pixels)
        length = np.maximum((along**2).sum(axis=1, keepdims=True), np.float32(1e-6))
        part = np.clip(away_x * (along[:, :1] / length) + away_y * (along[:, 1:] / length), -0.5, 0.5)
        away = lengths(away_x - part * along[:, :1], away_y - part * along[:, 1:])
        if hollow:
            away = np.abs(away - np.float32(0.85) * radius) + np.float32(0.8) * radius
        cover = np.clip((radius - away) / soft + np.float32(0.5), 0.0, 1.0) * alpha
        whose, pixel = np.nonzero(cover > 0.01)
        x = corner[whose, 0].astype(np.int64) + dx[pixel].astype(np.int64)
        y = corner[whose, 1].astype(np.int64) + dy[pixel].astype(np.int64)
        inside = (x >= 0) & (y >= 0) & (x < frame.shape[1]) & (y < frame.shape[0])
        whose, pixel, place = whose[inside], pixel[inside], (y * frame.shape[1] + x)[inside]
        flat = frame.reshape(-1, 3)
        under = flat[place].astype(np.float32)
        colour, amount = self.colour[rows[whose]], cover[whose, pixel][:, None]
        flat[place] = np.minimum(under + amount * (colour if adds else colour - under) + 0.5, 255.0).astype(np.uint8)


@lru_cache(maxsize=256)
def _around(wide: int, tall: int) -> tuple[Plane, Plane]:
    """Return the pixels of a rectangle around a pixel, x and y from it: (pixels,) each, the same array every time."""
    dy, dx = np.mgrid[-tall : tall + 1, -wide : wide + 1].astype(np.float32)
    return dx.reshape(-1), dy.reshape(-1)


class Stars:
    """Bright points of a dark sky that shine now more, now less."""

    def __init__(self, stage: Stage, sky: Plane, *, strength: float, seed: int, period: float | None) -> None:
        self._stage, self._period, self._strength = stage, period, strength
        light = cv2.cvtColor(stage.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        point = light - cv2.GaussianBlur(light, (0, 0), 4.0)
        point *= light >= cv2.dilate(light, np.ones((9, 9), np.uint8))
        dark = cv2.GaussianBlur(light, (0, 0), 12.0) < 110
        above = cv2.resize(sky, (light.shape[1], light.shape[0]), interpolation=cv2.INTER_LINEAR)
        rows = np.arange(light.shape[0])[:, None] < 0.75 * light.shape[0]
        # How much brighter than its surroundings a local peak is; more in what is surely sky.
        score = np.where(dark & rows, point * (0.3 + above), 0.0)
        order = np.argsort(score, axis=None, kind="stable")[::-1][:160]
        order = order[score.reshape(-1)[order] > 5.0]
        self._y, self._x = (part.astype(np.float32) for part in np.unravel_index(order, score.shape))
        dice = np.random.default_rng([seed % 2**63, 77])
        self._phase, self._hertz = dice.uniform(0, math.tau, len(order)), dice.uniform(0.3, 1.3, len(order))

    def draw(self, pose: Pose, seconds: float, presence: float, frame: Picture) -> None:
        """Add their light to the frame."""
        if not len(self._x):
            return
        near = self._stage.near_at(self._x, self._y)
        x, y = self._stage.place(pose, self._x, self._y, near)
        rate = (
            self._hertz if self._period is None else np.maximum(1, np.round(self._hertz * self._period)) / self._period
        )
        shine = np.maximum(np.sin(self._phase + math.tau * rate * seconds), 0.0) ** 2
        size = np.full(len(x), max(1.0, self._stage.height / 500), np.float32)
        at = np.stack([x, y], axis=1)
        white = np.full((len(x), 3), (235, 240, 255), np.float32)
        amount = np.asarray(0.75 * self._strength * presence * shine, dtype=np.float32)
        Brush(at, np.zeros_like(at), size * 0.8, size * 2.2, np.minimum(amount, 1.0), white).paint(frame, adds=True)
