"""The named effects: a plain, recognisable motion of the whole frame for each, laid over whatever the camera sees.

Each effect is a function of time and frame; none is at its first moment, so that a film begins on its picture. Warps
are computed on a coarse grid and never read beyond the frame's edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.easing import ease, smoothstep
from rushes.errors import ModelError

_CELL = 8
_PINK = (255, 92, 138)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where each node of a coarse grid lies: `u`, `v` from -1 to 1 across the frame."""

    width: int
    height: int
    u: Plane
    v: Plane
    noise: Plane

    @classmethod
    def over(cls, width: int, height: int, seed: int) -> Grid:
        """Lay the grid over a frame; the noise, (rows, columns, 2), is the seed's."""
        columns, rows = -(-width // _CELL) + 1, -(-height // _CELL) + 1
        u, v = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(-1, 1, rows))
        noise = np.random.default_rng(seed % 2**63).normal(0.0, 1.0, (rows, columns, 2))
        return cls(width, height, u.astype(np.float32), v.astype(np.float32), noise.astype(np.float32))

    def warp(self, frame: Picture, u: Plane, v: Plane) -> None:
        """Read the frame at other places, given for each node, in place."""
        size = (self.width, self.height)
        x = cv2.resize(np.asarray((np.clip(u, -1, 1) + 1) * (self.width - 1) / 2, np.float32), size)
        y = cv2.resize(np.asarray((np.clip(v, -1, 1) + 1) * (self.height - 1) / 2, np.float32), size)
        frame[...] = cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


Apply = Callable[[Grid, Picture, float], None]


class Effect:
    """One effect over one film."""

    def __init__(self, name: str, width: int, height: int, seed: int) -> None:
        """Raise ModelError for a name that is not known."""
        if name not in EFFECTS:
            raise ModelError("one_of", f"the animatic engine knows no effect {name!r}; it knows {', '.join(EFFECTS)}")
        self._apply = EFFECTS[name]
        self._grid = Grid.over(width, height, seed)

    def draw(self, t: float, frame: Picture) -> None:
        """Lay the effect over a frame at `t` in 0..1, in place; at 0 the frame stays as it is."""
        if t > 0.0:
            self._apply(self._grid, frame, t)


def _drawn(at: Plane, amount: float) -> Plane:
    """Draw -1..1 together towards 0 (amount above 0), or swell it from there (below); the ends stay."""
    if amount >= 0.0:
        return np.asarray(at * (1.0 + amount) / (1.0 + amount * np.abs(at)), dtype=np.float32)
    return np.asarray(at / (1.0 - amount * (1.0 - np.abs(at))), dtype=np.float32)


def _hug(grid: Grid, frame: Picture, t: float) -> None:
    """Two who stand apart are drawn together, held, and swayed a little."""
    together, sway = ease(t / 0.6), smoothstep((t - 0.4) / 0.2)
    u = _drawn(grid.u, 0.75 * together)
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
        frame, _drawn(grid.u, 0.8 * near) * np.float32(close), grid.v * np.float32(close) + np.float32(centre) + tilt
    )
    _tint(frame, _PINK, 0.20 * near)


def _heart_gesture(grid: Grid, frame: Picture, t: float) -> None:
    """A heart closes around the picture and beats."""
    arrives = ease(t / 0.6)
    beat = 1.0 + 0.05 * arrives * max(0.0, math.sin(math.tau * 3.0 * t)) ** 3
    side = min(grid.width, grid.height)
    widest = 2.2 * math.hypot(grid.width, grid.height) / side  # at first it is beyond the corners
    size = (widest * (1.02 / widest) ** arrives) * beat * side / 2
    # Half size is fine enough for an outline that is softened anyway.
    x = ((np.arange(0.5, grid.width, 2, dtype=np.float32) - (grid.width - 1) / 2) / size)[None, :]
    y = ((grid.height * 0.54 - np.arange(0.5, grid.height, 2, dtype=np.float32)) / size)[:, None]
    edge = (x**2 + y**2 - 0.62) ** 3 - 1.1 * x**2 * y**3  # the well-known heart curve, below 0 inside
    steep = np.maximum(np.hypot(np.gradient(edge, axis=0), np.gradient(edge, axis=1)), 1e-9)
    soft = np.asarray(np.clip(0.5 + edge / steep / 1.5, 0.0, 1.0) * 0.80, np.float32)
    outside = cv2.resize(soft, (grid.width, grid.height), interpolation=cv2.INTER_LINEAR)[..., None]
    frame[...] = frame + (np.array(_PINK, np.float32) - frame) * outside


