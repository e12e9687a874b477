"""What an engine gives, as finished files in the job's folder: films, pictures and sound are encoded while they come.

How bytes are encoded is `media`'s business; where the files go from here is `deliver`'s. PyAV, OpenCV and NumPy are
loaded with this file, which is why it is imported only once there is something to encode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from rushes.endpoint import Clip, Delivery, Plan, Stills
from rushes.engines.engine import (
    FinishedFile,
    FinishedFiles,
    Frames,
    Output,
    Pictures,
    SoundChunk,
    SoundTrack,
    Value,
    Voice,
)
from rushes.errors import ModelError
from rushes.media import sound, stills, video_formats
from rushes.media.companions import Companion, FilmPictures, Waveform, still_thumbnail
from rushes.media.encode import NothingMade, encode_video
from rushes.media.sound import SoundSource, encode_sound
from rushes.media.stills import write_still
from rushes.work.preview import show_newest
from rushes.work.tools import Report

EXTENSIONS = {**video_formats.EXTENSIONS, **sound.EXTENSIONS, **stills.EXTENSIONS}

Chunk = TypeVar("Chunk")


@dataclass(frozen=True, slots=True)
class Product:
    """A file that is finished and not stored yet; `name` is what it will be called, `companions` show it in small."""

    path: Path
    name: str
    content_type: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    companions: tuple[Companion, ...] = ()


def make_products(
    output: Output, plan: Plan | None, delivery: Delivery, folder: Path, report: Report
) -> tuple[Product, ...]:
    """Make files of the output. Raises Cancelled between chunks, ValueError when it is not what was planned.

    What is not to be stored gets no companions.
    """
    match output:
        case FinishedFile(path, content_type):
            suffix = EXTENSIONS.get(content_type, Path(path).suffix)
            return (Product(Path(path), f"output{suffix}", content_type),)
        case Frames() if isinstance(plan, Clip):
            return (_film(output, plan, delivery, folder, report),)
        case Pictures() if isinstance(plan, Stills):
            return _pictures(output, plan, delivery, folder, report)
        case SoundTrack():
            return (_sound(output, "speech", delivery, folder, report),)
        case Voice():
            return (_sound(output.preview, "preview", delivery, folder, report),)
        case Frames() | Pictures() | FinishedFiles() | Value():
            made, planned = type(output).__name__, type(plan).__name__ if plan is not None else "nothing"
            raise ValueError(f"the engine made {made} for an endpoint whose family plans {planned}; see its `clip`")


def _film(frames: Frames, clip: Clip, delivery: Delivery, folder: Path, report: Report) -> Product:
    """Encode while the frames come; exactly as many as the clip has, with sound only where the clip has it."""
    look, pictures = delivery.video, FilmPictures(clip.frames)
    content_type = video_formats.recipe(look).content_type
    path = folder / f"output{EXTENSIONS[content_type]}"
    if clip.audio and frames.sound is None:
        report.say("The film was to have sound, but the engine made none", "WARN")
    heard = _source(frames.sound, report.tick) if frames.sound is not None and clip.audio else None
    try:
        encoded = encode_video(
            watched(frames.chunks, report.tick, both(partial(show_newest, report), pictures.see)),
            path,
            width=clip.width,
            height=clip.height,
            fps=clip.fps,
            frames=clip.frames,
            # For each frame too: to encode one chunk of a large film may take longer than to make it.
            on_frame=lambda _done: report.tick(),
            look=look,
            sound=heard,
        )
    except NothingMade:
        raise ModelError("no_media_generated") from None
    finally:
        if frames.sound is not None:
            close(frames.sound.chunks)  # also when none of it was wanted
    report.say(
        f"Encoded {encoded.frames} frames, {encoded.duration_s:.2f} s of video, {encoded.size_bytes:,} bytes of "
        f"{look.container}"
    )
    beside = pictures.write(folder) if delivery.stored else ()
    return Product(path, path.name, content_type, clip.width, clip.height, encoded.duration_s, beside)


def _pictures(
    pictures: Pictures, plan: Stills, delivery: Delivery, folder: Path, report: Report
) -> tuple[Product, ...]:
    look = delivery.still
    products: list[Product] = []
    for picture in watched(pictures.pictures, report.tick, partial(show_newest, report)):
        path = folder / f"image-{len(products) + 1}{EXTENSIONS[look]}"
        still = write_still(picture, path, look)
        # Here and below the engine's fault, no caller's: an internal error, whose text stays in the runner's log.
        if (still.width, still.height) != (plan.width, plan.height):
            made = f"{still.width}x{still.height}"
            raise ValueError(f"a picture of {made} was made where {plan.width}x{plan.height} was asked for")
        report.say(f"Encoded picture {len(products) + 1} of {plan.count}, {still.size_bytes:,} bytes of {look}")
        beside = still_thumbnail(picture, folder / f"thumbnail-{len(products) + 1}.jpg") if delivery.stored else None
        products.append(
            Product(path, path.name, look, still.width, still.height, companions=(beside,) if beside else ())
        )
    if not products:
        raise ModelError("no_media_generated")
    if len(products) != plan.count:
        raise ValueError(f"{len(products)} pictures were made where {plan.count} were asked for")
    return tuple(products)


def _sound(track: SoundTrack, name: str, delivery: Delivery, folder: Path, report: Report) -> Product:
    form, wave = delivery.audio, Waveform()
    content_type = sound.CONTENT_TYPES[form.container]
    path = folder / f"{name}{EXTENSIONS[content_type]}"
    encoded = encode_sound(_source(track, report.tick, wave.hear), path, form, report.tick)
    report.say(f"Encoded {encoded.duration_s:.2f} s of sound, {encoded.size_bytes:,} bytes of {form.container}")
    beside = wave.write(folder) if delivery.stored else ()
    return Product(path, path.name, content_type, duration_s=encoded.duration_s, companions=beside)


def _source(
    track: SoundTrack, tick: Callable[[], None], hear: Callable[[SoundChunk], None] | None = None
) -> SoundSource:
    return SoundSource(watched(track.chunks, tick, hear), track.sample_rate, track.channels)


def both(first: Callable[[Chunk], None], second: Callable[[Chunk], None]) -> Callable[[Chunk], None]:
    """Return what shows a chunk to two."""

    def show(chunk: Chunk) -> None:
        first(chunk)
        second(chunk)

    return show


def watched(
    chunks: Iterator[Chunk], tick: Callable[[], None], show: Callable[[Chunk], None] | None = None
) -> Iterator[Chunk]:
    """Pass chunks on with a sign of life and a look at cancel after each; closing it closes the engine's generator.

    `show` sees each before it goes on, for those who watch the job being done.
    """
    try:
        for chunk in chunks:
            tick()
            if show is not None:
                show(chunk)
            yield chunk
    finally:
        close(chunks)


def close(chunks: object) -> None:
    """Close the generator behind an engine's chunks, if it is one."""
    end = getattr(chunks, "close", None)
    if end is not None:
        end()
