"""From the engine's output to stored files: frames are encoded while they come, then the file is put into storage.

What the file's place in the output is called is the family's business; how bytes are encoded is `media.encode`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.endpoint import Clip, Plan
from rushes.engines.engine import FinishedFile, FrameChunk, Frames, Output
from rushes.fields import File
from rushes.work.tools import Files, Report

OUTPUT_NAME = "output"
EXTENSIONS = {
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "image/gif": ".gif",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came out: stored files as the output shows them, their ids, or a plain value."""

    files: tuple[File, ...] = ()
    file_ids: tuple[str, ...] = ()
    value: Any = None


@dataclass(frozen=True, slots=True)
class Product:
    """A file that is finished and not stored yet."""

    path: Path
    content_type: str


def deliver(output: Output, clip: Plan | None, files: Files, report: Report) -> Delivery:
    """Make a file of the output and store it. Raises Cancelled between chunks, ValueError for wrong frames."""
    if isinstance(output, FinishedFile):
        return save(Product(Path(output.path), output.content_type), files, report)
    if not isinstance(output, Frames) or not isinstance(clip, Clip):
        raise ValueError(
            "the engine made frames for an endpoint whose family plans no clip; give the Endpoint a `clip`"
        )
    return save(encode(output, clip, files.folder(), report), files, report)


def encode(frames: Frames, clip: Clip, folder: Path, report: Report) -> Product:
    """Encode while the frames come; exactly as many as the clip has."""
    # PyAV and NumPy take 0.2 s to load, which a runner that makes no pictures need not pay.
    from rushes.media.encode import encode_video  # noqa: PLC0415

    path = folder / f"{OUTPUT_NAME}.mp4"
    encoded = encode_video(
        watched(frames.chunks, report.tick),
        path,
        width=clip.width,
        height=clip.height,
        fps=clip.fps,
        frames=clip.frames,
        on_frame=lambda _done: report.tick(),
    )
    report.say(
        f"Encoded {encoded.frames} frames, {encoded.duration_s:.2f} s of video, {encoded.size_bytes:,} bytes of mp4"
    )
    return Product(path, "video/mp4")


def watched(chunks: Iterator[FrameChunk], tick: Callable[[], None]) -> Iterator[FrameChunk]:
    """Pass chunks on with a sign of life and a look at cancel after each; closing it closes the engine's generator."""
    try:
        for chunk in chunks:
            tick()
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def save(product: Product, files: Files, report: Report) -> Delivery:
    """Put the file into storage and describe it as outputs do."""
    name = OUTPUT_NAME + EXTENSIONS.get(product.content_type, product.path.suffix)
    stored = files.put(product.path, name, product.content_type, report.tick)
    file = File(
        url=stored.url,
        content_type=product.content_type,
        file_name=name,
        file_size=stored.size_bytes,
        file_data=None,
    )
    return Delivery(files=(file,), file_ids=(stored.file_id,))
