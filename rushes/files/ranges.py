"""The Range header (RFC 9110, section 14): which bytes of a file a reader asks for. Pure.

Several ranges at once are answered with the whole file, as the RFC allows: no player asks for them, and the
multipart answer is a known way to make a server send a file many times over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Digits are bounded since `int` refuses more than 4,300 of them; a range without its numbers is nonsense.
_ONE_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,1000})\s*-\s*([0-9]{0,1000})\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes [start, stop) of a file, never empty."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """A well-formed range that lies wholly outside the file: a 416."""


def asked_range(header: str | None, size_bytes: int) -> Part | Unsatisfiable | None:
    """Return the part asked for; None means the whole file (no header, another unit, nonsense, several ranges)."""
    match = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
        if last and int(last) < start:
            return None
    return Part(start, stop) if start < stop else Unsatisfiable()
