"""Food on the table, drawn flat and a little from above: a burger, a bowl, a plate, a cake.

Drawn in units of about their own width, y up from the table; `phase` is 0 to 1 of a cycle of steam or candle light.
"""

from __future__ import annotations

import itertools
import math

from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.ink import Colour, Sketch, box, curve, lighter, limb, oval

_CRUST: Colour = (214, 150, 78)


def steam(sketch: Sketch, phase: float, bottom: float, top: float, spread: float) -> None:
    """Draw three wisps that rise and fade; the cycle closes."""
    for k, x in enumerate((-spread, 0.05 * spread, spread)):
        shares = (0.0, 0.25, 0.5, 0.75, 1.0)
        points = [
            (x + 0.06 * math.sin(math.tau * (phase - share) + 2 * k), bottom + (top - bottom) * share)
            for share in shares
        ]
        for a, b in itertools.pairwise(curve(points, closed=False, steps=4)):
            fade = 1.0 - (a[1] - bottom) / (top - bottom)
            sketch.fill(limb((a[0], a[1]), (b[0], b[1]), 0.026, 0.026), (246, 246, 248), 0.10 * max(0.0, fade))


def burger(sketch: Sketch, _phase: float, _action: str, look: Look) -> None:
    """Draw a burger on a board, with chips beside it."""
    dice = look.dice()
    sketch.fill(box(-0.9, 0.0, 0.9, 0.07, 0.03), (140, 98, 66))
    for k in range(11):
        x, lean = 0.5 + 0.026 * k, dice.uniform(-0.12, 0.12)
        tall = dice.uniform(0.34, 0.56)
        sketch.fill(limb((x, 0.1), (x + lean, tall), 0.026, 0.024), lighter((240, 196, 92), 0.1 * (k % 3 - 1)))
    sketch.fill([(0.44, 0.06), (0.84, 0.06), (0.9, 0.3), (0.4, 0.3)], (206, 72, 58))
    sketch.fill(box(-0.62, 0.07, 0.36, 0.2, 0.06), lighter(_CRUST, -0.06))
    sketch.fill(box(-0.66, 0.2, 0.4, 0.34, 0.06), (104, 62, 44))
    sketch.fill([(-0.64, 0.35), (0.38, 0.35), (0.2, 0.26), (-0.02, 0.35), (-0.3, 0.24)], (248, 196, 74))
    sketch.fill(box(-0.6, 0.34, 0.34, 0.4, 0.02), (214, 72, 60))
    leaf = [(-0.7 + 0.19 * k, 0.39 + 0.05 * (k % 2)) for k in range(7)]
    sketch.fill(curve([*leaf, (0.4, 0.46), (-0.66, 0.46)], steps=4), (122, 176, 84))
    dome = [(-0.64, 0.45), (-0.58, 0.66), (-0.36, 0.8), (-0.13, 0.84), (0.1, 0.8), (0.32, 0.66), (0.38, 0.45)]
    sketch.fill(curve(dome, closed=False), _CRUST)
    sketch.fill(curve([(-0.5, 0.62), (-0.36, 0.74), (-0.18, 0.78), (-0.3, 0.7)]), lighter(_CRUST, 0.25))
    for _ in range(16):
        x = dice.uniform(-0.48, 0.22)
        y = 0.56 + 0.24 * math.sqrt(max(0.0, 1.0 - ((x + 0.13) / 0.5) ** 2)) * dice.uniform(0.3, 0.9)
        sketch.fill(oval(x, y, 0.02, 0.012, dice.uniform(0, 3)), (250, 236, 200))


