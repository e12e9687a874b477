"""Endpoint ids and the paths built from them (protocol 1.2); pure, no look-ups.

endpoint  = app [ "/" path ]
app       = [ "workflows" | "comfy" "/" ] owner "/" alias
legacy    = digits "-" word            one segment: 110602490-lora is 110602490/lora
request   = endpoint "/requests/" id [ "/status" | "/status/stream" | "/response" | "/cancel" ]
"""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from time import time_ns
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

if TYPE_CHECKING:
    from typing_extensions import Buffer

REQUESTS = "requests"  # reserved: no segment of an endpoint id
NAMESPACES = frozenset({"workflows", "comfy"})
MOST_ID_CHARS = 300  # of an endpoint's id; ours have less than a third
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LEGACY = re.compile(r"(\d+)-([A-Za-z0-9-]+)")

Part = Literal["result", "status", "stream", "cancel"]
_PARTS: dict[tuple[str, ...], Part] = {
    (): "result",
    ("response",): "result",
    ("status",): "status",
    ("status", "stream"): "stream",
    ("cancel",): "cancel",
}


@dataclass(frozen=True, slots=True)
class RequestPath:
    """A path that names a request: `endpoint` as the caller wrote it (its app, or the whole id)."""

    endpoint: str
    request_id: str
    part: Part


def split_path(raw_path: bytes) -> tuple[str, ...]:
    """Split a path into percent-decoded segments; doubled and trailing slashes count for nothing (R-07).

    Bytes that are no UTF-8 become U+FFFD, and so match no name.
    """
    text = raw_path.decode("latin-1")
    parts = [part for part in text.split("/") if part]
    if "%" in text or not text.isascii():
        parts = [unquote(part.encode("latin-1").decode("utf-8", "replace")) for part in parts]
    return tuple(parts)


def endpoint_id(segments: tuple[str, ...]) -> str:
    """Return the id that these segments spell, with the legacy form rewritten (R-02)."""
    if len(segments) == 1 and (legacy := _LEGACY.fullmatch(segments[0])):
        return f"{legacy[1]}/{legacy[2]}"
    return "/".join(segments)


def app_of(endpoint: str) -> str:
    """Return an endpoint's app: its first two segments, or three after a namespace (R-01)."""
    # What is longer is no endpoint, and strangers could fill the cache with it.
    return _known_app_of(endpoint) if len(endpoint) <= MOST_ID_CHARS else _app_of(endpoint)


def _app_of(endpoint: str) -> str:
    segments = endpoint.split("/")
    return "/".join(segments[: 3 if segments[0] in NAMESPACES else 2])


_known_app_of = lru_cache(maxsize=4096)(_app_of)


def request_path(segments: tuple[str, ...]) -> RequestPath | None:
    """Parse from the right: the last `requests` followed by an id; None where this names no request (R-04)."""
    for at in range(len(segments) - 2, -1, -1):  # an id has to follow
        if segments[at] == REQUESTS:
            part = _PARTS.get(segments[at + 2 :])
            return part and RequestPath(endpoint_id(segments[:at]), segments[at + 1], part)
    return None


def is_plain(request_id: str) -> bool:
    """Say whether an id that a caller wrote consists of what ids are made of."""
    return _PLAIN.fullmatch(request_id) is not None


def names(path_endpoint: str, endpoint: str) -> bool:
    """Say whether a request path's endpoint names this endpoint: the whole id, or just its app."""
    return path_endpoint in (endpoint, app_of(endpoint))


class _Randomness(io.RawIOBase):
    """The system's randomness as a file that never ends."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        view[:] = os.urandom(len(view))
        return len(view)


# One system call gives 256 ids. Each call lets go of the interpreter's lock, which the database's writer thread then
# holds for a while: with a call for each id, a tenth of a submit was spent there.
_dice = io.BufferedReader(_Randomness(), 4096)


def new_id() -> str:
    """Return a UUID of version 4's form, as request ids are: 48 bits of the time in ms, then 74 random ones.

    Clients expect version 4 (protocol 4.4), and nobody guesses 74 bits. Ids that grow with time keep neighbours
    together in the index: a million jobs were stored in 19 s instead of 47, one of them found in 11 us instead of 16.
    """
    raw = _dice.read(10).hex()
    at = f"{time_ns() // 1_000_000:012x}"
    # RFC 9562: this digit's two high bits are the variant, 10; the two low ones stay random.
    variant = "89ab"[int(raw[3], 16) & 3]
    return f"{at[:8]}-{at[8:]}-4{raw[:3]}-{variant}{raw[4:7]}-{raw[8:]}"
