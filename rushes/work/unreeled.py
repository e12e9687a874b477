"""A film that an engine had made elsewhere, as frames: decoded in the sandbox, held against what was asked for.

What the frames become (cut, at another rate, larger) is the engine's word; how they are written again is `products`'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from rushes.engines.engine import FilmFile, FrameChunk, Frames, Picture, Unable
from rushes.errors import ModelError
from rushes.media.recording import RecordingLimits, decode_video
from rushes.settings import Settings
from rushes.work.tools import Report

FRAMES_AT_ONCE = 8
MORE = 2  # times what was asked for: beyond, a film isn't even decoded, since it is another one anyway
LONGEST_S = 3_600.0  # a frame may be shown for seconds
_LEAST_SIDE = 64
REMEDY = "look whether the server runs the model that the deployment names, and takes what is in its request"


def unreeled(film: FilmFile, folder: Path, settings: Settings, report: Report) -> Frames:
    """Return the film's frames as the call asked for them. Raises Unable where it is another film, Cancelled."""
    to, sound_to = folder / "unreeled.mp4", folder / "unreeled.npy"
    try:
        found = decode_video(Path(film.path), to, sound_to, _limits(film, settings), ("body",), report.tick)
    except ModelError as error:
        raise _other(f"its film can't be decoded: {error}") from None
    sound_to.unlink(missing_ok=True)
    remedy = film.remedy or REMEDY
    if found.size != (film.width, film.height):
        came, asked = f"{found.width}x{found.height}", f"{film.width}x{film.height}"
        raise _other(f"it made {came} pixels where {asked} were asked for; {remedy}")
    if (found.frames or 0) < film.frames:
        raise _other(f"it made {found.frames} frames where {film.frames} were asked for; {remedy}")
    report.say(f"The film that came is {found.width}x{found.height}, {found.frames} frames")
    return Frames(film.then(frames_of(to)), film.sound)


def _limits(film: FilmFile, settings: Settings) -> RecordingLimits:
    """What one film may cost is as for callers' files; how large it may be follows from what was asked for."""
    most = MORE * max(film.width, film.height, _LEAST_SIDE)
    return replace(RecordingLimits.of(settings), max_s=LONGEST_S, max_frames=MORE * film.frames + 64, max_side=most)


def frames_of(path: Path) -> Iterator[FrameChunk]:
    """Yield the frames of a film that our own decoder wrote, some at a time."""
    with av.open(str(path)) as film:
        held: list[Picture] = []
        for frame in film.decode(video=0):
            held.append(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
            if len(held) == FRAMES_AT_ONCE:
                yield np.stack(held)
                held = []
        if held:
            yield np.stack(held)


def _other(remedy: str) -> Unable:
    words = "The server behind this endpoint made something else than was asked for"
    return Unable("unknown", ModelError("downstream_service_unavailable", words), remedy)
