"""The part of `recording` that decodes strangers' sound, and opens their containers; runs in the sandbox only.

Sound ends as (N, channels) int16 at 48 kHz in a NumPy file, written as it comes. A few damaged packets are left out, as
every player does; a file that is mostly damage is refused. Values that are no numbers become silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

__all__ = ["decode_sound"]

HZ = 48_000
# Playlists and concatenations are left out on purpose: they make the reader open other files.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpeg,mpegts,ogg,mp3,wav,flac,aac,gif,w64,aiff"
_RATES = range(1_000, 768_001)
_SURROUND = 8  # channels, of 7.1; above it files have microphones or takes in place of loudspeakers
_MOST = 512  # channels that FFmpeg opens; of more it tells none at all
_DAMAGE = 0.1  # share of packets that may be damaged


@contextmanager
def opened(source: str) -> Iterator[InputContainer]:
    """Open a container that may come from anywhere; it can make the reader open nothing else.

    Titles and names in it may be in any encoding: nobody reads them here.
    """
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
    with (
        Path(source).open("rb") as file,
        av.open(file, "r", options=options, metadata_errors="replace") as container,
    ):
        yield container


def decode_sound(*, source: str, to: str, max_s: float) -> dict[str, Any]:
    """Decode the first sound of `source` into `to`; answers samples and channels, or with `problem` why not."""
    with opened(source) as container:
        if not container.streams.audio:
            return {"problem": "no sound"}
        declared = length_s(container)
        if declared is not None and declared > max_s:
            return {"problem": "too long", "duration_s": declared}
        stream = container.streams.audio[0]
        if _tells_no_channels(stream):
            return {"problem": "channels", "most": _MOST}
        return write_sound(container, stream, Path(to), max_s)


def length_s(container: InputContainer) -> float | None:
    """Return the length that the container declares, if it does."""
    return None if container.duration is None else container.duration / av.time_base


def write_sound(
    container: InputContainer, stream: AudioStream, to: Path, max_s: float, starts_at: float | None = None
) -> dict[str, Any]:
    """Write the stream as 48 kHz; with `starts_at` (seconds) sound before it is cut, and a later start padded."""
    if not hasattr(stream, "channels"):  # PyAV has no decoder to ask
        raise ValueError("its sound is coded in a way that is not known here")
    most = int(max_s * HZ)
    channels = 1 if stream.channels == 1 else 2
    with to.open("wb") as file:
        # Keeps the place: how many samples there are is known at the end.
        _write_header(file, 0, channels)
        count = 0
        for piece in _aligned(_pieces(container, stream, channels), starts_at):
            if count + len(piece) > most and starts_at is None:
                return {"problem": "too long", "duration_s": (count + len(piece)) / HZ}
            kept = piece[: most - count]
            file.write(_to_16_bits(kept).tobytes())
            count += len(kept)
            # A film's sound may go on after its pictures; what is only sound was refused above.
            if count == most and starts_at is not None:
                break
        _write_header(file, count, channels)
    if count == 0:
        raise ValueError("not one sample of sound could be decoded")
    return {"samples": count, "channels": channels}


def _tells_no_channels(stream: AudioStream) -> bool:
    """Say whether plain samples come without a number of channels, so that no decoder opens them.

    Other kinds of sound may tell theirs only in what is decoded.
    """
    return getattr(stream, "channels", None) == 0 and stream.codec_context.name.startswith("pcm_")


Timed = tuple[float | None, npt.NDArray[np.float32]]


def _aligned(pieces: Iterator[Timed], starts_at: float | None) -> Iterator[npt.NDArray[np.float32]]:
    cut: int | None = None if starts_at is not None else 0
    for time, samples in pieces:
        if cut is None:
            # Files whose sound starts minutes away from their pictures are damaged; they are taken as they come.
            offset = (time or 0.0) - (starts_at or 0.0)
            cut = round(-offset * HZ) if abs(offset) < 60 else 0
            if cut < 0:
                yield np.zeros((-cut, samples.shape[1]), np.float32)
                cut = 0
        dropped = min(cut, len(samples))
        cut -= dropped
        if dropped < len(samples):
            yield samples[dropped:]


def _pieces(container: InputContainer, stream: AudioStream, channels: int) -> Iterator[Timed]:
    """Decode and resample; a stream may change its own rate or layout on the way."""
    resampler: AudioResampler | None = None
    made_for = None
    for decoded in _frames(container, stream):
        if decoded.sample_rate not in _RATES:
            raise ValueError(f"a sample rate of {decoded.sample_rate} Hz; from 1,000 to 768,000 can be read")
        frame = _mixed(decoded)
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or kind != made_for:
            yield from _resampled(resampler, None, channels)
            resampler = AudioResampler(format="flt", layout="mono" if channels == 1 else "stereo", rate=HZ)
            made_for = kind
        yield from _resampled(resampler, frame, channels)
    yield from _resampled(resampler, None, channels)


def _mixed(frame: AudioFrame) -> AudioFrame:
    """Return a frame of more channels than loudspeakers have places as their mean, twice: nothing else mixes them."""
    channels = frame.layout.nb_channels
    if channels <= _SURROUND:
        return frame
    values = np.asarray(frame.to_ndarray())
    values = values if frame.format.is_planar else values.reshape(-1, channels).T
    mean = values.mean(0, dtype=np.float32)
    if values.dtype.kind == "u":
        mean -= 128
    if values.dtype.kind in "iu":
        mean /= float(1 << (8 * values.itemsize - 1))
    mixed = AudioFrame.from_ndarray(np.repeat(mean, 2)[None], format="flt", layout="stereo")
    mixed.sample_rate, mixed.pts, mixed.time_base = frame.sample_rate, frame.pts, frame.time_base
    return mixed


def _resampled(resampler: AudioResampler | None, frame: AudioFrame | None, channels: int) -> Iterator[Timed]:
    if resampler is None:
        return
    time = frame.time if frame is not None else None
    for done in resampler.resample(frame):
        yield time, np.asarray(done.to_ndarray(), np.float32).reshape(-1, channels)


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    stream.codec_context.thread_type = "NONE"  # threads cost address space, of which there is little here
    packets = damaged = 0
    for packet in container.demux(stream):
        packets += 1
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as error:
            damaged += 1
            reason = error
            continue
        for frame in frames:
            if isinstance(frame, AudioFrame):
                yield frame
    if damaged > max(1, packets * _DAMAGE):
        raise ValueError(f"{damaged} of {packets} packets of sound are damaged ({reason})")


def _to_16_bits(sound: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    numbers = np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0)
    whole: npt.NDArray[np.int16] = np.rint(np.clip(numbers, -1, 1) * 32_767).astype("<i2")
    return whole


def _write_header(file: BinaryIO, count: int, channels: int) -> None:
    """Write the head of the .npy; NumPy leaves room in it for a first axis that grows, so it can be written again."""
    file.seek(0)
    np.lib.format.write_array_header_1_0(file, {"descr": "<i2", "fortran_order": False, "shape": (count, channels)})
    file.seek(0, 2)
