"""How loud sound is, as people hear it, and the gain that brings it where it should be.

ITU-R BS.1770-4: K-weighting (here as a curve over the spectrum of each block, which needs no filter state), blocks of
0.4 s, an absolute gate at -70 and a relative one 10 below. Sound comes in pieces; only the blocks' numbers are kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

TARGET = -20.0  # LUFS
_BLOCK_S = 0.4
_MOST_GAIN = 12.0

Sound = npt.NDArray[np.float32]


def loudness(pieces: Iterable[Sound], rate: int) -> float:
    """Return the integrated loudness in LUFS of (N, channels) pieces; -inf for silence."""
    count = round(_BLOCK_S * rate)
    weight = _weighting(count, rate)
    powers, rest = [], np.zeros((0, 1), np.float32)
    for piece in pieces:
        rest = piece if not len(rest) else np.concatenate([rest, piece])
        while len(rest) >= count:
            powers.append(_power(rest[:count], weight))
            rest = rest[count:]
    if not powers and len(rest):
        # Shorter than a block: as loud as it is, not as it is with silence behind it.
        powers.append(_power(np.pad(rest, ((0, count - len(rest)), (0, 0))), weight) * count / len(rest))
    return _gated(np.array(powers))


def gain_to(target: float, heard: float) -> float:
    """Return the factor that takes sound of this loudness to the target; 1 for silence, never more than 12."""
    if not math.isfinite(heard):
        return 1.0
    return min(math.pow(10.0, (target - heard) / 20.0), _MOST_GAIN)


def limited(sound: Sound) -> Sound:
    """Bend peaks above 0.7 softly so that none reaches 1; below, nothing changes."""
    size = np.abs(sound)
    over = np.maximum(size - 0.7, 0.0)
    return np.asarray(np.where(over > 0.0, np.sign(sound) * (0.7 + 0.28 * np.tanh(over / 0.28)), sound), np.float32)


def _gated(powers: npt.NDArray[np.float64]) -> float:
    loud = powers[powers > 10.0 ** ((-70.0 + 0.691) / 10.0)]
    if not loud.size:
        return -math.inf
    loud = loud[loud >= 0.1 * loud.mean()]
    return -0.691 + 10.0 * math.log10(float(loud.mean()))


def _power(block: Sound, weight: npt.NDArray[np.float64]) -> float:
    """Return the weighted mean square, summed over channels."""
    spectrum = np.abs(np.fft.rfft(block, axis=0)) ** 2
    return float((spectrum * weight[:, None]).sum() * 2.0 / len(block) ** 2)


def _weighting(count: int, rate: int) -> npt.NDArray[np.float64]:
    """Return |H|^2 of the K curve: a shelf of +4 dB above 1.7 kHz (Q 0.71), and a high-pass at 38 Hz (Q 0.5)."""
    # The analogue filters behind the coefficients that the standard prints for 48 kHz.
    s = 1j * np.maximum(np.fft.rfftfreq(count, 1.0 / rate), 1e-3)
    shelf, high = s / 1681.97, s / 38.135
    top, band, quality = 10 ** (3.99984 / 20), 10 ** (3.99984 / 20 * 0.4996667741545416), 0.7071752
    first = (top * shelf**2 + band / quality * shelf + 1.0) / (shelf**2 + shelf / quality + 1.0)
    second = high**2 / (high**2 + high / 0.5003270 + 1.0)
    return np.asarray(np.abs(first * second) ** 2, np.float64)
