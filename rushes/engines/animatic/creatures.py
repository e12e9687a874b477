"""Animals with a build of their own: penguins, jellyfish, turtles, octopuses, dinosaurs.

Drawn facing right in units of about their own height (those of the sea: of their length), y up; `phase` is 0 to 1 of
a step, a stroke or a pulse.
"""

from __future__ import annotations

import itertools
import math

from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.ink import Colour, Sketch, curve, lighter, limb, oval


def penguin(sketch: Sketch, phase: float, action: str, look: Look) -> None:
    """Draw a penguin waddling."""
    coat = look.colour or (44, 50, 64)
    going = 1.0 if action in ("walk", "run", "dance", "jump") else 0.25
    # The upper body goes from side to side: each point by its height.
    lean = 0.05 * going * math.sin(math.tau * phase)
    for k, side in enumerate((-1, 1)):
        lift = 0.05 * going * max(0.0, math.sin(math.tau * phase + math.pi * k))
        sketch.fill(curve([(side * 0.1 - 0.06, 0.0 + lift), (side * 0.1, 0.06 + lift), (side * 0.1 + 0.13, lift)]),
                    (236, 156, 62))  # fmt: skip
    body = [(-0.24, 0.08), (-0.3, 0.36), (-0.22, 0.66), (0.0, 0.76), (0.2, 0.66), (0.28, 0.36), (0.2, 0.06)]
    tail = [(-0.2, 0.16), (-0.36, 0.03), (-0.14, 0.07)]
    sketch.fill(tail, coat)
    sketch.fill(curve([(x + lean * y, y) for x, y in body]), coat)
    front = [(0.04, 0.08), (-0.06, 0.36), (0.02, 0.62), (0.2, 0.6), (0.27, 0.36), (0.2, 0.08)]
    sketch.fill(curve([(x + lean * y, y) for x, y in front]), (246, 246, 242))
    x, y = 0.03 + lean, 0.84
    sketch.fill(oval(x, y, 0.165, 0.155), coat)
    sketch.fill(oval(x + 0.06, y - 0.03, 0.1, 0.1), (246, 246, 242))
    sketch.fill([(x + 0.13, y + 0.035), (x + 0.29, y - 0.01), (x + 0.13, y - 0.045)], (240, 162, 66))
    sketch.fill(oval(x + 0.075, y + 0.03, 0.022, 0.025), (26, 28, 34))
    flap = 0.12 * math.sin(math.tau * phase) * (1.0 + going)
    wing = [(-0.06, 0.62), (-0.2 - flap, 0.42), (-0.22 - flap, 0.24), (-0.08, 0.4)]
    sketch.fill(curve(wing), lighter(coat, -0.25))


