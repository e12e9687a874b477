"""The facts of a video or audio file that somebody sent: size as shown, frames, rate, length, whether there is sound.

Told by content, in the sandbox (`probe_task` is the part that runs there). Pictures are `decode`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rushes.endpoint import Media
from rushes.errors import Loc, ModelError
from rushes.media.sandbox import Sandbox, SandboxError, SandboxLimits, Unavailable, media_sandbox
from rushes.media.sniff import HEAD_BYTES, Looks, looks_like

VIDEO_EXTENSIONS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v", ".gif")
AUDIO_EXTENSIONS = (".mp3", ".wav", ".ogg", ".flac", ".m4a", ".aac")

_LIMITS = SandboxLimits(memory_bytes=2048 * 1024 * 1024, cpu_s=20, wall_s=60.0, file_bytes=0)


def probe(  # noqa: PLR0917
    path: Path,
    kind: Literal["video", "audio"],
    loc: Loc,
    tick: Callable[[], None] = lambda: None,
    limits: SandboxLimits = _LIMITS,
    sandbox: Sandbox | None = None,
) -> Media:
    """Return what the file at `path` is; raises ModelError {kind}_load_error or unsupported_{kind}_format at `loc`."""
    with path.open("rb") as file:
        looks = looks_like(file.read(HEAD_BYTES))
    _check_sort(looks, kind, loc)
    arguments = {"source": str(path.absolute())}
    try:
        facts = (sandbox or media_sandbox()).run("rushes.media.probe_task:probe", arguments, limits, tick)
    except Unavailable:
        raise
    except SandboxError as error:
        msg = f"this looks like {looks.name} but cannot be read: {error}"
        raise ModelError(f"{kind}_load_error", msg, loc=loc) from error
    if not facts["has_video" if kind == "video" else "has_audio"]:
        what = "no pictures" if kind == "video" else "no sound"
        raise ModelError(f"{kind}_load_error", f"{looks.name} with {what} in it", loc=loc)
    return Media(
        kind,
        str(path),
        looks.content_type,
        path.stat().st_size,
        width=facts.get("width"),
        height=facts.get("height"),
        frames=facts.get("frames"),
        fps=facts.get("fps"),
        duration_s=facts["duration_s"],
        has_audio=facts["has_audio"],
    )


def _check_sort(looks: Looks, kind: Literal["video", "audio"], loc: Loc) -> None:
    """Refuse what is certainly something else; unknown bytes are left to the reader, since containers are many."""
    extensions = VIDEO_EXTENSIONS if kind == "video" else AUDIO_EXTENSIONS
    if looks.sort in ("text", "other", "empty"):
        msg = f"this is {looks.name}, not {'a video' if kind == 'video' else 'sound'}; send {', '.join(extensions)}"
        raise ModelError(f"{kind}_load_error", msg, loc=loc)
    if looks.sort == "picture" and not (kind == "video" and looks.content_type == "image/gif"):
        msg = f"this is {looks.name}, not {'a video' if kind == 'video' else 'sound'}; send {', '.join(extensions)}"
        ctx = {"supported_formats": list(extensions)}
        raise ModelError(f"unsupported_{kind}_format", msg, loc=loc, ctx=ctx)
