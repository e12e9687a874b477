"""Backdrops beyond plain land and water: rows of a wood, bamboo, a waterfall, a table top, moving colours.

See `setting` for what they are painted with; `places` chooses among them.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from rushes.engines.animatic.depth import FAR
from rushes.engines.animatic.ink import Colour, Line, box, curve, lighter, mix, oval
from rushes.engines.animatic.setting import Ground, Setting, bands, floor, greens, props, ridge, sky, water

_SPECTRA: tuple[tuple[Colour, ...], ...] = (
    ((24, 30, 84), (92, 60, 168), (236, 92, 136), (255, 190, 110), (252, 240, 214)),
    ((8, 44, 66), (20, 122, 140), (110, 206, 186), (250, 226, 160), (238, 112, 84)),
    ((48, 12, 44), (150, 28, 72), (236, 96, 60), (252, 194, 84), (250, 244, 226)),
    ((18, 24, 40), (40, 88, 164), (92, 178, 232), (226, 236, 244), (244, 150, 180)),
)


def _conifer(x: float, foot: float, tall: float) -> list[Line]:
    """Return a pine in three tiers."""
    return [
        np.array([(x - wide * tall, foot - low * tall), (x, foot - top * tall), (x + wide * tall, foot - low * tall)])
        for low, top, wide in ((0.08, 0.55, 0.21), (0.32, 0.78, 0.165), (0.56, 1.0, 0.115))
    ]


def _crown(here: Setting, x: float, foot: float, tall: float) -> list[Line]:
    """Return a round tree: a trunk and a crown of four leafy balls."""
    dice = here.dice
    balls = [
        oval(x + dx * tall, foot - (0.66 + dy) * tall, (0.17 + dice.uniform(0.0, 0.04)) * tall, 0.16 * tall)
        for dx, dy in ((-0.14, 0.0), (0.14, 0.02), (0.0, 0.14), (0.02, -0.08))
    ]
    return [box(x - 0.018 * tall, foot, x + 0.018 * tall, foot - 0.6 * tall), *balls]


def woods(here: Setting) -> Ground:
    """A wood: three rows of trees, each deeper in the haze than the one before it."""
    horizon = here.row(0.56)
    sky(here, horizon, clouds=False)
    green, kinds = greens(here)
    autumn = here.brief.season == "autumn"
    leaves: tuple[Colour, ...] = (
        ((196, 120, 62), (212, 154, 74), (170, 92, 58)) if autumn else ((74, 116, 88), (86, 128, 86), (66, 104, 84))
    )
    pines = 0.15 if autumn else 1.0 if here.brief.season == "winter" or here.brief.weather == "snow" else 0.55
    for k in range(3):
        away = 0.84 - 0.24 * k
        foot = horizon + 0.02 + 0.03 * k
        step = (0.075 + 0.03 * k) * (0.7 + 0.3 * here.inner)
        x = -0.05
        while x < here.paper.aspect + 0.05:
            tall = here.dice.uniform(0.24, 0.38) * (1.0 + 0.22 * k)
            pine = here.dice.random() < pines
            lines = _conifer(x, foot, tall) if pine else _crown(here, x, foot, tall)
            shade = here.light.on(here.dice.choice(leaves), away)
            if here.brief.season == "winter":
                shade = mix(shade, here.light.on((236, 240, 246), away), 0.4)
            here.paper.shapes(lines, (shade, lighter(shade, -0.12)), near=FAR + 0.05 * k)
            x += step * here.dice.uniform(0.7, 1.3)
    floor(here, horizon + 0.03, green)
    bands(here, horizon + 0.03, green, 2, 0.02)
    grown = kinds if len(kinds) < 3 else ("pine", "tree") if not autumn else kinds
    return Ground(horizon, here.row(0.86), props(here, grown, 8, horizon, 0.5, clear=0.4))


def bamboo(here: Setting) -> Ground:
    """A grove of bamboo: canes from the ground to beyond the upper edge."""
    horizon = here.row(0.62)
    light, dice, paper = here.light, here.dice, here.paper
    paper.wash([(0.0, light.on((150, 186, 130), 0.5)), (horizon, light.on((206, 224, 176), 0.6)), (1.0, light.glow)])
    for k in range(3):
        away = 0.78 - 0.3 * k
        wide = 0.008 + 0.008 * k
        foot = horizon + 0.03 + 0.07 * k
        x = -0.03
        while x < paper.aspect + 0.03:
            lean = dice.uniform(-0.02, 0.02)
            shade = light.on(dice.choice(((112, 152, 82), (132, 164, 92), (96, 138, 84))), away)
            cane = np.array(
                [(x - wide, foot), (x + wide, foot), (x + wide * 0.8 + lean, -0.02), (x - wide * 0.8 + lean, -0.02)]
            )
            paper.shape(cane, shade, near=FAR + 0.08 * k)
            joints = [
                box(x - wide * 1.15 + lean * (foot - y), y + 0.003, x + wide * 1.15 + lean * (foot - y), y - 0.003)
                for y in np.arange(dice.uniform(0.0, 0.1), foot, 0.12)
            ]
            paper.shapes(joints, lighter(shade, -0.18))
            x += (0.055 + 0.03 * k) * dice.uniform(0.6, 1.6)
        blades = []
        for _ in range(60):
            at, up, turn = dice.uniform(0, paper.aspect), dice.uniform(0.0, 0.34), dice.uniform(-0.7, 0.7)
            blades.append(oval(at, up, 0.035, 0.006, turn))
        paper.shapes(blades, light.on((104, 150, 76), away), strength=0.8)
    floor(here, horizon + 0.02, (128, 150, 92))
    bands(here, horizon + 0.04, (128, 150, 92), 2, 0.015)
    return Ground(
        horizon, here.row(0.87), (("grass", 0.1, here.row(0.96), 0.16, 0.0), ("grass", 0.88, here.row(0.97), 0.2, 0.0))
    )


def waterfall(here: Setting) -> Ground:
    """Water that falls over a cliff into a pool, a bank in front."""
    light, dice, paper = here.light, here.dice, here.paper
    top, horizon = here.row(0.16), here.row(0.66)
    sky(here, horizon)
    green, kinds = greens(here)
    rock = (118, 116, 116)
    middle = here.column(0.5 - light.side * dice.uniform(0.0, 0.08))
    cliff = ridge(here, top + 0.02, 0.05, 1.3, jagged=True)
    paper.shape(cliff, (light.on(rock, 0.45), light.on(lighter(rock, -0.25), 0.2)), near=0.5)
    cracks = [
        np.array([(x, y), (x + 0.012, y + 0.01), (x + dice.uniform(-0.02, 0.03), y + dice.uniform(0.08, 0.2))])
        for x, y in ((dice.uniform(0, paper.aspect), dice.uniform(top + 0.08, horizon - 0.1)) for _ in range(34))
    ]
    paper.shapes(cracks, light.on(lighter(rock, -0.45), 0.3), strength=0.5)
    skyline = cliff[:-2]  # without its lower corners
    tufts = [
        oval(
            x,
            float(np.interp(x, skyline[:, 0], skyline[:, 1])) + dice.uniform(0.03, 0.1),
            dice.uniform(0.04, 0.09),
            0.025,
        )
        for x in (dice.uniform(0, paper.aspect) for _ in range(22))
    ]
    paper.shapes(tufts, light.on(green, 0.4))
    half = min(0.13, 0.16 * paper.aspect)
    fall = np.array(
        [
            (middle - half * 0.72, top + 0.015),
            (middle + half * 0.72, top + 0.015),
            (middle + half, horizon + 0.03),
            (middle - half, horizon + 0.03),
        ]
    )
    white = light.on((238, 246, 250), 0.05)
    paper.shape(fall, (white, lighter(white, -0.1)), near=0.53)
    streaks = []
    for _ in range(40):
        share, start = dice.uniform(-0.95, 0.95), dice.uniform(top + 0.02, horizon - 0.1)
        x = middle + share * half * (0.72 + 0.28 * (start - top) / (horizon - top))
        streaks.append(box(x - 0.0022, start + dice.uniform(0.06, 0.22), x + 0.0022, start, 0.002))
    paper.shapes(streaks, light.on((150, 192, 214), 0.1), strength=0.55)
    water(here, horizon)
    mist = [
        oval(middle + dice.uniform(-1.3, 1.3) * half, horizon + dice.uniform(-0.03, 0.03), 0.07, 0.028)
        for _ in range(14)
    ]
    paper.shapes(mist, white, strength=0.42)
    bank, paint = here.row(0.86), light.on(green)
    paper.shape(ridge(here, bank, 0.014, 0.6), (paint, lighter(paint, -0.25)))
    return Ground(
        horizon, here.row(0.91), props(here, (*kinds, "grass"), 5, bank, 0.44, clear=0.55)[-3:], here.row(0.74)
    )


def table(here: Setting) -> Ground:
    """A wooden table before a room that is out of focus."""
    light, dice, paper = here.light, here.dice, here.paper
    warm = light.on(dice.choice(((206, 170, 132), (150, 164, 160), (188, 150, 140))), 0.1)
    warm = lighter(warm, -0.3) if light.dark else warm
    edge = here.row(0.66)
    paper.wash([(0.0, lighter(warm, -0.22)), (edge, lighter(warm, 0.1)), (1.0, warm)])
    for _ in range(9):
        lamp = dice.choice(((255, 226, 164), (255, 240, 206), (250, 200, 140)))
        paper.glow(dice.uniform(0, paper.aspect), dice.uniform(0.04, edge - 0.1), dice.uniform(0.04, 0.09), lamp, 0.4)
    wide = max(3, paper.height // 40)
    first = int(edge * paper.height)
    # Before the table is painted, whose edge stays sharp.
    paper.picture[:first] = cv2.GaussianBlur(paper.picture[:first], (0, 0), wide)
    paper.depth[...] = FAR
    wood = light.on((166, 114, 76))
    paper.shape(box(-0.1, 1.1, paper.aspect + 0.1, edge), (lighter(wood, 0.14), lighter(wood, -0.12)))
    for k in range(1, 6):
        y = edge + (1.04 - edge) * (k / 6) ** 1.5
        paper.shape(box(-0.1, y + 0.0016 * k, paper.aspect + 0.1, y), lighter(wood, -0.35), strength=0.5)
    for _ in range(40):
        y = edge + (1.0 - edge) * dice.random()
        x, long = dice.uniform(0, paper.aspect), dice.uniform(0.05, 0.2)
        grain = curve([(x - long, y), (x, y + dice.uniform(-0.004, 0.004)), (x + long, y), (x, y + 0.003)])
        paper.shape(grain, lighter(wood, dice.choice((-0.2, 0.16))), strength=0.3)
    paper.ground(edge, 0.5)
    return Ground(edge, here.row(0.88))


def abstract(here: Setting) -> Ground:
    """Colours that flow into each other: sines bent by sines, read through one of a few spectra."""
    paper, dice = here.paper, here.dice
    spectrum = np.array(dice.choice(_SPECTRA), np.float32)
    x = paper.columns * np.ones_like(paper.rows)
    y = paper.rows * np.ones_like(paper.columns)
    for octave in range(4):
        turn, often = dice.uniform(0, math.tau), 4.2 * 1.7**octave
        bend = 0.42 / (octave + 1.2)
        x, y = (
            x + bend * np.sin(often * y + turn) * np.float32(0.6),
            y + bend * np.cos(often * x + 1.7 * turn) * np.float32(0.6),
        )
    value = 0.5 + 0.5 * np.sin(5.1 * x + 3.3 * y + dice.uniform(0, 6)) * np.cos(3.1 * y - 2.3 * x)
    at = np.clip(value, 0.0, 1.0) * (len(spectrum) - 1)
    levels = np.arange(len(spectrum))
    paper.picture[...] = np.stack([np.interp(at, levels, spectrum[:, i]) for i in range(3)], axis=2)
    fold = np.clip(0.5 + 0.5 * np.sin(16.0 * value + 4.0 * x), 0.0, 1.0).astype(np.float32)[..., None]
    paper.picture *= 0.86 + 0.2 * fold
    # Depth that followed each fold would tear the picture when the camera moves.
    soft = cv2.GaussianBlur(value.astype(np.float32), (0, 0), 0.03 * paper.height)
    paper.depth[...] = FAR + 0.3 * np.clip(soft, 0.0, 1.0)
    return Ground(here.row(0.6), here.row(0.84))
