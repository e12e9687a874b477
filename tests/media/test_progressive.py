"""Interlaced pictures keep their order; what they look like, `test_recording` checks on a film."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.frame import VideoFrame

from rushes.media.progressive import progressive


def pictures(sizes: list[tuple[int, int]], *, interlaced: bool) -> Iterator[VideoFrame]:
    """Frames of these sizes, a 25th of a second apart."""
    for number, (width, height) in enumerate(sizes):
        graph = av.filter.Graph()
        source = graph.add_buffer(width=width, height=height, format="yuv420p", time_base=Fraction(1, 25))
        field = graph.add("setfield", "tff" if interlaced else "prog")
        graph.link_nodes(source, field, graph.add("buffersink")).configure()
        frame = VideoFrame.from_ndarray(np.full((height * 3 // 2, width), 90, np.uint8), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        graph.vpush(frame)
        yield graph.vpull()


def test_frames_come_in_their_order_where_the_size_changes_on_the_way() -> None:
    sizes = [(64, 48)] * 4 + [(48, 32)] * 3 + [(64, 48)] * 2
    found = [(frame.width, round((frame.time or 0) * 25)) for frame in progressive(pictures(sizes, interlaced=True))]
    assert found == [(width, number) for number, (width, _) in enumerate(sizes)]


def test_progressive_pictures_pass_as_they_are() -> None:
    given = list(pictures([(64, 48)] * 3, interlaced=False))
    assert list(progressive(iter(given))) == given
