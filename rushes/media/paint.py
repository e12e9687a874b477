"""RGB pixels to the frames that an encoder takes: 4:2:0 and 4:4:4 by the BT.709 matrix, or a palette of their own.

A painter is made for one size and paints frame after frame. RGB is converted by the BT.709 matrix to TV range and
tagged so; the usual default, BT.601 without a tag, shifts greens and reds.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import av
import av.filter
import cv2
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from rushes.media.video_formats import Recipe

BT709 = 1  # AVCOL_SPC_BT709, for which PyAV has no name
# BT.709 from 0–255 RGB to 16–235 for Y and 16–240 for U and V: rows Y, U, V; columns R, G, B, offset.
_KR, _KG, _KB = 0.2126, 0.7152, 0.0722
_TO_YUV = np.array(
    [
        [_KR * 219 / 255, _KG * 219 / 255, _KB * 219 / 255, 16],
        [-_KR / (2 - 2 * _KB) * 224 / 255, -_KG / (2 - 2 * _KB) * 224 / 255, 112 / 255, 128],
        [112 / 255, -_KG / (2 - 2 * _KR) * 224 / 255, -_KB / (2 - 2 * _KR) * 224 / 255, 128],
    ],
    np.float32,
)
_STRIP_PIXELS = 150_000  # 0.9 MB with what is made of it
_PALETTE_FROM = 4  # a palette is chosen from a picture of a quarter of the side: as good, and four times as fast


class Painter(Protocol):
    """Turns pixels into frames for an encoder; each stays as it is while `kept` more are painted."""

    def fill(self, pixels: npt.NDArray[np.uint8]) -> av.VideoFrame:
        """Convert (H, W, 3) RGB pixels, contiguous."""
        ...


def painter(recipe: Recipe, width: int, height: int, kept: int = 0) -> Painter:
    """Return the painter that the recipe's codec needs."""
    if recipe.pixels == "yuv420p":
        return YuvFrames(width, height, kept)
    if recipe.pixels == "yuv444p10le":
        return FullColour(width, height)
    return Palette(width, height, recipe.colours, recipe.dither)


class YuvFrames:
    """BT.709, TV-range yuv420p frames of a given even size, a ring of them that is filled again and again.

    OpenCV's matrix product takes 0.7 ms at 1280x720 where swscale takes 1.2 ms with a chroma bias and 1.7 ms without;
    this is right to half a level, and writes into the frames' own planes. Each chroma sample is the mean of its four
    pixels. Memory is kept from frame to frame, since fresh pages for it would cost as much as the arithmetic; x264 and
    libvpx have copied a frame when encode() returns. Work goes in strips that stay in the processor's cache and are too
    small for OpenCV to wake its threads, which would take from the encoder more than they give.
    """

    def __init__(self, width: int, height: int, kept: int = 0) -> None:
        rows = min(height, max(2, _STRIP_PIXELS // width // 2 * 2))
        self._full = np.empty((rows, width, 3), np.uint8)
        self._half = np.empty((rows // 2, width // 2, 3), np.uint8)
        self._chroma = np.empty_like(self._half)
        self._ring = [_blank(width, height) for _ in range(kept + 1)]
        self._planes = [tuple(samples(plane) for plane in frame.planes) for frame in self._ring]
        self._next = 0

    def fill(self, pixels: npt.NDArray[np.uint8]) -> av.VideoFrame:
        """Convert (H, W, 3) RGB pixels."""
        frame, (y, u, v) = self._ring[self._next], self._planes[self._next]
        self._next = (self._next + 1) % len(self._ring)
        rows = len(self._full)
        for top in range(0, len(pixels), rows):
            strip, halves = pixels[top : top + rows], slice(top // 2, (top + rows) // 2)
            self._convert(strip, y[top : top + rows], u[halves], v[halves])
        return frame

    def _convert(
        self,
        strip: npt.NDArray[np.uint8],
        y: npt.NDArray[np.uint8],
        u: npt.NDArray[np.uint8],
        v: npt.NDArray[np.uint8],
    ) -> None:
        full, half, chroma = self._full[: len(y)], self._half[: len(u)], self._chroma[: len(u)]
        cv2.resize(strip, (half.shape[1], half.shape[0]), half, interpolation=cv2.INTER_AREA)
        cv2.transform(half, _TO_YUV, chroma)
        cv2.transform(strip, _TO_YUV, full)
        cv2.extractChannel(full, 0, y)
        cv2.extractChannel(chroma, 1, u)
        cv2.extractChannel(chroma, 2, v)


def _blank(width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.colorspace, frame.color_range = BT709, ColorRange.MPEG
    return frame


class FullColour:
    """Fresh 10-bit 4:4:4 frames, BT.709, TV range. Fresh, since the encoder's threads hold several at a time.

    Every frame carries all its tags: ProRes writes them into the head of each picture, from the frame.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._reformat = VideoReformatter()

    def fill(self, pixels: npt.NDArray[np.uint8]) -> av.VideoFrame:
        """Convert (H, W, 3) RGB pixels."""
        frame = self._reformat.reformat(
            av.VideoFrame.from_numpy_buffer(pixels, format="rgb24"),
            *self._size,
            format="yuv444p10le",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
        frame.colorspace, frame.color_range = BT709, ColorRange.MPEG
        frame.color_primaries, frame.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return frame


class Palette:
    """Frames of at most 256 colours, each with a palette of its own.

    One palette for the whole film would need all frames at once; one per frame keeps memory flat and follows cuts.
    """

    def __init__(self, width: int, height: int, colours: int, dither: str) -> None:
        self._graph = graph = av.filter.Graph()
        source = graph.add_buffer(
            width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, 100)
        )
        small = f"{max(width // _PALETTE_FROM, 16)}:{max(height // _PALETTE_FROM, 16)}:flags=area"
        parts = graph.add("split"), graph.add("scale", small)
        choose = graph.add("palettegen", f"stats_mode=single:reserve_transparent=0:max_colors={colours}")
        use, sink = graph.add("paletteuse", f"new=1:dither={dither}"), graph.add("buffersink")
        source.link_to(parts[0])
        parts[0].link_to(use, 0, 0)
        parts[0].link_to(parts[1], 1, 0)
        parts[1].link_to(choose)
        choose.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        self._count = 0

    def fill(self, pixels: npt.NDArray[np.uint8]) -> av.VideoFrame:
        """Choose a palette for (H, W, 3) RGB pixels and map them to it."""
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        # Times for the graph alone, which wants rising ones: the film's own are set on what comes out.
        frame.pts, frame.time_base = self._count, Fraction(1, 100)
        self._count += 1
        self._graph.push(frame)
        painted = self._graph.pull()
        if not isinstance(painted, av.VideoFrame):
            raise TypeError(f"the palette filter gave {type(painted).__name__} instead of a picture")
        return painted


def samples(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    """Return an 8-bit plane's own memory as (H, W), without the padding at the rows' ends."""
    return np.asarray(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
