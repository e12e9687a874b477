"""Every change to the queue as a function of a connection, run in a write (see `db.sqlite`); no clock, no waiting.

Each returns what its caller must know or tell others; `store` awaits them and wakes the waiters.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from rushes.errors import Cancelled, Failure
from rushes.jobs.books import Prices, check_limits, close_books, note_cost, set_aside
from rushes.jobs.job import (
    NO_EXTRAS,
    NO_LIMITS,
    BeatAnswer,
    CancelAnswer,
    Claimed,
    KeyReused,
    Lease,
    LogLine,
    NewJob,
    Outcome,
    Status,
    Submitted,
    Try,
    after_failure,
    after_stop,
)
from rushes.jobs.places import SQL, give_places, leave, line_id, tidy

_LEFT, _ASKED = 1, 2  # why a job is to be cancelled; who asks has the last word
MOST_LINES = 10_000  # of one job's log, over all its tries
FULL = f"The log of a request ends at {MOST_LINES:,} lines; later ones were not kept"
_ROWS = 128  # most rows in one INSERT
_JOB_COLUMNS = (
    "n",
    "id",
    "line",
    "place",
    "status",
    "account",
    "created_at",
    "start_deadline",
    "retry",
    "private",
    "key_id",
    "reserved_usd",
)


@dataclass(frozen=True, slots=True)
class Moved:
    """A job that a failure moved: `returned_to` is its endpoint when it waits again, None when it ended."""

    id: str
    returned_to: str | None


def submit(prices: Prices, connection: sqlite3.Connection, new: list[NewJob]) -> list[int]:
    """Store new jobs; a waiting one at the end of its line, one that comes with a failure as ended.

    Returns how many go before each.
    """
    ((last,),) = connection.execute(SQL["last_job"]).fetchall()
    numbered = list(enumerate(new, start=last + 1))
    places = _places(connection, [(n, job) for n, job in numbered if job.failure is None])
    rows = [_job_row(connection, n, job, places.get(n)) for n, job in numbered]
    _insert(connection, "jobs", _JOB_COLUMNS, rows)
    _insert(connection, "inputs", ("job", "body"), [(n, job.input) for n, job in numbered])
    for n, job in numbered:
        if job.warnings:
            _log(connection, n, [LogLine(job.created_at, text, "WARN") for text in job.warnings])
        # Before its end: that is what makes a webhook due.
        if job.extras is not NO_EXTRAS or job.webhook is not None:
            _keep_rare(connection, n, job)
        if job.failure is not None:
            _end(connection, n, job.failure, job.created_at, prices)
    ahead = _ahead(connection, places)
    return [ahead.get(n, 0) for n, _ in numbered]


def submit_checked(prices: Prices, connection: sqlite3.Connection, new: NewJob) -> Submitted:
    """Store a job whose key has limits, or which is to be stored once only.

    Raises KeyReused, OverLimit and OverBudget; then nothing was stored.
    """
    if new.once is not None:
        # Before the limits: a request that is there already takes nothing more of them.
        found = connection.execute(SQL["find_once"], {"account": new.account, "key": new.once.key}).fetchall()
        if found:
            fingerprint, job_id = found[0]
            if fingerprint != new.once.fingerprint:
                raise KeyReused(new.once.key, job_id)
            return Submitted(job_id, 0, repeated=True)
    if new.failure is None:
        check_limits(connection, new)
    (ahead,) = submit(prices, connection, [new])
    if new.once is not None:
        kept = {"account": new.account, "key": new.once.key, "fingerprint": new.once.fingerprint, "id": new.id}
        connection.execute(SQL["keep_once"], kept)
    return Submitted(new.id, ahead)


def claim(
    connection: sqlite3.Connection, runner: str, endpoints: Collection[str], now: float, lease_s: float
) -> Claimed | None:
    """Give the runner the oldest job of the highest priority; the lines' heads are all that is looked at."""
    lines = connection.execute(SQL["waiting_lines"])
    found = next(((line, head) for endpoint, line, head in lines if endpoint in endpoints), None)
    # Left open, its read would go on among the changes that follow.
    lines.close()
    if found is None:
        return None
    line, place = found
    row = connection.execute(SQL["head_of_line"], {"line": line, "place": place}).fetchall()[0]
    n, job_id, endpoint, account, body, attempts, token, created_at, lane, hint, lifecycle, *rest = row
    deployment, fallback, note = rest
    lease = Lease(job_id, token + 1, now + lease_s)
    started = {
        "n": n,
        "runner": runner,
        "token": lease.token,
        "attempts": attempts + 1,
        "until": lease.until,
        "now": now,
    }
    connection.execute(SQL["start"], started)
    leave(connection, line, place)
    # Only keys with a limit are counted; those are what lanes are.
    if lane:
        connection.execute(SQL["more_running"], {"lane": lane})
    # None: it has no row of extras, as nearly all.
    allowed = fallback is None or bool(fallback)
    return Claimed(lease, endpoint, account, body, attempts + 1, created_at, hint, lifecycle, deployment, allowed, note)


