"""Pictures from a StillsCall: each another view of what the prompt says, with the subject set into it if there is one.

Each is drawn anew; a subject's own picture is cut out or framed and stands in it. Writing them to files is left to
others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rushes.calls import StillsCall
from rushes.engines.animatic.cutout import cutout
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.scene import draw_scene
from rushes.engines.animatic.views import loaded
from rushes.engines.engine import Cancelled, Pictures, Progress

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
        seed = call.seed + number * _STEP
        picture = draw_scene(call.prompt, seed, call.width, call.height, subjects)[0]
        progress(Progress(number + 1, call.count, "pictures"))
        yield np.ascontiguousarray(picture)
