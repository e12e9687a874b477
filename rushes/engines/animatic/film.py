"""A film from an AnimaticCall: frames in chunks from a view, with an effect laid over them, and the film's sound.

What stands before the camera is chosen in `views`, what is heard in `soundtrack`; here frames are counted out, progress
is told and a cancel is seen. Memory does not depend on the number of frames. Encoding is left to who takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rushes.calls import AnimaticCall
from rushes.engines.animatic.articulation import lips_of
from rushes.engines.animatic.easing import smoothstep, there_and_back
from rushes.engines.animatic.effect import Effect
from rushes.engines.animatic.pair import Pair
from rushes.engines.animatic.soundtrack import soundtrack_of
from rushes.engines.animatic.views import View, view_of
from rushes.engines.engine import Cancelled, FrameChunk, Frames, Progress

CHUNK = 4  # frames; small enough that cancel and progress feel immediate, large enough that handing over costs nothing

Say = Callable[[Progress], None]


def film(call: AnimaticCall, progress: Say, cancelled: Callable[[], bool]) -> Frames:
    """Set the scene at once and give frames in chunks of CHUNK, rendered when they are asked for."""
    if cancelled():
        raise Cancelled
    # First: a name that nobody knows is refused before anything is decoded or drawn.
    effect = Effect(call.effect, call.width, call.height, call.seed) if call.effect else None
    view = view_of(call, lips_of(call) if call.lipsync else None)
    if isinstance(view, Pair):
        effect = None  # the two play it themselves
    return Frames(_chunks(call, view, effect, progress, cancelled), soundtrack_of(call, cancelled))


def _chunks(
    call: AnimaticCall, view: View, effect: Effect | None, progress: Say, cancelled: Callable[[], bool]
) -> Iterator[FrameChunk]:
    try:
        for first in range(0, call.frames, CHUNK):
            if cancelled():
                raise Cancelled
            count = min(CHUNK, call.frames - first)
            # A new array for each chunk: who takes one owns it (`engine.FrameChunk`).
            chunk = np.empty((count, call.height, call.width, 3), np.uint8)
            for index in range(count):
                view.draw(first + index, chunk[index])
                if effect is not None:
                    effect.draw(_effect_time(call, first + index), chunk[index])
            progress(Progress(first + count, call.frames, "frames"))
            yield chunk
    finally:
        view.close()


def _effect_time(call: AnimaticCall, index: int) -> float:
    """Return where in the effect a frame is; a loop and a film with a given end come back out of it."""
    # What is kept of a video comes untouched, so the effect's own time begins behind it.
    kept = min(call.keep or 0, call.frames) if call.video is not None else 0
    if index < kept:
        return 0.0
    t = (index - kept) / max(call.frames - kept - 1, 1)
    if call.loop:
        return there_and_back((index - kept) / max(call.frames - kept, 1))
    # It is gone at the very end, where the given picture has to stand as it is.
    return t * (1.0 - smoothstep((t - 0.6) / 0.4)) if call.end_image is not None else t
