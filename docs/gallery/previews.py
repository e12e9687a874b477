"""Small pictures of what endpoints made: an animated WebP of a film, a drawing of a sound, a picture of a picture.

A film is shown whole, in so few frames that it fits: the preview runs faster than the film does. Under a film with
sound runs the sound, with a mark where the picture is. The same file gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from rushes.media.companions import shrunk, waveform

MOST_BYTES = 35_000
WIDTH, TALLEST = 320, 240  # pixels; a film in portrait format is as high as this, and narrower
FRAME_MS = 125
_BAND = 28
_PEAKS = 640
_MARK = (255, 255, 255)
# Frames, quality and scale, the best first: grain is better than a dozen frames, and small better than mud.
_WAYS = (
    (24, 50, 1.0),
    (24, 36, 1.0),
    (20, 36, 1.0),
    (24, 26, 1.0),
    (16, 36, 1.0),
    (20, 26, 1.0),
    (16, 26, 1.0),
    (16, 26, 0.8),
    (16, 18, 0.8),
    (14, 14, 0.8),
    (12, 12, 0.75),
    (10, 10, 0.75),
)
_LAST = (8, 1, 0.75)
_STILL_QUALITY = 70

Pixels = npt.NDArray[np.uint8]  # (H, W, 3) RGB


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says about itself; None where its kind has none. `kind` is "video", "audio" or "image"."""

    kind: str
    codec: str
    size: tuple[int, int] | None = None
    frames: int | None = None
    fps: float | None = None
    seconds: float | None = None
    sound: str | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """A film as the previews need it: its facts, small frames evenly over its length, and the peaks of its sound."""

    facts: Facts
    frames: tuple[Pixels, ...]
    peaks: npt.NDArray[np.float64] | None


def preview(paths: Sequence[Path], to: Path) -> Facts:
    """Write the preview of what an endpoint gave, and return the facts of its first file."""
    if paths[0].suffix in (".png", ".jpg", ".jpeg"):
        pictures = [_upright(path) for path in paths]
        Image.fromarray(side_by_side(pictures)).save(to, "WEBP", quality=_STILL_QUALITY, method=6)
        return Facts("image", paths[0].suffix[1:], (pictures[0].shape[1], pictures[0].shape[0]))
    if paths[0].suffix in (".mp3", ".flac", ".wav"):
        seconds, peaks, codec = heard(paths[0])
        drawing = cv2.resize(waveform(peaks)[..., ::-1], (WIDTH, WIDTH // 4), interpolation=cv2.INTER_AREA)
        Image.fromarray(drawing).save(to, "WEBP", quality=_STILL_QUALITY, method=6)
        return Facts("audio", codec, seconds=seconds)
    film = watched(paths[0])
    to.write_bytes(animated(film))
    return film.facts


def _upright(path: Path) -> Pixels:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def side_by_side(pictures: Sequence[Pixels]) -> Pixels:
    """Lay small copies of pictures of one size in a row, as high as a preview's width allows."""
    each = (WIDTH - 4 * (len(pictures) - 1)) // len(pictures)
    small = [fitted(picture, each, TALLEST) for picture in pictures]
    gap = np.full((small[0].shape[0], 4, 3), 255, np.uint8)
    row = [small[0]]
    for one in small[1:]:
        row += [gap, one]
    return np.hstack(row)


def fitted(picture: Pixels, width: int, height: int) -> Pixels:
    """Return a small copy that is at most so wide and so high."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    return shrunk(picture, round(max(picture.shape[:2]) * min(1.0, scale)))


def heard(path: Path) -> tuple[float, npt.NDArray[np.float64], str]:
    """Return the length of the file's sound in seconds, its peaks from 0 to 1, and its codec."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48_000)
        pieces = [
            piece.to_ndarray()[0] for frame in [*container.decode(stream), None] for piece in resampler.resample(frame)
        ]
        codec = stream.codec_context.name
    loud = np.abs(np.concatenate(pieces))
    edges = np.linspace(0, len(loud), _PEAKS + 1).astype(int)
    return len(loud) / 48_000, np.array([min(1.0, loud[a:b].max(initial=0)) for a, b in pairwise(edges)]), codec


def watched(path: Path) -> Film:
    """Look at a film: every frame is decoded, the wanted ones are kept, small."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        count = stream.frames or sum(1 for _ in container.decode(stream))
        sound = container.streams.audio[0].codec_context.name if container.streams.audio else None
    most = max(frames for frames, *_ in _WAYS)
    wanted = set(np.linspace(0, count - 1, most).round().astype(int).tolist())
    kept: list[Pixels] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        fps = float(stream.average_rate or 0)
        for number, frame in enumerate(container.decode(stream)):
            if number in wanted:
                kept.append(fitted(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), WIDTH, TALLEST))
        size = stream.codec_context.width, stream.codec_context.height
        codec = stream.codec_context.name
    facts = Facts("video", codec, size, count, fps, count / fps, sound)
    return Film(facts, tuple(kept), heard(path)[1] if sound else None)


def animated(film: Film) -> bytes:
    """Return the film as an animated WebP of at most MOST_BYTES, in the best of the ways that fit."""
    frames = list(film.frames if film.peaks is None else with_sound(film.frames, film.peaks))
    written = b""
    too_much = 1.0  # by how much the guess from single frames was too low the last time
    for count, quality, scale in _WAYS:
        chosen = _chosen(frames, count, scale)
        if written and guessed(chosen, quality) * too_much > MOST_BYTES:
            continue
        written = _encoded(chosen, quality)
        if len(written) <= MOST_BYTES:
            return written
        too_much = len(written) / guessed(chosen, quality)
    count, quality, scale = _LAST
    while len(written := _encoded(_chosen(frames, count, scale), quality)) > MOST_BYTES:
        scale *= 0.8
    return written


def _chosen(frames: Sequence[Pixels], count: int, scale: float) -> list[Pixels]:
    side = round(max(frames[0].shape[:2]) * scale)
    return [shrunk(frame, side) for frame in _evenly(frames, count)]


def _evenly(frames: Sequence[Pixels], count: int) -> list[Pixels]:
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return [frames[at] for at in places]


def guessed(frames: Sequence[Pixels], quality: int) -> float:
    """Guess the size of an animation from three of its frames."""
    some = _evenly(frames, 3)
    return sum(len(_encoded([one], quality)) for one in some) / len(some) * len(frames)


def _encoded(frames: Sequence[Pixels], quality: int) -> bytes:
    file = io.BytesIO()
    first, *others = (Image.fromarray(frame) for frame in frames)
    how = {"quality": quality, "method": 4, "duration": FRAME_MS, "loop": 0}
    first.save(file, "WEBP", save_all=True, append_images=others, **how)
    return file.getvalue()


def with_sound(frames: Sequence[Pixels], peaks: npt.NDArray[np.float64]) -> Iterator[Pixels]:
    """Put the sound under every frame, with a mark at the frame's time."""
    width = frames[0].shape[1]
    band = cv2.resize(waveform(peaks)[..., ::-1], (width, _BAND), interpolation=cv2.INTER_AREA)
    for number, frame in enumerate(frames):
        marked = band.copy()
        at = round(number / max(1, len(frames) - 1) * (width - 2))
        marked[:, at : at + 2] = _MARK
        yield np.vstack([frame, marked])
