"""What all backdrops are painted with: the sky of an hour, hills, plains, water, and what grows at the sides.

Places are put together from these in `places` and `interiors`.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np

from rushes.engines.animatic.brief import Brief
from rushes.engines.animatic.depth import FAR
from rushes.engines.animatic.ink import Colour, Line, Paper, box, curve, lighter, mix, oval
from rushes.engines.animatic.palette import Light


@dataclass(frozen=True, slots=True)
class Ground:
    """What was painted: where figures stand (`line`, a row), the horizon, and props.

    A prop is (kind, share of the width, row, size, haze).
    """

    horizon: float
    line: float
    props: tuple[tuple[str, float, float, float, float], ...] = ()
    water: float | None = None  # the row where boats float


@dataclass(frozen=True, slots=True)
class Setting:
    """What a painter has: the paper, the light, the brief, the dice, and how large the seen part of the paper is."""

    paper: Paper
    light: Light
    brief: Brief
    dice: random.Random
    inner: float

    def row(self, share: float) -> float:
        """Return the paper's row for a share of the frame's height."""
        return 0.5 + (share - 0.5) * self.inner

    def column(self, share: float) -> float:
        """Return the paper's column (in heights) for a share of the frame's width."""
        return self.paper.aspect * (0.5 + (share - 0.5) * self.inner)


def ridge(here: Setting, base: float, size: float, rough: float = 1.0, *, jagged: bool = False) -> Line:
    """Return the outline of a range of hills from its skyline down past the paper."""
    wide = here.paper.aspect
    x = np.linspace(-0.05, wide + 0.05, 220)
    y = np.zeros_like(x)
    for octave in range(4 if jagged else 3):
        length, phase = (0.9 / rough) * 0.5**octave * here.dice.uniform(0.8, 1.25), here.dice.uniform(0, math.tau)
        wave = (
            np.arcsin(np.sin(math.tau * x / length / 1.6 + phase)) / (math.pi / 2)
            if jagged
            else np.sin(math.tau * x / length / 1.6 + phase)
        )
        y += wave * size * 0.48**octave
    line = np.stack([x, base - y], axis=1)
    return np.concatenate([line, [(wide + 0.05, 1.1), (-0.05, 1.1)]])


def sky(here: Setting, horizon: float, *, clouds: bool = True) -> None:
    """Paint the sky down to the horizon, with its sun or moon, stars and clouds."""
    paper, light, dice = here.paper, here.light, here.dice
    paper.wash([(0.0, light.zenith), (horizon * 0.62, light.middle), (horizon, light.glow), (1.0, light.glow)])
    wet = here.brief.weather in ("rain", "storm", "snow", "fog", "cloud")
    if light.dark and not wet:
        for _ in range(int(90 * max(0.3, paper.aspect))):
            x, y, r = (
                dice.uniform(0, paper.aspect),
                dice.uniform(0, horizon * 0.85),
                dice.choice((0.0009, 0.0012, 0.0019)),
            )
            paper.shape(oval(x, y, r, r), light.graded((240, 240, 230)), strength=dice.uniform(0.3, 0.95))
    if not wet:
        x = here.column(0.5 + light.side * dice.uniform(0.16, 0.34))
        low = {"dusk": 0.78, "dawn": 0.74}.get(here.brief.time, 0.36 if light.dark else 0.42)
        y = here.row(0.0) + (horizon - here.row(0.0)) * (low + dice.uniform(-0.06, 0.06))
        r = min(0.052, 0.12 * paper.aspect) * dice.uniform(0.85, 1.15)
        paper.glow(x, y, r * 5.0, light.sun, 0.34)
        paper.glow(x, y, r * 2.0, light.sun, 0.4)
        paper.shape(oval(x, y, r, r), light.sun)
    if clouds and not (light.dark and not wet):
        _clouds(here, horizon, 3 if not wet else 8)


def _clouds(here: Setting, horizon: float, count: int) -> None:
    """Lay long flat clouds, thinner towards the horizon."""
    dice, light = here.dice, here.light
    for _ in range(count):
        y = horizon * dice.uniform(0.2, 0.82)
        size = 0.13 * (1.15 - y / horizon) + 0.02
        x = dice.uniform(0.0, here.paper.aspect)
        shade = mix(light.middle, light.sun if not light.dark else light.glow, 0.62)
        if here.brief.weather in ("rain", "storm"):  # clouds that rain are darker than the sky behind them
            shade = lighter(mix(light.middle, light.zenith, 0.5), -0.12)
        parts = [box(x - size * 2.2, y, x + size * 2.2, y - size * 0.34, size * 0.16)]
        parts += [
            oval(x + dx * size, y - size * 0.3, size * r, size * r * 0.62)
            for dx, r in ((-1.0, 0.62), (0.1, 0.85), (1.1, 0.55))
        ]
        here.paper.shapes(parts, (lighter(shade, 0.18), shade), strength=0.55)


def hills(here: Setting, horizon: float, colour: Colour, layers: int, size: float, *, jagged: bool = False) -> None:
    """Paint ranges of hills one before the other, the farthest palest."""
    for k in range(layers):
        share = k / max(layers - 1, 1)
        away = 0.95 - 0.4 * share
        base = horizon - size * (1.0 - share) * 0.9 + 0.012
        line = ridge(here, base, size * (0.55 - 0.2 * share), 1.0 + 0.5 * share, jagged=jagged)
        paint = here.light.on(colour, away)
        here.paper.shape(line, (paint, mix(paint, here.light.haze, 0.45)), near=FAR + 0.03 + 0.06 * share)


def floor(here: Setting, horizon: float, near: Colour, far: float = 0.85) -> None:
    """Paint a plain that comes nearer, and its depth."""
    paper, light = here.paper, here.light
    first = int(horizon * paper.height)
    if first >= paper.height:
        return
    paper.wash(
        [
            (horizon, light.on(near, far)),
            (horizon + 0.35 * (1 - horizon), light.on(near, far * 0.35)),
            (1.0, lighter(light.on(near), -0.14)),
        ],
        horizon,
        1.0,
    )
    paper.ground(horizon)


def bands(here: Setting, horizon: float, colour: Colour, count: int, size: float) -> None:
    """Lay rolling folds over a plain."""
    for k in range(count):
        share = (k + 1) / (count + 1)
        base = horizon + (1.0 - horizon) * share**1.6
        paint = here.light.on(lighter(colour, -0.05 * k), 0.7 * (1 - share))
        here.paper.shape(ridge(here, base, size * (0.3 + share), 0.7), (lighter(paint, 0.06), lighter(paint, -0.12)))


def water(here: Setting, horizon: float, bottom: float = 1.0) -> None:
    """Paint water with the sky in it and glints of light."""
    paper, light, dice = here.paper, here.light, here.dice
    sea = light.on((66, 138, 170))
    paper.wash(
        [
            (horizon, mix(light.glow, sea, 0.35)),
            (horizon + (bottom - horizon) * 0.4, mix(light.middle, sea, 0.55)),
            (bottom, lighter(sea, -0.28)),
        ],
        horizon,
        bottom,
    )
    paper.ground(horizon)
    shine = mix(light.glow, light.sun, 0.5)
    for _ in range(46):
        share = dice.random() ** 1.7
        y = horizon + 0.006 + (bottom - horizon) * share
        long = (0.012 + 0.09 * share) * dice.uniform(0.5, 1.4)
        x = dice.uniform(0, paper.aspect)
        paper.shape(
            curve([(x - long, y), (x, y - 0.0012 - 0.003 * share), (x + long, y), (x, y + 0.001 + 0.003 * share)]),
            shine,
            strength=0.32,
        )


def props(
    here: Setting, kinds: tuple[str, ...], count: int, horizon: float, size: float, *, clear: float = 0.3
) -> tuple[tuple[str, float, float, float, float], ...]:
    """Scatter props at the sides, far ones first; the middle `clear` of the frame stays free for the subject."""
    props = []
    for k in range(count):
        # More of them far away, as on a plain.
        share = (k / max(count - 1, 1)) ** 1.4
        # The nearer a prop, the farther aside: near ones are large.
        x = here.dice.uniform(clear / 2 + 0.16 * share, 0.62)
        # On alternate sides, the farthest on the light's own.
        x = 0.5 + x * (1 if (k + int(here.light.side > 0)) % 2 else -1)
        y = horizon + (here.row(0.97) - horizon) * (0.06 + 0.78 * share)
        props.append(
            (
                here.dice.choice(kinds),
                x,
                y,
                size * (0.3 + 1.0 * share) * here.dice.uniform(0.85, 1.15),
                0.75 * (1 - share),
            )
        )
    return tuple(props)


def greens(here: Setting) -> tuple[Colour, tuple[str, ...]]:
    season = here.brief.season or ("winter" if here.brief.weather == "snow" else "")
    if season == "winter":
        return (226, 232, 240), ("pine", "bare")
    if season == "autumn":
        return (186, 150, 84), ("tree", "tree", "bare")
    return ((128, 168, 98) if season != "summer" else (150, 178, 92)), ("tree", "tree", "pine")
