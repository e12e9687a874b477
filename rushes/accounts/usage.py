"""Reading the books: what an account's requests came to, how many there were, how long they took.

The queue writes a row for each ended job (`jobs.books`); here rows become sums and percentiles, for one account at a
time, read aside so that the event loop goes on (see `db.aside`). How time is cut into buckets is the asker's matter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import NamedTuple

from rushes.accounts.costs import Costs, costs
from rushes.db.queries import read_queries
from rushes.db.sqlite import Database, Row

SQL = read_queries(Path(__file__).with_name("usage.sql"))

# Which of the errors with a status of 500 and above count as what; all others happened while the work was done.
STARTUP_ERRORS = ("startup_timeout", "runner_scheduling_failure")
CONNECTION_ERRORS = ("runner_disconnected", "runner_connection_refused", "runner_connection_error")
TIMEOUT_ERRORS = ("request_timeout", "runner_connection_timeout", "generation_timeout")
PERCENTILES = (25, 50, 75, 90, 95, 99)
_LAST = "~"  # after every id

Bucket = tuple[float, float]
"""[from, to) in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose rows, of which endpoints and keys; no endpoints or keys: all."""

    account: str
    endpoints: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = ()


class Cost(NamedTuple):
    """What one endpoint came to in a bucket, at one price, under one key (`key_id` is empty unless asked for)."""

    bucket: int
    endpoint: str
    unit_price_usd: float
    key_id: str
    units: float


class Counts(NamedTuple):
    """How requests to one endpoint ended in a bucket, and how long they were worked on where that is billed."""

    bucket: int
    endpoint: str
    requests: int
    successes: int
    user_errors: int
    errors: int
    startup_errors: int
    connection_errors: int
    timeout_errors: int
    billable_s: float

    @property
    def runtime_errors(self) -> int:
        """Errors of no other kind."""
        return self.errors - self.startup_errors - self.connection_errors - self.timeout_errors


class Event(NamedTuple):
    """What one request came to."""

    request_id: str
    endpoint: str
    ended_at: float
    units: float
    unit_price_usd: float


class Usage:
    """Reads the ledger of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first(self, account: str, start: float, end: float) -> float | None:
        """Return when the first request within [start, end) ended; None where there is none."""
        row = self._database.read_one(SQL["first"], {"account": account, "start": start, "end": end})
        return None if row is None else row[0]

    async def costs(self, asked: Asked, buckets: Sequence[Bucket], *, by_key: bool = False) -> list[Cost]:
        """Return what was billed in each bucket, in order; empty buckets are absent."""
        return [Cost(*row) for row in await self._look("costs", asked, buckets, by_key=by_key)]

    async def counts(self, asked: Asked, buckets: Sequence[Bucket]) -> list[Counts]:
        """Count how requests ended in each bucket, in order; empty buckets are absent."""
        kinds = {
            "startup": json.dumps(STARTUP_ERRORS),
            "connection": json.dumps(CONNECTION_ERRORS),
            "timeout": json.dumps(TIMEOUT_ERRORS),
        }
        return [Counts(*row) for row in await self._look("counts", asked, buckets, **kinds)]

    async def durations(
        self, asked: Asked, buckets: Sequence[Bucket], *, waiting: bool
    ) -> Mapping[tuple[int, str], Mapping[int, float]]:
        """Return, by bucket and endpoint, the PERCENTILES in seconds of the work, or of the waiting before it."""
        rows = await self._look("durations", asked, buckets, waiting=waiting)
        return {(row[0], row[1]): dict(zip(PERCENTILES, row[2:], strict=True)) for row in rows}

    async def paid(self, account: str, within: Bucket) -> list[Costs]:
        """Return what an account's requests cost, by deployment and endpoint."""
        return await costs(self._database, account, within)

    async def events(
        self,
        asked: Asked,
        within: Bucket,
        after: tuple[float, str] | None,
        limit: int,
        request_id: str | None = None,
    ) -> tuple[list[Event], bool]:
        """Return a page of what was billed, newest first, and whether there is more; `after` is the last one before."""
        at, last = after or (inf, _LAST)  # newest first, so the first page begins after all times and ids
        start, end = within
        more = {"start": start, "end": end, "at": at, "id": last, "limit": limit + 1, "request_id": request_id}
        # One more than the page holds tells whether there is another.
        rows = await self._database.look(SQL["events"], {**_parameters(asked), **more})
        return [Event(*row) for row in rows[:limit]], len(rows) > limit

    async def mean_units(self, account: str, endpoint: str) -> float | None:
        """Return the mean of the account's last thousand billed requests to an endpoint; None without any."""
        ((mean,),) = await self._database.look(SQL["mean_units"], {"account": account, "endpoint": endpoint})
        return None if mean is None else float(mean)

    async def _look(self, statement: str, asked: Asked, buckets: Sequence[Bucket], **more: object) -> list[Row]:
        return await self._database.look(SQL[statement], {**_parameters(asked), "buckets": json.dumps(buckets), **more})


def _parameters(asked: Asked) -> dict[str, object]:
    return {
        "account": asked.account,
        # One parameter for any number of them: see the statements' json_each.
        "endpoints": json.dumps(asked.endpoints) if asked.endpoints else None,
        "key_ids": json.dumps(asked.key_ids) if asked.key_ids else None,
    }
