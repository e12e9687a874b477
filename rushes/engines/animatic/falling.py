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
            across, start, pace, phase = places.T
            speed = (2.2 if self._rain else 0.16) * near * 720 / 1280
            # From just above the frame to just below it: nothing appears or ends within.
            down = (start + seconds * speed * (0.8 + 0.4 * pace) * side / tall) % 1.08 - 0.04
            if self._rain:
                at = np.stack([((across + 0.02 * down) % 1.0) * wide, down * tall], axis=1)
                ends = np.stack([at, at - 0.028 * near * side * np.array([0.1, 1.0])], axis=1)
                # In eighths of a pixel (a shift of 3 bits), or slow snow would go by steps.
                lines, thick = np.round(ends * 8).astype(np.int32), max(1, round(near * side / 900))
                cv2.polylines(over, list(lines), False, int(30 + 60 * near), thick, cv2.LINE_AA, 3)
            else:
                sway = 0.02 * np.sin(math.tau * (seconds * (0.15 + 0.2 * pace) + phase))
                x, y = ((across + sway) % 1.0) * wide, down * tall
                radius = np.maximum(0.7, 0.0032 * near * side * (0.6 + 0.6 * phase))
                for flake in np.round(np.stack([x, y, radius], axis=1) * 8).astype(int).tolist():
                    cv2.circle(over, flake[:2], flake[2], int(120 + 120 * near), -1, cv2.LINE_AA, 3)
        cv2.add(frame, cv2.cvtColor(cv2.GaussianBlur(over, (3, 3), 0), cv2.COLOR_GRAY2RGB), dst=frame)
