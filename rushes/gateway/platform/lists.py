"""Lists in a query: a name may be repeated, and each value may hold several, parted by commas; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

from fastapi import Query

from rushes.gateway.platform.envelope import Refused

MOST_IDS = 50
_SHOWN_CHARS = 100

EndpointIds = Annotated[
    list[str] | None, Query(description=f"Ids of endpoints, repeated or parted by commas; {MOST_IDS} at most.")
]


def several(name: str, values: Sequence[str] | None, most: int = MOST_IDS) -> tuple[str, ...]:
    """Return the values, each once, in order. Raises Refused(400) for too many."""
    # n8n parts them by commas, the reference repeats the name (10.1).
    parts = (part.strip() for value in values or () for part in value.split(","))
    found = tuple(dict.fromkeys(part for part in parts if part))
    if len(found) > most:
        raise Refused(400, f"query.{name}: {len(found)} values, at most {most} are allowed")
    return found


def some(name: str, values: Sequence[str] | None, most: int = MOST_IDS) -> tuple[str, ...]:
    """Return the values, at least one. Raises Refused(400) for none or too many."""
    found = several(name, values, most)
    if not found:
        raise Refused(400, f"query.{name}: 1 to {most} values are needed, got none")
    return found


def chosen(name: str, values: Sequence[str] | None, allowed: Collection[str]) -> tuple[str, ...]:
    """Return the values, all of which must be allowed ones. Raises Refused(400)."""
    found = several(name, values, most=max(MOST_IDS, len(allowed)))
    for value in found:
        if value not in allowed:
            raise Refused(400, f"query.{name}: allowed are {', '.join(allowed)}; got {value[:_SHOWN_CHARS]!r}")
    return found
