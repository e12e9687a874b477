"""People in other forms than one upright person: a family, a surfer on a wave, a swimmer under water.

Put together from `figures`' people; units are a grown person's height, y up from the foot.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from rushes.engines.animatic.figures import Look, person, shifted
from rushes.engines.animatic.ink import Colour, Line, Point, Sketch, curve, limb


class _Turned(Sketch):
    """The same paper for a figure turned about a point, by an angle in radians anticlockwise."""

    def __init__(self, sketch: Sketch, about: Point, to: Point, angle: float, by: float = 1.0) -> None:
        self.span, self.size = sketch.span, sketch.size
        self._paper = sketch
        self._about, self._to = np.array(about), np.array(to)
        cos, sin = math.cos(angle), math.sin(angle)
        # For points in rows, hence transposed.
        self._turn = np.array([[cos, sin], [-sin, cos]]) * by

    def fill(self, outline: Line | Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill an outline, turned."""
        turned = (np.asarray(outline, np.float64) - self._about) @ self._turn + self._to
        self._paper.fill(turned, colour, alpha)


def family(sketch: Sketch, phase: float, action: str, look: Look) -> None:
    """Draw two grown people with two children between them."""
    for x, size, kind, shift in ((-0.42, 1.0, "man", 0), (0.42, 0.94, "woman", 1), (-0.1, 0.62, "child", 2),
                                 (0.14, 0.52, "child", 3)):  # fmt: skip
        at = shifted(sketch, x, size)
        person(
            at, (phase + 0.19 * shift) % 1.0, action, Look(look.colour if not shift else None, look.seed + shift), kind
        )


def lovers(sketch: Sketch, phase: float, action: str, look: Look) -> None:
    """Draw two people face to face, close enough to kiss."""
    sway = 0.01 * math.sin(math.tau * phase)
    person(shifted(sketch, -0.115 + sway, 1.0), phase, action, Look(look.colour, look.seed), "man")
    other = _Mirrored(sketch, 0.125 + sway, 0.95)
    person(other, (phase + 0.1) % 1.0, action, Look(None, look.seed + 1), "woman")


class _Mirrored(Sketch):
    """The same paper for a figure that faces left, standing at `x`."""

    def __init__(self, sketch: Sketch, x: float, size: float) -> None:
        self.span, self.size = sketch.span, sketch.size
        self._paper, self._x, self._by = sketch, x, size

    def fill(self, outline: Line | Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill an outline, the other way round."""
        points = np.asarray(outline, np.float64) * (-self._by, self._by) + (self._x, 0.0)
        self._paper.fill(points, colour, alpha)


def surfer(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a wave that breaks over a surfer's board."""
    sway = 0.02 * math.sin(math.tau * phase)
    crest = [(-1.15, 0.0), (-1.05, 0.7), (-0.75, 1.16), (-0.25, 1.3), (0.1, 1.12 + sway), (-0.1, 1.02), (-0.36, 0.9),
             (-0.42, 0.5), (-0.1, 0.16), (0.6, 0.05), (1.15, 0.0)]  # fmt: skip
    sketch.fill(curve(crest, closed=False), (62, 138, 172))
    for k, share in enumerate((0.12, 0.24, 0.36)):
        line = [(x * (1.0 - 0.1 * k) - 0.04 * k, y * (1.0 - share)) for x, y in crest[:4]]
        for a, b in itertools.pairwise(line):
            sketch.fill(limb(a, b, 0.012, 0.012), (150, 206, 222), 0.5)
    foam = [
        (-0.8 + 0.1 * k, 1.12 + 0.14 * math.sin(0.34 * k) + 0.02 * math.sin(math.tau * phase + k)) for k in range(10)
    ]
    for k, (x, y) in enumerate(foam):
        sketch.fill(limb((x, y), (x + 0.06, y), 0.055 + 0.014 * (k % 3), 0.05), (244, 250, 250))
    board = _Turned(sketch, (0.0, 0.0), (0.02, 0.2 + sway), -0.2)
    board.fill(
        curve([(-0.36, 0.0), (-0.2, 0.035), (0.3, 0.03), (0.42, 0.06), (0.3, -0.012), (-0.2, -0.02)]), (240, 226, 190)
    )
    rider = _Turned(sketch, (0.0, 0.02), (0.02, 0.24 + sway), -0.1, 0.72)
    person(rider, phase, "surf", look, "man")
    for x in (-0.3, 0.0, 0.3, 0.6):
        sketch.fill(limb((x, 0.06 + sway), (x + 0.18, 0.05), 0.035, 0.02), (240, 248, 250), 0.8)


def swimmer(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a diver swimming on a level, with a tank and fins."""
    level = _Turned(sketch, (0.0, 0.5), (0.0, 0.5), -1.32)
    person(level, phase, "dive", Look(look.colour or (52, 62, 78), look.seed), "man")
    level.fill(limb((-0.12, 0.56), (-0.11, 0.76), 0.05, 0.05), (236, 190, 72))
    level.fill(curve([(0.03, 0.88), (0.1, 0.9), (0.1, 0.96), (0.03, 0.97)]), (70, 190, 206))
