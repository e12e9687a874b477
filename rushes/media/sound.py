"""Sound in chunks to encoders: cut or padded to a length, resampled, into a file of its own or a film's sound stream.

Sound comes as float32 from -1 to 1; what is not a number becomes silence, what is louder is clipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer

from rushes.endpoint import AudioFormat
from rushes.media.video_formats import Recipe

Heard = npt.NDArray[np.float32]
"""(N, channels) float32 from -1 to 1."""

FILM_HZ = 48_000
CONTENT_TYPES = {"mp3": "audio/mpeg", "pcm": "audio/pcm", "flac": "audio/flac", "wav": "audio/wav"}
EXTENSIONS = {"audio/mpeg": ".mp3", "audio/pcm": ".pcm", "audio/flac": ".flac", "audio/wav": ".wav"}
LAYOUTS = {1: "mono", 2: "stereo"}
_CODECS = {"mp3": "libmp3lame", "flac": "flac", "wav": "pcm_s16le"}
_MUXING = {"fflags": "+bitexact"}
_MOST_SAMPLES = 48_000  # handed to an encoder at once, so that a long chunk keeps neither memory nor a cancel waiting


@dataclass(frozen=True, slots=True)
class SoundSource:
    """Where sound comes from: chunks of (N, channels) float32 at `sample_rate` Hz; one channel or two."""

    chunks: Iterator[Heard]
    sample_rate: int
    channels: int

    def close(self) -> None:
        """Close the generator behind it, if it is one."""
        close = getattr(self.chunks, "close", None)
        if close is not None:
            close()


@dataclass(frozen=True, slots=True)
class EncodedSound:
    """What was written: bytes, and seconds of sound."""

    size_bytes: int
    duration_s: float


class SoundFeed:
    """Takes a source's sound in pieces of any length: silence follows where it ends, the rest is never asked for."""

    def __init__(self, source: SoundSource) -> None:
        self._source = source
        self._rest: Heard = np.empty((0, source.channels), np.float32)
        self._ended = False

    def take(self, count: int) -> Heard:
        """Return exactly `count` samples."""
        pieces, missing = [], count
        while missing > 0:
            piece = self._next(missing)
            if piece is None:
                piece = np.zeros((missing, self._source.channels), np.float32)
            pieces.append(piece)
            missing -= len(piece)
        return np.concatenate(pieces) if pieces else self._rest[:0]

    def pieces(self) -> Iterator[Heard]:
        """Yield all there is, in pieces of at most a second or so."""
        while (piece := self._next(_MOST_SAMPLES)) is not None:
            yield piece

    def _next(self, most: int) -> Heard | None:
        while not len(self._rest):
            if self._ended:
                return None
            chunk = next(self._source.chunks, None)
            if chunk is None:
                self._ended = True
                return None
            self._rest = _clean(chunk, self._source.channels)
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece


def _clean(chunk: Heard, channels: int) -> Heard:
    if chunk.ndim != 2 or chunk.shape[1] != channels or chunk.dtype != np.float32:
        raise ValueError(f"sound must be float32 of shape (N, {channels}), got {chunk.dtype} {chunk.shape}")
    return np.clip(np.nan_to_num(chunk, nan=0.0), -1.0, 1.0)


class SoundTrackWriter:
    """The sound stream of a film that is being written."""

    def __init__(self, file: OutputContainer, recipe: Recipe, sample_rate: int, channels: int) -> None:
        assert recipe.sound_codec is not None
        self._file, self._rate, self._layout = file, sample_rate, layout_of(channels)
        self._stream = _stream(file, recipe.sound_codec, FILM_HZ, channels, recipe.sound_bps)
        self._given = 0

    def write(self, sound: Heard) -> None:
        """Encode a piece."""
        if len(sound):
            self._file.mux(self._stream.encode(_frame(sound, self._rate, self._layout, self._given)))
            self._given += len(sound)

    def end(self) -> None:
        """Write what the encoder still holds."""
        self._file.mux(self._stream.encode(None))


def encode_sound(
    source: SoundSource, to: Path, form: AudioFormat, tick: Callable[[], None] = lambda: None
) -> EncodedSound:
    """Write the sound to `to`, which appears only when all went well; `tick` is called about once per second of sound.

    ValueError when there is no sound at all, or when it is not as its source says.
    """
    part = to.with_name(f"{to.name}.part")
    try:
        count = (_write_raw if form.container == "pcm" else _write_file)(source, part, form, tick)
        if count == 0:
            raise ValueError("there was no sound to encode; at least one sample is needed")
        os.replace(part, to)
    finally:
        source.close()
        part.unlink(missing_ok=True)
    return EncodedSound(to.stat().st_size, count / source.sample_rate)


def _write_file(source: SoundSource, part: Path, form: AudioFormat, tick: Callable[[], None]) -> int:
    count = 0
    with av.open(str(part), "w", format=form.container, options=_MUXING) as file:
        bitrate = form.bitrate if form.container == "mp3" else 0
        stream = _stream(file, _CODECS[form.container], form.sample_rate, form.channels, bitrate)
        for piece in SoundFeed(source).pieces():
            tick()
            file.mux(stream.encode(_frame(piece, source.sample_rate, layout_of(source.channels), count)))
            count += len(piece)
        if count:  # an encoder that never started has nothing to end
            file.mux(stream.encode(None))
    return count


def _write_raw(source: SoundSource, part: Path, form: AudioFormat, tick: Callable[[], None]) -> int:
    """Raw samples have no container, hence no muxer: 16 bit, little-endian, channels interleaved."""
    resampler = AudioResampler(format="s16", layout=layout_of(form.channels), rate=form.sample_rate)
    count = 0
    with part.open("wb") as file:
        for piece in SoundFeed(source).pieces():
            tick()
            for frame in resampler.resample(_frame(piece, source.sample_rate, layout_of(source.channels), count)):
                file.write(frame.to_ndarray().astype("<i2").tobytes())
            count += len(piece)
        for frame in resampler.resample(None) if count else ():
            file.write(frame.to_ndarray().astype("<i2").tobytes())
    return count


def layout_of(channels: int) -> str:
    """Return the name of the layout with so many channels."""
    if channels not in LAYOUTS:
        raise ValueError(f"sound with {channels} channels cannot be written; allowed are 1 (mono) and 2 (stereo)")
    return LAYOUTS[channels]


def _stream(file: OutputContainer, codec: str, rate: int, channels: int, bitrate: int) -> AudioStream:
    stream = file.add_stream(codec, rate=rate, layout=layout_of(channels))
    if not isinstance(stream, AudioStream):
        raise TypeError(f"{codec} is no sound codec")
    if bitrate:
        stream.bit_rate = bitrate
    return stream


def _frame(sound: Heard, rate: int, layout: str, start: int) -> av.AudioFrame:
    # (N, channels) → (1, N * channels): packed samples lie in one row, channels in turn.
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound).reshape(1, -1), format="flt", layout=layout)
    frame.sample_rate = rate
    frame.pts = start
    return frame
