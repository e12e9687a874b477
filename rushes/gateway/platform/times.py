"""Times in queries and answers: dates as callers write them, windows, and the buckets of a time series; pure.

Dates are ISO 8601, `YYYY-MM-DD` means its midnight, both in the caller's time zone where they name none. The end of a
window is exclusive. Buckets begin where the zone's clocks say so, so a day may last 23 or 25 hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import Query

from rushes.gateway.platform.envelope import Refused

Timeframe = Literal["minute", "hour", "day", "week", "month"]

HOUR_S, DAY_S = 3_600.0, 86_400.0
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")  # an unescaped + in a query means a blank
_YEARS = range(1970, 9_999)  # with a year to spare for buckets that begin or end outside the window
_SHOWN_CHARS = 100
_UP_TO: tuple[tuple[float, Timeframe], ...] = (
    (2 * HOUR_S, "minute"),
    (2 * DAY_S, "hour"),
    (64 * DAY_S, "day"),
    (183 * DAY_S, "week"),
)

Start = Annotated[
    str | None,
    Query(max_length=64, description="ISO 8601 date-time or YYYY-MM-DD.", examples=["2026-01-15T12:00:00Z"]),
]
End = Annotated[
    str | None, Query(max_length=64, description="As `start`; exclusive. Default: now.", examples=["2026-01-16"])
]
Zone = Annotated[str, Query(max_length=64, description="IANA time zone of dates and buckets.", examples=["UTC"])]


@dataclass(frozen=True, slots=True)
class Window:
    """[start, end) in Unix seconds, seen from a time zone."""

    start: float
    end: float
    zone: tzinfo

    def local(self, at: float) -> datetime:
        """Return a moment as this zone's clocks show it."""
        return datetime.fromtimestamp(at, self.zone)


def window(start: str | None, end: str | None, now: float, *, zone: str = "UTC", default_s: float = DAY_S) -> Window:
    """Read a window; it ends now and began `default_s` before its end unless told. Raises Refused(400)."""
    place = read_zone(zone)
    until = read_moment("end", end, place) if end else now
    since = read_moment("start", start, place) if start else max(0.0, until - default_s)
    if since >= until:
        raise Refused(400, f"query.start: must be before the end, got {start!r} and {end or 'now'!r}")
    return Window(since, until, place)


def read_zone(name: str) -> tzinfo:
    """Return a time zone by its name. Raises Refused(400)."""
    if name in ("", "UTC"):
        return UTC  # needs no time zone data on the machine
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # what is no zone, and what is a folder of zones
        pass
    raise Refused(400, f"query.timezone: no time zone has the name {name[:_SHOWN_CHARS]!r}; one is 'Europe/Berlin'")


def read_moment(name: str, text: str, zone: tzinfo) -> float:
    """Return Unix seconds. Raises Refused(400)."""
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub("+", text.strip()))
        if moment.year in _YEARS:
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        pass
    wanted = "an ISO 8601 date-time or YYYY-MM-DD, of the years 1970 to 9998"
    raise Refused(400, f"query.{name}: must be {wanted}; got {text[:_SHOWN_CHARS]!r}")


def write_moment(at: float) -> str:
    """Write Unix seconds as an ISO 8601 date-time in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timeframe_for(asked: Window) -> Timeframe:
    """Choose the length of buckets that suits a window."""
    length = asked.end - asked.start
    return next((timeframe for most, timeframe in _UP_TO if length < most), "month")


def floor(at: datetime, timeframe: Timeframe) -> datetime:
    """Return where the bucket that holds this moment begins."""
    if timeframe == "minute":
        return at.replace(second=0, microsecond=0)
    if timeframe == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if timeframe == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if timeframe == "month" else day


def following(start: datetime, timeframe: Timeframe) -> datetime:
    """Return where the bucket after the one that begins there begins."""
    if timeframe in ("minute", "hour"):
        step = 60.0 if timeframe == "minute" else HOUR_S
        moved = datetime.fromtimestamp(start.timestamp() + step, start.tzinfo)
        # Lord Howe's clocks are set back by half an hour: the full hour may lie before where we come from.
        whole = floor(moved, timeframe)
        return whole if whole.timestamp() > start.timestamp() else moved
    days = {"day": 1, "week": 7}.get(timeframe)
    # 32 days after the first of a month is always in the next one
    return start + timedelta(days=days) if days else floor(start + timedelta(days=32), "month")


def whole(asked: Window, timeframe: Timeframe) -> Window:
    """Widen a window to whole buckets."""
    start = floor(asked.local(asked.start), timeframe)
    last = floor(asked.local(asked.end), timeframe)
    end = asked.end if last.timestamp() == asked.end else following(last, timeframe).timestamp()
    return Window(max(0.0, start.timestamp()), end, asked.zone)


def bounds(asked: Window, timeframe: Timeframe, begin: float, most: int) -> list[float]:
    """Return the bounds of up to `most` buckets from the one that holds `begin`: one more than there are buckets."""
    at = floor(asked.local(begin), timeframe)
    found = [max(at.timestamp(), asked.start)]
    while found[-1] < asked.end and len(found) <= most:
        at = following(at, timeframe)
        found.append(min(at.timestamp(), asked.end))
    return found
