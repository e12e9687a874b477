"""Great things that stand far off: a volcano with its lava and smoke, the Eiffel tower.

Drawn in units of their own height, y up from the ground.
"""

from __future__ import annotations

import itertools
import math

from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.ink import Colour, Sketch, box, curve, lighter, limb, oval

_LAVA: Colour = (255, 176, 72)


def volcano(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a cone that throws out lava and smoke."""
    rock = look.colour or (92, 78, 80)
    for k in range(6):
        share = (phase + k / 6) % 1.0
        x, y = 0.14 * math.sin(2.3 * k) * share + 0.22 * share, 0.72 + 0.52 * share
        sketch.fill(oval(x, y, 0.07 + 0.13 * share, 0.06 + 0.1 * share), (104, 96, 100), 0.5 * (1.0 - share))
    for size, colour in ((0.17, (240, 96, 46)), (0.1, _LAVA)):
        lick = 0.02 * math.sin(math.tau * phase)
        sketch.fill(curve([(-size * 0.5, 0.66), (-size * 0.7, 0.78), (lick, 0.78 + size), (size * 0.7, 0.78),
                           (size * 0.5, 0.66)]), colour, 0.9)  # fmt: skip
    for k in range(9):
        share = (phase + 0.37 * k) % 1.0
        x = (0.05 * (k - 4)) * (0.4 + 1.6 * share)
        y = 0.72 + 0.34 * (share * 1.6 - 1.4 * share**2) * (1.0 + 0.15 * (k % 3))
        sketch.fill(oval(x, y, 0.012, 0.014), _LAVA)
    cone = [(-1.25, 0.0), (-0.7, 0.2), (-0.32, 0.5), (-0.13, 0.7), (0.13, 0.7), (0.3, 0.5), (0.66, 0.22), (1.25, 0.0)]
    sketch.fill(curve(cone, closed=False), rock)
    sketch.fill(curve([(0.02, 0.7), (0.13, 0.7), (0.3, 0.5), (0.66, 0.22), (1.25, 0.0), (0.3, 0.0)], closed=False),
                lighter(rock, -0.2))  # fmt: skip
    sketch.fill(oval(0.0, 0.7, 0.13, 0.025), _LAVA)
    for points in (
        [(-0.06, 0.69), (-0.14, 0.5), (-0.1, 0.36), (-0.26, 0.16), (-0.3, 0.06)],
        [(0.03, 0.69), (0.08, 0.52), (0.02, 0.4), (0.12, 0.24)],
        [(0.09, 0.68), (0.24, 0.46), (0.3, 0.36)],
    ):
        for thick, colour in ((0.026, (228, 84, 40)), (0.013, _LAVA)):
            for a, b in itertools.pairwise(points):
                sketch.fill(limb(a, b, thick, thick), colour)


def eiffel(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw the tower of Paris."""
    iron = look.colour or (126, 100, 82)
    for side in (-1, 1):
        legs = [(0.3, 0.0), (0.2, 0.16), (0.12, 0.34), (0.06, 0.56), (0.025, 0.9)]
        for a, b in itertools.pairwise(legs):
            thick = 0.055 * a[0] / 0.3 + 0.012
            sketch.fill(limb((side * a[0], a[1]), (side * b[0], b[1]), thick, 0.055 * b[0] / 0.3 + 0.012), iron)
    sketch.fill(curve([(-0.06, 0.5), (-0.02, 0.94), (0.02, 0.94), (0.06, 0.5)], closed=False), iron)
    for y, half in ((0.2, 0.22), (0.42, 0.12), (0.88, 0.04)):
        sketch.fill(box(-half, y - 0.018, half, y + 0.018), lighter(iron, -0.18))
    for k in range(12):
        angle = math.pi * k / 12
        a = (0.2 * math.cos(angle), 0.0 + 0.15 * math.sin(angle))
        b = (0.2 * math.cos(angle + math.pi / 12), 0.15 * math.sin(angle + math.pi / 12))
        sketch.fill(limb(a, b, 0.012, 0.012), lighter(iron, -0.1))
    for k in range(7):
        y, half = 0.24 + 0.035 * k, 0.17 - 0.016 * k
        sketch.fill(limb((-half, y), (half, y + 0.035), 0.005, 0.005), lighter(iron, 0.1))
        sketch.fill(limb((half, y), (-half, y + 0.035), 0.005, 0.005), lighter(iron, 0.1))
    sketch.fill(limb((0.0, 0.92), (0.0, 1.03), 0.01, 0.004), iron)
