"""Rain and snow over frames that are already there: drops and flakes in three depths, each a function of time alone.

Every particle falls through the frame and comes in again above, so that any frame can be drawn without the ones before.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture

_DEPTHS = ((0.35, 0.5), (0.6, 0.3), (1.0, 0.2))  # nearness, share of all particles


class Falling:
    """What falls through one film's frames; `kind` is "rain" or "snow"."""

    def __init__(self, kind: str, size: tuple[int, int], fps: float, seed: int) -> None:
        self._rain, self._size, self._fps = kind == "rain", size, fps
        dice = np.random.default_rng([seed % 2**63, 71])
        self._layers = []
        for near, share in _DEPTHS:
            count = int((420 if self._rain else 560) * share)
            self._layers.append((near, dice.uniform(0, 1, (count, 4))))

    def draw(self, index: int, frame: Picture) -> None:
        """Lay the particles of frame `index` over it, in place."""
        wide, tall = self._size
        seconds, side = index / self._fps, max(self._size)
        over = np.zeros((tall, wide), np.uint8)
        for near, places in self._layers:
            speed = (2.2 if self._rain else 0.16) * near * 720 / 1280
            for across, start, pace, phase in places:
                down = (start + seconds * speed * (0.8 + 0.4 * pace) * side / tall) % 1.08 - 0.04
                if self._rain:
                    x, y = ((across + 0.02 * down) % 1.0) * wide, down * tall
                    length = 0.028 * near * side
                    ends = (round(x * 8), round(y * 8)), (round((x - 0.1 * length) * 8), round((y - length) * 8))
                    light = int(30 + 60 * near)
                    cv2.line(over, *ends, light, max(1, round(near * side / 900)), cv2.LINE_AA, 3)
                else:
                    sway = 0.02 * math.sin(math.tau * (seconds * (0.15 + 0.2 * pace) + phase))
                    x, y = ((across + sway) % 1.0) * wide, down * tall
                    radius = max(0.7, 0.0032 * near * side * (0.6 + 0.6 * phase))
                    at = (round(x * 8), round(y * 8))
                    cv2.circle(over, at, round(radius * 8), int(120 + 120 * near), -1, cv2.LINE_AA, 3)
        over = np.asarray(cv2.GaussianBlur(over, (3, 3), 0), np.uint8)
        frame[...] = cv2.add(frame, cv2.cvtColor(over, cv2.COLOR_GRAY2RGB))
