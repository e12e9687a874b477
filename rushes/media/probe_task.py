"""The part of `probe` that touches untrusted bytes; runs in the sandbox only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

__all__ = ["probe"]

# Playlists and concatenations are left out on purpose: they make the reader open other files.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpeg,mpegts,ogg,mp3,wav,flac,aac,gif,w64,aiff"


def probe(source: str) -> dict[str, Any]:
    """Answer the facts of a video or audio file; a picture or a piece of sound is decoded as proof."""
    with (
        Path(source).open("rb") as file,
        av.open(file, "r", options={"format_whitelist": _FORMATS, "protocol_whitelist": "none"}) as container,
    ):
        facts: dict[str, Any] = {
            "duration_s": _duration_s(container),
            "has_audio": bool(container.streams.audio),
            "has_video": False,
        }
        if container.streams.video:
            facts |= _video(container, container.streams.video[0])
        elif container.streams.audio:
            next(container.decode(audio=0))
        return facts


def _video(container: InputContainer, stream: VideoStream) -> dict[str, Any]:
    stream.thread_type = "NONE"  # threads cost address space, of which there is little here
    frame = next(container.decode(stream))
    upright = frame.rotation % 180 == 0
    width, height = (frame.width, frame.height) if upright else (frame.height, frame.width)
    rate = stream.average_rate or stream.guessed_rate
    return {
        "has_video": True,
        "width": width,
        "height": height,
        "frames": stream.frames or None,
        "fps": float(rate) if rate else None,
    }


def _duration_s(container: InputContainer) -> float | None:
    if container.duration is not None:
        return container.duration / av.time_base
    for stream in container.streams:
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base)
    return None
