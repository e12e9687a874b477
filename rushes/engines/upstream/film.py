"""From the file that a program left to the frames that were asked for: which of them, after which, and with what sound.

The file is decoded by others, as cautiously as a stranger's (`engine.FilmFile`); here stands what its frames become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from rushes.calls import UpstreamCall
from rushes.engines.engine import FilmFile, FrameChunk
from rushes.engines.upstream.cutting import played
from rushes.engines.upstream.pictures import Picture, chosen, cover, frames_of
from rushes.engines.upstream.speech import track

_TOGETHER = 8  # frames in a chunk: 50 MB of 1080p


def film_file(path: Path, call: UpstreamCall, short_by: int, remedy: str, read: Callable[[], None]) -> FilmFile:
    """Say what has to be in the file, and what becomes of it; `read` is called once the file is needed no more.

    A program may lack `short_by` frames at the end: the last one then stays.
    """
    before = call.continued
    new = call.frames - (before.kept if before else 0)
    # What it made of a continuation omits the prefix, and has the model's rate; the whole film has the video's.
    numbers = played(new, before.fps if before else call.fps, call.made, call.fps)

    def then(chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        read()
        return _together(_film(call, chosen(_singly(chunks), numbers)))

    return FilmFile(
        str(path),
        call.width,
        call.height,
        max(numbers[-1] + 1 - short_by, 1),
        then,
        sound=track(call.sound, call.frames / call.fps) if call.sound is not None else None,
        remedy=remedy,
    )


def _film(call: UpstreamCall, made: Iterator[Picture]) -> Iterator[Picture]:
    """Yield what is kept of the video that is gone on from, untouched but for its size, and then what was made."""
    before = call.continued
    if before is not None:
        for kept in islice(frames_of(before.video), before.kept):
            yield cover(kept, call.width, call.height)
    yield from made


def _singly(chunks: Iterable[FrameChunk]) -> Iterator[Picture]:
    for chunk in chunks:
        yield from chunk


def _together(frames: Iterator[Picture]) -> Iterator[FrameChunk]:
    while held := list(islice(frames, _TOGETHER)):
        yield np.stack(held)
