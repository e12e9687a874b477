"""A decoded sound made ready for a model that listens: mono, its rate, a usual loudness, as long as the film.

Loudness is measured as ITU-R BS.1770 says and set by one factor for the whole sound, less where that would clip.
Silence fills what is missing and stays silence. The film itself gets the sound as it came.
"""

from __future__ import annotations

import math
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from rushes.engines.animatic.loudness import loudness
from rushes.engines.engine import SoundTrack

HZ = 48_000  # of every decoded sound
_PEAK = 0.98  # of full scale, below which rounding can't clip
_PIECE = 48_000  # samples at once: a second
_FULL = 32_768.0  # of 16 bit

Sound = npt.NDArray[np.float32]


def write_speech(source: str, to: Path, seconds: float, rate: int, target_lufs: float | None) -> None:
    """Write a decoded sound, (N, channels) int16 at 48 kHz, as a 16 bit wave file of exactly so many seconds."""
    count = round(seconds * rate)
    given = np.load(source, mmap_mode="r", allow_pickle=False)[: math.ceil(seconds * HZ)]
    # (N,) at `rate`; the resampler may give a few samples more than the time has.
    heard = _mono(given, rate)[:count]
    if target_lufs is not None:
        heard = heard * _gain(heard, rate, target_lufs)
    padded = np.zeros(count, np.float32)
    padded[: len(heard)] = heard
    with wave.open(str(to), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        # Resampling swings beyond full scale beside steep edges, where a whole number would turn over.
        file.writeframes((padded.clip(-1, 1) * (_FULL - 1)).round().astype("<i2").tobytes())


def track(source: str, seconds: float) -> SoundTrack:
    """Return a decoded sound as it came, cut to so many seconds; silence after a shorter one is the encoder's."""
    samples = np.load(source, mmap_mode="r", allow_pickle=False)[: math.ceil(seconds * HZ)]
    return SoundTrack(_pieces(samples), HZ, samples.shape[1])


def _pieces(samples: npt.NDArray[np.int16]) -> Iterator[Sound]:
    for start in range(0, len(samples), _PIECE):
        yield samples[start : start + _PIECE].astype(np.float32) / np.float32(_FULL)


def _mono(samples: npt.NDArray[np.int16], rate: int) -> Sound:
    """Return the mean of all channels at another rate, (N,)."""
    resampler = AudioResampler(format="flt", layout="mono", rate=rate)
    parts: list[npt.NDArray[np.float32]] = []
    for start in range(0, len(samples), _PIECE):
        mean = samples[start : start + _PIECE].astype(np.float32).mean(axis=1) / np.float32(_FULL)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(mean[np.newaxis]), format="flt", layout="mono")
        frame.sample_rate, frame.pts = HZ, start
        parts += [one.to_ndarray()[0] for one in resampler.resample(frame)]
    parts += [one.to_ndarray()[0] for one in resampler.resample(None)] if parts else []
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def _gain(heard: Sound, rate: int, target_lufs: float) -> np.float32:
    """Return the factor that takes the sound to a loudness; 1 for silence."""
    found = loudness([heard[:, np.newaxis]], rate) if len(heard) else -math.inf
    if not math.isfinite(found):
        return np.float32(1)
    peak = float(np.abs(heard).max())
    return np.float32(min(10 ** ((target_lufs - found) / 20), _PEAK / max(peak, 1e-9)))
