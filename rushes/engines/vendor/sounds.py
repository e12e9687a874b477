"""Sounds that a vendor does not take as they came, written anew as WAV from their decoded samples.

Kinds of files that it does not know, and files that are too large, are mostly fine recordings; speech loses nothing at
24 kHz in one channel, of which 300 seconds have 14.4 MB.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

HZ = 24_000  # half of what decoded sounds have
WAV = "audio/wav"
_TAPS = 63  # of the filter before every other sample is left out: 60 dB down from 13.3 kHz on
_BLOCK = 1 << 18  # samples at 48 kHz that are in memory at once, even


def as_wav(decoded: Path) -> bytes:
    """Return (N, channels) int16 samples at 48 kHz, a `.npy`, as a WAV file of one channel at 24 kHz, 16 bit."""
    samples = np.load(decoded, mmap_mode="r", allow_pickle=False)
    found = io.BytesIO()
    with wave.open(found, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(HZ)
        for half in _halved(samples):
            file.writeframes(np.clip(np.rint(half), -32_768, 32_767).astype("<i2").tobytes())
    return found.getvalue()


def _halved(samples: npt.NDArray[np.int16]) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the mean of the channels, filtered, every other sample; blocks overlap by the filter's length."""
    filter_, side = _half_band(), _TAPS // 2
    for start in range(0, len(samples), _BLOCK):
        stop = min(start + _BLOCK, len(samples))
        before, after = max(start - side, 0), min(stop + side, len(samples))
        mono = samples[before:after].astype(np.float64).mean(axis=1)
        padded = np.pad(mono, (side - (start - before), side - (after - stop)))
        yield np.convolve(padded, filter_, mode="valid")[::2]


def _half_band() -> npt.NDArray[np.float64]:
    """A windowed sinc that lets through what is below 12 kHz of 48 kHz; its taps add up to 1."""
    at = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(at / 2) * np.kaiser(_TAPS, 6.0)
    return np.asarray(taps / taps.sum(), dtype=np.float64)
