"""What a vendor says of the files it takes: formats, bytes, sides, ratios and lengths; what is not is `Wrong`."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import av

from rushes.fakes.bodies import Wrong
from rushes.fakes.inputs import OPENS_NOTHING, Film, Still, Unfit, look_at_film, look_at_still

MIB = 1024 * 1024
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Formats are Pillow's names; `most_ratio` says how many times longer one side may be than the other."""

    formats: tuple[str, ...] = ("JPEG", "PNG")
    most_bytes: int = 20 * MIB
    least_side: int = 1
    most_side: int = 10_000
    most_ratio: float = float("inf")


@dataclass(frozen=True, slots=True)
class FilmLimits:
    """Seconds and pixels; `least_side` is the shorter side's."""

    most_bytes: int = 100 * MIB
    least_s: float = 0.0
    most_s: float = float("inf")
    least_side: int = 1
    most_side: int = 10_000


def fitting(field: str, look: Callable[[], Value]) -> Value:
    """Return what `look` finds; what it can't open is Wrong in that field."""
    try:
        return look()
    except Unfit as unfit:
        raise Wrong(field, str(unfit)) from unfit


def check_still(content: bytes, limits: PictureLimits, field: str) -> Still:
    """Decode a picture and hold it against the limits."""
    still = fitting(field, lambda: look_at_still(content))
    size = f"the picture has {still.width} x {still.height} pixels"
    short, long = sorted((still.width, still.height))
    if still.size_bytes > limits.most_bytes:
        raise Wrong(field, f"the picture has {still.size_bytes} bytes, at most {limits.most_bytes} are allowed")
    if still.form not in limits.formats:
        raise Wrong(field, f"the picture is a {still.form}, allowed are {', '.join(limits.formats)}")
    if short < limits.least_side:
        raise Wrong(field, f"{size}, no side may be shorter than {limits.least_side}")
    if long > limits.most_side:
        raise Wrong(field, f"{size}, no side may be longer than {limits.most_side}")
    if long > limits.most_ratio * short:
        raise Wrong(field, f"{size}, one side may be {limits.most_ratio:g} times as long as the other")
    return still


def check_film(content: bytes, limits: FilmLimits, field: str) -> Film:
    """Open a film and hold it against the limits."""
    film = fitting(field, lambda: look_at_film(content))
    short, long = sorted((film.width, film.height))
    if film.size_bytes > limits.most_bytes:
        raise Wrong(field, f"the film has {film.size_bytes} bytes, at most {limits.most_bytes} are allowed")
    # Containers round lengths to their clock, or to whole frames of sound.
    if not limits.least_s - 0.05 <= film.seconds <= limits.most_s + 0.05:
        raise Wrong(field, f"the film has {film.seconds:.2f} s, allowed are {limits.least_s:g} to {limits.most_s:g}")
    if short < limits.least_side or long > limits.most_side:
        raise Wrong(field, f"the film has {film.width} x {film.height} pixels")
    return film


def sound_seconds(content: bytes, field: str) -> float:
    """Return how long a sound is, in a file of sound alone or in a film's; Wrong if there is none."""
    try:
        with av.open(io.BytesIO(content), "r", options=OPENS_NOTHING) as opened:
            stream = opened.streams.audio[0]
            samples = sum(frame.samples for frame in opened.decode(stream))
            return samples / (stream.rate or 1)
    except (av.FFmpegError, IndexError) as error:
        raise Wrong(field, f"{len(content)} bytes that are no sound: {error}") from error
