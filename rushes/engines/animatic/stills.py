"""Pictures from a StillsCall: each another view of what the prompt says, with the subject set into it if there is one.

Each is drawn anew; a subject's own picture is cut out or framed and stands in it. Writing them to files is left to
others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rushes.calls import AnimaticCall, StillsCall
from rushes.engines.animatic.cutout import cutout
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.staged import Staged
from rushes.engines.animatic.views import loaded
from rushes.engines.engine import Cancelled, Pictures, Progress

# Four seconds; an odd number, so that there is one frame in the middle.
_FRAMES, _FPS = 49, 12.0
_STEP = 7919  # between the seeds of one call's pictures: neighbouring seeds of two calls share none of theirs


def stills(call: StillsCall, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Pictures:
    """Give `count` pictures, drawn when they are asked for."""
    if cancelled():
        raise Cancelled
    return Pictures(_drawn(call, progress, cancelled))


def _drawn(call: StillsCall, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Iterator[Picture]:
    subjects = [cutout(loaded(call.image))] if call.image is not None else []
    for number in range(call.count):
        if cancelled():
            raise Cancelled
        picture = _caught(call, call.seed + number * _STEP, subjects)
        progress(Progress(number + 1, call.count, "pictures"))
        yield picture


def _caught(call: StillsCall, seed: int, subjects: list[Picture]) -> Picture:
    """Return the middle frame of a short film from a still camera: rain falls, and who walks is in the middle of it."""
    film = AnimaticCall(call.prompt, call.width, call.height, _FRAMES, _FPS, seed, camera_fixed=True)
    picture = np.empty((call.height, call.width, 3), np.uint8)
    Staged(film, subjects).draw(_FRAMES // 2, picture)
    return picture
