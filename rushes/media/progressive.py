"""Interlaced pictures made whole: each frame's two fields, taken at different moments, become one frame without combs.

FFmpeg's bwdif does it, in one thread; frames that are progressive pass unchanged. Runs in the sandbox only.
"""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.filter import Graph
from av.video.frame import VideoFrame


def progressive(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """Pass frames on; from the first interlaced one on through the filter, a new one for each size."""
    filtered: _Filter | None = None
    for frame in frames:
        if filtered is not None and not filtered.takes(frame):
            yield from filtered(None)  # before the next: it has held its last frame back
            filtered = None
        if filtered is None and frame.interlaced_frame:
            filtered = _Filter(frame)
        if filtered is None:
            yield frame
        else:
            yield from filtered(frame)
    if filtered is not None:
        yield from filtered(None)


class _Filter:
    """One filter graph; frames come out one later than they go in, since the filter looks ahead."""

    def __init__(self, frame: VideoFrame) -> None:
        self._kind = _kind(frame)
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        bwdif = self._graph.add("bwdif", "mode=send_frame:deint=interlaced")
        self._graph.link_nodes(source, bwdif, self._graph.add("buffersink")).configure()

    def takes(self, frame: VideoFrame) -> bool:
        """Whether the frame is of the kind the graph was made for."""
        return _kind(frame) == self._kind

    def __call__(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        self._graph.vpush(frame)
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def _kind(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
