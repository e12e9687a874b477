"""What is to be delivered, what became of it, and every try: SQL on the tables `webhooks` and `webhook_attempts`.

Rows are made with their request and become due with its end (`jobs.writes`, `jobs.books`); from there on they are ours.
Reads are synchronous and take microseconds; writes return after the commit. Nothing here sends anything.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rushes.db.queries import read_queries
from rushes.db.sqlite import Database, Row
from rushes.jobs.events import Events
from rushes.jobs.store import ENDS
from rushes.webhooks.schedule import State, Verdict

_SQL = read_queries(Path(__file__).with_name("queries.sql"))
_KEPT_ATTEMPTS = 100  # of one delivery, however often it is replayed
_SWEEP_ROWS = 500  # most rows that one write of a sweep deletes, so that others get in between
_ERROR_CHARS = 500


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is to be sent now; `attempts` is how many tries its schedule has seen."""

    id: str
    job_id: str
    account: str
    url: str
    peer: str
    origin: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Try:
    """One try: when, and what came back; `error` says what went wrong where it did."""

    at: float
    status_code: int | None
    error: str | None
    duration_s: float


class NumberedTry(NamedTuple):
    """A try as it is listed; numbers go on through replays."""

    i: int
    at: float
    status_code: int | None
    error: str | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as its account sees it; `attempts` counts all tries, replays included, `last` is the newest."""

    id: str
    job_id: str
    url: str
    state: State
    created_at: float
    next_at: float | None
    settled_at: float | None
    attempts: int
    last: NumberedTry | None


class Place(NamedTuple):
    """Where a page of the list begins: after the delivery that was made then and has this id."""

    created_at: float
    id: str


NEWEST = Place(float("inf"), "")


class Outbox:
    """All deliveries of one database. Settled ones are kept for `retention_s`."""

    def __init__(
        self, database: Database, events: Events, clock: Callable[[], float], retention_s: float = 7 * 86_400.0
    ) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._retention_s = retention_s

    # The deliverer's side

    def due(
        self, full: Collection[str], under_way: Collection[str], limit: int, busy: Collection[str] = ()
    ) -> list[Due]:
        """Return what is due, longest first, without `full` peers, `busy` accounts, and what is under way."""
        without = _without(full, under_way, busy)
        rows = self._database.read(_SQL["due"], {**without, "now": self._clock(), "limit": limit})
        return [Due(*row) for row in rows]

    def next_at(self, full: Collection[str], under_way: Collection[str], busy: Collection[str] = ()) -> float | None:
        """Return when the next of these will be due; None when there is none."""
        row = self._database.read_one(_SQL["next_at"], _without(full, under_way, busy))
        return None if row is None else float(row[0])

    async def record(self, due: Due, tried: Try, verdict: Verdict) -> None:
        """Write down a try and what it led to, in one write."""
        settled_at = self._clock() if verdict.state != State.DUE else None

        def write(connection: sqlite3.Connection) -> None:
            ((last,),) = connection.execute(_SQL["last_attempt"], {"id": due.id}).fetchall()
            error = tried.error[:_ERROR_CHARS] if tried.error else None
            facts = {"at": tried.at, "status_code": tried.status_code, "error": error, "duration_s": tried.duration_s}
            connection.execute(_SQL["add_attempt"], {"id": due.id, "i": last + 1, **facts})
            connection.execute(_SQL["drop_attempts"], {"id": due.id, "before": last + 1 - _KEPT_ATTEMPTS})
            led_to = {"state": int(verdict.state), "next_at": verdict.next_at, "settled_at": settled_at}
            connection.execute(_SQL["settle"], {"id": due.id, "sent": due.attempts, **led_to})

        await self._database.write(write)

    # The account's side

    def listed(self, account: str, *, state: State | None = None, limit: int, after: Place = NEWEST) -> list[Delivery]:
        """Return the account's deliveries, newest first."""
        place = {"before": after.created_at, "before_id": after.id, "limit": limit, "account": account}
        # Two statements, each with an index of its own.
        if state is None:
            rows = self._database.read(_SQL["listed"], place)
        else:
            rows = self._database.read(_SQL["listed_of_state"], {**place, "state": int(state)})
        return [_delivery(row) for row in rows]

    def of_request(self, account: str, job_id: str) -> Delivery | None:
        """Return the delivery of one request; None where it has none, or it is another account's."""
        row = self._database.read_one(_SQL["of_request"], {"job_id": job_id, "account": account})
        return None if row is None else self.one(account, str(row[0]))

    def one(self, account: str, delivery_id: str) -> Delivery | None:
        """Return one delivery; None where this account has none of that id."""
        row = self._database.read_one(_SQL["one"], {"id": delivery_id, "account": account})
        return None if row is None else _delivery(row)

    def tries(self, account: str, delivery_id: str) -> list[NumberedTry]:
        """Return the tries of one delivery, oldest first; the newest hundred are kept."""
        rows = self._database.read(_SQL["attempts"], {"id": delivery_id, "account": account})
        return [NumberedTry(*row) for row in rows]

    async def replay(self, account: str, delivery_id: str) -> State | None:
        """Send a delivery again, its schedule begun anew, and return the state it had.

        None where this account has none of that id. One whose request has not ended stays as it is.
        """
        given = {"id": delivery_id, "account": account, "now": self._clock()}

        def replay(connection: sqlite3.Connection) -> State | None:
            rows = connection.execute(_SQL["state"], given).fetchall()
            connection.execute(_SQL["replay"], given)
            return State(rows[0][0]) if rows else None

        return await self._database.write(replay, lambda _: self._events.changed(ENDS))

    # Time passing

    async def sweep(self) -> int:
        """Forget what was settled long ago, and what belongs to no request; return how many rows."""
        settled = partial(_delete, "forget_settled", {"before": self._clock() - self._retention_s})
        total = 0
        for operation in (settled, partial(_delete, "forget_orphans", {})):
            while deleted := await self._database.write(operation):
                total += deleted
        return total


def _delete(query: str, parameters: dict[str, float], connection: sqlite3.Connection) -> int:
    return connection.execute(_SQL[query], {**parameters, "limit": _SWEEP_ROWS}).rowcount


def _without(full: Collection[str], under_way: Collection[str], busy: Collection[str]) -> dict[str, str]:
    return {"full": json.dumps(list(full)), "busy": json.dumps(list(busy)), "under_way": json.dumps(list(under_way))}


def _delivery(row: Row) -> Delivery:
    delivery_id, job_id, url, state, created_at, next_at, settled_at, attempts, *last = row
    tried = NumberedTry(attempts, *last) if attempts else None
    return Delivery(delivery_id, job_id, url, State(state), created_at, next_at, settled_at, attempts, tried)
