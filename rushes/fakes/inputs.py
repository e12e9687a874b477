"""What a vendor finds when it opens what it was given: pictures and films, from base64, a data URI or a loopback URL.

Each vendor has limits of its own and words for what is beyond them; here is only the looking. Nothing outside this
machine is ever fetched.
"""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import av
import httpx2
from PIL import Image

FETCH_WITHIN_S = 10.0
MOST_FETCHED = 200 * 1024 * 1024  # more than any of the vendors takes
OPENS_NOTHING = {"protocol_whitelist": "none"}  # lists of media name others, here and elsewhere, to be opened
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.-]+)*;base64,")


class Unfit(ValueError):
    """What was given can't be opened, and why."""


@dataclass(frozen=True, slots=True)
class Still:
    """A picture that was opened and decoded to its last pixel; `form` is Pillow's word: PNG, JPEG, WEBP, BMP, …"""

    width: int
    height: int
    form: str
    transparent: bool
    size_bytes: int

    @property
    def ratio(self) -> float:
        """Width by height."""
        return self.width / self.height

    @property
    def mime(self) -> str:
        """Its media type."""
        return Image.MIME.get(self.form, "application/octet-stream")


@dataclass(frozen=True, slots=True)
class Film:
    """A film that was opened, and whose first frame could be decoded."""

    width: int
    height: int
    seconds: float
    fps: float
    size_bytes: int


def look_at_still(content: bytes) -> Still:
    """Decode a picture whole; raises Unfit for what is none."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            transparent = "A" in image.getbands() or "transparency" in image.info
            return Still(image.width, image.height, image.format or "?", transparent, len(content))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unfit(f"{len(content)} bytes that are no picture: {error}") from error


def look_at_film(content: bytes) -> Film:
    """Open a film and decode its first frame; raises Unfit for what is none."""
    try:
        with av.open(io.BytesIO(content), "r", options=OPENS_NOTHING) as film:
            stream = film.streams.video[0]
            frame = next(film.decode(stream))
            seconds = film.duration / av.time_base if film.duration else 0.0
            rate = float(stream.average_rate or 24)
            return Film(frame.width, frame.height, seconds, rate, len(content))
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise Unfit(f"{len(content)} bytes that are no film: {error}") from error


def from_base64(text: object) -> bytes:
    """Decode base64 strictly: no data URI, no line breaks, no characters beside the alphabet."""
    if not isinstance(text, str) or not text:
        raise Unfit("no base64 text")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii's own is one too; letters beyond ASCII are a plain one
        raise Unfit(f"not base64: {error}") from error


def from_data_uri(text: str) -> tuple[str, bytes]:
    """Return media type and bytes of a data URI in base64."""
    found = _DATA_URI.match(text)
    if found is None:
        raise Unfit("no data URI of the form data:TYPE;base64,...")
    return found.group(1).lower(), from_base64(text[found.end() :])


async def fetched(url: object) -> bytes:
    """Fetch a URL as the vendor's servers would; only from this machine, and without following where it leads."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        _ = parts.port  # raises where it is none
    except ValueError as error:
        raise Unfit(f"no URL: {error}") from error
    if parts.scheme not in {"http", "https"}:
        raise Unfit("no http or https URL")
    if not _is_here(parts.hostname or ""):
        raise Unfit("a pretended vendor fetches from this machine only")
    try:
        # A proxy of the environment's would be another machine.
        async with httpx2.AsyncClient(timeout=FETCH_WITHIN_S, trust_env=False) as client:
            answer = await client.get(parts.geturl())
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unfit(f"could not be fetched: {error}") from error
    if answer.status_code != 200 or len(answer.content) > MOST_FETCHED:
        raise Unfit(f"could not be fetched: status {answer.status_code}, {len(answer.content)} bytes")
    return answer.content


async def from_link(url: object) -> tuple[str | None, bytes]:
    """Return the media type that a data URI states (None for a URL) and the bytes, from either."""
    if isinstance(url, str) and url.startswith("data:"):
        return from_data_uri(url)
    return None, await fetched(url)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
