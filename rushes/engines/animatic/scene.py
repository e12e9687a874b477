"""A drawn view for a storyboard without a photograph: a sky, a light, ranges of hills and a foreground, in depth.

Deliberately plain: it says "picture to come" and still gives the camera a space to move in. Words of the prompt choose
the palette, the seed the lie of the land.
"""

from __future__ import annotations

import random
import re

import cv2
import numpy as np

from rushes.engines.animatic.depth import FAR, Picture, Plane

Colour = tuple[int, int, int]

# sky at the zenith, sky at the horizon, farthest range, foreground
_PALETTES: tuple[tuple[str, tuple[Colour, Colour, Colour, Colour]], ...] = (
    (r"sunset|dusk|golden|evening|orange|fire|autumn", ((74, 78, 128), (246, 178, 122), (176, 112, 112), (52, 36, 52))),
    (r"night|moon|stars?|midnight|dark|space|neon", ((10, 14, 34), (48, 62, 104), (34, 46, 80), (8, 10, 20))),
    (r"sunrise|dawn|morning|pink|blossom|spring", ((126, 158, 204), (252, 214, 202), (178, 158, 182), (74, 64, 92))),
    (r"sea|ocean|beach|water|lake|river|blue|wave", ((84, 142, 200), (206, 228, 236), (94, 146, 176), (22, 66, 98))),
    (
        r"forest|jungle|tree|green|garden|grass|meadow",
        ((134, 178, 190), (226, 234, 208), (134, 166, 136), (28, 56, 38)),
    ),
    (
        r"desert|dune|sand|canyon|mars|western|savanna",
        ((122, 162, 196), (246, 226, 190), (214, 166, 122), (126, 74, 48)),
    ),
    (
        r"snow|ice|winter|arctic|mountain|white|fog|mist",
        ((142, 166, 194), (232, 238, 244), (178, 192, 210), (84, 100, 124)),
    ),
    (
        r"city|street|urban|concrete|rain|storm|grey|gray",
        ((98, 108, 124), (198, 202, 206), (138, 144, 154), (42, 46, 56)),
    ),
)
_PLAIN = ((108, 146, 186), (232, 226, 212), (154, 166, 176), (50, 60, 74))
_RANGES = 5


def draw_scene(prompt: str, seed: int, width: int, height: int) -> tuple[Picture, Plane]:
    """Return a picture (height, width, 3) and its disparity (height, width), FAR..1."""
    dice = random.Random(f"scene {seed}")
    zenith, glow, far, near = _palette(prompt)
    horizon = dice.uniform(0.48, 0.58)
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    columns = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :]
    picture = _mixed(zenith, glow, np.clip(rows / horizon, 0.0, 1.0) ** 1.4 * np.ones_like(columns))
    _add_light(picture, glow, dice, horizon, rows=rows, columns=columns * (width / height))
    depth = np.full((height, width), FAR, np.float32)
    for index in range(_RANGES):
        closeness = index / (_RANGES - 1)
        ridge = _ridge(dice, columns[0], horizon + (1.02 - horizon) * closeness**1.5 * 0.8, 0.02 + 0.05 * closeness)
        inside = np.clip((rows - ridge[None, :]) * height / 1.5, 0.0, 1.0)[..., None]
        down = np.clip((rows - ridge[None, :]) / 0.35, 0.0, 1.0)
        colour = _mixed(_mix(far, near, closeness), _mix(far, near, min(1.0, closeness + 0.22)), down)
        picture += inside * (colour - picture)
        distance = FAR + (1.0 - FAR) * (0.08 + 0.92 * closeness**1.3)
        depth += inside[..., 0] * (distance - depth)
    # a whisper of dither: eight bits cannot hold so slow a gradient without bands
    grain = np.random.default_rng(seed % 2**63).uniform(-0.5, 0.5, (height, width, 1)).astype(np.float32)
    drawn = np.clip(picture + grain + 0.5, 0.0, 255.0).astype(np.uint8)
    sigma = max(width, height) * 0.006
    return drawn, np.asarray(cv2.GaussianBlur(depth, (0, 0), sigma), dtype=np.float32)


def _palette(prompt: str) -> tuple[Colour, Colour, Colour, Colour]:
    words = prompt.lower()
    for pattern, colours in _PALETTES:
        if re.search(rf"\b(?:{pattern})s?\b", words):
            return colours
    return _PLAIN


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _mixed(one: Colour, other: Colour, share: Plane) -> Plane:
    start, end = np.array(one, np.float32), np.array(other, np.float32)
    return np.asarray(start + (end - start) * share[..., None], dtype=np.float32)


def _add_light(
    picture: Plane, glow: Colour, dice: random.Random, horizon: float, *, rows: Plane, columns: Plane
) -> None:
    """Put a soft sun or moon low over the horizon, in place."""
    x, y = dice.uniform(0.25, 0.75) * float(columns.max()), horizon * dice.uniform(0.45, 0.8)
    away = np.hypot(columns - x, rows - y)
    halo = 0.55 * np.exp(-((away / 0.28) ** 2)) + 0.45 * np.clip((0.055 - away) / 0.004 + 0.5, 0.0, 1.0)
    bright = np.array([min(255, c + 40) for c in glow], np.float32)
    picture += halo[..., None].astype(np.float32) * (bright - picture)


def _ridge(dice: random.Random, columns: Plane, base: float, size: float) -> Plane:
    """Return the height of a skyline at each column, as a sum of waves, in shares of the picture from its top."""
    line = np.zeros_like(columns)
    for octave in range(5):
        waves, phase = 1.3 * 2.0**octave * dice.uniform(0.8, 1.2), dice.uniform(0.0, 6.28)
        line += np.sin(6.28 * waves * columns + phase) * size * 0.55**octave
    return (base + line).astype(np.float32)
