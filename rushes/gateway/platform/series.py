"""What usage and analytics have in common: their query, and the page of buckets that it means."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from fastapi import Query

from rushes.accounts.usage import Bucket
from rushes.gateway.platform.envelope import Refused
from rushes.gateway.platform.paging import Cursor, read_cursor, write_cursor
from rushes.gateway.platform.times import End, Start, Timeframe, Window, Zone, bounds, timeframe_for, whole, window
from rushes.gateway.visit import Visit

MOST_BUCKETS = 1_000

BucketLimit = Annotated[int, Query(ge=1, le=MOST_BUCKETS, description="Most buckets of a page, empty ones included.")]
_NAMES: tuple[Timeframe, ...] = ("minute", "hour", "day", "week", "month")


@dataclass(frozen=True, slots=True)
class Series:
    """The window of the summary, and the buckets of this page of its time series."""

    window: Window
    buckets: tuple[Bucket, ...]
    next_cursor: str | None

    def label(self, bucket: int) -> str:
        """Write when a bucket begins, in the caller's time zone."""
        return self.window.local(self.buckets[bucket][0]).isoformat(timespec="seconds")


class SeriesQuery:
    """The part of the query that says which time is asked for (a dependency)."""

    def __init__(
        self,
        *,
        limit: BucketLimit = MOST_BUCKETS,
        cursor: Cursor = None,
        start: Start = None,
        end: End = None,
        timezone: Zone = "UTC",
        timeframe: Annotated[
            Timeframe | None, Query(description="Length of a bucket; else chosen by that of the window.")
        ] = None,
        bound_to_timeframe: Annotated[bool, Query(description="Widen the window to whole buckets.")] = True,
    ) -> None:
        self.limit, self.cursor = limit, cursor
        self.start, self.end, self.timezone = start, end, timezone
        self.timeframe, self.bound = timeframe, bound_to_timeframe

    def read(self, visit: Visit, account: str) -> Series:
        """Choose the buckets of this page. Raises Refused(400).

        Time before the first request is passed over; buckets without requests don't appear in answers.
        """
        now = visit.services.clock()
        place = read_cursor(self.cursor, "series", float, float, float, int)
        if place is None:
            asked = window(self.start, self.end, now, zone=self.timezone)
            timeframe = self.timeframe or timeframe_for(asked)
            asked = whole(asked, timeframe) if self.bound else asked
            begin = asked.start
        else:
            # The window is the first page's: the end of most of them is "now", which has moved on.
            start, end, begin, at = place
            # Anybody can write one: times that no calendar has are refused before they meet one.
            if not (0 <= at < len(_NAMES) and 0 <= start <= begin < end <= now + 400 * 366 * 86_400):
                raise Refused(400, "Invalid cursor: send next_cursor of an earlier answer of this route, or none")
            timeframe, zone = _NAMES[at], window(None, None, now, zone=self.timezone).zone
            asked = Window(start, end, zone)
        # Else a window of years in minutes would be pages of nothing, one after the other.
        first = visit.services.usage.first(account, begin, asked.end)
        if first is None:
            return Series(asked, (), None)
        marks = bounds(asked, timeframe, first, self.limit)
        rest = write_cursor("series", asked.start, asked.end, marks[-1], _NAMES.index(timeframe))
        return Series(asked, tuple(pairwise(marks)), rest if marks[-1] < asked.end else None)
