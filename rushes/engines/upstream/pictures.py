"""Pictures into and out of files: what a program is given to see, and the frames of films that our decoder wrote.

A picture is scaled to cover the film's size and cropped at its centre, before the program that would stretch it sees
it. Knows nothing of processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc
from av.video.stream import VideoStream

Picture = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB, sRGB values."""

_BT709 = 1  # AVColorSpace
_X264 = {"preset": "veryfast", "crf": "4", "bf": "0", "threads": "2"}  # near lossless


def cover(picture: Picture, width: int, height: int) -> Picture:
    """Scale a picture to cover a size, and crop it at its centre."""
    tall, wide = picture.shape[:2]
    if (wide, tall) == (width, height):
        return picture
    scale = max(width / wide, height / tall)
    size = max(width, round(wide * scale)), max(height, round(tall * scale))
    large = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(large[top : top + height, left : left + width], dtype=np.uint8)


def write_picture(source: str, width: int, height: int, to: Path) -> None:
    """Write a decoded picture as a PNG of this size."""
    picture = cover(np.load(source, allow_pickle=False), width, height)
    # Through memory: OpenCV can't write below a folder whose name it can't spell.
    to.write_bytes(cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes())


def frames_of(path: str | Path) -> Iterator[Picture]:
    """Yield the frames of a film that our own decoder wrote."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in file.decode(stream):
            yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def chosen(frames: Iterator[Picture], numbers: Sequence[int]) -> Iterator[Picture]:
    """Yield frames by their numbers, which never decrease; the last there is where there are fewer.

    Raises EOFError where there is none at all.
    """
    at, held = -1, None
    for number in numbers:
        while at < number:
            following = next(frames, None)
            if following is None:
                break
            at, held = at + 1, following
        if held is None:
            raise EOFError("the film has no frame that can be decoded")
        yield held


def write_film(frames: Iterator[Picture], width: int, height: int, rate: float, to: Path) -> None:
    """Write frames as a film of this size and rate: H.264 in mp4, every frame once, nearly without loss."""
    exact = Fraction(rate).limit_denominator(1001)
    with av.open(str(to), "w", format="mp4", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream("libx264", rate=exact)
        _set_up(stream, width, height)
        for number, picture in enumerate(frames):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(cover(picture, width, height)), format="rgb24")
            plain = frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=ColorRange.MPEG)
            plain.pts, plain.time_base = number, 1 / exact
            file.mux(stream.encode(plain))
        file.mux(stream.encode(None))


def _set_up(stream: VideoStream, width: int, height: int) -> None:
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    context.colorspace, context.color_range = _BT709, ColorRange.MPEG
    context.options = dict(_X264)
