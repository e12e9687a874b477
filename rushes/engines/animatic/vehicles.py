"""Vehicles, drawn flat and side on, facing right, in units of their own length; `phase` turns their wheels."""

from __future__ import annotations

import math

from rushes.engines.animatic.figures import Look, person, shifted
from rushes.engines.animatic.ink import Colour, Sketch, box, curve, lighter, limb, mix, oval

_GLASS: Colour = (72, 92, 112)
_TYRE: Colour = (44, 44, 50)
_LAMP: Colour = (255, 226, 150)
_PAINTS: tuple[Colour, ...] = ((196, 74, 62), (74, 118, 160), (226, 178, 84), (98, 148, 128), (232, 228, 218))


def _paint(look: Look) -> Colour:
    return look.colour or look.dice().choice(_PAINTS)


def _wheel(sketch: Sketch, x: float, radius: float, phase: float) -> None:
    sketch.fill(oval(x, radius, radius, radius), _TYRE)
    sketch.fill(oval(x, radius, radius * 0.58, radius * 0.58), (176, 180, 186))
    for spoke in range(5):
        angle = -math.tau * (phase / 5 + spoke / 5)
        tip = (x + radius * 0.46 * math.cos(angle), radius + radius * 0.46 * math.sin(angle))
        sketch.fill(limb((x, radius), tip, radius * 0.1, radius * 0.08), (112, 116, 124))


def _window(look: Look) -> Colour:
    return (255, 214, 132) if look.glow else _GLASS


