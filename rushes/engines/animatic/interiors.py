"""Backdrops under a roof: rooms, a stage, a product studio. See `setting` for what they are painted with."""

from __future__ import annotations

import numpy as np

from rushes.engines.animatic.depth import FAR
from rushes.engines.animatic.ink import Colour, box, curve, lighter, mix, oval
from rushes.engines.animatic.setting import Ground, Setting

ROOFED = ("room", "kitchen", "office", "stage", "studio", "table")  # places where no weather falls


def _interior(here: Setting, wall: Colour, floor: Colour) -> Ground:
    """A room: a wall with a window that shows the hour, a floor, a rug of light."""
    paper, light, dice = here.paper, here.light, here.dice
    # Half daylight, half lamps.
    tint = mix(light.tint, (255, 226, 184), 0.55)
    paint: Colour = (wall[0] * tint[0] // 255, wall[1] * tint[1] // 255, wall[2] * tint[2] // 255)
    if light.dark:
        paint = lighter(paint, -0.25)
    base = here.row(0.72)
    paper.wash([(0.0, lighter(paint, -0.1)), (base, lighter(paint, 0.1))], 0.0, base)
    ground: Colour = (floor[0] * tint[0] // 255, floor[1] * tint[1] // 255, floor[2] * tint[2] // 255)
    paper.wash([(base, lighter(ground, -0.12)), (1.0, lighter(ground, 0.05))], base, 1.0)
    paper.shape(box(-0.1, base + 0.004, paper.aspect + 0.1, base - 0.022), lighter(paint, 0.35))
    # A wall in the middle of the depth; only the window looks far.
    paper.depth[...] = 0.5
    paper.ground(base, 0.5)
    tall = 0.4 * here.inner
    wide = min(tall * 1.05, 0.42 * paper.aspect * here.inner)
    x, y = here.column(0.5 + light.side * dice.uniform(0.16, 0.24)), here.row(0.36)
    frame = box(x - wide / 2 - 0.012, y + tall / 2 + 0.012, x + wide / 2 + 0.012, y - tall / 2 - 0.012, 0.006)
    paper.shape(frame, lighter(paint, 0.5))
    paper.shape(box(x - wide / 2, y + tall / 2, x + wide / 2, y - tall / 2), (light.middle, light.glow), near=FAR)
    _weather_outside(here, x, y, wide, tall)
    for k in (0, 1):
        paper.shape(
            box(
                x - wide / 2 + k * wide / 2 - 0.005 * k,
                y + tall / 2,
                x - wide / 2 + k * wide / 2 + 0.005 * k,
                y - tall / 2,
            ),
            lighter(paint, 0.5),
            near=0.5,
        )
    paper.shape(box(x - wide / 2, y + 0.005, x + wide / 2, y - 0.003), lighter(paint, 0.5), near=0.5)
    if not light.dark:
        slant = -light.side * 0.18
        paper.shape(
            np.array(
                [
                    (x - wide / 2 + slant, base + 0.05),
                    (x + wide / 2 + slant, base + 0.05),
                    (x + wide * 0.7 + slant * 2.2, 0.98),
                    (x - wide * 0.5 + slant * 2.2, 0.98),
                ]
            ),
            light.sun,
            strength=0.16,
        )
    _lamp(here)
    return Ground(base, here.row(0.88))


def _weather_outside(here: Setting, x: float, y: float, wide: float, tall: float) -> None:
    """Show rain or snow in the window around (x, y)."""
    weather, dice = here.brief.weather, here.dice
    if weather not in ("rain", "storm", "snow"):
        return
    drops = []
    for _ in range(70):
        left, top = x + wide * dice.uniform(-0.49, 0.48), y + tall * dice.uniform(-0.48, 0.38)
        if weather == "snow":
            drops.append(oval(left, top, 0.0035, 0.0035))
        else:
            long = dice.uniform(0.2, 1.0) * 0.1 * tall
            drops.append(np.array([(left, top), (left + 0.0014, top), (left - 0.002, top + long)]))
    here.paper.shapes(drops, (236, 242, 250), strength=0.75)


def _lamp(here: Setting) -> None:
    """Hang a lamp on the side away from the window."""
    paper, light = here.paper, here.light
    lamp = here.column(0.5 - light.side * 0.28)
    paper.shape(box(lamp - 0.002, here.row(0.14), lamp + 0.002, 0.0), (60, 54, 54))
    paper.shape(
        curve(
            [
                (lamp - 0.055, here.row(0.2)),
                (lamp - 0.03, here.row(0.14)),
                (lamp + 0.03, here.row(0.14)),
                (lamp + 0.055, here.row(0.2)),
            ],
            closed=False,
        ),
        (72, 84, 96),
    )
    paper.glow(lamp, here.row(0.22), 0.2, (255, 226, 160), 0.4 if light.dark else 0.14)


def room(here: Setting) -> Ground:
    """A living room with a picture and a plant."""
    ground = _interior(here, here.dice.choice(((196, 182, 160), (150, 172, 170), (204, 164, 144))), (164, 118, 86))
    x = here.column(0.5 - here.light.side * 0.12)
    here.paper.shape(box(x - 0.055, here.row(0.42), x + 0.055, here.row(0.3), 0.004), (240, 234, 222))
    here.paper.shape(box(x - 0.045, here.row(0.41), x + 0.045, here.row(0.31)), ((216, 150, 110), (96, 120, 132)))
    return Ground(ground.horizon, ground.line, (("flower", 0.5 - here.light.side * 0.42, here.row(0.86), 0.3, 0.0),))


def kitchen(here: Setting) -> Ground:
    """A kitchen: tiles, a counter, shelves."""
    ground = _interior(here, (206, 206, 192), (150, 128, 108))
    paper, base = here.paper, here.row(0.72)
    far = here.column(0.5 - here.light.side * 0.24)
    for row in (0.34, 0.46):
        paper.shape(box(far - 0.16, here.row(row) + 0.008, far + 0.16, here.row(row)), (134, 96, 70))
        for k in range(5):
            x = far - 0.13 + 0.065 * k
            paint = here.dice.choice(((206, 110, 84), (236, 222, 196), (96, 138, 140), (222, 172, 96)))
            paper.shape(
                box(x - 0.016, here.row(row), x + 0.016, here.row(row) - here.dice.uniform(0.03, 0.055), 0.006), paint
            )
    paper.shape(box(-0.1, base + 0.01, paper.aspect + 0.1, base - 0.16), ((112, 138, 136), (92, 116, 116)), near=0.52)
    paper.shape(box(-0.1, base - 0.15, paper.aspect + 0.1, base - 0.175), (232, 222, 204), near=0.53)
    for x in np.arange(0.05, paper.aspect, 0.22):
        paper.shape(box(x, base - 0.004, x + 0.004, base - 0.145), (82, 104, 104))
    return ground


def office(here: Setting) -> Ground:
    """An office: a bookcase and a desk behind."""
    ground = _interior(here, (178, 188, 196), (120, 118, 122))
    x, paper = here.column(0.5 - here.light.side * 0.3), here.paper
    paper.shape(box(x - 0.15, here.row(0.72), x + 0.15, here.row(0.28)), (126, 94, 74), near=0.52)
    for row in range(4):
        top = here.row(0.3 + 0.105 * row)
        paper.shape(box(x - 0.138, top + 0.075, x + 0.138, top), (92, 66, 54))
        left = x - 0.132
        while left < x + 0.1:
            wide = here.dice.uniform(0.01, 0.022)
            paint = here.dice.choice(((196, 92, 76), (222, 192, 140), (84, 118, 142), (110, 140, 112), (232, 224, 210)))
            paper.shape(box(left, top + 0.075, left + wide, top + here.dice.uniform(0.008, 0.028)), paint)
            left += wide + 0.003
    return ground


def stage(here: Setting) -> Ground:
    """A stage: curtains, boards, a spotlight."""
    paper = here.paper
    red = here.dice.choice(((120, 28, 44), (54, 34, 84), (24, 54, 84)))
    base = here.row(0.76)
    paper.wash([(0.0, lighter(red, -0.72)), (base, lighter(red, -0.5))], 0.0, base)
    paper.wash([(base, (84, 58, 46)), (1.0, (124, 86, 62))], base, 1.0)
    paper.ground(base, 0.5)
    middle = here.column(0.5)
    for side in (-1, 1):
        for k in range(4):
            x = middle + side * here.paper.aspect * here.inner * (0.5 - 0.055 * k) + side * 0.03
            paper.shape(
                box(x - 0.05, base + 0.02, x + 0.05, -0.1, 0.0),
                lighter(red, 0.12 if k % 2 else -0.12),
                near=0.6 - 0.03 * k,
            )
    for share, strength in ((1.0, 0.10), (0.7, 0.12)):
        paper.shape(
            np.array(
                [
                    (middle - 0.02, -0.05),
                    (middle + 0.02, -0.05),
                    (middle + 0.27 * share, here.row(0.88)),
                    (middle - 0.27 * share, here.row(0.88)),
                ]
            ),
            (255, 240, 200),
            strength=strength,
        )
        paper.shape(oval(middle, here.row(0.88), 0.3 * share, 0.05 * share), (255, 236, 196), strength=0.3)
    return Ground(base, here.row(0.88))


def studio(here: Setting) -> Ground:
    """A seamless sweep for a product, with a plinth."""
    sweep = here.dice.choice(((226, 214, 202), (196, 210, 214), (222, 196, 190), (204, 204, 190)))
    here.paper.wash(
        [(0.0, lighter(sweep, -0.08)), (0.62, lighter(sweep, 0.22)), (0.74, sweep), (1.0, lighter(sweep, -0.16))]
    )
    here.paper.ground(here.row(0.66), 0.5)
    here.paper.glow(here.column(0.5), here.row(0.42), 0.4, (255, 252, 246), 0.5)
    return Ground(here.row(0.66), here.row(0.82))
