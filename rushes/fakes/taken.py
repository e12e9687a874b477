"""The pictures, films and sounds that a pretended vendor is sent: decoded, and held against the vendor's limits.

An address on this machine is fetched as the vendor would fetch it; any other is taken on trust, because nothing here
may leave the machine. What is wrong comes as `Wrong` with the field's name.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import av
import httpx2
from av.error import FFmpegError
from PIL import Image, UnidentifiedImageError

from rushes.fakes.asked import Wrong

MIB = 1024 * 1024
_HERE = {"127.0.0.1", "localhost", "::1"}
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
_FETCH_S = 10.0


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a vendor takes: Pillow's names of formats, bytes, sides in pixels, and how many times longer a side may be

    than the other. None: no limit.
    """

    formats: tuple[str, ...] = ("JPEG", "PNG")
    most_bytes: int | None = None
    least_side: int = 1
    most_side: int | None = None
    most_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """What a film or sound that was sent is: length in seconds, and size in pixels, 0 x 0 for sound alone."""

    seconds: float
    width: int = 0
    height: int = 0


def picture(content: bytes, limits: PictureLimits, field: str) -> tuple[int, int]:
    """Return width and height of a picture within the limits."""
    if limits.most_bytes is not None and len(content) > limits.most_bytes:
        raise Wrong(field, f"the picture has {len(content)} bytes, at most {limits.most_bytes} are allowed")
    try:
        with Image.open(io.BytesIO(content)) as opened:
            opened.load()
            kind, (width, height) = opened.format, opened.size
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise Wrong(field, f"not a readable picture: {error}") from None
    if kind not in limits.formats:
        raise Wrong(field, f"a {kind} picture; allowed are {', '.join(limits.formats)}")
    _within(width, height, limits, field)
    return width, height


def _within(width: int, height: int, limits: PictureLimits, field: str) -> None:
    size = f"the picture is {width} x {height}"
    if min(width, height) < limits.least_side:
        raise Wrong(field, f"{size}, sides must be at least {limits.least_side} pixels")
    if limits.most_side is not None and max(width, height) > limits.most_side:
        raise Wrong(field, f"{size}, sides must be at most {limits.most_side} pixels")
    if limits.most_ratio is not None and max(width, height) > limits.most_ratio * min(width, height):
        raise Wrong(field, f"{size}, its ratio must be between 1:{limits.most_ratio:g} and {limits.most_ratio:g}:1")


def film(content: bytes, field: str, formats: tuple[str, ...] = ("mov", "mp4")) -> Film:
    """Return what a film is; Wrong if it isn't one in one of FFmpeg's formats."""
    try:
        with av.open(io.BytesIO(content)) as opened:
            if not opened.streams.video or not set(opened.format.name.split(",")) & set(formats):
                raise Wrong(field, f"no film in {' or '.join(formats)}: {opened.format.name}")
            seen = opened.streams.video[0]
            seconds = float(opened.duration or 0) / av.time_base
            return Film(seconds, seen.width, seen.height)
    except (FFmpegError, ValueError) as error:
        raise Wrong(field, f"not a readable film: {error}") from None


def sound(content: bytes, field: str) -> Film:
    """Return what a sound is, from a sound file or a film; Wrong if there is no sound in it."""
    try:
        with av.open(io.BytesIO(content)) as opened:
            if not opened.streams.audio:
                raise Wrong(field, "there is no sound in it")
            return Film(float(opened.duration or 0) / av.time_base)
    except (FFmpegError, ValueError) as error:
        raise Wrong(field, f"not a readable sound: {error}") from None


def from_base64(text: str, field: str) -> bytes:
    """Return the bytes of raw base64: a prefix, as a data URI has one, is wrong."""
    if text.startswith("data:"):
        raise Wrong(field, "base64 without a data: prefix is needed")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong(field, "neither an address nor base64") from None


def from_data_uri(text: str, field: str) -> bytes:
    """Return the bytes of a data URI, whose type has to be said."""
    match = _DATA_URI.fullmatch(text)
    if match is None:
        raise Wrong(field, "neither an address nor a data URI (data:image/png;base64,…)")
    return from_base64(match[2], field)


def is_address(text: str) -> bool:
    """Whether it is an http or https address."""
    return text.startswith(("http://", "https://"))


async def fetched(url: str, field: str) -> bytes | None:
    """Return what lies at an address on this machine, None for any other; Wrong where nothing can be fetched."""
    if not is_address(url):
        raise Wrong(field, "not an http or https address")
    if urlsplit(url).hostname not in _HERE:
        return None
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=_FETCH_S) as client:
            answer = await client.get(url)
    except httpx2.HTTPError as error:
        raise Wrong(field, f"could not be downloaded: {type(error).__name__}") from None
    if answer.status_code != 200:
        raise Wrong(field, f"could not be downloaded: HTTP {answer.status_code}")
    return answer.content
