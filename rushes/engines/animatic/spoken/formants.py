"""A score to samples: harmonics of the pitch, each as strong as the mouth's resonances let it be, and shaped noise.

Additive on purpose: a filter whose coefficients change would have to be run sample by sample, which Python is slow at;
a sum of harmonics is a few dozen array operations for a whole clause.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.spoken.character import Character
from rushes.engines.animatic.spoken.score import STEP_S, Burst, Score

Samples = npt.NDArray[np.float32]

_TOP_HZ = 5200.0  # above it a voice is noise
_WIDTHS_HZ = np.array([80.0, 110.0, 170.0])  # of the resonances (Klatt 1980, rounded up for steadiness)
_LEVELS = np.array([1.0, 0.63, 0.32])
_HIGHER = ((3500.0, 220.0, 0.16), (4500.0, 280.0, 0.08))  # resonances that hardly move, for presence
_MURMUR = 0.35  # below the first formant
_LOUDNESS = 0.30


def sing(score: Score, character: Character, sample_rate: int, dice: np.random.Generator) -> Samples:
    """Return the clause at `sample_rate`, about -0.9 to 0.9, never empty."""
    count = max(1, round(score.seconds * sample_rate))
    at = np.arange(count, dtype=np.float64) / sample_rate
    steps = np.arange(len(score.pitch)) * STEP_S
    pitch = np.interp(at, steps, score.pitch)
    voice = np.interp(at, steps, score.voice)
    samples = _voiced(score, character, pitch, at, sample_rate) * voice
    samples += _breath(count, sample_rate, dice) * character.breath * voice * 2.0
    samples *= _LOUDNESS
    for burst in score.bursts:
        _add_noise(samples, burst, sample_rate, dice)
    return np.asarray(np.tanh(samples * 1.3) / 1.15, dtype=np.float32)


def _voiced(
    score: Score, character: Character, pitch: npt.NDArray[np.float64], at: npt.NDArray[np.float64], sample_rate: int
) -> npt.NDArray[np.float64]:
    """Sum the harmonics; each one's strength follows the resonances every STEP_S."""
    phase = 2.0 * np.pi * np.cumsum(pitch) / sample_rate
    # Each harmonic is the one before turned once more: a product instead of a sine.
    turn = np.exp(1j * phase).astype(np.complex64)
    top = min(_TOP_HZ * character.tract, 0.45 * sample_rate)
    harmonics = int(top / float(score.pitch.min()))
    steps = np.arange(len(score.pitch)) * STEP_S
    current = np.ones_like(turn)
    total = np.zeros(len(at))
    for number in range(1, harmonics + 1):
        current *= turn
        level = _level(score, number, character)
        # Above it a harmonic would fold back into what is heard.
        level[number * score.pitch > top] = 0.0
        total += np.interp(at, steps, level) * current.imag
    return np.asarray(total / np.sqrt(np.mean(total**2) + 1e-6))


def _level(score: Score, number: int, character: Character) -> npt.NDArray[np.float64]:
    """Return how strong a harmonic is at each step: the voice's own slope, times the sum of its resonances."""
    hz = number * score.pitch
    strength = _MURMUR * np.exp(-hz / 400.0)
    for formant, width, level in zip(score.formants, _WIDTHS_HZ * character.tract, _LEVELS, strict=True):
        strength = strength + level / np.sqrt(1.0 + ((hz - formant) / width) ** 2)
    for centre, width, level in _HIGHER:
        strength = strength + level / np.sqrt(1.0 + ((hz - centre * character.tract) / width) ** 2)
    return np.asarray(strength * number ** -(0.35 + 0.75 * character.slope))


def _breath(count: int, sample_rate: int, dice: np.random.Generator) -> npt.NDArray[np.float64]:
    return _noise(count, 2200.0, 1800.0, sample_rate, dice)


def _noise(count: int, hz: float, width: float, sample_rate: int, dice: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return noise around a frequency, of unit strength."""
    spectrum = np.fft.rfft(dice.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1.0 / sample_rate)
    hz = min(hz, 0.4 * sample_rate)  # at a telephone's rate an s is duller, not silent
    shaped = np.fft.irfft(spectrum * np.exp(-0.5 * ((hertz - hz) / width) ** 2), count)
    return np.asarray(shaped / (np.sqrt(np.mean(shaped**2)) + 1e-9))


def _add_noise(samples: npt.NDArray[np.float64], burst: Burst, sample_rate: int, dice: np.random.Generator) -> None:
    """Put one hiss or burst where it belongs, in place."""
    first = round(burst.start_s * sample_rate)
    count = min(max(8, round(burst.length_s * sample_rate)), len(samples) - first)
    if count < 8:
        return
    # A burst strikes and dies away; a hiss swells and goes.
    t = np.linspace(0.0, 1.0, count)
    shape = np.exp(-5.0 * t) * np.minimum(t * 40.0, 1.0) if burst.sharp else np.sin(np.pi * t) ** 0.6
    noise = _noise(count, burst.hz, burst.width_hz, sample_rate, dice)
    samples[first : first + count] += noise * shape * burst.level * 0.32
