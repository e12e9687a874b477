"""The named effects: a plain, recognisable motion of the whole frame for each, laid over whatever the camera sees.

Each effect is a function of time and frame; none is at its first moment, so that a film begins on its picture. Warps
are computed on a coarse grid and never read beyond the frame's edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.easing import ease, smoothstep
from rushes.engines.animatic.face import Face, find_face
from rushes.engines.animatic.hearts import outlined, rising
from rushes.errors import ModelError

_CELL = 8
_GLOSS = 1.2  # the most that a strand shines
_BRIGHTEST = 1.0 + 0.26 * _GLOSS
_PINK = (255, 92, 138)
_FARTHEST = 0.72  # from the middle, of half the frame, that an effect may have its own
_ABOUT_ONE = ("squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy")


@dataclass(frozen=True, slots=True)
class Grid:
    """Where each node of a coarse grid lies: `u`, `v` from -1 to 1 across the frame, 0 at what the effect is about.

    `middle` is where that is, from -1 to 1; `head` half the height of a face that is there, of the frame's, 0 if none.
    """

    width: int
    height: int
    u: Plane
    v: Plane
    noise: Plane
    middle: tuple[float, float] = (0.0, 0.0)
    head: float = 0.0
    cell: int = _CELL  # frame pixels from node to node

    @classmethod
    def over(cls, width: int, height: int, seed: int) -> Grid:
        """Lay the grid over a frame; the noise, (rows, columns, 2), is the seed's."""
        columns, rows = -(-width // _CELL) + 2, -(-height // _CELL) + 2
        u, v = np.meshgrid(_nodes(columns, width), _nodes(rows, height))
        noise = np.random.default_rng(seed % 2**63).normal(0.0, 1.0, (rows, columns, 2))
        return cls(width, height, u.astype(np.float32), v.astype(np.float32), noise.astype(np.float32))

    def warp(self, frame: Picture, u: Plane, v: Plane) -> None:
        """Read the frame at other places, given for each node, in place."""
        half = np.array([self.width / 2, self.height / 2], np.float32)
        nodes = np.asarray(cv2.merge([u, v]), np.float32)
        if self.middle != (0.0, 0.0):
            middle = np.array(self.middle, np.float32)
            nodes = middle + nodes * np.where(nodes < 0.0, 1.0 + middle, 1.0 - middle).astype(np.float32)
        size = (nodes.shape[1] * self.cell, nodes.shape[0] * self.cell)
        whole = cv2.resize((nodes + 1) * half - np.float32(0.5), size)
        places = whole[self.cell : self.cell + self.height, self.cell : self.cell + self.width]
        frame[...] = cv2.remap(frame, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]

    def about(self, face: Face | None) -> Grid:
        """Return the grid with its zero at a face instead of the frame's middle; the rim stays where it is."""
        if face is None:
            return self
        left, top, right, bottom = face.box
        x = min(max((left + right) / self.width - 1.0, -_FARTHEST), _FARTHEST)
        y = min(max((top + bottom) / self.height - 1.0, -_FARTHEST), _FARTHEST)
        u = np.where(self.u < x, (self.u - x) / (1.0 + x), (self.u - x) / (1.0 - x)).astype(np.float32)
        v = np.where(self.v < y, (self.v - y) / (1.0 + y), (self.v - y) / (1.0 - y)).astype(np.float32)
        return replace(self, u=u, v=v, middle=(x, y), head=(bottom - top) / 2 / self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """Return the pixel that the effect is about."""
        return (self.middle[0] + 1.0) * self.width / 2, (self.middle[1] + 1.0) * self.height / 2

    def halved(self) -> Grid:
        """Return the same grid over a frame of half the size."""
        return replace(self, width=max(self.width // 2, 1), height=max(self.height // 2, 1), cell=self.cell // 2)


def _nodes(count: int, side: int) -> Plane:
    """Return where nodes lie along a side, -1 to 1 from edge to edge; the first is half a cell before the frame.

    That is where `cv2.resize` puts them when it enlarges. Anywhere else an effect that does nothing yet would already
    push the picture about, by pixels that are seen as a jolt.
    """
    return np.asarray((2.0 * np.arange(count) - 1.0) * _CELL / side - 1.0, dtype=np.float32)


Apply = Callable[[Grid, Picture, float], None]


class Effect:
    """One effect over one film."""

    def __init__(self, name: str, width: int, height: int, seed: int) -> None:
        """Raise ModelError for a name that is not known."""
        if name not in EFFECTS:
            raise ModelError("one_of", f"the animatic engine knows no effect {name!r}; it knows {', '.join(EFFECTS)}")
        self._apply = EFFECTS[name]
        self._grid = Grid.over(width, height, seed)
        self._looks = name in _ABOUT_ONE

    def draw(self, t: float, frame: Picture) -> None:
        """Lay the effect over a frame at `t` in 0..1, in place; at 0 the frame stays as it is."""
        if t > 0.0:
            if self._looks:  # once: somebody who turns away later is still who it is about
                self._grid, self._looks = self._grid.about(find_face(frame)), False
            self._apply(self._grid, frame, t)


def _drawn(at: Plane, amount: float) -> Plane:
    """Draw -1..1 together towards 0 (amount above 0), or swell it from there (below); the ends stay."""
    if amount >= 0.0:
        return np.asarray(at * (1.0 + amount) / (1.0 + amount * np.abs(at)), dtype=np.float32)
    return np.asarray(at / (1.0 - amount * (1.0 - np.abs(at))), dtype=np.float32)


def _hug(grid: Grid, frame: Picture, t: float) -> None:
    """Two who stand apart are drawn together, held, and swayed a little."""
    together, sway = ease(t / 0.6), smoothstep((t - 0.4) / 0.2)
    u = _drawn(grid.u, 0.35 * together)
    close = 1.0 - 0.16 * together
    lean = 0.03 * sway * math.sin(math.tau * 2.0 * (t - 0.4))
    grid.warp(frame, np.asarray(u * close + lean * (1 - grid.v**2) * 0.6, np.float32), grid.v * np.float32(close))
    _tint(frame, (255, 176, 120), 0.14 * together)


def _kiss(grid: Grid, frame: Picture, t: float) -> None:
    """Slowly nearer, then the last way quickly, close up."""
    near = 0.35 * smoothstep(t / 0.5) + 0.65 * smoothstep((t - 0.5) / 0.2)
    close = 1.0 - 0.34 * near
    centre = -0.12 * near  # faces are above the middle
    tilt = np.asarray(0.10 * near * grid.u * (1.0 - np.abs(grid.u)), np.float32)
    grid.warp(
        frame, _drawn(grid.u, 0.3 * near) * np.float32(close), grid.v * np.float32(close) + np.float32(centre) + tilt
    )
    _tint(frame, _PINK, 0.12 * near)
    rising(frame, t, 0.4, (0.5 * grid.width, 0.55 * grid.height), 5)


def _heart_gesture(grid: Grid, frame: Picture, t: float) -> None:
    """A heart closes around the picture and beats."""
    arrives = ease(t / 0.6)
    beat = 1.0 + 0.05 * arrives * max(0.0, math.sin(math.tau * 3.0 * t)) ** 3
    side = min(grid.width, grid.height)
    widest = 2.2 * math.hypot(grid.width, grid.height) / side  # at first it is beyond the corners
    size = widest * (1.02 / widest) ** arrives * beat * side / 2
    hole = outlined((grid.width / 2, 0.42 * grid.height), size * 0.95)
    # Half the size is fine enough for an edge that is softened anyway.
    mask = np.full((-(-grid.height // 2), -(-grid.width // 2)), 255, np.uint8)
    cv2.fillPoly(mask, [np.round(hole / 2 * 16).astype(np.int32)], (0.0,), cv2.LINE_AA, 4)
    left, top, across, down = cv2.boundingRect(255 - mask)
    area = np.s_[max(2 * top - 2, 0) : 2 * (top + down) + 2, max(2 * left - 2, 0) : 2 * (left + across) + 2]
    seen = frame[area].copy()
    _tint(frame, _PINK, 0.8)
    if seen.size:
        outside = cv2.cvtColor(cv2.resize(mask, (grid.width, grid.height))[area], cv2.COLOR_GRAY2RGB)
        pink = cv2.multiply(frame[area], outside, scale=1 / 255)
        frame[area] = cv2.add(pink, cv2.multiply(seen, cv2.bitwise_not(outside), scale=1 / 255))


def _squish(grid: Grid, frame: Picture, t: float) -> None:
    """Squeezed like a soft toy: flat, springing up, and settling, twice; the rim of the frame holds."""
    press = _springing(t / 0.5) if t < 0.5 else _springing((t - 0.5) / 0.5)
    fall = np.clip(1.0 - grid.u**2, 0, 1) * np.clip(1.0 - grid.v**2, 0, 1)
    # What is pressed down spreads sideways: the volume stays.
    wider = 1.0 / (1.0 + 0.4 * press * fall) if press > 0 else 1.0 - 0.4 * press * fall
    flatter = 1.0 + 0.55 * press * fall if press > 0 else 1.0 / (1.0 - 0.55 * press * fall)
    down = 0.35  # a soft thing is pressed onto what it stands on
    v = down + (grid.v - down) * flatter
    grid.warp(frame, np.asarray(grid.u * wider, np.float32), np.asarray(v, np.float32))


def _springing(t: float) -> float:
    """Return how far a spring is pressed: down quickly, held, then let go to swing out; 0 at both ends."""
    if t < 0.42:
        return smoothstep(t / 0.22)
    after = (t - 0.42) / 0.58
    return math.exp(-3.2 * after) * math.cos(math.tau * 2.25 * after) * smoothstep((1.0 - after) / 0.35)


def _expansion(grid: Grid, frame: Picture, t: float) -> None:
    """Blown up like a balloon, in puffs, rounder and rounder."""
    puffs = (math.floor(t * 4.0) + smoothstep((t * 4.0 % 1.0) / 0.55)) / 4.0 if t < 1.0 else 1.0
    size = 1.15 * puffs * (1.0 + 0.05 * math.sin(math.tau * 5.0 * t))
    away = np.minimum(np.hypot(grid.u, grid.v), 1.0)
    share = 1.0 / (1.0 + size * (1.0 - away))
    grid.warp(frame, np.asarray(grid.u * share, np.float32), np.asarray(grid.v * share, np.float32))


def _fuzzyfuzzy(grid: Grid, frame: Picture, t: float) -> None:
    """Fur grows outwards from everything: strands carry each colour over its outline, catch light, and shiver."""
    grown = smoothstep(t / 0.7)
    x, y, out_x, out_y, gloss = _fur(
        grid.width, grid.height, *(round(value) for value in grid.centre), round(grid.head * grid.height)
    )
    shiver = 0.22 * math.sin(math.tau * 3.0 * t)
    reach = 0.034 * min(grid.width, grid.height) * grown
    from_x = cv2.scaleAdd(out_y, reach * shiver, cv2.scaleAdd(out_x, -reach, x))
    from_y = cv2.scaleAdd(out_x, -reach * shiver, cv2.scaleAdd(out_y, -reach, y))
    furry = cv2.remap(frame, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    table = (1.0 + 0.26 * grown * (np.arange(256) / 127.5 - 1.0) * _GLOSS) * (255.0 / _BRIGHTEST)
    light = cv2.cvtColor(cv2.LUT(gloss, (table + 0.5).astype(np.uint8)), cv2.COLOR_GRAY2RGB)
    cv2.multiply(furry, light, dst=frame, scale=_BRIGHTEST / 255.0)


@lru_cache(maxsize=1)  # drawn once for a film, not once a frame
def _fur(width: int, height: int, middle: int, level: int, head: int) -> tuple[Plane, Plane, Plane, Plane, Picture]:
    """Return each pixel's x and y, how far its strand reaches in x and y (0..1, outwards), and its gloss.

    Gloss is in bytes, 0 for -_GLOSS to 255 for _GLOSS.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    right, down = x - np.float32(middle), y - np.float32(level - 0.02 * height)
    away = np.hypot(right, down) + np.float32(1e-3)
    side = min(width, height)
    dice = np.random.default_rng(7)
    curl = cv2.resize(dice.normal(0.0, 0.12, (5, 5)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    angle = np.arctan2(down, right) + curl * np.clip(away / (0.3 * side), 0.0, 1.0)
    # Strands are noise that is fine across and long along: fine in the angle, coarse in the distance.
    strands = cv2.GaussianBlur(dice.normal(0, 1, (256, 2048)).astype(np.float32), (0, 0), sigmaX=1.2, sigmaY=2.0)
    strands = strands / strands.std()
    across = np.mod(angle / math.tau, 1.0) * np.where(away > 0.25 * side, 2048, 1024)
    along = away / (0.012 * side)
    at = np.asarray(np.mod(across, 2047), np.float32), np.asarray(np.mod(along, 255), np.float32)
    gloss = np.asarray(cv2.remap(strands, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)
    # The middle would be a whirl of points, and what is far from it is ground, which has no fur.
    furred = np.clip(away / (0.08 * side), 0.0, 1.0) * np.exp(-((away / (0.44 * side)) ** 4))
    if head:  # eyes and mouth look out of it
        furred = furred * np.clip((np.hypot(right * 1.25, down) / head - 0.72) / 0.3, 0.0, 1.0)
    length = np.clip(0.5 + 0.5 * gloss, 0.0, 1.6) * furred
    gloss = np.clip(gloss, -2.0, 2.0) * furred * (0.5 * _GLOSS)
    shine = np.asarray((gloss / _GLOSS + 1.0) * 127.5 + 0.5, np.uint8)
    return x, y, np.asarray(np.cos(angle) * length, np.float32), np.asarray(np.sin(angle) * length, np.float32), shine


def _bloombloom(grid: Grid, frame: Picture, t: float) -> None:
    """Blossoms open all over while the lights begin to glow."""
    dice = np.random.default_rng(abs(int(grid.noise[0, 0, 0] * 1e6)))
    side = min(grid.width, grid.height)
    over = frame.copy()
    for _ in range(34):
        x, y, size, begins, hue, turn = dice.uniform(0, 1, 6)
        away = min(
            1.0, abs(2.0 * x - 1.0 - grid.middle[0])
        )  # thickest at the edges: what the film is about stays to be seen
        opened = smoothstep((t - 0.6 * begins) / 0.35) * (0.35 + 0.65 * away)
        if opened > 0.02:
            colour = (255, int(120 + 110 * hue), int(150 + 60 * (1 - hue)))
            at = (round(x * grid.width), round((0.25 + 0.75 * y) * grid.height))
            if grid.head and math.hypot(at[0] - grid.centre[0], at[1] - grid.centre[1]) < 1.3 * grid.head * grid.height:
                continue  # nobody wants blossoms on a face
            _blossom(over, at, (0.05 + 0.06 * size) * side * opened, turn + 0.3 * t, colour)
    tall, wide = frame.shape[:2]
    small = cv2.resize(over, (max(wide // 8, 1), max(tall // 8, 1)), interpolation=cv2.INTER_AREA)
    glow = cv2.resize(cv2.GaussianBlur(small, (0, 0), max(0.5, wide / 260)), (wide, tall))
    lit = smoothstep(t / 0.6)
    frame[...] = cv2.addWeighted(over, 1.0 - 0.24 * lit, glow, 0.32 * lit, 0.0)


def _dizzydizzy(grid: Grid, frame: Picture, t: float) -> None:
    """The world turns around the middle, and is seen twice."""
    angle = 0.9 * smoothstep(t / 0.3) * math.sin(math.tau * 1.5 * t)
    _swirl(grid, frame, angle)
    # The second sight is swirled on top of the first, and never sharp: half the size shows as much of it.
    small = grid.halved()
    second = np.asarray(cv2.resize(frame, (small.width, small.height), interpolation=cv2.INTER_AREA), np.uint8)
    _swirl(small, second, 0.72 * angle)
    share = 0.5 * smoothstep(t / 0.3)
    cv2.addWeighted(frame, 1.0 - share, cv2.resize(second, (grid.width, grid.height)), share, 0, dst=frame)
    _stars(grid, frame, t)


def _stars(grid: Grid, frame: Picture, t: float) -> None:
    """Let five stars circle above the middle, those in front larger, in place."""
    side, shown = min(grid.width, grid.height), smoothstep((t - 0.1) / 0.2)
    middle, level = grid.centre[0], 0.2 * grid.height
    wide, tall = 0.34 * side, 0.07 * side
    if grid.head:  # around the forehead
        level = max(grid.centre[1] - 0.9 * grid.head * grid.height, 0.06 * grid.height)
        wide = min(1.6 * grid.head * grid.height, 0.4 * side)
        tall = 0.22 * wide
    turns = [math.tau * (number / 5 + 1.6 * t) for number in range(5)]
    for turn in sorted(turns, key=math.sin):  # those behind first
        x, y = middle + wide * math.cos(turn), level + tall * math.sin(turn)
        size = side * (0.034 + 0.010 * math.sin(turn)) * shown
        corner = np.arange(10) * (math.tau / 10) + 2.0 * turn
        long = np.where(np.arange(10) % 2 == 0, size, 0.45 * size)
        points = np.stack([x + np.cos(corner) * long, y + np.sin(corner) * long], axis=1)
        if size >= 1.0:
            cv2.fillPoly(frame, [np.round(points * 16).astype(np.int32)], (255, 214, 64), cv2.LINE_AA, 4)


def _swirl(grid: Grid, frame: Picture, angle: float) -> None:
    """Turn the middle by an angle and the rim not at all."""
    aspect = grid.width / grid.height
    fall = (np.clip(1.0 - grid.u**2, 0, 1) * np.clip(1.0 - grid.v**2, 0, 1)) ** 0.8
    turn = angle * fall
    x, y = grid.u * aspect, grid.v
    u, v = (x * np.cos(turn) - y * np.sin(turn)) / aspect, x * np.sin(turn) + y * np.cos(turn)
    grid.warp(frame, np.asarray(u, np.float32), np.asarray(v, np.float32))


def _blossom(frame: Picture, at: tuple[int, int], radius: float, turn: float, colour: tuple[int, int, int]) -> None:
    """Draw five petals and a heart, in place."""
    for petal in range(5):
        angle = math.tau * (petal / 5 + turn)
        x, y = at[0] + 0.58 * radius * math.cos(angle), at[1] + 0.58 * radius * math.sin(angle)
        axes = (max(1, round(radius * 0.48)), max(1, round(radius * 0.36)))
        cv2.ellipse(frame, (round(x), round(y)), axes, math.degrees(angle), 0, 360, colour, -1, cv2.LINE_AA)
    cv2.circle(frame, at, max(1, round(radius * 0.24)), (255, 224, 110), -1, cv2.LINE_AA)


def _tint(frame: Picture, colour: tuple[int, int, int], share: float) -> None:
    levels = np.arange(256, dtype=np.float32)[:, None]
    table = levels + (np.array(colour, np.float32) - levels) * np.float32(share)
    frame[...] = cv2.LUT(frame, np.round(table)[:, None, :].astype(np.uint8))


EFFECTS: dict[str, Apply] = {
    "hug": _hug,
    "kiss": _kiss,
    "heart_gesture": _heart_gesture,
    "squish": _squish,
    "expansion": _expansion,
    "fuzzyfuzzy": _fuzzyfuzzy,
    "bloombloom": _bloombloom,
    "dizzydizzy": _dizzydizzy,
}
