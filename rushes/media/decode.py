"""A picture that somebody sent, as an upright RGB array in a file; every way in which it can be bad has its message.

Formats are told by content, sizes are checked from the header before any pixel is decoded, and decoding happens in the
sandbox (`decode_task` is the part that runs there). This side decides what the caller is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

SUPPORTED = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
}
"""Content type → the decoder's name for it."""

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tiff")

# How Pillow and the libraries behind it say that bytes are missing.
_CUT_SHORT = re.compile(r"truncat|premature|unexpected end|end of file|eof|not enough|read next frame", re.IGNORECASE)
_NPY_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Sizes in pixels, and what decoding one picture may cost."""

    max_width: int = 16_384
    max_height: int = 16_384
    max_pixels: int = 100_000_000
    min_side: int = 16
    memory_bytes: int = 2048 * 1024 * 1024
    cpu_s: int = 20

    @classmethod
    def of(cls, settings: Settings) -> PictureLimits:
        """Take the limits from the settings."""
        side = settings.image_max_side
        return cls(
            side,
            side,
            settings.image_max_pixels,
            memory_bytes=settings.decode_memory_bytes,
            cpu_s=settings.decode_cpu_s,
        )

    def sandbox(self) -> SandboxLimits:
        """Return what the sandbox enforces; a busy machine gets three times the CPU time on the wall clock."""
        return SandboxLimits(self.memory_bytes, self.cpu_s, self.cpu_s * 3.0, self.max_pixels * 3 + _NPY_HEADER_BYTES)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: size after turning it upright, and the type its bytes really had."""

    width: int
    height: int
    content_type: str


def decode_picture(  # noqa: PLR0917
    source: Path,
    to: Path,
    limits: PictureLimits,
    loc: Loc,
    tick: Callable[[], None] = lambda: None,
    sandbox: Sandbox | None = None,
    *,
    mask: bool = False,
) -> Picture:
    """Decode `source` into `to`, a NumPy file of (H, W, 3) uint8 sRGB, upright, transparency on a studio ground.

    Of a `mask` with transparency the painted region is written, in white on black.
    Raises ModelError at `loc`: image_load_error, unsupported_image_format, image_too_large or image_too_small. `tick`
    is called a few times a second; what it raises ends the decoding.
    """
    looks = _look_at(source, loc)
    arguments = {
        "source": str(source.absolute()),
        "to": str(to.absolute()),
        "formats": [SUPPORTED[looks.content_type]],
        "max_width": limits.max_width,
        "max_height": limits.max_height,
        "max_pixels": limits.max_pixels,
        "min_side": limits.min_side,
        "mask": mask,
    }
    try:
        answer = (sandbox or media_sandbox()).run("rushes.media.decode_task:decode", arguments, limits.sandbox(), tick)
        _check_size(answer, limits, loc)
    except Unavailable:
        raise  # ours to mend, not the caller's
    except SandboxError as error:
        to.unlink(missing_ok=True)
        raise ModelError("image_load_error", _why(error, looks), loc=loc) from error
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    return Picture(answer["width"], answer["height"], looks.content_type)


def _look_at(source: Path, loc: Loc) -> Looks:
    """Return what the file is when that can be decoded."""
    with source.open("rb") as file:
        looks = looks_like(file.read(HEAD_BYTES))
    if looks.content_type in SUPPORTED:
        return looks
    wanted = f"send a picture ({', '.join(EXTENSIONS)})"
    if looks.sort in ("picture", "video"):
        msg = f"this is {looks.name}, which cannot be used as a picture here; {wanted}"
        raise ModelError("unsupported_image_format", msg, loc=loc, ctx={"supported_formats": list(EXTENSIONS)})
    msg = f"this is {looks.name}, not a picture; {wanted}"
    if looks.sort == "text":
        msg += "; does the URL lead to a page about the picture instead of the picture itself?"
    raise ModelError("image_load_error", msg, loc=loc)


def _check_size(answer: dict[str, Any], limits: PictureLimits, loc: Loc) -> None:
    size = f"the picture has {answer['width']}x{answer['height']} pixels"
    if answer.get("problem") == "too large":
        allowed = f"{limits.max_width}x{limits.max_height} and {limits.max_pixels} pixels in all"
        ctx = {"max_width": limits.max_width, "max_height": limits.max_height}
        raise ModelError("image_too_large", f"{size}; at most {allowed} are allowed: scale it down", loc=loc, ctx=ctx)
    if answer.get("problem") == "too small":
        ctx = {"min_width": limits.min_side, "min_height": limits.min_side}
        allowed = f"{limits.min_side}x{limits.min_side}"
        raise ModelError("image_too_small", f"{size}; at least {allowed} are needed", loc=loc, ctx=ctx)


def _why(error: SandboxError, looks: Looks) -> str:
    if isinstance(error, OutOfMemory):
        return f"{looks.name} that needs more memory to decode than is allowed; save it anew, or smaller"
    if isinstance(error, OutOfTime):
        return f"{looks.name} that takes longer to decode than is allowed; save it anew, or smaller"
    if isinstance(error, TaskFailed):
        if error.type == "EOFError" or _CUT_SHORT.search(error.msg):
            return f"the picture ends too early: {looks.name} of which a part is missing ({error.msg})"
        return f"the picture is damaged: it begins as {looks.name} but cannot be decoded ({error.msg})"
    return f"the picture is damaged: it begins as {looks.name} but made the decoder fail"