def keep_note(connection: sqlite3.Connection, job_id: str, token: int, note: str, mark: str, *, late: bool) -> bool:
    """Keep what a runner wants to know in a try after this one, "" for nothing; False when it is not its to say."""
    # Who comes late may add the ticket that it alone knows, but not take away what the next runner may go by.
    asked = {"id": job_id, "token": token, "mark": mark, "late": int(late and bool(note))}
    rows = connection.execute(SQL["may_note"], asked).fetchall()
    if not rows:
        return False
    ((n,),) = rows
    kept = {"n": n, "body": note, "mark": mark}
    connection.execute(SQL["keep_note" if note else "drop_note"], kept if note else {"n": n})
    return True


def beat(
    connection: sqlite3.Connection,
    job_id: str,
    token: int,
    until: float,
    lines: Sequence[LogLine] = (),
    *,
    file: str | None = None,
) -> BeatAnswer:
    """Renew a lease, add to the log, and note a file that is about to be stored for the job."""
    rows = connection.execute(SQL["renew"], {"id": job_id, "token": token, "until": until}).fetchall()
    if not rows:
        return "stale"
    n, cancel_requested = rows[0]
    _log(connection, n, lines)
    if file is not None:
        connection.execute(SQL["note_file"], {"n": n, "file": file})
    return "cancel" if cancel_requested else "carry on"


def finish(
    connection: sqlite3.Connection,
    job_id: str,
    token: int,
    outcome: Outcome,
    *,
    lines: Sequence[LogLine],
    now: float,
    prices: Prices,
) -> bool:
    """End a job well; False when the token is stale."""
    kept = outcome.voice.file_id if outcome.voice else None  # a voice's file lives as long as the voice, not the job
    # Also those of tries that came to nothing: they are the job's, and go with it.
    noted = [one for row in connection.execute(SQL["noted_files"], {"id": job_id}) for one in json.loads(row[0])]
    done = {
        "id": job_id,
        "token": token,
        "now": now,
        "served_by": outcome.served_by,
        "units": outcome.units,
        "inference_s": outcome.inference_s,
        "files": json.dumps([one for one in dict.fromkeys([*outcome.files, *noted]) if one != kept]),
        "private": int(outcome.private),
    }
    rows = connection.execute(SQL["finish"], done).fetchall()
    if not rows:
        return False
    ((n,),) = rows
    companions = json.dumps(outcome.companions) if outcome.companions else None
    connection.execute(SQL["save_output"], {"n": n, "body": outcome.output, "companions": companions})
    connection.execute(SQL["fewer_running"], {"n": n})
    _log(connection, n, lines)
    close_books(connection, n, now, prices)
    # Written on the page that closing the books has just made.
    if outcome.paid is not None:
        note_cost(connection, n, outcome.paid)
    return True


def fail(
    connection: sqlite3.Connection,
    job_id: str,
    token: int,
    failure: Failure,
    *,
    lines: Sequence[LogLine],
    now: float,
    prices: Prices,
) -> Moved | None:
    """End a try; the job waits again or ends. None when the token is stale."""
    rows = connection.execute(SQL["running"], {"id": job_id, "token": token}).fetchall()
    if not rows:
        return None
    _log(connection, rows[0][0], lines)
    return _settle(connection, _running(rows[0]), failure, now, prices)


def put_back(
    connection: sqlite3.Connection, job_id: str, token: int, failure: Failure, *, now: float, prices: Prices
) -> Moved | None:
    """Let a job wait again whose runner never heard that it has it. None when the token is stale."""
    rows = connection.execute(SQL["running"], {"id": job_id, "token": token}).fetchall()
    if not rows:
        return None
    job = _running(rows[0])
    # Nothing was begun, so that even a job that may be tried only once may be given out again.
    unheard = replace(job, tried=replace(job.tried, retry=True))
    return _settle(connection, unheard, failure, now, prices, counted=False)


