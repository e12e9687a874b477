"""Frames in, one mp4 out: H.264 that every browser plays, encoded while the next frames are still being rendered.

Choices. x264 at `veryfast`, crf 17, without mbtree and B-frames and with a fixed number of threads: the same frames
give the same bytes. RGB is converted by the BT.709 matrix to TV range and tagged so; the usual default, BT.601 without
a tag, shifts greens and reds. The index is put before the pictures
(faststart), so that a browser starts to play before it has the whole file.

The caller's thread advances the frames and hears of progress; one thread of ours, gone when the call returns, encodes.
Sound, and what the frames show, are left to others.
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
import cv2
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.plane import VideoPlane
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc
from av.video.stream import VideoStream

FrameChunk = npt.NDArray[np.uint8]
"""(T, H, W, 3) uint8 RGB, T at least 1."""

_BT709 = 1  # AVCOL_SPC_BT709, for which PyAV has no name
# BT.709 from 0–255 RGB to 16–235 luma and 16–240 chroma: rows Y, U, V; columns R, G, B, offset.
_KR, _KG, _KB = 0.2126, 0.7152, 0.0722
_TO_YUV = np.array(
    [
        [_KR * 219 / 255, _KG * 219 / 255, _KB * 219 / 255, 16],
        [-_KR / (2 - 2 * _KB) * 224 / 255, -_KG / (2 - 2 * _KB) * 224 / 255, 112 / 255, 128],
        [112 / 255, -_KG / (2 - 2 * _KR) * 224 / 255, -_KB / (2 - 2 * _KR) * 224 / 255, 128],
    ],
    np.float32,
)
_QUEUED_FRAMES = 8  # enough to ride over a slow frame on either side; 22 MB at 1280x720
_WAIT_S = 0.1  # how soon a waiting side notices that the other one has failed
_X264_THREADS = 4  # fixed: x264's bytes depend on it
_KEYFRAME_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Encoded:
    """What was written: bytes, frames and seconds of the file."""

    size_bytes: int
    frames: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class _Target:
    """What the encoding thread is to make."""

    part: Path
    width: int
    height: int
    rate: Fraction
    options: dict[str, str]


@dataclass(slots=True)
class _Belt:
    """What the two threads share; `done` and `error` are written by the encoding thread only."""

    frames: queue.Queue[npt.NDArray[np.uint8] | None] = field(default_factory=lambda: queue.Queue(_QUEUED_FRAMES))
    stop: threading.Event = field(default_factory=threading.Event)
    done: int = 0
    error: BaseException | None = None

    def arriving(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield frames until the end mark, or until the other side has given up."""
        while not self.stop.is_set():
            try:
                frame = self.frames.get(timeout=_WAIT_S)
            except queue.Empty:
                continue
            if frame is None:
                return
            yield frame


def encode_video(
    chunks: Iterable[FrameChunk],
    to: Path,
    *,
    width: int,
    height: int,
    fps: float | Fraction,
    frames: int | None = None,
    on_frame: Callable[[int], None] | None = None,
    preset: str = "veryfast",
    crf: float = 17,
) -> Encoded:
    """Write `chunks` to the mp4 `to`, which appears only when all went well; `width` and `height` must be even.

    With `frames` given, another number of them is a ValueError. `on_frame(n)` is called in this thread as the count
    of encoded frames grows, and now and then while waiting; what it or `chunks` raises ends the encoding.
    """
    _check_size(width, height)
    rate = Fraction(fps).limit_denominator(1001)  # 30000/1001 survives being a float
    part = to.with_name(f"{to.name}.part")
    belt = _Belt()
    target = _Target(part, width, height, rate, {"preset": preset, "crf": f"{crf:g}"})
    encoder = threading.Thread(target=_encode, args=(belt, target), name="encode")
    encoder.start()
    try:
        count = _send_all(chunks, belt, encoder, (height, width, 3), on_frame or (lambda _: None))
        _check_count(count, frames)
    except BaseException:
        belt.stop.set()
        encoder.join()
        part.unlink(missing_ok=True)
        raise
    os.replace(part, to)
    return Encoded(to.stat().st_size, count, float(count / rate))


def _check_size(width: int, height: int) -> None:
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise ValueError(
            f"a video of {width}x{height} cannot be encoded: 4:2:0 colour halves both sides, so both must be even; "
            f"make it {max(width // 2 * 2, 2)}x{max(height // 2 * 2, 2)}"
        )


def _check_count(count: int, wanted: int | None) -> None:
    if count == 0:
        raise ValueError("there were no frames to encode; at least one is needed")
    if wanted is not None and count != wanted:
        raise ValueError(f"{count} frames were made where {wanted} were asked for")