def car(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a car."""
    paint = _paint(look)
    sketch.fill(
        curve([(-0.3, 0.2), (-0.2, 0.335), (-0.06, 0.365), (0.1, 0.36), (0.24, 0.22)], steps=6), lighter(paint, -0.06)
    )
    sketch.fill([(-0.245, 0.225), (-0.17, 0.32), (-0.03, 0.338), (-0.03, 0.225)], _GLASS)
    sketch.fill([(0.0, 0.225), (0.0, 0.338), (0.1, 0.33), (0.205, 0.225)], _GLASS)
    sketch.fill([(0.03, 0.225), (0.1, 0.325), (0.125, 0.31), (0.07, 0.225)], lighter(_GLASS, 0.25))
    sketch.fill(
        curve(
            [
                (-0.49, 0.1),
                (-0.49, 0.19),
                (-0.42, 0.235),
                (-0.2, 0.24),
                (0.2, 0.235),
                (0.4, 0.205),
                (0.49, 0.16),
                (0.5, 0.1),
                (0.4, 0.075),
                (-0.4, 0.075),
            ],
            steps=6,
        ),
        paint,
    )
    sketch.fill(box(-0.47, 0.075, 0.47, 0.105, 0.012), lighter(paint, -0.35))
    sketch.fill(limb((-0.4, 0.165), (0.38, 0.165), 0.003, 0.003), lighter(paint, -0.25))
    for x in (-0.29, 0.29):
        sketch.fill(oval(x, 0.085, 0.104, 0.104), lighter(paint, -0.5))
        _wheel(sketch, x, 0.085, phase)
    sketch.fill(oval(0.455, 0.165, 0.03, 0.02, -0.4), _LAMP if look.glow else (246, 244, 232))
    sketch.fill(oval(-0.475, 0.175, 0.014, 0.025), (236, 72, 60))


def bus(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a bus, or a truck where the prompt says so."""
    paint = _paint(look)
    truck = look.word in ("truck", "lorry", "camión", "camion", "lastwagen")
    if truck:
        sketch.fill(box(-0.5, 0.1, 0.24, 0.46, 0.015), lighter(paint, 0.3))
        sketch.fill(box(0.255, 0.08, 0.5, 0.36, 0.05), paint)
        sketch.fill(box(0.36, 0.2, 0.485, 0.33, 0.03), _GLASS)
        sketch.fill(box(-0.5, 0.07, 0.5, 0.115, 0.01), (66, 68, 76))
    else:
        sketch.fill(box(-0.5, 0.07, 0.5, 0.42, 0.05), paint)
        sketch.fill(box(-0.5, 0.07, 0.5, 0.15, 0.03), lighter(paint, -0.25))
        for k in range(6):
            sketch.fill(box(-0.46 + k * 0.152, 0.22, -0.34 + k * 0.152, 0.37, 0.02), _window(look))
    for x in (-0.3, 0.32):
        _wheel(sketch, x, 0.075, phase)
    sketch.fill(oval(0.485, 0.13, 0.014, 0.022), _LAMP)


def bicycle(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a bicycle with its rider, pedalling."""
    paint = _paint(look)
    turn = -math.tau * phase
    for x in (-0.31, 0.31):
        sketch.fill(oval(x, 0.2, 0.2, 0.2), _TYRE)
        sketch.cut(oval(x, 0.2, 0.177, 0.177))
        for spoke in range(7):
            angle = turn + math.tau * spoke / 7
            sketch.fill(
                limb((x, 0.2), (x + 0.18 * math.cos(angle), 0.2 + 0.18 * math.sin(angle)), 0.003, 0.003),
                (150, 154, 160),
            )
    crank = (-0.02, 0.19)
    pedals = [
        (crank[0] + 0.07 * math.cos(turn + k * math.pi), crank[1] + 0.07 * math.sin(turn + k * math.pi)) for k in (0, 1)
    ]
    dice = look.dice()
    rider = Look(None, look.seed + 3)
    hip, shoulder = (-0.12, 0.60), (0.1, 0.9)
    legs: Colour = dice.choice(((54, 60, 82), (84, 72, 66)))
    _pedalling(sketch, hip, pedals[1], lighter(legs, -0.25))
    for start, end in (
        ((-0.31, 0.2), crank),
        (crank, (0.22, 0.47)),
        ((-0.12, 0.46), (0.22, 0.47)),
        ((-0.31, 0.2), (-0.12, 0.46)),
        (crank, (-0.13, 0.52)),
        ((0.31, 0.2), (0.22, 0.5)),
        ((0.22, 0.52), (0.27, 0.56)),
    ):
        sketch.fill(limb(start, end, 0.014, 0.014), paint)
    sketch.fill(limb((-0.19, 0.53), (-0.07, 0.53), 0.02, 0.014), (60, 52, 50))
    _pedalling(sketch, hip, pedals[0], legs)
    top: Colour = dice.choice(((222, 168, 84), (82, 126, 112), (226, 214, 196), (118, 94, 134)))
    sketch.fill(limb(hip, shoulder, 0.085, 0.075), top)
    sketch.fill(limb(shoulder, (0.2, 0.72), 0.035, 0.028), lighter(top, -0.1))
    sketch.fill(limb((0.2, 0.72), (0.27, 0.57), 0.028, 0.02), lighter(top, -0.1))
    head = rider.dice().choice(((242, 200, 168), (190, 132, 96), (146, 96, 68)))
    sketch.fill(limb(shoulder, (0.16, 1.0), 0.03, 0.03), lighter(head, -0.1))
    sketch.fill(oval(0.17, 1.04, 0.066, 0.078), head)
    sketch.fill(curve([(0.235, 1.07), (0.18, 1.135), (0.09, 1.09), (0.1, 1.02), (0.14, 1.06)]), (54, 44, 46))


def _pedalling(sketch: Sketch, hip: tuple[float, float], foot: tuple[float, float], colour: Colour) -> None:
    """Draw a leg from hip to foot whose knee is where two equal bones meet."""
    dx, dy = foot[0] - hip[0], foot[1] - hip[1]
    apart = math.hypot(dx, dy)
    bone = 0.26
    # Of the two places for a knee the one in front.
    out = math.sqrt(max(0.0, bone**2 - (apart / 2) ** 2))
    knee = ((hip[0] + foot[0]) / 2 - dy / apart * out, (hip[1] + foot[1]) / 2 + dx / apart * out)
    sketch.fill(limb(hip, knee, 0.06, 0.045), colour)
    sketch.fill(limb(knee, foot, 0.045, 0.03), colour)
    sketch.fill(limb((foot[0] - 0.02, foot[1]), (foot[0] + 0.06, foot[1]), 0.024, 0.018), lighter(colour, -0.4))


def train(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a train: an engine and two carriages."""
    paint = _paint(look)
    for k, left in enumerate((-0.5, -0.165)):
        sketch.fill(box(left, 0.035, left + 0.322, 0.19, 0.015), paint)
        sketch.fill(box(left, 0.035, left + 0.322, 0.075, 0.01), lighter(paint, -0.25))
        for w in range(4):
            sketch.fill(box(left + 0.025 + w * 0.072, 0.105, left + 0.075 + w * 0.072, 0.16, 0.008), _window(look))
        if k:
            sketch.fill(box(left - 0.014, 0.05, left + 0.004, 0.07), (60, 60, 66))
    nose = [(0.17, 0.035), (0.17, 0.19), (0.36, 0.19), (0.45, 0.14), (0.5, 0.06), (0.49, 0.035)]
    sketch.fill(nose, paint)
    sketch.fill([(0.17, 0.035), (0.17, 0.075), (0.493, 0.075), (0.5, 0.06), (0.49, 0.035)], lighter(paint, -0.25))
    sketch.fill([(0.33, 0.11), (0.33, 0.165), (0.37, 0.165), (0.432, 0.11)], _GLASS)
    for w in range(2):
        sketch.fill(box(0.19 + w * 0.065, 0.105, 0.24 + w * 0.065, 0.16, 0.008), _window(look))
    sketch.fill(oval(0.478, 0.075, 0.012, 0.01), _LAMP)
    for x in (-0.44, -0.24, -0.1, 0.1, 0.22, 0.42):
        _wheel(sketch, x, 0.024, phase)


def boat(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a sailing boat, a rowing boat with someone in it, or a ship, as the word says."""
    paint = look.colour or (156, 84, 64)
    rock = 0.012 * math.sin(math.tau * phase)
    if look.word in ("ship", "ferry", "vessel", "yacht", "schiff"):
        sketch.fill([(-0.5, 0.2), (-0.44, 0.0), (0.4, 0.0), (0.52, 0.24), (0.3, 0.18)], paint)
        sketch.fill(box(-0.36, 0.17, 0.2, 0.3, 0.01), (240, 238, 230))
        sketch.fill(box(-0.28, 0.3, 0.08, 0.39, 0.01), (226, 224, 216))
        sketch.fill(box(-0.16, 0.39, -0.06, 0.53, 0.01), lighter(paint, -0.2))
        for k in range(7):
            sketch.fill(oval(-0.31 + 0.07 * k, 0.24, 0.014, 0.014), (255, 214, 132) if look.glow else _GLASS)
        return
    if look.word in ("boat", "rowboat", "canoe", "kayak", "小船"):
        person(shifted(sketch, -0.04, 0.5, 0.02), phase, "sit", Look(None, look.seed + 5))
        sketch.fill(limb((0.02, 0.28), (0.34, 0.0), 0.009, 0.009), (112, 84, 62))
    else:
        sail: Colour = look.colour or (246, 240, 226)
        sketch.fill(limb((0.02, 0.1), (0.02 + rock, 0.98), 0.01, 0.007), (92, 70, 58))
        sketch.fill(curve([(0.0, 0.18), (0.01 + rock, 0.95), (-0.2 + rock, 0.55), (-0.38, 0.2)], steps=6), sail)
        sketch.fill(
            curve([(0.05, 0.2), (0.04 + rock, 0.88), (0.2 + rock, 0.5), (0.32, 0.2)], steps=6),
            mix(sail, (190, 196, 210), 0.35),
        )
        paint = (120, 78, 60)
    sketch.fill(
        curve(
            [(-0.48, 0.16), (-0.2, 0.13), (0.2, 0.13), (0.52, 0.18), (0.4, 0.02), (0.0, -0.03), (-0.38, 0.01)], steps=6
        ),
        paint,
    )
    sketch.fill(
        curve([(-0.48, 0.16), (-0.2, 0.13), (0.2, 0.13), (0.52, 0.18), (0.2, 0.105), (-0.2, 0.1)], steps=6),
        lighter(paint, 0.25),
    )


def plane(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw an airliner."""
    paint = look.colour or (240, 242, 246)
    sketch.fill([(-0.06, 0.21), (-0.2, 0.38), (-0.13, 0.38), (0.1, 0.22)], lighter(paint, -0.3))
    sketch.fill([(-0.48, 0.25), (-0.52, 0.44), (-0.44, 0.44), (-0.34, 0.26)], look.colour or (74, 118, 160))
    sketch.fill(
        curve(
            [
                (-0.52, 0.26),
                (-0.3, 0.275),
                (0.3, 0.275),
                (0.46, 0.25),
                (0.52, 0.205),
                (0.42, 0.165),
                (0.2, 0.15),
                (-0.2, 0.15),
                (-0.4, 0.2),
            ],
            steps=6,
        ),
        paint,
    )
    for k in range(9):
        sketch.fill(oval(-0.26 + 0.07 * k, 0.228, 0.012, 0.013), (255, 214, 132) if look.glow else _GLASS)
    sketch.fill([(0.4, 0.245), (0.455, 0.24), (0.475, 0.215), (0.42, 0.215)], _GLASS)
    sketch.fill([(0.1, 0.185), (-0.2, 0.02), (-0.28, 0.02), (-0.12, 0.185)], lighter(paint, -0.14))
    sketch.fill(limb((-0.03, 0.08), (0.06, 0.08), 0.035, 0.032), lighter(paint, -0.28))


def rocket(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a rocket upright, its flame flickering."""
    paint = look.colour or (238, 238, 242)
    flare = 0.03 * math.sin(math.tau * phase) + 0.02 * math.sin(math.tau * 3 * phase)
    sketch.fill(
        curve([(-0.08, 0.2), (0.08, 0.2), (0.05, 0.08), (0.0, -0.02 + flare), (-0.05, 0.08)], steps=6), (255, 160, 70)
    )
    sketch.fill(curve([(-0.045, 0.2), (0.045, 0.2), (0.0, 0.08 + flare)], steps=6), (255, 232, 160))
    for side in (-1, 1):
        sketch.fill(
            curve([(side * 0.09, 0.48), (side * 0.22, 0.3), (side * 0.2, 0.17), (side * 0.08, 0.26)], steps=6),
            (204, 78, 66),
        )
    sketch.fill(
        curve(
            [(0.0, 1.0), (0.1, 0.8), (0.125, 0.55), (0.085, 0.2), (-0.085, 0.2), (-0.125, 0.55), (-0.1, 0.8)], steps=6
        ),
        paint,
    )
    sketch.fill(curve([(0.0, 1.0), (0.085, 0.84), (0.0, 0.82), (-0.085, 0.84)], steps=6), (204, 78, 66))
    sketch.fill(oval(0.0, 0.64, 0.06, 0.06), (112, 120, 132))
    sketch.fill(oval(0.0, 0.64, 0.043, 0.043), (96, 168, 204))


def balloon(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a hot-air balloon, striped."""
    paint = _paint(look)
    other = lighter(paint, 0.55)
    bell = [
        (0.0, 1.0),
        (0.2, 0.95),
        (0.33, 0.8),
        (0.32, 0.6),
        (0.2, 0.4),
        (0.08, 0.28),
        (-0.08, 0.28),
        (-0.2, 0.4),
        (-0.32, 0.6),
        (-0.33, 0.8),
        (-0.2, 0.95),
    ]
    for share, colour in ((1.0, paint), (0.68, other), (0.3, paint)):
        sketch.fill(curve([(x * share, y) for x, y in bell]), colour)
    sway = 0.005 * math.sin(math.tau * phase)
    for x in (-0.07, 0.07):
        sketch.fill(limb((x, 0.28), (x * 0.8 + sway, 0.14), 0.005, 0.005), (96, 78, 66))
    sketch.fill(box(-0.07 + sway, 0.02, 0.07 + sway, 0.15, 0.02), (144, 100, 68))
    if look.glow:
        sketch.fill(oval(0.0, 0.33, 0.06, 0.05), (255, 222, 150), 0.7)
