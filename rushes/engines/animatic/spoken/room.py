"""What a dry voice gets on its way out: its colour, a little warmth, a small room, and the sample rate asked for.

All of it is one multiplication in the spectrum of a piece, whose ends overlap with those of its neighbours, so that
pieces join without a click. What is said, and with which voice, is decided elsewhere.
"""

from __future__ import annotations

from math import gcd

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]

_LEAD_S, _TAIL_S = 0.05, 0.25  # what colouring rings before a sound, and the room after it
_ROOM_S, _ROOM_LEVEL = 0.045, 0.055  # how fast the room dies away (to 1/e), and how loud it is
_STEADY_RMS = 0.115  # of what is voiced; far from clipping at volume 1
_MOST_GAIN, _LEAST_GAIN = 2.2, 0.45


class Room:
    """One voice on its way from `rate_in` to `rate_out`; `tilt` in decibels per octave, negative is darker."""

    def __init__(self, rate_in: int, rate_out: int, tilt: float = 0.0) -> None:
        common = gcd(rate_in, rate_out)
        self._step_in, self._step_out = rate_in // common, rate_out // common
        self._rate, self._rate_out, self._tilt = rate_in, rate_out, tilt
        self._taken = self._given = 0
        self._lead, self._tail = self._steps(_LEAD_S), self._steps(_TAIL_S)
        self._rest = np.zeros(0)
        self._over = np.zeros((self._lead + self._tail) * self._step_out)
        self._first = True

    def put(self, samples: Curve, *, level: float = 1.0, last: bool = False) -> Samples:
        """Take the next samples, -1 to 1, and return what is ready; with `last`, everything that is left."""
        self._taken += len(samples)
        whole = np.concatenate([self._rest, samples])
        steps = len(whole) // self._step_in
        # Only whole steps have a whole number of samples at both rates.
        if last and len(whole) % self._step_in:
            steps += 1
            whole = np.pad(whole, (0, steps * self._step_in - len(whole)))
        self._rest = whole[steps * self._step_in :]
        ready = self._coloured(whole[: steps * self._step_in] * _evening(whole, self._rate) * level)
        # What still rings of the piece before.
        ready[: len(self._over)] += self._over
        keep = 0 if last else (self._lead + self._tail) * self._step_out
        self._over = ready[len(ready) - keep :]
        begin = self._lead * self._step_out if self._first else 0
        self._first = self._first and not steps
        until = len(ready) - keep
        if last:  # the room's last breath is not worth a longer sound
            until = begin + round(self._taken * self._rate_out / self._rate) - self._given
        self._given += until - begin
        return np.asarray(ready[begin:until], dtype=np.float32)

    def _steps(self, seconds: float) -> int:
        return max(1, round(seconds * self._rate / self._step_in))

    def _coloured(self, samples: Curve) -> Curve:
        """Return the samples at the new rate, with the lead before and the tail after them."""
        padded = np.pad(samples, (self._lead * self._step_in, self._tail * self._step_in))
        count = len(padded) // self._step_in * self._step_out
        spectrum = np.fft.rfft(padded)
        hertz: Curve = np.asarray(np.fft.rfftfreq(len(padded), 1.0 / self._rate), dtype=np.float64)
        spectrum *= _colour(hertz, self._tilt) * (1.0 + _ROOM_LEVEL * np.fft.rfft(_walls(self._rate), len(padded)))
        bins = count // 2 + 1
        if len(spectrum) > bins:
            edge = 0.5 * self._rate * count / len(padded)  # half the new rate
            # Nothing at half the new rate, and a soft way there: a cut would ring.
            spectrum = spectrum[:bins] * np.clip((edge - hertz[:bins]) / (0.04 * edge), 0.0, 1.0)
        return np.fft.irfft(spectrum, count) * (count / len(padded))


def _evening(samples: Curve, rate: int) -> float:
    """Return the gain that brings what is voiced to the usual loudness."""
    frame = max(1, rate // 50)
    count = len(samples) // frame
    if not count:
        return 1.0
    levels = np.sqrt(np.mean(samples[: count * frame].reshape(count, frame) ** 2, axis=1))
    voiced = levels[levels > 0.25 * levels.max()]
    loud = float(np.sqrt(np.mean(voiced**2))) if len(voiced) else 0.0
    return float(np.clip(_STEADY_RMS / loud, _LEAST_GAIN, _MOST_GAIN)) if loud > 1e-4 else 1.0


def _colour(hertz: Curve, tilt: float) -> Curve:
    """Return the gain at each frequency: the voice's tilt around 500 Hz, less buzz at 3 kHz, nothing below 60 Hz."""
    octaves = np.log2(np.maximum(hertz, 40.0) / 500.0)
    warm = 2.0 * np.exp(-(((octaves + 1.2) / 0.9) ** 2)) - 3.0 * np.exp(-(((octaves - 2.6) / 0.7) ** 2))
    decibels = warm + tilt * np.clip(octaves, -2.5, 3.5) - 4.0 * np.clip(octaves - 3.6, 0.0, None)
    return np.asarray(10 ** (decibels / 20) * np.clip(hertz / 60.0, 0.0, 1.0) ** 2)


def _walls(rate: int) -> Curve:
    """Return the room's answer to a click: noise that dies away, after the time a sound takes to the wall and back."""
    count = round(0.9 * _TAIL_S * rate)
    at = np.arange(count) / rate
    noise = (
        np.random.default_rng(7).standard_normal(count) * np.exp(-at / _ROOM_S) * np.clip((at - 0.006) / 0.004, 0, 1)
    )
    return np.asarray(noise / np.sqrt(np.sum(noise**2)) * 4.0)
