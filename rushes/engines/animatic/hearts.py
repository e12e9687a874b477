"""Hearts that rise and fade, drawn as shapes."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.easing import smoothstep

_COLOURS = ((255, 72, 112), (255, 108, 146), (236, 48, 92))
_FINE = 16  # parts of a pixel in which outlines are given


def heart(
    frame: Picture, at: tuple[float, float], size: float, colour: tuple[int, int, int], lean: float = 0.0
) -> None:
    """Draw one heart, `size` pixels from its middle to its sides, in place."""
    if size < 1.0:
        return
    x, y = outlined((0.0, 0.0), 1.0).T
    turned = np.stack([x * math.cos(lean) - y * math.sin(lean), x * math.sin(lean) + y * math.cos(lean)], axis=1)
    for share, shift, tone in ((1.0, 0.0, colour), (0.24, -0.42, _pale(colour))):
        points = (turned * share + shift) * size + np.array(at)
        cv2.fillPoly(frame, [np.round(points * _FINE).astype(np.int32)], tone, cv2.LINE_AA, 4)


def outlined(at: tuple[float, float], size: float) -> npt.NDArray[np.float64]:
    """Return the corners, (96, 2) as x and y, of a heart: the usual parametric curve, 16 units to each side."""
    t = np.linspace(0.0, math.tau, 96, endpoint=False)
    x = np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16
    return np.asarray(np.stack([x, y], axis=1) * size + np.array(at), dtype=np.float64)


def rising(frame: Picture, t: float, begin: float, place: tuple[float, float], seed: int) -> None:
    """Let hearts rise from a place (pixels) from `begin` on, growing, swaying and dwindling, in place."""
    dice = np.random.default_rng(seed % 2**63)
    tall, wide = frame.shape[:2]
    side = min(tall, wide)
    for number in range(14):
        across, size, drift, phase = dice.uniform(0.0, 1.0, 4)
        # One after the other, so that the last has risen when the film ends.
        age = (t - begin - 0.045 * number) / 0.42
        if 0.0 < age < 1.0:
            x = place[0] + ((across - 0.5) * 0.9 + 0.05 * math.sin(math.tau * (age + phase))) * side
            y = place[1] - age * (0.35 + 0.2 * drift) * side
            grown = smoothstep(age / 0.2) * smoothstep((1.0 - age) / 0.3)
            heart(frame, (x, y), (0.018 + 0.03 * size) * side * grown, _COLOURS[number % 3], 0.3 * (phase - 0.5))


def _pale(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    return tuple(round(part + 0.55 * (255 - part)) for part in colour)  # type: ignore[return-value]
