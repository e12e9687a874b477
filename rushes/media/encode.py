"""Frames and sound in, one video file out, encoded while the next frames are still being rendered.

Choices. mp4 is x264 with a fixed number of threads and without what makes it vary: the same frames give the same bytes.
Sound is taken from its source in step with the frames, cut or padded with silence to exactly their length, so memory
stays flat however long the film is. A GIF counts time in hundredths of a second: each frame's time is rounded to that,
the film's length is right to 0.01 s, and there is no sound.

The caller's thread advances frames and sound, turns pixels into the encoder's colours and hears of progress; one thread
of ours, gone when the call returns, feeds the encoder, which would stand still while colours are converted. Tables of
formats are in `video_formats`, colours in `paint`, sound streams in `sound`.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc
from av.video.stream import VideoStream

from rushes.endpoint import VideoFormat
from rushes.media.paint import BT709, painter
from rushes.media.sound import Heard, SoundFeed, SoundSource, SoundTrackWriter
from rushes.media.video_formats import THREADS, Recipe, recipe

FrameChunk = npt.NDArray[np.uint8]
"""(T, H, W, 3) uint8 RGB, T at least 1."""

_QUEUED = 8  # frames and pieces of sound; enough to ride over a slow frame on either side; 11 MB at 1280x720
_IN_HANDS = 1  # the frame that the encoder is being fed
_WAIT_S = 0.1  # how soon a waiting side notices that the other one has failed
_KEYFRAME_EVERY_S = 2.0


class NothingMade(ValueError):
    """Not a single frame came."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What was written: bytes, frames and seconds of the file."""

    size_bytes: int
    frames: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class _Target:
    """What the encoding thread is to make; `sound` is (samples per second, channels) of what comes, None without."""

    part: Path
    width: int
    height: int
    rate: Fraction
    recipe: Recipe
    sound: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of sound on the belt."""

    sound: Heard


_Load = av.VideoFrame | _Piece
"""What the belt carries: a frame, or sound to be heard with the frames before it."""


@dataclass(slots=True)
class _Belt:
    """What the two threads share; `done` and `error` are written by the encoding thread only."""

    loads: queue.Queue[_Load | None] = field(default_factory=lambda: queue.Queue(_QUEUED))
    stop: threading.Event = field(default_factory=threading.Event)
    done: int = 0
    error: BaseException | None = None

    def arriving(self) -> Iterator[_Load]:
        """Yield what comes until the end mark, or until the other side has given up."""
        while not self.stop.is_set():
            try:
                load = self.loads.get(timeout=_WAIT_S)
            except queue.Empty:
                continue
            if load is None:
                return
            yield load


def encode_video(
    chunks: Iterable[FrameChunk],
    to: Path,
    *,
    width: int,
    height: int,
    fps: float | Fraction,
    frames: int | None = None,
    on_frame: Callable[[int], None] | None = None,
    look: VideoFormat | None = None,
    sound: SoundSource | None = None,
) -> Encoded:
    """Write `chunks` to the file `to`, which appears only when all went well; `width` and `height` must be even.

    With `frames` given, another number of them is a ValueError. `on_frame(n)` is called in this thread as the count
    of encoded frames grows, and now and then while waiting; what it or `chunks` raises ends the encoding. Without a
    `look` it is mp4 of high quality. Both generators are closed in any case.
    """
    how = recipe(look or VideoFormat())
    return encode_recipe(
        chunks, to, width=width, height=height, fps=fps, how=how, frames=frames, on_frame=on_frame, sound=sound
    )


def encode_recipe(
    chunks: Iterable[FrameChunk],
    to: Path,
    *,
    width: int,
    height: int,
    fps: float | Fraction,
    how: Recipe,
    frames: int | None = None,
    on_frame: Callable[[int], None] | None = None,
    sound: SoundSource | None = None,
) -> Encoded:
    """Do the same for a recipe that no `look` stands for; benchmarks compare encoders' own presets with it."""
    try:
        _check_size(width, height)
        rate = Fraction(fps).limit_denominator(1001)  # 30000/1001 survives being a float
        track = sound if how.sound_codec is not None else None
        target = _Target(to.with_name(f"{to.name}.part"), width, height, rate, how, _kind_of(track))
        count = _run(chunks, target, frames, SoundSender(track, rate) if track else None, on_frame or (lambda _: None))
        os.replace(target.part, to)
    finally:
        _close(chunks)
        if sound is not None:
            sound.close()
    return Encoded(to.stat().st_size, count, float(count / rate))


def _kind_of(sound: SoundSource | None) -> tuple[int, int] | None:
    return (sound.sample_rate, sound.channels) if sound is not None else None


def _close(chunks: object) -> None:
    """A generator that is left half-way holds its engine's buffers until it is closed."""
    close = getattr(chunks, "close", None)
    if close is not None:
        close()


class SoundSender:
    """Says which sound goes with the frames so far: to the sample, with no drift over any length."""

    def __init__(self, source: SoundSource, rate: Fraction) -> None:
        self._feed = SoundFeed(source)
        self._per_frame = source.sample_rate / rate
        self._given = 0

    def due(self, frames: int) -> Heard:
        """Return the sound from where the last call ended to the end of frame number `frames` (from 1)."""
        end = round(frames * self._per_frame)
        piece = self._feed.take(end - self._given)
        self._given = end
        return piece


