"""A video or a sound that somebody sent, as files that our own code wrote; every way it can be bad has its message.

Told by content, never by name. A video becomes a plain film and its sound (`film_task` says how), a sound becomes
samples (`sound_task`); both are decoded in the sandbox. This side decides what the caller is told. Pictures are
`decode`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rushes.endpoint import Media
from rushes.errors import Loc, ModelError
from rushes.media.sandbox import (
    OutOfMemory,
    OutOfTime,
    Sandbox,
    SandboxError,
    SandboxLimits,
    TaskFailed,
    Unavailable,
    media_sandbox,
)
from rushes.media.sniff import HEAD_BYTES, Looks, looks_like
from rushes.settings import Settings

VIDEO_EXTENSIONS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v", ".gif")
AUDIO_EXTENSIONS = (".mp3", ".wav", ".ogg", ".flac", ".m4a", ".aac")
HZ = 48_000  # of every decoded sound

_FILE_BYTES = 4096 * 1024 * 1024  # what a task may write into one file
_MIN_SIDE = 16

Kind = Literal["video", "audio"]
_NAMES = {"video": "a video", "audio": "sound"}


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """Lengths in seconds and frames, sides in pixels, and what decoding one file may cost."""

    max_s: float = 600.0
    max_frames: int = 3_600
    max_side: int = 4_096
    memory_bytes: int = 2048 * 1024 * 1024
    cpu_s: int = 240

    @classmethod
    def of(cls, settings: Settings) -> RecordingLimits:
        """Take the limits from the settings."""
        return cls(
            settings.media_max_s,
            settings.video_max_frames,
            settings.video_max_side,
            settings.decode_memory_bytes,
            settings.media_cpu_s,
        )

    def sandbox(self) -> SandboxLimits:
        """Return what the sandbox enforces; a busy machine gets three times the CPU time on the wall clock."""
        return SandboxLimits(self.memory_bytes, self.cpu_s, self.cpu_s * 3.0, _FILE_BYTES)


def decode_video(  # noqa: PLR0917
    source: Path,
    to: Path,
    sound_to: Path,
    limits: RecordingLimits,
    loc: Loc,
    tick: Callable[[], None] = lambda: None,
    sandbox: Sandbox | None = None,
) -> Media:
    """Write the video `source` anew as the film `to`, and its sound, if it has any, as `sound_to`.

    Raises ModelError at `loc`: video_load_error, unsupported_video_format or video_duration_too_long. `tick` is called
    a few times a second; what it raises ends the decoding, and nothing is left behind.
    """
    looks = _look_at(source, "video", loc)
    arguments = {
        "source": str(source.absolute()),
        "to": str(to.absolute()),
        "sound_to": str(sound_to.absolute()),
        "max_s": limits.max_s,
        "max_frames": limits.max_frames,
        "max_side": limits.max_side,
        "min_side": _MIN_SIDE,
    }
    run = _Run("video", looks, limits, loc, (to, sound_to))
    facts = run("rushes.media.film_task:decode_film", arguments, tick, sandbox)
    return Media(
        "video",
        str(to),
        looks.content_type,
        source.stat().st_size,
        width=facts["width"],
        height=facts["height"],
        frames=facts["frames"],
        fps=facts["fps"],
        duration_s=facts["duration_s"],
        has_audio=facts["sound"],
        sound=str(sound_to) if facts["sound"] else None,
        source=str(source),
    )


def decode_sound(  # noqa: PLR0917
    source: Path,
    to: Path,
    limits: RecordingLimits,
    loc: Loc,
    tick: Callable[[], None] = lambda: None,
    sandbox: Sandbox | None = None,
) -> Media:
    """Decode the sound `source` (a video's sound too) into `to`, a NumPy file of (N, 1 or 2) int16 at 48 kHz.

    Raises ModelError at `loc`: audio_load_error, unsupported_audio_format or audio_duration_too_long; else as above.
    """
    looks = _look_at(source, "audio", loc)
    arguments = {"source": str(source.absolute()), "to": str(to.absolute()), "max_s": limits.max_s}
    run = _Run("audio", looks, limits, loc, (to,))
    facts = run("rushes.media.sound_task:decode_sound", arguments, tick, sandbox)
    return Media(
        "audio",
        str(to),
        looks.content_type,
        source.stat().st_size,
        duration_s=facts["samples"] / HZ,
        has_audio=True,
        source=str(source),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """One decoding: calls the task, and turns whatever goes wrong into what the caller is told."""

    kind: Kind
    looks: Looks
    limits: RecordingLimits
    loc: Loc
    outputs: tuple[Path, ...]

    def __call__(
        self, task: str, arguments: dict[str, Any], tick: Callable[[], None], sandbox: Sandbox | None
    ) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = (sandbox or media_sandbox()).run(task, arguments, self.limits.sandbox(), tick)
            if "problem" in facts:
                raise self._refusal(facts)
        except BaseException as error:
            for path in self.outputs:
                path.unlink(missing_ok=True)
            if isinstance(error, SandboxError) and not isinstance(error, Unavailable):
                raise ModelError(f"{self.kind}_load_error", _why(error, self.looks), loc=self.loc) from error
            raise
        return facts

    def _refusal(self, facts: dict[str, Any]) -> ModelError:
        problem, limits = facts["problem"], self.limits
        if problem == "too long":
            return too_long(self.kind, facts["duration_s"], limits.max_s, self.loc)
        if problem == "too many frames":
            msg = f"the video has {facts['frames']} frames; at most {limits.max_frames} are allowed: cut it shorter"
        elif problem == "size":
            msg = (
                f"the video has {facts['width']}x{facts['height']} pixels; both sides must be from {_MIN_SIDE} to "
                f"{limits.max_side}"
            )
        elif problem == "channels":
            msg = f"{self.looks.name} has no channels of sound, or too many; from 1 to {facts['most']} can be read"
        else:
            msg = f"{self.looks.name} with {problem} in it, where {_NAMES[self.kind]} is needed"
        return ModelError(f"{self.kind}_load_error", msg, loc=self.loc)


def too_long(kind: Kind, seconds: float, most: float, loc: Loc) -> ModelError:
    """The error for a recording longer than allowed."""
    msg = f"the {kind} lasts {seconds:.2f} s; at most {most:g} s are allowed: cut it shorter"
    ctx = {"max_duration": most, "provided_duration": round(seconds, 3)}
    return ModelError(f"{kind}_duration_too_long", msg, loc=loc, ctx=ctx)


def too_short(kind: Kind, seconds: float, least: float, loc: Loc) -> ModelError:
    """The error for a recording shorter than needed."""
    msg = f"the {kind} lasts {seconds:.2f} s; at least {least:g} s are needed"
    ctx = {"min_duration": least, "provided_duration": round(seconds, 3)}
    return ModelError(f"{kind}_duration_too_short", msg, loc=loc, ctx=ctx)


def _look_at(source: Path, kind: Kind, loc: Loc) -> Looks:
    """Refuse what is certainly something else; unknown bytes are left to the reader, since containers are many."""
    with source.open("rb") as file:
        looks = looks_like(file.read(HEAD_BYTES))
    extensions = VIDEO_EXTENSIONS if kind == "video" else AUDIO_EXTENSIONS
    msg = f"this is {looks.name}, not {_NAMES[kind]}; send {', '.join(extensions)}"
    if looks.sort in ("text", "other", "empty"):
        if looks.sort == "text":
            msg += "; does the URL lead to a page about it instead of the file itself?"
        raise ModelError(f"{kind}_load_error", msg, loc=loc)
    if looks.sort == "picture" and not (kind == "video" and looks.content_type == "image/gif"):
        raise ModelError(f"unsupported_{kind}_format", msg, loc=loc, ctx={"supported_formats": list(extensions)})
    return looks


def _why(error: SandboxError, looks: Looks) -> str:
    if isinstance(error, OutOfMemory):
        return f"{looks.name} that needs more memory to decode than is allowed; save it anew, or smaller"
    if isinstance(error, OutOfTime):
        return f"{looks.name} that takes longer to decode than is allowed; cut it shorter, or save it smaller"
    if isinstance(error, TaskFailed) and error.type == "EOFError":
        return f"the file ends too early: {looks.name} of which a part is missing ({error.msg})"
    if isinstance(error, TaskFailed):
        return f"this looks like {looks.name} but cannot be decoded: it is damaged or of another format ({error.msg})"
    return f"this looks like {looks.name} but made the decoder fail: it is damaged"