def cancel(
    connection: sqlite3.Connection, job_id: str, account: str | None, now: float, prices: Prices, *, left: bool
) -> CancelAnswer:
    """End a waiting job, or note the wish for a running one; `left` when it is because its caller hung up."""
    rows = connection.execute(SQL["find"], {"id": job_id}).fetchall()
    if not rows or account not in (None, rows[0][1]):
        return "NOT_FOUND"
    n, _, status, line, place = rows[0]
    if status == Status.COMPLETED:
        return "ALREADY_COMPLETED"
    if status == Status.IN_PROGRESS:
        connection.execute(SQL["request_cancel"], {"n": n, "how": _LEFT if left else _ASKED})
    else:
        # Ended first, here and below: `leave` looks for the next that waits, which this one must not be any more.
        _end(connection, n, Cancelled(left).failure, now, prices)
        leave(connection, line, place)
    return "CANCELLATION_REQUESTED"


def give_up(connection: sqlite3.Connection, job_id: str, failure: Failure, now: float, prices: Prices) -> bool:
    """End a waiting job with this failure; False when it waits no longer."""
    rows = connection.execute(SQL["find"], {"id": job_id}).fetchall()
    if not rows or rows[0][2] != Status.IN_QUEUE:
        return False
    n, _, _, line, place = rows[0]
    _end(connection, n, failure, now, prices)
    leave(connection, line, place)
    return True


def lose(
    connection: sqlite3.Connection,
    query: str,
    runner: str,
    failure: Failure,
    now: float,
    *,
    counted: bool,
    prices: Prices,
) -> list[Moved]:
    """Take back all jobs that `query` finds running, oldest first, as lost with this failure."""
    rows = connection.execute(SQL[query], {"runner": runner, "now": now}).fetchall()
    # By their numbers: the oldest goes first among those that come back.
    return [_settle(connection, _running(row), failure, now, prices, counted=counted) for row in sorted(rows)]


def time_out(connection: sqlite3.Connection, failure: Failure, now: float, limit: int, prices: Prices) -> list[str]:
    """End waiting jobs whose start deadline has passed; return their ids."""
    rows = connection.execute(SQL["missed_starts"], {"now": now, "limit": limit}).fetchall()
    for n, _, line, place in rows:
        _end(connection, n, failure, now, prices)
        leave(connection, line, place)
    return [row[1] for row in rows]


def forget(connection: sqlite3.Connection, jobs: Sequence[int]) -> int:
    """Delete jobs by their numbers, with their bodies and logs; return how many there were."""
    return connection.execute(SQL["forget"], {"jobs": json.dumps(jobs)}).rowcount


def forget_private(connection: sqlite3.Connection, before: float, limit: int) -> int:
    """Delete what private jobs that ended before then took and gave; of the jobs remain the bare facts."""
    rows = connection.execute(SQL["private_ended"], {"before": before, "limit": limit}).fetchall()
    for statement in ("forget_input", "forget_output", "forget_logs", "forget_note", "mark_forgotten"):
        connection.executemany(SQL[statement], rows)
    return len(rows)


def tidy_lines(connection: sqlite3.Connection) -> None:
    """Drop gaps that nobody will look at again."""
    for line, head in connection.execute(SQL["lines_with_gaps"]).fetchall():
        tidy(connection, line, head)


def _places(connection: sqlite3.Connection, waiting: list[tuple[int, NewJob]]) -> dict[int, tuple[int, int]]:
    """Give each job its line and place; one statement for each line."""
    by_line: dict[tuple[str, int, str], list[int]] = {}
    for n, job in waiting:
        by_line.setdefault((job.endpoint, job.priority, job.lane), []).append(n)
    places: dict[int, tuple[int, int]] = {}
    for (endpoint, priority, lane), numbers in by_line.items():
        line, first = give_places(
            connection, endpoint, priority, returned=False, first=numbers[0], count=len(numbers), lane=lane
        )
        places |= {n: (line, place) for place, n in enumerate(numbers, start=first)}
    return places


def _ahead(connection: sqlite3.Connection, places: dict[int, tuple[int, int]]) -> dict[int, int]:
    """Count who goes before each of these jobs, which are the last of their lines, so that no gap can follow them."""
    ends: dict[int, int] = {}
    for line, place in places.values():
        ends[line] = max(place, ends.get(line, 0))
    up_to_end = {line: connection.execute(SQL["up_to_end_of_line"], {"line": line}).fetchall()[0][0] for line in ends}
    return {n: up_to_end[line] - (ends[line] - place) - 1 for n, (line, place) in places.items()}


def _job_row(connection: sqlite3.Connection, n: int, job: NewJob, place: tuple[int, int] | None) -> tuple[object, ...]:
    """Values of _JOB_COLUMNS; a job that has failed already is entered as running, to be ended at once."""
    status = Status.IN_QUEUE if place else Status.IN_PROGRESS
    line, at = place or (line_id(connection, job.endpoint, job.priority), 0)
    return (
        n,
        job.id,
        line,
        at,
        int(status),
        job.account,
        job.created_at,
        job.start_deadline,
        job.retry,
        int(job.private),
        job.key_id,
        None if job.limits is NO_LIMITS else set_aside(job),
    )


