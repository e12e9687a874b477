"""Things that stand in a scene: buildings, trees, lamps, small objects. Drawn flat, in units of their own height."""

from __future__ import annotations

import itertools
import math

from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.ink import Colour, Sketch, box, curve, lighter, limb, mix, oval
from rushes.engines.animatic.landmarks import eiffel

_LIT: Colour = (255, 214, 132)
_PANE: Colour = (88, 108, 128)
_BARK: Colour = (112, 82, 64)


def _pane(look: Look) -> Colour:
    return _LIT if look.glow else _PANE


def house(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a house with a pitched roof; its chimney smokes."""
    dice = look.dice()
    wall = look.colour or dice.choice(((236, 222, 198), (206, 160, 128), (222, 212, 206), (150, 108, 84)))
    roof = dice.choice(((166, 84, 68), (92, 88, 104), (128, 92, 72)))
    for puff in range(3):
        age = (phase + puff / 3) % 1.0
        sketch.fill(
            oval(0.3 + 0.1 * age, 0.96 + 0.3 * age, 0.03 + 0.05 * age, 0.03 + 0.04 * age),
            (232, 232, 234),
            0.4 * (1 - age) * min(1.0, 5 * age),
        )
    sketch.fill(box(0.25, 0.6, 0.35, 0.95), lighter(roof, -0.2))
    sketch.fill(box(-0.55, 0.0, 0.55, 0.52), wall)
    sketch.fill(box(0.2, 0.0, 0.55, 0.52), lighter(wall, -0.14))
    sketch.fill([(-0.66, 0.5), (0.66, 0.5), (0.42, 0.9), (-0.42, 0.9)], roof)
    sketch.fill([(0.2, 0.5), (0.66, 0.5), (0.42, 0.9)], lighter(roof, -0.14))
    sketch.fill(box(-0.1, 0.0, 0.1, 0.33, 0.02), lighter(roof, -0.35))
    for x in (-0.4, 0.27):
        sketch.fill(box(x, 0.17, x + 0.19, 0.38, 0.01), lighter(wall, 0.4))
        sketch.fill(box(x + 0.015, 0.185, x + 0.175, 0.365), _pane(look))
        sketch.fill(box(x + 0.085, 0.185, x + 0.105, 0.365), lighter(wall, 0.4))


def tree(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a broad-leaved tree, its crown swaying; palms and firs where the word says so."""
    if look.word in ("palm", "pine", "fir", "bare"):
        {"palm": palm, "bare": bare}.get(look.word, pine)(sketch, phase, "", look)
        return
    dice = look.dice()
    leaf = look.colour or dice.choice(((92, 142, 86), (112, 152, 82), (78, 128, 92)))
    sway = 0.012 * math.sin(math.tau * phase)
    sketch.fill(
        curve(
            [(-0.05, 0.0), (-0.032, 0.3), (-0.02 + sway, 0.55), (0.02 + sway, 0.55), (0.034, 0.3), (0.055, 0.0)],
            closed=False,
        ),
        _BARK,
    )
    sketch.fill(limb((0.01, 0.32), (0.13 + sway, 0.5), 0.018, 0.012), _BARK)
    clumps = [(dice.uniform(-0.2, 0.2), dice.uniform(0.5, 0.82), dice.uniform(0.14, 0.2)) for _ in range(6)]
    for step, shade in ((0.0, -0.2), (0.03, 0.0), (0.065, 0.1)):
        for x, y, r in [*clumps, (0.0, 0.68, 0.24)]:
            size = r * (1.0 - 5.5 * step)
            sketch.fill(oval(x - step + sway * (y + 0.4), y + step, size, size * 0.92), lighter(leaf, shade))


def pine(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a fir."""
    dice = look.dice()
    leaf = look.colour or dice.choice(((62, 106, 88), (70, 114, 84), (54, 94, 84)))
    sway = 0.008 * math.sin(math.tau * phase)
    wide = dice.uniform(0.2, 0.27)
    sketch.fill(box(-0.022, 0.0, 0.022, 0.2), _BARK)
    for tier in range(4):
        low, high = 0.12 + 0.2 * tier, 0.44 + 0.19 * tier
        half = wide * (1.0 - 0.22 * tier)
        sketch.fill([(-half + sway, low), (half + sway, low), (sway * 2, high)], lighter(leaf, 0.04 * tier))
        sketch.fill([(0.1 * half + sway, low), (half + sway, low), (sway * 2, high)], lighter(leaf, 0.04 * tier - 0.13))


def palm(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a palm."""
    dice = look.dice()
    leaf = look.colour or (84, 144, 92)
    lean = dice.choice((-1, 1)) * dice.uniform(0.06, 0.16)
    sway = 0.03 * math.sin(math.tau * phase)
    top = (lean * 1.5, 0.78)
    sketch.fill(
        curve(
            [
                (-0.035, 0.0),
                (lean * 0.5 - 0.022, 0.4),
                (top[0] - 0.014, top[1]),
                (top[0] + 0.014, top[1]),
                (lean * 0.5 + 0.022, 0.4),
                (0.035, 0.0),
            ],
            closed=False,
        ),
        _BARK,
    )
    for k, angle in enumerate((-0.5, 0.1, 0.75, 1.57, 2.4, 3.05, 3.6)):
        tip = (top[0] + 0.34 * math.cos(angle) + sway * math.sin(angle + 1), top[1] + 0.2 * math.sin(angle) - 0.05)
        middle = ((top[0] + tip[0]) / 2, (top[1] + tip[1]) / 2 + 0.1)
        sketch.fill(
            curve([top, (middle[0], middle[1] + 0.03), tip, (middle[0], middle[1] - 0.035)]),
            lighter(leaf, -0.24 + 0.05 * k),
        )


def bare(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a tree without leaves."""
    dice = look.dice()
    bark = look.colour or (86, 70, 66)

    def branch(x: float, y: float, angle: float, length: float, thick: float, *, depth: int) -> None:
        tip = (x + length * math.sin(angle), y + length * math.cos(angle))
        sketch.fill(limb((x, y), tip, thick, thick * 0.65), bark)
        if depth:
            for turn in (-0.5, 0.1, 0.6):
                branch(
                    *tip,
                    angle + turn + dice.uniform(-0.15, 0.15),
                    length * dice.uniform(0.6, 0.74),
                    thick * 0.62,
                    depth=depth - 1,
                )

    branch(0.0, 0.0, 0.0, 0.34, 0.032, depth=4)


def lighthouse(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a lighthouse with its lamp."""
    band = look.colour or (200, 72, 62)
    sketch.fill([(-0.13, 0.0), (0.13, 0.0), (0.075, 0.78), (-0.075, 0.78)], (242, 240, 234))
    for k in range(3):
        low, high = 0.1 + 0.25 * k, 0.225 + 0.25 * k
        a, b = 0.13 - 0.0705 * low, 0.13 - 0.0705 * high
        sketch.fill([(-a, low), (a, low), (b, high), (-b, high)], band)
    sketch.fill(box(-0.1, 0.775, 0.1, 0.8, 0.005), (70, 72, 82))
    sketch.fill(box(-0.06, 0.8, 0.06, 0.91), _LIT if look.glow else (206, 222, 228))
    sketch.fill([(-0.08, 0.905), (0.08, 0.905), (0.0, 1.0)], band)
    sketch.fill(box(-0.028, 0.0, 0.028, 0.085, 0.02), (86, 66, 58))
    if look.glow:
        pulse = 0.3 + 0.12 * math.sin(math.tau * phase)
        for ring in (0.06, 0.1, 0.15):
            sketch.fill(oval(0.0, 0.855, ring, ring), _LIT, pulse * 0.5)


def castle(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a castle of five towers."""
    stone = look.colour or look.dice().choice(((186, 178, 172), (206, 194, 176), (158, 158, 172)))
    roof = (104, 92, 132)
    for x, half, top in ((0.0, 0.1, 0.78), (-0.24, 0.075, 0.62), (0.24, 0.075, 0.62)):
        sketch.fill(box(x - half, 0.0, x + half, top), lighter(stone, -0.12))
        sketch.fill([(x - half * 1.25, top), (x + half * 1.25, top), (x, top + half * 2.6)], lighter(roof, -0.1))
        sketch.fill(box(x - 0.018, top - 0.13, x + 0.018, top - 0.06, 0.018), _pane(look))
    sketch.fill(box(-0.46, 0.0, 0.46, 0.34), stone)
    for k in range(12):
        sketch.fill(box(-0.46 + 0.08 * k, 0.33, -0.42 + 0.08 * k, 0.375), stone)
    for x in (-0.48, 0.48):
        sketch.fill(box(x - 0.085, 0.0, x + 0.085, 0.46), lighter(stone, 0.1))
        sketch.fill([(x - 0.11, 0.46), (x + 0.11, 0.46), (x, 0.68)], roof)
        sketch.fill(box(x - 0.015, 0.28, x + 0.015, 0.35, 0.015), _pane(look))
    sketch.fill(
        curve([(-0.08, 0.0), (-0.08, 0.14), (0.0, 0.21), (0.08, 0.14), (0.08, 0.0)], closed=False),
        lighter(stone, -0.55),
    )


def tower(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a tower; a windmill whose sails turn, a pagoda, where the word says so."""
    if look.word == "eiffel":
        eiffel(sketch, phase, _action, look)
        return
    stone = look.colour or (222, 210, 192)
    if look.word == "windmill":
        sketch.fill([(-0.16, 0.0), (0.16, 0.0), (0.1, 0.62), (-0.1, 0.62)], stone)
        sketch.fill(curve([(-0.12, 0.61), (0.0, 0.74), (0.12, 0.61)], closed=False), (146, 84, 68))
        for sail in range(4):
            angle = math.tau * (phase / 4 + sail / 4)
            ux, uy = math.cos(angle), math.sin(angle)
            sketch.fill(
                [
                    (0.05 * ux, 0.64 + 0.05 * uy),
                    (0.36 * ux, 0.64 + 0.36 * uy),
                    (0.36 * ux - 0.07 * uy, 0.64 + 0.36 * uy + 0.07 * ux),
                    (0.08 * ux - 0.07 * uy, 0.64 + 0.08 * uy + 0.07 * ux),
                ],
                (246, 240, 228),
                0.9,
            )
            sketch.fill(limb((0.0, 0.64), (0.37 * ux, 0.64 + 0.37 * uy), 0.011, 0.008), (96, 74, 62))
        return
    if look.word == "pagoda":
        for k in range(4):
            half, low = 0.2 - 0.035 * k, 0.22 * k
            sketch.fill(box(-half * 0.7, low, half * 0.7, low + 0.17), (206, 92, 72))
            sketch.fill(box(-0.03, low + 0.03, 0.03, low + 0.12), _pane(look))
            sketch.fill(
                curve(
                    [
                        (-half * 1.4, low + 0.2),
                        (-half * 0.6, low + 0.165),
                        (half * 0.6, low + 0.165),
                        (half * 1.4, low + 0.2),
                        (half * 0.5, low + 0.245),
                        (-half * 0.5, low + 0.245),
                    ],
                    steps=5,
                ),
                (74, 80, 96),
            )
        sketch.fill(limb((0.0, 0.86), (0.0, 1.0), 0.014, 0.006), (74, 80, 96))
        return
    sketch.fill(box(-0.12, 0.0, 0.12, 0.8), stone)
    sketch.fill(box(0.02, 0.0, 0.12, 0.8), lighter(stone, -0.15))
    sketch.fill(box(-0.15, 0.72, 0.15, 0.8, 0.01), lighter(stone, -0.1))
    sketch.fill([(-0.15, 0.8), (0.15, 0.8), (0.0, 1.0)], (110, 92, 112))
    for y in (0.2, 0.4, 0.58):
        sketch.fill(box(-0.06, y, -0.01, y + 0.09, 0.02), _pane(look))


def bridge(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a suspension bridge across, two towers and hangers."""
    paint = look.colour or (188, 84, 66)
    for x in (-0.7, 0.7):
        sketch.fill(box(x - 0.035, 0.0, x + 0.035, 0.98), paint)
        sketch.fill(box(x + 0.005, 0.0, x + 0.035, 0.98), lighter(paint, -0.2))
    for first, last in ((-2.0, -0.7), (-0.7, 0.7), (0.7, 2.0)):
        line = []
        for k in range(25):
            share = k / 24
            x = first + (last - first) * share
            low = {0: share**2, 1: (2 * share - 1) ** 2, 2: (1 - share) ** 2}[0 if last < 0 else 1 if first < 0 else 2]
            line.append((x, 0.42 + 0.5 * low))
        for a, b in itertools.pairwise(line):
            sketch.fill(limb(a, b, 0.012, 0.012), lighter(paint, -0.1))
        for x, y in line[1:-1:2]:
            sketch.fill(limb((x, 0.36), (x, y), 0.004, 0.004), lighter(paint, -0.1))
    sketch.fill(box(-2.1, 0.31, 2.1, 0.37), lighter(paint, -0.3))


def lantern(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a paper lantern, lit; a street lamp where the word says so."""
    if look.word in ("lamp", "streetlamp"):
        sketch.fill(limb((0.0, 0.0), (0.0, 0.86), 0.016, 0.012), (58, 60, 70))
        sketch.fill(box(-0.05, 0.84, 0.05, 0.96, 0.02), _LIT if look.glow else (232, 232, 222))
        sketch.fill([(-0.07, 0.955), (0.07, 0.955), (0.0, 1.0)], (58, 60, 70))
        return
    paint = look.colour or (236, 104, 66)
    flicker = 0.06 * math.sin(math.tau * phase)
    sketch.fill(box(-0.14, 0.86, 0.14, 0.93, 0.02), (92, 54, 46))
    sketch.fill(curve([(-0.16, 0.86), (-0.36, 0.55), (-0.16, 0.2), (0.16, 0.2), (0.36, 0.55), (0.16, 0.86)]), paint)
    for wide, up in ((0.26, 0.26), (0.18, 0.2), (0.1, 0.13)):
        sketch.fill(oval(0.0, 0.5, wide, up * 1.2), mix(paint, (255, 236, 170), 0.5), 0.35 + flicker)
    sketch.fill(box(-0.14, 0.13, 0.14, 0.2, 0.02), (92, 54, 46))
    sketch.fill(limb((0.0, 0.13), (0.0, 0.0), 0.014, 0.022), (206, 160, 78))


def umbrella(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw an open umbrella, planted."""
    paint = look.colour or (206, 72, 62)
    sketch.fill(limb((0.0, 0.0), (0.0, 0.9), 0.014, 0.012), (120, 96, 78))
    dome = [
        (-0.5, 0.62),
        (-0.4, 0.84),
        (-0.2, 0.96),
        (0.0, 1.0),
        (0.2, 0.96),
        (0.4, 0.84),
        (0.5, 0.62),
        (0.25, 0.66),
        (0.0, 0.64),
        (-0.25, 0.66),
    ]
    sketch.fill(curve(dome, steps=5), paint)
    sketch.fill(
        curve([(-0.25, 0.66), (-0.16, 0.9), (0.0, 1.0), (0.16, 0.9), (0.25, 0.66), (0.0, 0.64)], steps=5),
        lighter(paint, 0.5),
    )


def flower(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a flower on its stem, swaying."""
    dice = look.dice()
    petal = (
        look.colour
        or {"sunflower": (244, 188, 60), "daisy": (246, 244, 238), "rose": (206, 62, 74)}.get(look.word)
        or dice.choice(((226, 108, 116), (244, 188, 60), (172, 120, 196), (240, 150, 100)))
    )
    sway = 0.03 * math.sin(math.tau * phase)
    stem: Colour = (88, 138, 84)
    sketch.fill(limb((0.0, 0.0), (sway, 0.75), 0.018, 0.014), stem)
    for side in (-1, 1):
        sketch.fill(
            curve([(0.0, 0.2), (side * 0.14, 0.32), (side * 0.26, 0.46), (side * 0.1, 0.38)]),
            lighter(stem, -0.08 * (side + 1)),
        )
    for ring, shade in ((9, -0.12), (9, 0.0)):
        for k in range(ring):
            angle = math.tau * (k + 0.5 * (shade == 0.0)) / ring
            sketch.fill(
                oval(sway + 0.13 * math.cos(angle), 0.78 + 0.13 * math.sin(angle), 0.1, 0.05, angle),
                lighter(petal, shade),
            )
    sketch.fill(oval(sway, 0.78, 0.075, 0.075), (112, 74, 54) if petal[1] > 120 else (246, 204, 104))


def cup(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a cup on its saucer, steaming."""
    paint = look.colour or (238, 232, 222)
    for k, x in enumerate((-0.14, 0.02, 0.17)):
        points = [
            (x + 0.05 * math.sin(math.tau * (phase + y * 0.9) + 2 * k), 0.64 + 0.42 * y)
            for y in (0.0, 0.25, 0.5, 0.75, 1.0)
        ]
        line = curve(points, closed=False, steps=4)
        for a, b in itertools.pairwise(line):
            fade = 1.0 - (a[1] - 0.64) / 0.42
            sketch.fill(limb((a[0], a[1]), (b[0], b[1]), 0.018, 0.018), (246, 246, 248), 0.10 * max(0.0, fade))
    sketch.fill(oval(0.0, 0.045, 0.56, 0.045), lighter(paint, -0.18))
    sketch.fill(oval(0.42, 0.36, 0.15, 0.16), lighter(paint, -0.1))
    sketch.cut(oval(0.42, 0.36, 0.09, 0.1))
    sketch.fill(
        curve(
            [(-0.4, 0.58), (-0.37, 0.3), (-0.24, 0.1), (0.0, 0.06), (0.24, 0.1), (0.37, 0.3), (0.4, 0.58)], closed=False
        ),
        paint,
    )
    sketch.fill(oval(0.0, 0.58, 0.4, 0.055), lighter(paint, 0.3))
    sketch.fill(oval(0.0, 0.575, 0.36, 0.042), (112, 72, 52))


def bottle(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a bottle with a label."""
    paint = look.colour or (78, 126, 118)
    sketch.fill(
        curve(
            [
                (-0.2, 0.02),
                (-0.2, 0.5),
                (-0.17, 0.6),
                (-0.075, 0.7),
                (-0.07, 0.9),
                (0.07, 0.9),
                (0.075, 0.7),
                (0.17, 0.6),
                (0.2, 0.5),
                (0.2, 0.02),
            ],
            steps=6,
        ),
        paint,
    )
    sketch.fill(box(-0.085, 0.88, 0.085, 1.0, 0.015), (206, 170, 110))
    sketch.fill(box(-0.195, 0.16, 0.195, 0.44), (244, 238, 226))
    sketch.fill(box(-0.11, 0.34, 0.11, 0.36), lighter(paint, -0.2))
    sketch.fill(box(-0.07, 0.27, 0.07, 0.285), (170, 166, 160))
    sketch.fill(limb((-0.14, 0.5), (-0.14, 0.56), 0.016, 0.012), lighter(paint, 0.5), 0.7)


def shoe(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a sports shoe."""
    paint = look.colour or (214, 92, 76)
    sketch.fill(
        curve(
            [
                (-0.86, 0.2),
                (-0.9, 0.6),
                (-0.78, 0.92),
                (-0.5, 0.84),
                (-0.3, 0.86),
                (0.1, 0.56),
                (0.55, 0.44),
                (0.88, 0.3),
                (0.9, 0.16),
                (0.0, 0.14),
            ],
            steps=6,
        ),
        paint,
    )
    sketch.fill(
        curve([(-0.92, 0.2), (-0.9, 0.04), (0.0, 0.03), (0.86, 0.04), (0.96, 0.16), (0.8, 0.2), (0.0, 0.17)], steps=6),
        (244, 242, 236),
    )
    sketch.fill(curve([(-0.62, 0.22), (-0.3, 0.5), (0.2, 0.36), (-0.1, 0.36)]), (250, 248, 242))
    for k in range(4):
        x, y = -0.26 + 0.13 * k, 0.78 - 0.09 * k
        sketch.fill(limb((x, y), (x + 0.1, y - 0.11), 0.022, 0.018), (250, 248, 242))


def ball(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a ball, rolling."""
    paint = look.colour or (238, 132, 62)
    sketch.fill(oval(0.0, 0.5, 0.5, 0.5), paint)
    for k in range(3):
        angle = -math.tau * phase + k * math.tau / 3
        sketch.fill(
            limb((0.0, 0.5), (0.44 * math.cos(angle), 0.5 + 0.44 * math.sin(angle)), 0.022, 0.018),
            lighter(paint, -0.35),
        )


def tent(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a ridge tent."""
    paint = look.colour or (222, 140, 70)
    sketch.fill([(-0.8, 0.0), (0.1, 0.0), (-0.3, 0.98)], paint)
    sketch.fill([(0.1, 0.0), (0.95, 0.0), (0.45, 0.9), (-0.3, 0.98)], lighter(paint, -0.2))
    sketch.fill([(-0.55, 0.0), (-0.12, 0.0), (-0.3, 0.72)], (255, 206, 120) if look.glow else lighter(paint, -0.5))


def fire(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a camp fire."""
    for angle in (0.35, -0.35):
        sketch.fill(limb((-0.4, 0.06 - 0.05 * angle), (0.4, 0.06 + 0.3 * angle), 0.06, 0.055), (96, 68, 54))
    for k, (size, colour) in enumerate(((1.0, (240, 120, 52)), (0.68, (252, 176, 76)), (0.38, (255, 234, 160)))):
        lick = [0.07 * math.sin(math.tau * (phase * (1 + k % 2) + j * 0.37 + 0.2 * k)) for j in range(3)]
        sketch.fill(
            curve(
                [
                    (-0.3 * size, 0.12),
                    (-0.26 * size, 0.4 * size),
                    (-0.1 * size + lick[0], 0.62 * size),
                    (lick[1], 1.0 * size),
                    (0.14 * size + lick[2], 0.6 * size),
                    (0.28 * size, 0.36 * size),
                    (0.3 * size, 0.12),
                    (0.0, 0.06),
                ],
                steps=6,
            ),
            colour,
        )


def apple(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw an apple."""
    paint = look.colour or (206, 66, 58)
    sketch.fill(limb((0.02, 0.78), (0.07, 0.98), 0.025, 0.03), (104, 74, 56))
    sketch.fill(curve([(0.07, 0.86), (0.2, 1.0), (0.36, 0.96), (0.22, 0.84)]), (104, 152, 84))
    sketch.fill(
        curve(
            [
                (0.0, 0.8),
                (-0.22, 0.86),
                (-0.43, 0.68),
                (-0.4, 0.3),
                (-0.2, 0.02),
                (0.0, 0.06),
                (0.2, 0.02),
                (0.4, 0.3),
                (0.43, 0.68),
                (0.22, 0.86),
            ]
        ),
        paint,
    )
    sketch.fill(oval(-0.24, 0.62, 0.06, 0.1, 0.4), lighter(paint, 0.45), 0.8)


def rock(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a boulder."""
    stone = look.colour or (128, 124, 126)
    sketch.fill([(-0.8, 0.0), (-0.7, 0.5), (-0.25, 0.95), (0.3, 0.85), (0.75, 0.4), (0.85, 0.0)], stone)
    sketch.fill([(0.05, 0.0), (0.12, 0.55), (0.3, 0.85), (0.75, 0.4), (0.85, 0.0)], lighter(stone, -0.2))
    sketch.fill([(-0.7, 0.5), (-0.25, 0.95), (0.3, 0.85), (0.12, 0.55)], lighter(stone, 0.12))


def grass(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a tuft of blades that lean in the wind."""
    dice = look.dice()
    leaf = look.colour or (98, 142, 80)
    for k in range(15):
        x, tall = dice.uniform(-0.9, 0.9), dice.uniform(0.45, 1.0)
        lean = dice.uniform(-0.3, 0.3) + 0.07 * math.sin(math.tau * phase + x * 2)
        sketch.fill(
            curve(
                [
                    (x - 0.05, 0.0),
                    (x - 0.02 + lean * 0.3, tall * 0.55),
                    (x + lean, tall),
                    (x + 0.03 + lean * 0.3, tall * 0.5),
                    (x + 0.05, 0.0),
                ],
                steps=4,
            ),
            lighter(leaf, 0.2 * (k / 15 - 0.6)),
        )


def cloud(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a cloud, flat below."""
    dice = look.dice()
    white = look.colour or (250, 250, 250)
    for k in range(7):
        x = -0.85 + 1.7 * k / 6
        r = 0.34 * (1.0 - abs(x) * 0.55) * dice.uniform(0.8, 1.15)
        sketch.fill(oval(x, 0.26 + r * 0.6, r * 1.15, r), white)
    sketch.fill(box(-1.15, 0.12, 1.15, 0.36, 0.12), white)
