"""The part of `recording` that decodes strangers' videos and writes them anew; runs in the sandbox only.

What comes out is a film that is safe and simple to read: H.264 in mp4, upright, square pixels, even sides, BT.709 of
ordinary range (`dynamic_range`), one constant rate (`pace` chooses it and says which frame is shown when), progressive,
no sound; and the sound beside it. Interlaced pictures are deinterlaced, fields of one picture becoming one frame.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer, OutputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from rushes.media.dynamic_range import Standard, is_high
from rushes.media.pace import Pace, pace_of, survey
from rushes.media.progressive import progressive
from rushes.media.sound_task import opened, write_sound

__all__ = ["decode_film"]

_BT709, _UNSPECIFIED = 1, 2  # AVColorSpace
_HD_HEIGHT = 720  # from here on what carries no tag is BT.709, below BT.601, as players have it
_X264 = {"preset": "ultrafast", "crf": "10", "x264-params": "threads=1"}  # near lossless, and quick to read
_WIDEST_PIXEL = 4
_COUNTED = 8  # times the frames allowed: sources of up to 480 per second are thinned out, not refused


def decode_film(
    *, source: str, to: str, sound_to: str, max_s: float, max_frames: int, max_side: int, min_side: int
) -> dict[str, Any]:
    """Write `source` anew; answers the film's facts, or with `problem` why not."""
    with opened(source) as container:
        stream = _pictures(container)
        if stream is None:
            return {"problem": "no pictures"}
        found = survey(container, stream, max_frames * _COUNTED)
        if found.packets == 1 and container.format.name == "gif":  # all other one-picture files are known by sight
            return {"problem": "only one picture"}
    pace = pace_of(found, stream.average_rate, max_frames)
    facts: dict[str, Any] = {"frames": pace.frames, "duration_s": pace.seconds}
    if pace.seconds > max_s:
        return {**facts, "problem": "too long"}
    if pace.frames > max_frames:
        return {**facts, "problem": "too many frames"}
    with opened(source) as container:
        size = _size(container)
    facts |= {"width": size[0], "height": size[1]}
    if max(size) > max_side or min(size) < min_side:
        return {**facts, "problem": "size"}
    with opened(source) as container:
        film = _write(container, Path(to), pace)
    return {**facts, **film, "sound": _sound(source, Path(sound_to), max_s, film["first_at"])}