def _squish(grid: Grid, frame: Picture, t: float) -> None:
    """Pressed from above like dough, springing back, and pressed again."""
    press = smoothstep(t / 0.15) * (0.55 + 0.75 * math.sin(math.tau * 2.2 * t - 0.6))
    # What is pressed down spreads sideways: the volume stays.
    grid.warp(frame, _drawn(grid.u, -0.55 * press), _drawn(grid.v, 1.4 * press))


def _expansion(grid: Grid, frame: Picture, t: float) -> None:
    """Blown up like a balloon, in puffs, rounder and rounder."""
    puffs = (math.floor(t * 4.0) + smoothstep((t * 4.0 % 1.0) / 0.55)) / 4.0 if t < 1.0 else 1.0
    size = 1.15 * puffs * (1.0 + 0.05 * math.sin(math.tau * 5.0 * t))
    away = np.minimum(np.hypot(grid.u, grid.v), 1.0)
    share = 1.0 / (1.0 + size * (1.0 - away))
    grid.warp(frame, np.asarray(grid.u * share, np.float32), np.asarray(grid.v * share, np.float32))


def _fuzzyfuzzy(grid: Grid, frame: Picture, t: float) -> None:
    """Fur grows: strands that stand out from every outline and tremble a little."""
    grown = smoothstep(t / 0.7)
    strands = _strands(grid.width, grid.height)
    angle = 7.0 * cv2.resize(grid.noise[::2, ::2, 0], (grid.width, grid.height), interpolation=cv2.INTER_CUBIC)
    reach = 0.011 * max(grid.width, grid.height) * grown
    y, x = np.mgrid[0 : grid.height, 0 : grid.width].astype(np.float32)
    shiver = np.float32(0.35 * math.sin(math.tau * 3.0 * t))
    x += np.cos(angle * 0.35 + shiver) * strands * np.float32(3.0 * reach)
    y += np.sin(angle * 0.35 + shiver) * strands * np.float32(3.0 * reach)
    furry = cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    frame[...] = np.clip(furry + (strands * np.float32(30.0 * grown))[..., None], 0, 255)


@lru_cache(maxsize=1)  # drawn once for a film, not once a frame
def _strands(width: int, height: int) -> Plane:
    noise = np.random.default_rng(7).normal(0, 1, (height, width)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.1), dtype=np.float32)


def _bloombloom(grid: Grid, frame: Picture, t: float) -> None:
    """Blossoms open all over while the lights begin to glow."""
    dice = np.random.default_rng(abs(int(grid.noise[0, 0, 0] * 1e6)))
    side = min(grid.width, grid.height)
    over = frame.copy()
    for _ in range(34):
        x, y, size, begins, hue, turn = dice.uniform(0, 1, 6)
        away = abs(x - 0.5) * 2.0  # thickest at the edges: what the film is about stays to be seen
        opened = smoothstep((t - 0.6 * begins) / 0.35) * (0.35 + 0.65 * away)
        if opened > 0.02:
            colour = (255, int(120 + 110 * hue), int(150 + 60 * (1 - hue)))
            at = (round(x * grid.width), round((0.25 + 0.75 * y) * grid.height))
            _blossom(over, at, (0.05 + 0.06 * size) * side * opened, turn + 0.3 * t, colour)
    tall, wide = frame.shape[:2]
    small = cv2.resize(over, (max(wide // 4, 1), max(tall // 4, 1)), interpolation=cv2.INTER_AREA)
    glow = cv2.resize(cv2.GaussianBlur(small, (0, 0), max(1.0, wide / 130)), (wide, tall))
    frame[...] = cv2.addWeighted(over, 1.0, glow, 0.35 * smoothstep(t / 0.6), 0.0)


def _dizzydizzy(grid: Grid, frame: Picture, t: float) -> None:
    """The world turns around the middle, and is seen twice."""
    angle = 0.9 * smoothstep(t / 0.3) * math.sin(math.tau * 1.5 * t)
    for share, shift in ((1.0, 0.0), (0.5, 0.28)):
        turned = frame.copy() if shift else frame
        _swirl(grid, turned, angle * (1.0 - shift))
        if shift:
            frame[...] = cv2.addWeighted(
                frame, 1.0 - share * smoothstep(t / 0.3), turned, share * smoothstep(t / 0.3), 0
            )


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
    flat = np.full_like(frame, colour)
    frame[...] = cv2.addWeighted(frame, 1.0 - share, flat, share, 0.0)


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
