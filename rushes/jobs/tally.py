"""What /metrics counts: how jobs ended, from the ledger, and how the queue stands, from its lines.

Ends are counted when somebody asks, not when they happen, so that nothing is added to the end of a job. Each look reads
the ledger's pages since the last one, a slice at a time, and no more than a bound; what is beyond it comes with the
next look. Pages of a moment ago are looked at twice, since commits may overtake each other, and counted once.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rushes.db.sqlite import Database, Row
from rushes.jobs.places import SQL

BUCKETS_S = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
OVERLAP_S = 5.0
SLICE = 2_000
MOST_A_LOOK = 200_000
_COUNT_TO = 10_000


@dataclass(slots=True)
class Durations:
    """A histogram: how many took at most each of BUCKETS_S, each by itself, the last one for longer ones."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one; a clock that was set back makes none negative."""
        seconds = max(seconds, 0.0)
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


@dataclass(frozen=True, slots=True)
class Standing:
    """The queue at one moment. `due_webhooks` is counted no further than 10,000."""

    waiting: dict[tuple[str, int], int]  # by endpoint and priority
    running: dict[str, int]  # by endpoint
    busy_runners: int
    due_webhooks: int


class Tally:
    """Counts of one server's life."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.ended: Counter[tuple[str, int]] = Counter()  # by endpoint and status code
        self.waited: dict[str, Durations] = {}
        self.ran: dict[str, Durations] = {}
        self.webhooks: Counter[int] = Counter()  # settled ones by state: 2 delivered, 3 given up
        self._database = database
        self._clock = clock
        self._since = self._webhooks_since = clock()
        self._seen: dict[str, float] = {}
        self._busy = asyncio.Lock()

    async def catch_up(self) -> None:
        """Count what has ended since the last look."""
        async with self._busy:
            at, job_id = self._since, ""
            for _ in range(MOST_A_LOOK // SLICE):
                rows = self._database.read(SQL["ended_since"], {"at": at, "id": job_id, "limit": SLICE})
                for row in rows:
                    self._count(row)
                    job_id, at = row[0], row[5]
                if len(rows) < SLICE:
                    break
                await asyncio.sleep(0)  # others' turn
            self._since = max(self._since, at - OVERLAP_S)
            self._seen = {one: ended_at for one, ended_at in self._seen.items() if ended_at >= self._since}
            self._read_webhooks()

    def standing(self) -> Standing:
        """Look at the queue; costs as much as there are endpoints in use and jobs running."""
        running: Counter[str] = Counter()
        runners = set()
        for endpoint, runner in self._database.read(SQL["running_now"]):
            running[endpoint] += 1
            runners.add(runner)
        waiting = {(endpoint, priority): n for endpoint, priority, n in self._database.read(SQL["waiting_now"])}
        ((due,),) = self._database.read(SQL["webhooks_due_now"], (_COUNT_TO,))
        return Standing(waiting, dict(running), len(runners), due)

    def _count(self, row: Row) -> None:
        job_id, endpoint, status, created_at, started_at, ended_at, inference_s = row
        if job_id in self._seen:
            return
        self._seen[job_id] = ended_at
        self.ended[endpoint, status] += 1
        if started_at is not None:
            self.waited.setdefault(endpoint, Durations()).add(started_at - created_at)
        if inference_s is not None:
            self.ran.setdefault(endpoint, Durations()).add(inference_s)

    def _read_webhooks(self) -> None:
        """Deliveries are few, so these wait until their commits are sure to be over."""
        until = self._clock() - OVERLAP_S
        given = {"since": self._webhooks_since, "until": until, "limit": MOST_A_LOOK}
        for state, n, last in self._database.read(SQL["webhooks_settled_since"], given):
            self.webhooks[state] += n
            self._webhooks_since = max(self._webhooks_since, last)
