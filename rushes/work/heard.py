"""A finished sound: how long it really is, and its waveform. Nothing of the file is changed.

The length is counted in samples, not read from what a container or a vendor claims. Raw samples have no container: rate
and channels are those that were asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rushes.endpoint import AudioFormat
from rushes.media.companions import Waveform
from rushes.media.recording import RecordingLimits, decode_sound
from rushes.media.sniff import Looks

LONGEST_S = 4 * 3_600.0  # that a result may last; what callers send is held to the settings' own limit
_BLOCK = 1 << 20  # samples that are in memory at once
_CONTAINERS = (b"RIFF", b"fLaC", b"OggS", b"ID3")

Tick = Callable[[], None]


def is_raw(head: bytes, looks: Looks) -> bool:
    """Say whether a file that is said to be raw samples may be: any two or three bytes may begin those by chance."""
    return looks.sort not in ("text", "empty") and not head.startswith(_CONTAINERS) and head[4:8] != b"ftyp"


def hear_raw(path: Path, form: AudioFormat, tick: Tick) -> tuple[float, Waveform]:
    """Return the seconds and the waveform of raw 16 bit little-endian samples."""
    whole = path.stat().st_size // (2 * form.channels) * form.channels
    samples = np.memmap(path, "<i2", "r", shape=(whole // form.channels, form.channels)) if whole else _silence(form)
    return len(samples) / form.sample_rate, _heard(samples, tick)


def hear(path: Path, to: Path, limits: RecordingLimits, tick: Tick) -> tuple[float, Waveform]:
    """Return the seconds and the waveform of a sound file, decoded into `to` on the way. Raises ModelError."""
    sound = decode_sound(path, to, replace(limits, max_s=LONGEST_S), ("body",), tick)
    try:
        return sound.duration_s or 0.0, _heard(np.load(to, mmap_mode="r", allow_pickle=False), tick)
    finally:
        to.unlink()


def _heard(samples: npt.NDArray[np.int16], tick: Tick) -> Waveform:
    wave = Waveform()
    for start in range(0, len(samples), _BLOCK):
        tick()
        wave.hear(samples[start : start + _BLOCK].astype(np.float32) / np.float32(32_768))
    return wave


def _silence(form: AudioFormat) -> npt.NDArray[np.int16]:
    return np.empty((0, form.channels), np.int16)