def _pictures(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures; a song's cover is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def _size(container: InputContainer) -> tuple[int, int]:
    """Width and height as the film is shown, from its first picture."""
    stream = _pictures(container)
    assert stream is not None
    stream.thread_type = "NONE"  # threads cost address space, of which there is little here
    frame = next(container.decode(stream), None)
    if not isinstance(frame, VideoFrame):
        raise ValueError("there is not one picture in it")
    width, height = _square(frame, stream)
    return (width, height) if frame.rotation % 180 == 0 else (height, width)


def _square(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """The frame's size in square pixels."""
    shape = stream.sample_aspect_ratio or Fraction(1)
    if shape == 1 or not 1 / Fraction(_WIDEST_PIXEL) <= shape <= _WIDEST_PIXEL:
        return frame.width, frame.height
    return max(2, round(frame.width * shape / 2) * 2), frame.height


def _write(container: InputContainer, to: Path, pace: Pace) -> dict[str, Any]:
    """Decode, turn and encode; the frames are counted as they really come.

    A frame waits until the next one says how long it is shown.
    """
    stream = _pictures(container)
    assert stream is not None
    stream.thread_type = "NONE"
    first_at, number, waiting = 0.0, -1, 0
    target: _Target | None = None
    with av.open(str(to), "w", format="mp4", options={"fflags": "+bitexact"}) as file:
        for number, frame in enumerate(progressive(container.decode(stream))):
            if target is None:
                first_at = frame.time or 0.0
                target = _Target(file, pace.rate, frame, _square(frame, stream))
                held = frame
            since = frame.time - first_at if frame.time is not None else None
            # Never back, where times go back; never beyond the length that was held against the limits.
            slot = min(max(pace.slot(number, since), waiting), pace.frames - 1)
            if slot > waiting:
                target.write(held, waiting, slot)
                waiting, held = slot, frame
            # Of several frames within one step an uneven film keeps the last, an even one its first of each `step`.
            elif pace.step == 0:
                held = frame
        if target is None:
            raise ValueError("not one picture could be decoded")
        # An even film is as long as its frames; on a grid the last one is shown until the source's end.
        written = waiting + 1 if pace.step else pace.frames
        target.write(held, waiting, written)
        target.end()
    return {
        "width": target.width,
        "height": target.height,
        "frames": written,
        "fps": float(pace.rate),
        "duration_s": float(written / pace.rate),
        "first_at": first_at,
    }


class _Target:
    """The film that is being written; its first frame decides size and turn."""

    def __init__(self, file: OutputContainer, rate: Fraction, first: VideoFrame, square: tuple[int, int]) -> None:
        self._file, self._rate, self._square = file, rate, square
        self._turns = round(first.rotation / 90) % 4  # counterclockwise
        self._rows = slice(None, None, -1 if _is_mirrored(first) else 1)
        width, height = square if self._turns % 2 == 0 else square[::-1]
        self.width, self.height = width // 2 * 2, height // 2 * 2
        self._frame = VideoFrame(self.width, self.height, "yuv420p")
        self._frame.colorspace, self._frame.color_range = _BT709, ColorRange.MPEG
        self._planes = [_samples(plane) for plane in self._frame.planes]
        self._reformat = VideoReformatter()
        self._standard = Standard()
        self._stream = self._add(file, rate)

    def _add(self, file: OutputContainer, rate: Fraction) -> VideoStream:
        stream = file.add_stream("libx264", rate=rate)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = self.width, self.height, "yuv420p"
        context.time_base = 1 / rate
        context.gop_size = max(1, round(rate))  # a second, so that any place is reached soon
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.colorspace, context.color_range = _BT709, ColorRange.MPEG
        context.options = dict(_X264)
        return stream

    def write(self, frame: VideoFrame, start: int, stop: int) -> None:
        """Turn the frame upright, crop it to even sides (by a pixel at most) and encode it at these places."""
        if is_high(frame):
            frame = self._standard(frame)
        elif frame.colorspace == _UNSPECIFIED and frame.height >= _HD_HEIGHT:
            frame.colorspace = _BT709
        plain = self._reformat.reformat(
            frame,
            *self._square,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        for ours, plane in zip(self._planes, plain.planes, strict=True):
            ours[:] = np.rot90(_samples(plane)[self._rows], self._turns)[: ours.shape[0], : ours.shape[1]]
        for number in range(start, stop):
            self._frame.pts, self._frame.time_base = number, 1 / self._rate
            self._file.mux(self._stream.encode(self._frame))

    def end(self) -> None:
        """Write what the encoder still holds."""
        self._file.mux(self._stream.encode(None))


def _is_mirrored(frame: VideoFrame) -> bool:
    """Whether the picture is to be shown upside down before it is turned: with a flip, as some front cameras write."""
    try:
        beside: Any = frame.side_data  # PyAV's own types know of motion vectors only
        matrix = beside["DISPLAYMATRIX"]
    except (KeyError, ValueError):  # a ValueError: beside the frame lies a sort of data that PyAV does not know
        return False
    # The first five of nine numbers, row by row: where right and down go. A negative determinant mirrors.
    right_x, right_y, _, down_x, down_y = struct.unpack_from("=5i", bytes(matrix))
    return bool(right_x * down_y < right_y * down_x)


def _samples(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    return np.asarray(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _sound(source: str, to: Path, max_s: float, starts_at: float) -> bool:
    """Write the film's sound, if there is some that can be read: a film with broken sound is a silent film."""
    with opened(source) as container:
        if not container.streams.audio:
            return False
        try:
            write_sound(container, container.streams.audio[0], to, max_s, starts_at)
        except (av.error.FFmpegError, ValueError):
            to.unlink(missing_ok=True)
            return False
    return True
