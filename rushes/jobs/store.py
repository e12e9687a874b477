"""The durable queue: submit, look, claim, beat, finish, fail, cancel, sweep.

Reads are synchronous and take microseconds, whatever the queue's depth; writes return after the commit and then wake
who waits (`events`), also when their own caller has gone meanwhile. Which failure is tried again is decided in `job`,
places in line are kept by `places`, the changes themselves are in `writes`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

from rushes.db.sqlite import Database, Row, WriteFailed
from rushes.errors import Failure, RequestError
from rushes.jobs import books, writes
from rushes.jobs.events import Events
from rushes.jobs.history import History
from rushes.jobs.job import (
    BeatAnswer,
    CancelAnswer,
    Claimed,
    Extras,
    JobState,
    LogLine,
    NewJob,
    Outcome,
    Result,
    Status,
    Submitted,
    Swept,
)
from rushes.jobs.places import SQL, cover, drop_lane, idle_lanes
from rushes.jobs.tally import Tally

__all__ = ["JobStore", "WriteFailed"]  # the door, which knows no database, has to answer WriteFailed

ENDS = "ends"
"""What watchers of all ends watch instead of a job's id: `events.watch_job(ENDS)`."""

_STATE = SQL["state"]
_STATUSES = tuple(Status)  # by their numbers
_HINTS = 4096  # runner hints that are remembered
_SWEEP_ROWS = 500  # most jobs that one write of a sweep touches, so that others get in between
_LANES_EVERY_S = 3_600.0  # to look for lanes of revoked keys, which reads all jobs: 40 ms for a million
_LANES_AT_ONCE = 100