def jellyfish(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a jellyfish pulsing, half clear."""
    coat = look.colour or look.dice().choice(((236, 150, 196), (150, 186, 240), (190, 160, 236)))
    pulse = math.sin(math.tau * phase)
    wide, tall = 0.36 - 0.05 * pulse, 0.3 + 0.04 * pulse
    for k in range(7):
        x = wide * (k - 3) / 3.4
        points = [
            (
                x + 0.05 * math.sin(math.tau * (phase - 0.9 * share) + k) * (0.4 + share),
                0.64 - share * (0.5 + 0.05 * (k % 3)),
            )
            for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        ]  # fmt: skip
        for a, b in itertools.pairwise(curve(points, closed=False, steps=4)):
            sketch.fill(limb((a[0], a[1]), (b[0], b[1]), 0.014, 0.011), lighter(coat, 0.2), 0.55)
    dome = [
        (-wide, 0.62),
        (-wide * 0.9, 0.62 + tall * 0.6),
        (0.0, 0.62 + tall),
        (wide * 0.9, 0.62 + tall * 0.6),
        (wide, 0.62),
    ]
    rim = [(wide * (1 - k / 3), 0.6 + 0.03 * (k % 2)) for k in range(1, 6)]
    sketch.fill(curve([*dome, *rim], steps=6), coat, 0.86)
    sketch.fill(oval(0.0, 0.7, wide * 0.6, tall * 0.42), lighter(coat, 0.45), 0.5)
    sketch.fill(oval(-wide * 0.35, 0.62 + tall * 0.68, wide * 0.2, tall * 0.09, 0.5), (255, 255, 255), 0.6)


def turtle(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a turtle rowing with its flippers."""
    coat = look.colour or (110, 146, 96)
    row = 0.14 * math.sin(math.tau * phase)
    for x, dx, long, shade in ((0.16, 0.05, 0.3, -0.3), (-0.3, -0.08, 0.18, -0.3)):
        sketch.fill(curve([(x, 0.32), (x + dx - 0.1, 0.3 + long + row), (x + dx - 0.18, 0.28 + long * 0.6 + row),
                           (x - 0.14, 0.3)]), lighter(coat, shade))  # fmt: skip
    sketch.fill(limb((0.3, 0.32), (0.47, 0.38), 0.07, 0.065), coat)
    sketch.fill(oval(0.5, 0.39, 0.085, 0.075), coat)
    sketch.fill(oval(0.53, 0.41, 0.014, 0.016), (30, 32, 36))
    shell: Colour = (96, 104, 66)
    sketch.fill(curve([(-0.44, 0.28), (-0.3, 0.46), (0.0, 0.54), (0.28, 0.46), (0.38, 0.3), (0.0, 0.22)]), shell)
    for x, r in ((-0.22, 0.09), (0.0, 0.11), (0.2, 0.085)):
        sketch.fill(oval(x, 0.39, r, r * 0.75), lighter(shell, 0.22))
    sketch.fill(curve([(0.2, 0.27), (0.1, 0.02 - row), (-0.04, -0.02 - row), (0.04, 0.24)]), coat)
    sketch.fill(curve([(-0.26, 0.26), (-0.42, 0.12 - row * 0.6), (-0.48, 0.15 - row * 0.6), (-0.38, 0.28)]), coat)


def octopus(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw an octopus, its arms curling."""
    coat = look.colour or (206, 98, 88)
    for k in range(8):
        side = (k - 3.5) / 3.5
        points = [
            (
                side * (0.16 + 0.3 * share) + 0.07 * math.sin(math.tau * (phase - share) + 1.3 * k) * share,
                0.44 - 0.46 * share + 0.12 * abs(side) * share**2,
            )
            for share in (0.0, 0.3, 0.6, 0.85, 1.0)
        ]
        line = curve(points, closed=False, steps=5)
        for n, (a, b) in enumerate(itertools.pairwise(line)):
            thick = 0.055 * (1.0 - 0.8 * n / len(line))
            sketch.fill(limb((a[0], a[1]), (b[0], b[1]), thick, thick * 0.95), lighter(coat, -0.16 * (k % 2)))
    head = [(-0.2, 0.42), (-0.3, 0.68), (-0.18, 0.94), (0.08, 0.98), (0.26, 0.76), (0.2, 0.42)]
    sketch.fill(curve(head), coat)
    for x in (-0.02, 0.14):
        sketch.fill(oval(x, 0.55, 0.055, 0.06), (250, 244, 232))
        sketch.fill(oval(x + 0.015, 0.55, 0.03, 0.02), (34, 30, 36))


def dinosaur(sketch: Sketch, phase: float, action: str, look: Look) -> None:
    """Draw a dinosaur on two legs, striding."""
    coat = look.colour or (104, 128, 84)
    dark = lighter(coat, -0.28)
    going = {"walk": 0.4, "run": 0.7, "fight": 0.3}.get(action, 0.0)
    turn = math.tau * phase
    for offset, shade in ((math.pi, dark), (0.0, coat)):
        swing = going * math.sin(turn + offset)
        knee = (0.02 + 0.2 * math.sin(swing + 0.35), 0.4 - 0.2 * math.cos(swing))
        foot = (knee[0] + 0.2 * math.sin(swing - 0.3), max(0.03, knee[1] - 0.2 * math.cos(swing - 0.3)))
        sketch.fill(limb((-0.02, 0.46), knee, 0.13, 0.07), shade)
        sketch.fill(limb(knee, foot, 0.07, 0.045), shade)
        sketch.fill(limb(foot, (foot[0] + 0.1, foot[1] - 0.005), 0.035, 0.026), shade)
    wag = 0.05 * math.sin(turn)
    back = [(-0.95, 0.5 + wag), (-0.5, 0.6), (-0.1, 0.66), (0.2, 0.78), (0.34, 0.96), (0.44, 0.84), (0.32, 0.58),
            (0.1, 0.4), (-0.2, 0.38), (-0.55, 0.48)]  # fmt: skip
    sketch.fill(curve(back), coat)
    sketch.fill(curve([(0.3, 0.62), (0.14, 0.42), (-0.1, 0.38), (0.1, 0.48)]), lighter(coat, 0.35))
    bite = 0.03 + 0.02 * math.sin(turn)
    sketch.fill(curve([(0.3, 0.94), (0.42, 1.05), (0.66, 1.0), (0.74, 0.92), (0.5, 0.88), (0.36, 0.86)]), coat)
    sketch.fill([(0.44, 0.9), (0.7, 0.9), (0.68, 0.86), (0.64, 0.9), (0.6, 0.86), (0.56, 0.9)], (250, 246, 236))
    sketch.fill(curve([(0.36, 0.86), (0.5, 0.84 - bite), (0.66, 0.84 - bite), (0.5, 0.79 - bite), (0.36, 0.8)]), coat)
    sketch.fill(oval(0.47, 0.985, 0.018, 0.02), (250, 220, 100))
    sketch.fill(limb((0.3, 0.62), (0.42, 0.55 + 0.3 * wag), 0.03, 0.02), dark)