def bowl(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a full bowl, steaming, chopsticks laid across where the word is a noodle soup."""
    paint = look.colour or (64, 84, 118)
    steam(sketch, phase, 0.66, 1.16, 0.26)
    sketch.fill(
        curve([(-0.72, 0.6), (-0.6, 0.28), (-0.3, 0.06), (0.3, 0.06), (0.6, 0.28), (0.72, 0.6)], steps=6), paint
    )
    sketch.fill(box(-0.26, 0.0, 0.26, 0.07, 0.02), lighter(paint, -0.2))
    sketch.fill(
        curve([(-0.66, 0.46), (0.0, 0.4), (0.66, 0.46), (0.64, 0.4), (0.0, 0.34), (-0.64, 0.4)]), (226, 214, 196)
    )
    sketch.fill(oval(0.0, 0.6, 0.72, 0.15), lighter(paint, 0.3))
    green = look.word in ("salad",)
    broth: Colour = (126, 168, 84) if green else (216, 148, 74)
    sketch.fill(oval(0.0, 0.6, 0.65, 0.12), broth)
    for k in range(7):
        x = -0.46 + 0.1 * k
        wave = curve([(x, 0.58), (x + 0.1, 0.64), (x + 0.22, 0.57), (x + 0.3, 0.63)], closed=False, steps=5)
        for a, b in itertools.pairwise(wave):
            sketch.fill(limb((a[0], a[1]), (b[0], b[1]), 0.016, 0.016), lighter((244, 214, 140), -0.06 * (k % 2)))
    sketch.fill(oval(0.3, 0.65, 0.15, 0.075, 0.2), (250, 246, 238))
    sketch.fill(oval(0.31, 0.655, 0.075, 0.042, 0.2), (246, 172, 62))
    sketch.fill(oval(-0.3, 0.64, 0.17, 0.06, -0.1), (176, 92, 72) if not green else (214, 72, 60))
    for x, y in ((-0.06, 0.66), (0.02, 0.62), (0.1, 0.67), (-0.02, 0.69)):
        sketch.fill(oval(x, y, 0.032, 0.018), (110, 166, 78))
    if not green:
        for lift in (0.0, 0.05):
            sketch.fill(limb((0.1, 0.68 + lift), (0.86, 0.86 + lift), 0.014, 0.018), (120, 74, 52))


def plate(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a plate with what the word says: a pizza, pancakes, sushi, else meat and greens."""
    sketch.fill(oval(0.0, 0.14, 0.86, 0.14), (206, 202, 196))
    sketch.fill(oval(0.0, 0.17, 0.86, 0.14), (246, 243, 236))
    sketch.fill(oval(0.0, 0.175, 0.62, 0.09), (232, 228, 220))
    if look.word == "pizza":
        _pizza(sketch, look)
    elif look.word in ("pancake", "dessert", "breakfast"):
        _pancakes(sketch)
    elif look.word == "sushi":
        for k, fill in enumerate(((240, 124, 84), (226, 84, 78), (246, 190, 90), (240, 124, 84))):
            x = -0.42 + 0.28 * k
            sketch.fill(box(x - 0.11, 0.17, x + 0.11, 0.31, 0.05), (250, 248, 242))
            sketch.fill(curve([(x - 0.14, 0.27), (x - 0.1, 0.38), (x + 0.1, 0.38), (x + 0.14, 0.27)]), fill)
    else:
        steam(sketch, phase, 0.4, 0.95, 0.2)
        sketch.fill(curve([(-0.46, 0.18), (-0.4, 0.34), (-0.1, 0.4), (0.14, 0.3), (0.1, 0.17)]), (136, 76, 54))
        for k in range(3):
            sketch.fill(limb((-0.34 + 0.15 * k, 0.24), (-0.26 + 0.15 * k, 0.34), 0.014, 0.014), (88, 48, 40))
        for x, y, r in ((0.26, 0.27, 0.1), (0.4, 0.25, 0.09), (0.33, 0.34, 0.09)):
            sketch.fill(oval(x, y, r, r * 0.85), (104, 156, 82))
        for x in (0.14, 0.2):
            sketch.fill(oval(x, 0.2, 0.07, 0.035), (240, 150, 70))


def _pizza(sketch: Sketch, look: Look) -> None:
    dice = look.dice()
    sketch.fill(oval(0.0, 0.2, 0.76, 0.13), _CRUST)
    sketch.fill(oval(0.0, 0.215, 0.68, 0.11), (244, 198, 96))
    for _ in range(13):
        angle, away = dice.uniform(0, math.tau), dice.uniform(0.1, 0.88)
        x, y = 0.6 * away * math.cos(angle), 0.215 + 0.09 * away * math.sin(angle)
        sketch.fill(oval(x, y, 0.07, 0.022), dice.choice(((200, 66, 54), (200, 66, 54), (96, 148, 74))))


def _pancakes(sketch: Sketch) -> None:
    for k in range(4):
        sketch.fill(oval(0.01 * (k % 2), 0.22 + 0.09 * k, 0.46, 0.085), (196, 130, 66))
        sketch.fill(oval(0.01 * (k % 2), 0.245 + 0.09 * k, 0.45, 0.08), (236, 182, 104))
    sketch.fill(curve([(-0.3, 0.52), (0.0, 0.57), (0.32, 0.52), (0.28, 0.3), (0.2, 0.46), (-0.2, 0.44)]), (172, 96, 44))
    sketch.fill(box(-0.09, 0.53, 0.1, 0.63, 0.02), (252, 232, 150))


def cake(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a cake in two tiers with burning candles."""
    icing = look.colour or (248, 226, 226)
    sketch.fill(oval(0.0, 0.05, 0.8, 0.05), (222, 218, 212))
    for half, low, tall in ((0.62, 0.05, 0.34), (0.42, 0.38, 0.28)):
        sketch.fill(box(-half, low, half, low + tall, 0.03), lighter(icing, -0.12))
        sketch.fill(oval(0.0, low + tall, half, 0.06), icing)
        drops = [(-half + 2 * half * k / 12, low + tall - 0.02 - (0.1 if k % 2 else 0.03)) for k in range(13)]
        sketch.fill(curve([*drops, (half, low + tall), (-half, low + tall)], steps=4), (214, 108, 122))
    for k in range(5):
        x = -0.28 + 0.14 * k
        sketch.fill(box(x - 0.016, 0.68, x + 0.016, 0.86), ((238, 188, 90), (120, 178, 206))[k % 2])
        lick = 0.012 * math.sin(math.tau * phase + 2 * k)
        sketch.fill(oval(x, 0.91, 0.06, 0.075), (255, 224, 130), 0.3)
        sketch.fill(curve([(x - 0.022, 0.88), (x + lick, 0.97), (x + 0.022, 0.88), (x, 0.86)]), (255, 214, 96))