def _keep_rare(connection: sqlite3.Connection, n: int, job: NewJob) -> None:
    """Store what only few jobs have; a webhook has its job's id, since a job has one at most."""
    if job.extras is not NO_EXTRAS:
        tags = json.dumps(job.extras.tags) if job.extras.tags else None
        kept = {
            "n": n,
            "tags": tags,
            "hint": job.extras.hint,
            "lifecycle": job.extras.lifecycle,
            "deployment": job.extras.deployment,
            "fallback": job.extras.fallback,
        }
        connection.execute(SQL["keep_extras"], kept)
    if job.webhook is not None:
        where = {"url": job.webhook.url, "peer": job.webhook.peer, "origin": job.webhook.origin}
        asked = {"id": job.id, "account": job.account, "now": job.created_at}
        connection.execute(SQL["keep_webhook"], {**where, **asked})


def _insert(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]
) -> None:
    # One statement for many rows, not executemany: that one hands over the interpreter's lock at every row, and a busy
    # event loop keeps it for up to 5 ms each time.
    rest = iter(rows)
    while part := list(islice(rest, _ROWS)):
        connection.execute(_insert_sql(table, columns, len(part)), [value for row in part for value in row])


@lru_cache(maxsize=1024)
def _insert_sql(table: str, columns: tuple[str, ...], rows: int) -> str:
    one = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * rows)}"  # noqa: S608  our own names


@dataclass(frozen=True, slots=True)
class _Running:
    n: int
    id: str
    tried: Try


def _running(row: tuple[int, str, int, int, int, int]) -> _Running:
    n, job_id, attempts, cancel_requested, retry, noted = row
    tried = Try(attempts, bool(cancel_requested), bool(retry), cancel_requested == _LEFT, bool(noted))
    return _Running(n, job_id, tried)


def _settle(
    connection: sqlite3.Connection,
    job: _Running,
    failure: Failure,
    now: float,
    prices: Prices,
    *,
    counted: bool = True,
) -> Moved:
    connection.execute(SQL["fewer_running"], {"n": job.n})
    final = (after_failure if counted else after_stop)(failure, job.tried)
    if final is None:
        return Moved(job.id, _return(connection, job, failure, now, counted))
    _end(connection, job.n, final, now, prices)
    return Moved(job.id, None)


def _return(connection: sqlite3.Connection, job: _Running, failure: Failure, now: float, counted: bool) -> str:
    """Let a job wait again, ahead of all that have never started; return its endpoint."""
    attempt = job.tried.attempt
    ((endpoint, priority, lane),) = connection.execute(SQL["line_of_job"], {"n": job.n}).fetchall()
    line, place = give_places(connection, endpoint, priority, returned=True, first=job.n, lane=lane)
    attempts = attempt if counted else attempt - 1
    connection.execute(SQL["return"], {"n": job.n, "line": line, "place": place, "attempts": attempts})
    end = f"Attempt {attempt} ended with {failure.type}" if counted else "The work on it was stopped"
    text = f"{end}: {failure.message}. Back at the head of the queue."
    _log(connection, job.n, [LogLine(now, text, "WARN")])
    return str(endpoint)


def _end(connection: sqlite3.Connection, n: int, failure: Failure, now: float, prices: Prices) -> None:
    ended = {
        "n": n,
        "now": now,
        "shape": failure.shape,
        "status_code": failure.status,
        "error_type": failure.type,
        "error": failure.message,
        "retryable": failure.retryable,
        "by_caller": failure.by_caller,
    }
    connection.execute(SQL["end_with_failure"], ended)
    connection.execute(SQL["save_output"], {"n": n, "body": failure.body, "companions": None})
    close_books(connection, n, now, prices)


def _log(connection: sqlite3.Connection, n: int, lines: Iterable[LogLine]) -> None:
    rows = [
        (line.at, line.level, line.message, json.dumps(dict(line.labels)) if line.labels else None) for line in lines
    ]
    if not rows:
        return
    ((following,),) = connection.execute(SQL["next_log"], {"n": n}).fetchall()
    if following + len(rows) > MOST_LINES:
        # The last line that is kept says so. Runners keep to a narrower bound, so hardly a job comes here.
        rows = [*rows[: max(MOST_LINES - 1 - following, 0)], (rows[-1][0], "WARN", FULL, None)]
        rows = rows[: MOST_LINES - following]
    connection.executemany(SQL["add_log"], [(n, i, *row) for i, row in enumerate(rows, start=following)])