def _run(
    chunks: Iterable[FrameChunk],
    target: _Target,
    frames: int | None,
    sound: SoundSender | None,
    on_frame: Callable[[int], None],
) -> int:
    """Encode in a thread what comes here; the part file is gone if that fails."""
    belt = _Belt()
    encoder = threading.Thread(target=_encode, args=(belt, target), name="encode")
    encoder.start()
    try:
        count = _send_all(chunks, belt, target, sound, on_frame)
        _finish(belt, encoder, on_frame)
        _check_count(count, frames)
    except BaseException:
        belt.stop.set()
        encoder.join()
        target.part.unlink(missing_ok=True)
        raise
    return count


def _check_size(width: int, height: int) -> None:
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise ValueError(
            f"a video of {width}x{height} cannot be encoded: 4:2:0 colour halves both sides, so both must be even; "
            f"make it {max(width // 2 * 2, 2)}x{max(height // 2 * 2, 2)}"
        )


def _check_count(count: int, wanted: int | None) -> None:
    if count == 0:
        raise NothingMade("there were no frames to encode; at least one is needed")
    if wanted is not None and count != wanted:
        raise ValueError(f"{count} frames were made where {wanted} were asked for")


def _send_all(
    chunks: Iterable[FrameChunk],
    belt: _Belt,
    target: _Target,
    sound: SoundSender | None,
    on_frame: Callable[[int], None],
) -> int:
    """Hand over every frame with the sound that belongs to it; return how many there were."""
    count, shape = 0, (target.height, target.width, 3)
    paint = painter(target.recipe, target.width, target.height, kept=_QUEUED + _IN_HANDS)
    for chunk in chunks:
        for pixels in _frames_of(chunk, shape):
            frame = paint.fill(pixels)
            frame.pts, frame.time_base = count, 1 / target.rate
            _put(belt, frame, on_frame)
            count += 1
            if sound is not None:
                _put(belt, _Piece(sound.due(count)), on_frame)
        on_frame(belt.done)
    return count


def _finish(belt: _Belt, encoder: threading.Thread, on_frame: Callable[[int], None]) -> None:
    """Say that this was all, and wait until the file is closed."""
    _put(belt, None, on_frame)
    while encoder.is_alive():
        encoder.join(_WAIT_S)
        on_frame(belt.done)
    if belt.error is not None:
        raise belt.error


def _frames_of(chunk: FrameChunk, shape: tuple[int, int, int]) -> Iterator[npt.NDArray[np.uint8]]:
    if chunk.ndim != 4 or chunk.shape[1:] != shape or chunk.dtype != np.uint8:
        raise ValueError(
            f"frames must be uint8 of shape (T, {', '.join(map(str, shape))}), got {chunk.dtype} {chunk.shape}"
        )
    yield from np.ascontiguousarray(chunk)


def _put(belt: _Belt, load: _Load | None, on_frame: Callable[[int], None]) -> None:
    """Wait for room on the belt; raise what the encoding thread died of."""
    while True:
        if belt.error is not None:
            raise belt.error
        try:
            belt.loads.put(load, timeout=_WAIT_S)
            return
        except queue.Full:
            on_frame(belt.done)


def _encode(belt: _Belt, target: _Target) -> None:
    """Run in the encoding thread: everything that touches the encoder or the file."""
    how = target.recipe
    try:
        with av.open(str(target.part), "w", format=how.muxer, options=dict(how.muxing)) as file:
            stream = file.add_stream(how.codec, rate=target.rate)
            if not isinstance(stream, VideoStream):
                raise TypeError(f"{how.codec} is no video codec")
            _set_up(stream.codec_context, target)
            track = SoundTrackWriter(file, how, *target.sound) if target.sound else None
            _encode_all(belt, file, stream, track)
    except BaseException as error:  # noqa: BLE001  it is raised again in the caller's thread
        belt.error = error


def _set_up(context: VideoCodecContext, target: _Target) -> None:
    how = target.recipe
    context.width, context.height, context.pix_fmt = target.width, target.height, how.pixels
    context.time_base = 1 / target.rate
    context.options = dict(how.options)
    if how.frame_threads:
        context.thread_type, context.thread_count = "FRAME", THREADS
    if how.pixels == "pal8":  # no YUV, hence none of its tags; every frame may stand alone
        return
    context.gop_size = max(1, round(_KEYFRAME_EVERY_S * target.rate))
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    context.colorspace, context.color_range = BT709, ColorRange.MPEG


def _encode_all(belt: _Belt, file: OutputContainer, stream: VideoStream, track: SoundTrackWriter | None) -> None:
    for load in belt.arriving():
        if not isinstance(load, _Piece):
            file.mux(stream.encode(load))
            belt.done += 1
        elif track is not None:
            track.write(load.sound)
    # An encoder that was never fed has nothing to end, and a film that is given up needs no ending.
    if not belt.stop.is_set() and belt.done:
        file.mux(stream.encode(None))
        if track is not None:
            track.end()
