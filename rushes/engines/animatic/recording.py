"""A video input, frame by frame, with only the frame at hand in memory.

Reads only files that our own decoder wrote (H.264 in mp4, no sound, one constant rate), hence in this process; what a
stranger sent never comes here. Cropping and treatment are left to `views`.
"""

from __future__ import annotations

from collections.abc import Generator
from types import TracebackType

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import Colorspace, Interpolation

from rushes.engines.animatic.depth import Picture


class Recording:
    """The frames of a file in order. Close it, or leave it to its end, which closes it too."""

    def __init__(self, path: str) -> None:
        """Open the file; nothing is decoded yet."""
        self._file: InputContainer = av.open(path)
        stream = self._file.streams.video[0]
        # Whole frames side by side as well: PyAV's own choice splits slices only.
        stream.thread_type = "AUTO"
        self.fps = float(stream.average_rate or 25)
        # As the file's header says; 1 at least, since others divide by it.
        self.frames = max(stream.frames, 1)
        self.size = (stream.width, stream.height)
        self._pictures = self._decoded()
        self._number = -1
        self._current: Picture | None = None

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back; what was read stays valid."""
        self._pictures.close()
        self._file.close()

    def at(self, number: int) -> Picture:
        """Return frame `number`, never an earlier one than before; the last one when the file has fewer.

        Raises EOFError for a file without a single frame.
        """
        while self._number < number:
            picture = next(self._pictures, None)
            if picture is None:
                break
            self._current, self._number = picture, self._number + 1
        if self._current is None:
            raise EOFError("the video has no frame that can be decoded")
        return self._current

    def small(self, side: int) -> Generator[Picture, None, None]:
        """Yield all frames in order, the longer side at most `side` pixels: for looking ahead, at a third of the cost.

        It reads the file itself, so it is for a recording from which nothing else is read.
        """
        for frame in self._file.decode(video=0):
            scale = min(1.0, side / max(frame.width, frame.height))
            width, height = max(16, round(frame.width * scale)), max(16, round(frame.height * scale))
            pixels = frame.reformat(
                width, height, format="rgb24", src_colorspace=Colorspace.ITU709, interpolation=Interpolation.AREA
            )
            yield np.asarray(pixels.to_ndarray(), dtype=np.uint8)

    @property
    def last(self) -> int:
        """The number of the frame that was read last; -1 before the first."""
        return self._number

    def _decoded(self) -> Generator[Picture, None, None]:
        for frame in self._file.decode(video=0):
            pixels = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709).to_ndarray()
            yield np.asarray(pixels, dtype=np.uint8)
