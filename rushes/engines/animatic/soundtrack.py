"""What is heard with a film: a sound that was given, or speech, and made-up sounds, cut to the film's length.

Everything comes in chunks of half a second, and a long sound is read from its file as it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.calls import AnimaticCall
from rushes.engines.animatic.foley import Layer, layers_of, rush_of
from rushes.engines.animatic.loudness import TARGET, gain_to, limited, loudness
from rushes.engines.animatic.motion import Series, motion_of, pace_of, spread_over
from rushes.engines.animatic.speech import speech
from rushes.engines.engine import Cancelled, SoundChunk, SoundTrack

RATE = 48_000
_CHUNK = RATE // 2
_FADE = RATE // 20  # at both ends of made-up sounds and where a given sound is cut: a click is worse than a short fade
# Seconds whose loudness is measured: longer than any sound's round (`sounds_*`).
_MEASURED_S = 20

Sound = npt.NDArray[np.float32]


def soundtrack_of(call: AnimaticCall, cancelled: Callable[[], bool]) -> SoundTrack | None:
    """Return the film's sound; None for a silent film."""
    if call.sound is None and call.speech is None and call.foley is None:
        return None
    channels = _channels(call)
    return SoundTrack(_mixed(call, channels, cancelled), RATE, channels)


def _channels(call: AnimaticCall) -> int:
    if call.sound is not None:
        return int(_opened(call.sound).shape[1])
    return 2 if call.foley is not None else (call.speech.channels if call.speech else 1)


def _layers(call: AnimaticCall, channels: int, moved: Series | None) -> list[tuple[Layer, ...]]:
    """Return made-up sounds for each channel: the same things, not the same samples, so that they sound wide."""
    if call.foley is None:
        return []
    sides = range(min(channels, 2))
    pace = pace_of(moved, call.fps) if moved is not None else None
    layers = [layers_of(call.foley, call.seed, RATE, side, pace) for side in sides]
    if call.video is None:
        return layers
    return [(*layers[side], rush_of(call.seed, RATE, side)) for side in sides]


def _mixed(call: AnimaticCall, channels: int, cancelled: Callable[[], bool]) -> Iterator[SoundChunk]:
    length = max(1, round(call.frames / call.fps * RATE))
    # Here and not before: the first frame need not wait for it.
    moved = motion_of(call.video, call.frames) if call.foley is not None and call.video is not None else None
    layers = _layers(call, channels, moved)
    hear = partial(_heard, moved=moved, fps=call.fps)
    gain = _gain(layers, min(length, _MEASURED_S * RATE), hear) if layers else 1.0
    is_cut = call.sound is None or len(_opened(call.sound)) > length
    voice = _Reader(_voice(call), channels)
    for first in range(0, length, _CHUNK):
        if cancelled():
            raise Cancelled
        count = min(_CHUNK, length - first)
        chunk = np.zeros((count, channels), np.float32)
        # A given sound is heard as loud as it came; only what is made up is brought to the usual loudness.
        given = voice.read(count)
        if given.size:
            chunk[: len(given)] += given
            if is_cut:
                chunk *= _fade(first, count, length, at_start=False)
        for channel in range(channels if layers else 0):
            for layer in layers[channel % len(layers)]:
                chunk[:, channel] += gain * hear(layer, first, count) * _fade(first, count, length)[:, 0]
        yield np.clip(limited(chunk) if layers else chunk, -1.0, 1.0)


def _heard(layer: Layer, first: int, count: int, *, moved: Series | None, fps: float) -> Sound:
    """Return a layer's samples, as loud as what is seen moves where it follows that."""
    samples = layer.at(first, count, RATE)
    if moved is None or layer.follows == 0.0:
        return samples
    return samples * (1.0 - layer.follows + layer.follows * spread_over(moved, fps, first, count, RATE))


def _gain(layers: list[tuple[Layer, ...]], length: int, hear: Callable[[Layer, int, int], Sound]) -> float:
    """Return what brings made-up sounds to the usual loudness, measured on the beginning of the film."""
    pieces = (
        np.stack([sum((hear(layer, first, _CHUNK) for layer in side), np.zeros(_CHUNK)) for side in layers], axis=1)
        for first in range(0, length, _CHUNK)
    )
    return gain_to(TARGET, loudness((piece.astype(np.float32) for piece in pieces), RATE))


def _voice(call: AnimaticCall) -> Iterator[Sound]:
    """Yield the given sound, or else the speech, in pieces of any length."""
    if call.sound is not None:
        given = _opened(call.sound)
        for first in range(0, len(given), _CHUNK):
            yield given[first : first + _CHUNK].astype(np.float32) / np.float32(32768.0)
    elif call.speech is not None:
        said = replace(call.speech, sample_rate=RATE)
        yield from speech(said, lambda _: None, lambda: False).chunks


def _opened(path: str) -> npt.NDArray[Any]:
    sound: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return sound if sound.ndim == 2 else sound[:, None]


def _fade(first: int, count: int, length: int, *, at_start: bool = True) -> Sound:
    """Return (count, 1): 1 in the middle of the film and 0 at its ends."""
    at = np.arange(first, first + count, dtype=np.float32)[:, None]
    level = np.clip((length - at) / _FADE, 0.0, 1.0)
    return np.asarray(level * np.clip(at / _FADE, 0.0, 1.0) if at_start else level, dtype=np.float32)


class _Reader:
    """Pieces of any length, read in the lengths that are wanted."""

    def __init__(self, pieces: Iterator[Sound], channels: int | None = None) -> None:
        self._pieces, self._channels = pieces, channels
        self._rest: list[Sound] = []

    def read(self, count: int) -> Sound:
        """Return (n, channels) with n at most `count`; less only when there is no more."""
        have = sum(map(len, self._rest))
        while have < count and (piece := next(self._pieces, None)) is not None:
            self._rest.append(self._fitted(piece))
            have += len(piece)
        if not self._rest:
            return np.zeros((0, self._channels or 1), np.float32)
        whole = np.concatenate(self._rest)
        self._rest = [whole[count:]]
        return whole[:count]

    def _fitted(self, piece: Sound) -> Sound:
        if self._channels is None or piece.shape[1] == self._channels:
            return piece
        return np.repeat(piece.mean(axis=1, keepdims=True), self._channels, axis=1)
