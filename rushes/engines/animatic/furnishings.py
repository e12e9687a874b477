"""What people sit on and hold: chairs, benches, sofas, a log, laptops, phones, guitars.

Seats are drawn in units of the height of whoever sits on them, their edge at SEAT; the others in units of their own.
"""

from __future__ import annotations

from rushes.engines.animatic.figures import Look, shifted
from rushes.engines.animatic.ink import Colour, Sketch, box, curve, lighter, limb, oval

TABLE = 0.38  # where a table's top is, of the height of a person
SEAT = 0.19  # where a seat's surface is, of the height of a person; `figures` lets thighs lie on it


def chair(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a chair from the side."""
    wood = look.colour or (146, 100, 70)
    dark = lighter(wood, -0.3)
    for x in (-0.12, 0.1):
        sketch.fill(limb((x + 0.03, SEAT), (x + 0.04, 0.02), 0.011, 0.009), dark)
    sketch.fill(limb((-0.155, SEAT - 0.02), (-0.2, 0.5), 0.016, 0.013), wood)
    sketch.fill(box(-0.17, SEAT - 0.03, 0.13, SEAT, 0.012), wood)
    for x in (-0.15, 0.11):
        sketch.fill(limb((x, SEAT - 0.02), (x, 0.0), 0.014, 0.011), wood)


def bench(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a park bench from the front."""
    wood = look.colour or (156, 108, 72)
    iron: Colour = (62, 66, 76)
    for x in (-0.46, 0.46):
        sketch.fill(limb((x, SEAT + 0.2), (x, 0.0), 0.016, 0.016), iron)
        sketch.fill(limb((x - 0.02, SEAT), (x - 0.03, 0.0), 0.014, 0.014), lighter(iron, 0.15))
    for y in (0.27, 0.335, 0.4):
        sketch.fill(box(-0.54, y, 0.54, y + 0.045, 0.01), lighter(wood, -0.14))
    sketch.fill(box(-0.55, SEAT - 0.035, 0.55, SEAT, 0.01), wood)
    sketch.fill(box(-0.55, SEAT, 0.55, SEAT + 0.035, 0.01), lighter(wood, -0.08))


def sofa(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a sofa from the front; a bed where the word says so."""
    paint = look.colour or look.dice().choice(((94, 124, 134), (168, 104, 88), (112, 122, 98)))
    if look.word in ("bed", "lit", "bett"):
        sketch.fill(box(-0.78, 0.0, -0.7, 0.5, 0.02), (128, 88, 64))
        sketch.fill(box(-0.74, 0.04, 0.74, SEAT, 0.03), (240, 236, 228))
        sketch.fill(box(-0.3, 0.02, 0.76, SEAT + 0.02, 0.04), paint)
        sketch.fill(box(-0.7, SEAT - 0.02, -0.38, SEAT + 0.07, 0.04), (250, 248, 242))
        return
    sketch.fill(box(-0.68, 0.06, 0.68, 0.46, 0.07), lighter(paint, -0.14))
    for left in (-0.6, 0.01):
        sketch.fill(box(left, 0.16, left + 0.59, 0.44, 0.06), lighter(paint, -0.05))
        sketch.fill(box(left, 0.1, left + 0.59, SEAT + 0.01, 0.03), lighter(paint, 0.08))
    for side in (-1, 1):
        sketch.fill(box(side * 0.7 - 0.09, 0.04, side * 0.7 + 0.09, 0.3, 0.06), paint)
        sketch.fill(box(side * 0.62 - 0.02, 0.0, side * 0.62 + 0.02, 0.05), (84, 62, 52))
    sketch.fill(box(-0.68, 0.04, 0.68, 0.1, 0.02), lighter(paint, -0.22))


def log(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a log, or a stone on a beach and in the mountains."""
    if look.word == "stone":
        stone: Colour = (134, 132, 136)
        sketch.fill(curve([(-0.24, 0.0), (-0.22, 0.13), (-0.1, SEAT), (0.1, SEAT), (0.2, 0.1), (0.22, 0.0)]), stone)
        sketch.fill(curve([(0.04, 0.0), (0.08, 0.12), (0.1, SEAT), (0.2, 0.1), (0.22, 0.0)]), lighter(stone, -0.18))
        return
    bark: Colour = (112, 82, 64)
    sketch.fill(limb((-0.3, 0.09), (0.3, 0.09), 0.1, 0.1), bark)
    sketch.fill(oval(0.3, 0.09, 0.06, 0.1), (190, 150, 108))
    sketch.fill(oval(0.3, 0.09, 0.035, 0.06), (160, 120, 84))


def desk(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a table from its long side."""
    wood = look.colour or (158, 114, 78)
    for x in (-0.5, 0.5):
        sketch.fill(box(x - 0.022, 0.0, x + 0.022, TABLE), lighter(wood, -0.22))
    sketch.fill(box(-0.6, TABLE - 0.04, 0.6, TABLE + 0.005, 0.01), wood)
    sketch.fill(box(-0.54, TABLE - 0.09, 0.54, TABLE - 0.04), lighter(wood, -0.14))


def laptop(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw an open laptop on a desk, its screen lit."""
    paint = look.colour or (176, 182, 190)
    sketch = shifted(sketch, 0.0, 1.0, 0.95)
    sketch.fill(box(-1.5, -0.1, 1.5, 0.0, 0.01), (150, 112, 82))
    for x in (-1.34, 1.34):
        sketch.fill(box(x - 0.05, -0.95, x + 0.05, -0.1), (112, 82, 62))
    sketch.fill([(-0.62, 0.12), (0.62, 0.12), (0.56, 0.92), (-0.56, 0.92)], (52, 56, 66))
    sketch.fill([(-0.57, 0.17), (0.57, 0.17), (0.52, 0.88), (-0.52, 0.88)], (92, 150, 196))
    sketch.fill([(-0.57, 0.17), (0.57, 0.17), (0.55, 0.42), (-0.55, 0.42)], (66, 110, 160))
    for k in range(4):
        wide = (0.5, 0.34, 0.62, 0.28)[k] * (0.6 + 0.4 * ((phase * 4 - k) % 4 > 0.8))
        sketch.fill(box(-0.44, 0.74 - 0.11 * k, -0.44 + wide, 0.78 - 0.11 * k, 0.01), (236, 244, 250))
    sketch.fill([(-0.74, 0.0), (0.74, 0.0), (0.62, 0.12), (-0.62, 0.12)], paint)
    sketch.fill([(-0.56, 0.04), (0.56, 0.04), (0.52, 0.1), (-0.52, 0.1)], lighter(paint, -0.35))
    sketch.fill(box(-0.74, -0.02, 0.74, 0.01, 0.01), lighter(paint, -0.2))


def phone(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a phone standing upright."""
    paint = look.colour or (48, 52, 62)
    sketch.fill(box(-0.26, 0.0, 0.26, 1.0, 0.07), paint)
    sketch.fill(box(-0.23, 0.04, 0.23, 0.96, 0.05), (58, 96, 152))
    sketch.fill(curve([(-0.23, 0.5), (-0.05, 0.62), (0.23, 0.46), (0.23, 0.06), (-0.23, 0.06)]), (232, 132, 122))
    sketch.fill(box(-0.07, 0.91, 0.07, 0.935, 0.012), lighter(paint, -0.4))
    for k in range(6):
        x, y = -0.13 + 0.13 * (k % 3), 0.26 + 0.14 * (k // 3)
        sketch.fill(box(x - 0.04, y - 0.045, x + 0.04, y + 0.045, 0.02), (248, 244, 238), 0.85)


def guitar(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a guitar, its neck to the upper right."""
    wood = look.colour or (198, 128, 66)
    if look.word == "held":  # as one holds it: nearly level
        sketch.fill(limb((0.0, 0.0), (0.3, 0.1), 0.013, 0.011), (88, 60, 46))
        sketch.fill(oval(-0.06, -0.02, 0.085, 0.07, 0.3), wood)
        sketch.fill(oval(0.02, 0.005, 0.06, 0.05, 0.3), wood)
        sketch.fill(oval(-0.02, -0.005, 0.022, 0.022), (70, 46, 38))
        return
    sketch.fill(limb((0.0, 0.4), (0.0, 0.98), 0.032, 0.026), (88, 60, 46))
    sketch.fill(box(-0.05, 0.94, 0.05, 1.04, 0.02), (66, 46, 38))
    sketch.fill(oval(0.0, 0.2, 0.24, 0.2), wood)
    sketch.fill(oval(0.0, 0.43, 0.18, 0.14), wood)
    sketch.fill(oval(0.0, 0.36, 0.07, 0.065), (70, 46, 38))
    sketch.fill(box(-0.07, 0.15, 0.07, 0.175), (70, 46, 38))
