"""Pages of a list: how many entries, and the opaque cursor that says where the next page begins; pure.

A cursor holds only the place, never whose list it is: that is decided anew with each call, so a cursor of another
account opens nothing. What comes back is checked value by value, since anybody can write one.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import Query

from rushes.gateway.platform.envelope import Refused

MOST = 100
_CURSOR_CHARS = 500
_LARGEST = 2**53  # up to here a float holds every whole number

Limit = Annotated[int, Query(ge=1, le=MOST, description="Most entries of a page.")]
Cursor = Annotated[
    str | None, Query(max_length=_CURSOR_CHARS, description="`next_cursor` of the page before; none for the first.")
]


def write_cursor(kind: str, *place: str | int | float) -> str:
    """Return the cursor of a list of this kind that goes on after this place."""
    return base64.urlsafe_b64encode(json.dumps([kind, *place]).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, kind: str, *types: type) -> tuple[Any, ...] | None:
    """Return the place, None without a cursor. Raises Refused(400) for one that we didn't write for this list."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        raise _wrong(cursor) from None
    if not (isinstance(found, list) and len(found) == len(types) + 1 and found[0] == kind):
        raise _wrong(cursor)
    place = tuple(found[1:])
    if not all(_fits(value, wanted) for value, wanted in zip(place, types, strict=True)):
        raise _wrong(cursor)
    return place


def _fits(value: object, wanted: type) -> bool:
    if wanted is str:
        return isinstance(value, str) and value.isascii()  # as ids are; SQLite takes no half characters
    if isinstance(value, bool) or not isinstance(value, (int, float) if wanted is float else int):
        return False
    return abs(value) <= _LARGEST  # no infinity, no NaN, no whole number that is too large for a float


def _wrong(cursor: str) -> Refused:
    return Refused(400, f"Invalid cursor {cursor[:60]!r}: send next_cursor of an earlier answer of this route, or none")
