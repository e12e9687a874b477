"""The animatic engine: a photograph and a prompt in, the frames of a camera moving through that photograph out.

Reads the camera (`camera`), estimates depth (`depth`) or draws a scene where there is no photograph (`scene`), lays the
path (`path`, `framing`) and renders it (`render`). It keeps nothing between calls, and its memory does not depend on
the number of frames. Encoding is left to whoever takes the frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import __version__
from rushes.calls import AnimaticCall, Call
from rushes.engines.animatic.camera import read_camera
from rushes.engines.animatic.depth import disparity
from rushes.engines.animatic.framing import closing_in, cover, framed, slack
from rushes.engines.animatic.path import Path, plan
from rushes.engines.animatic.render import Stage
from rushes.engines.animatic.scene import draw_scene
from rushes.engines.engine import Cancelled, FrameChunk, Frames, Maker, Progress

CHUNK = 4  # frames; small enough that cancel and progress feel immediate, large enough that handing over costs nothing

Say = Callable[[Progress], None]


class AnimaticEngine:
    """A moving storyboard on the CPU; see `rushes.engines.engine.Engine`."""

    def load(self) -> Maker:
        """Return the maker; there are no weights to load."""
        return Maker(engine="animatic", model="animatic", version=__version__, stand_in=True)

    def generate(self, call: Call, progress: Say, cancelled: Callable[[], bool]) -> Frames:
        """Set the scene at once and give frames in chunks of CHUNK, rendered when they are asked for."""
        if not isinstance(call, AnimaticCall):
            raise TypeError(f"the animatic engine takes an AnimaticCall, not {type(call).__name__}; check the route")
        if cancelled():
            raise Cancelled
        stage, path = set_up(call)
        return Frames(_chunks(call, stage, path, progress, cancelled))

    def unload(self) -> None:
        """Nothing is held."""


def set_up(call: AnimaticCall) -> tuple[Stage, Path]:
    """Put the picture on stage and lay the camera's path."""
    moves = read_camera(call.prompt, call.seed)
    seconds = max(call.frames - 1, 0) / call.fps
    if call.image is None:
        spare = 1.2  # a drawn view can be as wide as the move likes
        size = (round(call.width * spare), round(call.height * spare))
        picture, depth = draw_scene(call.prompt, call.seed, *size)
    else:
        photograph: npt.NDArray[Any] = np.load(call.image, allow_pickle=False)
        picture = cover(photograph, call.width, call.height)
        depth = disparity(picture)
    stage = Stage(picture, depth, call.width, call.height)
    return stage, plan(moves, seconds, call.seed, slack(picture, call.width, call.height))


def _chunks(
    call: AnimaticCall, stage: Stage, path: Path, progress: Say, cancelled: Callable[[], bool]
) -> Iterator[FrameChunk]:
    closing = np.zeros(2) if path.still else closing_in(stage, path)
    for first in range(0, call.frames, CHUNK):
        if cancelled():
            raise Cancelled
        count = min(CHUNK, call.frames - first)
        chunk = np.empty((count, call.height, call.width, 3), np.uint8)
        for index in range(count):
            t = (first + index) / max(call.frames - 1, 1)
            if path.still or t == 0.0:
                chunk[index] = stage.resting()
            else:
                stage.draw(framed(path.at(t), t, closing), chunk[index])
        progress(Progress(first + count, call.frames, "frames"))
        yield chunk