class JobStore:
    """All jobs of one database. Times are Unix seconds from `clock`; ended jobs are kept for `retention_s`.

    What private ones took and gave is kept for `private_retention_s`. `drop_file`, if given, is awaited for each file
    of a job that is about to be forgotten.
    """

    def __init__(
        self,
        database: Database,
        events: Events,
        clock: Callable[[], float],
        retention_s: float = 7 * 86_400.0,
        *,
        private_retention_s: float = 3_600.0,
        ledger_retention_s: float = 90 * 86_400.0,
        drop_file: Callable[[str], Awaitable[object]] | None = None,
        prices: Callable[[str], float] = lambda _: 0.0,
    ) -> None:
        self._database = database
        self.history = History(database)
        self._events = events
        self._clock = clock
        self._retention_s = retention_s
        self._private_retention_s = private_retention_s
        self._ledger_retention_s = ledger_retention_s
        self._drop_file = drop_file
        self._prices = prices
        self._submit = partial(writes.submit, prices)  # one object, see Database.write_rows
        self.tally = Tally(database, clock)
        # Servers that never had a key with a limit pay nothing for lanes; once true it stays so for this life.
        self._lanes = bool(database.read(SQL["any_lane"]))
        self._lanes_due = 0.0
        self._hinted: dict[str, str] = {}

    # Looking

    def state(self, job_id: str) -> JobState | None:
        """Return what a status poll needs, None for an unknown id. `position` is exact: the requests ahead."""
        row = self._database.read_one(_STATE, (job_id,))
        if row is None:
            return None
        if row[3] == Status.IN_QUEUE and (row[13] or self._lanes):
            return self._state_counted(job_id)
        return _state(row)

    def logs(self, job_id: str, after: int = 0) -> list[LogLine]:
        """Return the log in order, without its first `after` lines; [] for an unknown id."""
        rows = self._database.read(SQL["logs"], {"id": job_id, "after": after})
        return [
            LogLine(at, message, level, json.loads(labels) if labels else None) for at, message, level, labels in rows
        ]

    def result(self, job_id: str) -> Result | None:
        """Return how a job ended, None unless it is COMPLETED. `output` is empty when it failed.

        None as well when it was private and its time is over.
        """
        row = self._database.read_one(SQL["result"], {"id": job_id})
        return None if row is None else _result(row)

    def find_once(self, account: str, key: str) -> str | None:
        """Return the request that an account's Idempotency-Key stands for; None for an unknown key."""
        row = self._database.read_one(SQL["find_once"], {"account": account, "key": key})
        return None if row is None else str(row[1])

    def extras(self, job_id: str) -> Extras | None:
        """Return tags, runner hint and lifecycle; None for a job without any, as nearly all are."""
        row = self._database.read_one(SQL["extras"], {"id": job_id})
        return None if row is None else Extras(tuple(json.loads(row[0] or "[]")), row[1], row[2], row[3], bool(row[4]))

    def queue_length(self, endpoint: str) -> int:
        """Return how many jobs of this endpoint wait, of all priorities."""
        row = self._database.read_one(SQL["queue_length"], {"endpoint": endpoint})
        return int(row[0]) if row else 0

    def running(self) -> list[tuple[str, str]]:
        """Return endpoint and runner of every job that a runner holds."""
        return [(endpoint, runner) for endpoint, runner in self._database.read(SQL["running_now"])]

    # The caller's side

    async def submit(self, new: NewJob) -> int:
        """Store a plain job and return how many go before it; raises sqlite3.IntegrityError when its id is taken."""
        return await self._database.write_rows(self._submit, new, lambda _: self._submitted(new))

    async def submit_checked(self, new: NewJob) -> Submitted:
        """Store any job, or find the one that its Idempotency-Key stands for.

        Raises KeyReused, OverLimit, OverBudget (see `job`); then nothing was stored.
        """
        self._lanes = self._lanes or bool(new.lane)
        return await self._database.write(
            lambda connection: writes.submit_checked(self._prices, connection, new),
            lambda done: None if done.repeated else self._submitted(new),
        )

    async def cancel(self, job_id: str, account: str | None, *, left: bool = False) -> CancelAnswer:
        """End a waiting job at once, ask a running one to stop; given an account, only its jobs are found.

        `left`: nobody asked, but the caller of a direct run hung up.
        """
        now = self._clock()
        return await self._database.write(
            lambda connection: writes.cancel(connection, job_id, account, now, self._prices, left=left),
            lambda _: self._ended(job_id),
        )

    async def give_up(self, job_id: str, failure: Failure) -> bool:
        """End a waiting job with this failure. False: it waits no longer, nothing was written."""
        now = self._clock()
        return await self._database.write(
            lambda connection: writes.give_up(connection, job_id, failure, now, self._prices),
            lambda _: self._ended(job_id),
        )

    # The runner's side

    async def claim(self, runner: str, endpoints: Collection[str], lease_s: float) -> Claimed | None:
        """Give this runner the oldest job of the highest priority among these endpoints; None when none waits."""
        served = frozenset(endpoints)
        # Most claims of idle runners find nothing: a look costs less than a commit.
        if not self._database.read(SQL["any_waiting"], (json.dumps(list(served)),)):
            return None
        now = self._clock()
        if self._database.read(SQL["any_missed_start"], (now,)):  # no job starts late because the sweep has yet to come
            await self._time_out()
        return await self._database.write(
            lambda connection: writes.claim(connection, runner, served, now, lease_s),
            lambda claimed: self._claimed(claimed, runner),
        )

    async def beat(
        self, job_id: str, token: int, lease_s: float, lines: Sequence[LogLine] = (), *, file: str | None = None
    ) -> BeatAnswer:
        """Renew the lease and add to the log.

        `file` is one that is about to be stored: noted before its first byte, so that none is without a request.
        """
        until = self._clock() + lease_s
        return await self._database.write(
            lambda connection: writes.beat(connection, job_id, token, until, lines, file=file),
            lambda _: self._events.changed(job_id) if lines else None,
        )

    async def keep_note(self, job_id: str, token: int, note: str, mark: str, *, late: bool = False) -> bool:
        """Keep what the runner of a job wants its next try to know; False when it is not this runner's to say.

        `late` lets an earlier runner add to a note of its own mark.
        """
        return await self._database.write(
            lambda connection: writes.keep_note(connection, job_id, token, note, mark, late=late)
        )

    async def finish(self, job_id: str, token: int, outcome: Outcome, lines: Sequence[LogLine] = ()) -> bool:
        """End a job well. False: the token is stale, nothing was written."""
        now = self._clock()
        return await self._database.write(
            lambda connection: writes.finish(
                connection, job_id, token, outcome, lines=lines, now=now, prices=self._prices
            ),
            lambda _: self._ended(job_id),
        )

    async def fail(self, job_id: str, token: int, failure: Failure, lines: Sequence[LogLine] = ()) -> bool:
        """End a try: the job waits again at the head of the queue, or is COMPLETED. False: the token is stale."""
        now = self._clock()
        moved = await self._database.write(
            lambda connection: writes.fail(
                connection, job_id, token, failure, lines=lines, now=now, prices=self._prices
            ),
            lambda moved: self._moved([moved] if moved else []),
        )
        return moved is not None

    async def put_back(self, job_id: str, token: int) -> bool:
        """Let a job wait again whose runner hung up before it heard of it; no try is spent. False: stale token."""
        failure, now = RequestError("runner_disconnected").failure(), self._clock()
        moved = await self._database.write(
            lambda connection: writes.put_back(connection, job_id, token, failure, now=now, prices=self._prices),
            lambda moved: self._moved([moved] if moved else []),
        )
        return moved is not None

    async def release(self, runner: str, *, fault: bool = True) -> int:
        """Take back all jobs of a runner whose process is gone; return how many.

        With `fault` it died, which may be its job's doing and costs an attempt; else it was told to stop.
        """
        return await self._lose("leases_of", runner, counted=fault)

    async def release_prefix(self, prefix: str) -> int:
        """Take back all jobs of runners whose names begin so, at a start: their server's end was no job's fault."""
        return await self._lose("leases_of_prefix", prefix, counted=False)

    # Time passing

    async def extend_leases(self, lease_s: float) -> int:
        """Let every lease hold for so long from now; return how many had less. For when this process was away."""
        given = {"until": self._clock() + lease_s}
        return await self._database.write(lambda connection: connection.execute(SQL["extend_leases"], given).rowcount)

    async def sweep(self) -> Swept:
        """Take back jobs with expired leases, end those that missed their start deadline, forget what is old."""
        lost = await self._lose("lost_leases", "", error_type="runner_connection_timeout")
        timed_out = await self._time_out()
        await self._forget_private()
        await self._forget_ledger()
        forgotten = await self._forget()
        await self._database.write(writes.tidy_lines)
        await self._forget_lanes()
        return Swept(lost, timed_out, forgotten)

    async def _lose(
        self, query: str, runner: str, *, counted: bool = True, error_type: str = "runner_disconnected"
    ) -> int:
        failure, now = RequestError(error_type).failure(), self._clock()
        moved = await self._database.write(
            lambda connection: writes.lose(
                connection, query, runner, failure, now, counted=counted, prices=self._prices
            ),
            self._moved,
        )
        return len(moved)

    async def _time_out(self) -> int:
        failure, now, total = RequestError("request_timeout", by_caller=True).failure(), self._clock(), 0
        operation = partial(writes.time_out, failure=failure, now=now, limit=_SWEEP_ROWS, prices=self._prices)
        while ids := await self._database.write(operation, self._all_ended):
            total += len(ids)
        return total

    async def _forget(self) -> int:
        due, total = {"before": self._clock() - self._retention_s, "limit": _SWEEP_ROWS}, 0
        while rows := self._database.read(SQL["long_ended"], due):
            if self._drop_file is not None:
                # Files first: after a crash in between, the next sweep still knows of them.
                for file_id in (one for _, files in rows if files for one in json.loads(files)):
                    await self._drop_file(file_id)
            total += await self._database.write(partial(writes.forget, jobs=[n for n, _ in rows]))
        return total

    async def _forget_private(self) -> None:
        before = self._clock() - self._private_retention_s
        while await self._database.write(partial(writes.forget_private, before=before, limit=_SWEEP_ROWS)):
            pass

    async def _forget_ledger(self) -> None:
        before = self._clock() - self._ledger_retention_s
        while await self._database.write(partial(books.forget_ledger, before=before, limit=_SWEEP_ROWS)):
            pass

    async def _forget_lanes(self) -> None:
        """Drop the lines of revoked keys: every look at a place in line passes by all lines of its endpoint."""
        now = self._clock()
        if not self._lanes or now < self._lanes_due:
            return
        self._lanes_due = now + _LANES_EVERY_S
        for line in await self._database.write(partial(idle_lanes, limit=_LANES_AT_ONCE)):
            await self._database.write(partial(drop_lane, line=line))  # by itself: SQLite reads all jobs for each

    # After a commit

    def _submitted(self, new: NewJob) -> None:
        if new.failure is None:
            self._events.work(new.endpoint, prefer=self._hinted.get(new.extras.hint or ""))
        else:
            self._ended(new.id)

    def _claimed(self, claimed: Claimed | None, runner: str) -> None:
        if claimed is None:
            return
        self._events.changed(claimed.lease.job_id)
        if claimed.hint:
            if len(self._hinted) >= _HINTS:
                self._hinted.clear()
            self._hinted[claimed.hint] = runner

    def _moved(self, moved: list[writes.Moved]) -> None:
        for job in moved:
            self._ended(job.id)
            if job.returned_to is not None:
                self._events.work(job.returned_to)

    def _all_ended(self, ids: list[str]) -> None:
        for job_id in ids:
            self._ended(job_id)

    def _ended(self, job_id: str) -> None:
        """Tell who waits for this job, who sends webhooks, and runners for whom its key's lane may be free now."""
        self._events.changed(job_id)
        self._events.changed(ENDS)
        if self._lanes:
            for (endpoint,) in self._database.read(SQL["waiting_in_lane_of"], {"id": job_id}):
                self._events.work(endpoint)

    def _state_counted(self, job_id: str) -> JobState | None:
        """As `state`, less the places that were left, and with older jobs of other lanes; all of the same moment."""
        with self._database.snapshot():
            row = self._database.read_one(_STATE, (job_id,))
            if row is None:
                return None
            line, head, place = row[14:]
            left = 0
            if row[3] == Status.IN_QUEUE:
                ((left,),) = self._database.read(SQL["gaps_between"], {"line": line, **cover(head, place)})
                if self._lanes:
                    ((others,),) = self._database.read(SQL["ahead_in_other_lanes"], {"id": job_id})
                    left -= others
        return _state(row, left)


def _state(row: Row, gaps: int = 0) -> JobState:
    position = None if row[4] is None else row[4] - gaps
    return JobState(row[0], row[1], row[2], _STATUSES[row[3]], position, bool(row[5]), *row[6:13])


def _result(row: Row) -> Result:
    job_id, endpoint, account, body, shape, error_type, status, retryable, by_caller, *made = row
    served_by, units, files, runner, companions = made
    names = tuple(json.loads(files)) if files else ()
    if shape is None:
        beside = json.loads(companions) if companions else {}
        return Result(job_id, endpoint, account, body, None, served_by, units, names, runner, beside)
    failure = Failure(shape, error_type, status, body, bool(retryable), bool(by_caller))
    return Result(job_id, endpoint, account, b"", failure, served_by, units, names, runner)
