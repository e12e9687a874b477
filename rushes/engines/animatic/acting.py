"""What a face does while it speaks, apart from the words: blinks, nods, brows that go up with what is said loudly.

By the seed and at natural times, the same for the same film. Doing it to a picture is `lips`' job.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rushes.engines.animatic.articulation import Lips

_CALM_S = 3.4  # between two blinks, on average
_CLOSING_S, _CLOSED_S, _OPENING_S = 0.08, 0.06, 0.14
_BLINK_S = _CLOSING_S + _CLOSED_S + _OPENING_S


@dataclass(frozen=True, slots=True)
class Mien:
    """How a face looks at one moment: lips, lids and brows from 0 (at rest) to 1, the head shifted in eye distances."""

    lips: Lips
    blink: float = 0.0
    brows: float = 0.0
    right: float = 0.0
    down: float = 0.0


class Acting:
    """Blinks and nods of one speaker."""

    def __init__(self, seed: int, fps: float) -> None:
        self._dice = np.random.default_rng([seed & 0xFFFFFFFF, 41])
        self._fps = fps
        self._phases = self._dice.uniform(0.0, 2.0 * np.pi, 3)
        self._blink = self._dice.uniform(0.6, _CALM_S)
        self._index = 0
        self._spirit = self._stress = 0.0

    def next(self, lips: Lips) -> Mien:
        """Return the next frame's look, with lips like this."""
        at = self._index / self._fps
        self._index += 1
        self._spirit += (lips.open - self._spirit) * min(1.0, 3.0 / self._fps)  # a head follows slowly
        self._stress += (max(lips.open - 0.55, 0.0) * 2.0 - self._stress) * min(1.0, 5.0 / self._fps)
        if at - self._blink > _BLINK_S:
            # Pauses between blinks are skewed: many short ones and a few long.
            self._blink = at + float(np.clip(self._dice.gamma(4.0, _CALM_S / 4.0), 1.2, 8.0))
        slow, other = 2.0 * np.pi * 0.19 * at, 2.0 * np.pi * 0.31 * at
        a, b, c = self._phases
        right = 0.020 * np.sin(slow + a) + 0.010 * np.sin(other + b) - 0.020 * np.sin(a) - 0.010 * np.sin(b)
        down = 0.012 * np.sin(1.3 * slow + c) - 0.012 * np.sin(c) + 0.030 * self._spirit
        return Mien(lips, self._lids(at - self._blink), self._stress, float(right), float(down))

    def _lids(self, since: float) -> float:
        """Return how far the lids are down, so long after a blink began: at any rate one frame has them closed."""
        if since <= 0.0 or since >= _BLINK_S:
            return 0.0
        # A little over a frame's time, or rounding could step over the moment.
        held = max(_CLOSED_S, 1.01 / self._fps)
        if since < _CLOSING_S:
            closing = since / _CLOSING_S
            return closing if 1.0 / self._fps < _CLOSING_S else 1.0
        return float(np.clip(1.0 - (since - _CLOSING_S - held) / _OPENING_S, 0.0, 1.0))