def _send_all(
    chunks: Iterable[FrameChunk],
    belt: _Belt,
    encoder: threading.Thread,
    shape: tuple[int, int, int],
    on_frame: Callable[[int], None],
) -> int:
    """Hand over every frame, then wait until the file is closed; return how many there were."""
    count = 0
    try:
        for chunk in chunks:
            for frame in _frames_of(chunk, shape):
                _put(belt, frame, on_frame)
                count += 1
            on_frame(belt.done)
    finally:
        # A generator that is left half-way holds its engine's buffers until it is closed.
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    _put(belt, None, on_frame)
    while encoder.is_alive():
        encoder.join(_WAIT_S)
        on_frame(belt.done)
    if belt.error is not None:
        raise belt.error
    return count


def _frames_of(chunk: FrameChunk, shape: tuple[int, int, int]) -> Iterator[npt.NDArray[np.uint8]]:
    if chunk.ndim != 4 or chunk.shape[1:] != shape or chunk.dtype != np.uint8:
        raise ValueError(
            f"frames must be uint8 of shape (T, {', '.join(map(str, shape))}), got {chunk.dtype} {chunk.shape}"
        )
    yield from np.ascontiguousarray(chunk)


def _put(belt: _Belt, frame: npt.NDArray[np.uint8] | None, on_frame: Callable[[int], None]) -> None:
    """Wait for room on the belt; raise what the encoding thread died of."""
    while True:
        if belt.error is not None:
            raise belt.error
        try:
            belt.frames.put(frame, timeout=_WAIT_S)
            return
        except queue.Full:
            on_frame(belt.done)


def _encode(belt: _Belt, target: _Target) -> None:
    """Run in the encoding thread: everything that touches the encoder or the file."""
    try:
        # `bitexact` leaves out the muxer's version; a creation time is written only when asked for.
        muxing = {"movflags": "+faststart", "fflags": "+bitexact"}
        with av.open(str(target.part), "w", format="mp4", options=muxing) as file:
            stream = file.add_stream("libx264", rate=target.rate)
            _set_up(stream.codec_context, target)
            _encode_all(belt, file, stream, target.rate)
    except BaseException as error:  # noqa: BLE001  it is raised again in the caller's thread
        belt.error = error


def _set_up(context: VideoCodecContext, target: _Target) -> None:
    context.width, context.height, context.pix_fmt = target.width, target.height, "yuv420p"
    context.time_base = 1 / target.rate
    context.gop_size = max(1, round(_KEYFRAME_EVERY_S * target.rate))
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    context.colorspace, context.color_range = _BT709, ColorRange.MPEG
    # With mbtree or B-frames the same frames gave different files from run to run, even with one thread.
    context.options = {**target.options, "x264-params": f"mbtree=0:bframes=0:chromaloc=1:threads={_X264_THREADS}"}


def _encode_all(belt: _Belt, file: OutputContainer, stream: VideoStream, rate: Fraction) -> None:
    yuv = YuvFrame(stream.width, stream.height)
    for number, pixels in enumerate(belt.arriving()):
        frame = yuv.fill(pixels)
        frame.pts, frame.time_base = number, 1 / rate
        file.mux(stream.encode(frame))
        belt.done = number + 1
    if not belt.stop.is_set():
        file.mux(stream.encode(None))


class YuvFrame:
    """One BT.709, TV-range yuv420p frame of a given even size that is filled again and again.

    OpenCV's matrix product takes 0.7 ms at 1280x720 where swscale takes 1.7 ms for the same accuracy (half a level, no
    bias), and it writes into the frame's own planes. Each chroma sample is the mean of its four pixels. Memory is kept
    from frame to frame, since fresh pages for it would cost as much as the arithmetic; x264 has copied the frame when
    encode() returns.
    """

    def __init__(self, width: int, height: int) -> None:
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self.frame.colorspace, self.frame.color_range = _BT709, ColorRange.MPEG
        self._y, self._u, self._v = (_samples(plane) for plane in self.frame.planes)
        self._full = np.empty((height, width, 3), np.uint8)
        self._half = np.empty((height // 2, width // 2, 3), np.uint8)
        self._chroma = np.empty_like(self._half)

    def fill(self, pixels: npt.NDArray[np.uint8]) -> av.VideoFrame:
        """Convert (H, W, 3) RGB pixels; the frame returned is this one, valid until the next call."""
        height, width = self._half.shape[:2]
        cv2.resize(pixels, (width, height), self._half, interpolation=cv2.INTER_AREA)
        cv2.transform(self._half, _TO_YUV, self._chroma)
        cv2.transform(pixels, _TO_YUV, self._full)
        cv2.extractChannel(self._full, 0, self._y)
        cv2.extractChannel(self._chroma, 1, self._u)
        cv2.extractChannel(self._chroma, 2, self._v)
        return self.frame


def _samples(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    """Return the plane's own memory as (H, W), without the padding at the rows' ends."""
    return np.asarray(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
