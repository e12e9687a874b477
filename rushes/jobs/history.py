"""What an account may look up of its own requests: lists of ended ones, their payloads, and what of it waits.

Every question names the account and sees nothing of others. Lists may take long and are read aside (see `db.aside`).
What requests cost is `accounts.usage`'s.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Literal, NamedTuple

from rushes.db.queries import read_queries
from rushes.db.sqlite import Database, LookRefused, TooLong, TooMany
from rushes.jobs.job import Status

__all__ = ["LookRefused", "TooLong", "TooMany"]  # the door, which knows no database, has to answer these

SQL = read_queries(Path(__file__).with_name("history.sql"))
MOST_PAYLOAD_BYTES = 32 * 1024 * 1024
_MOST_WAITING = 100_000
_LAST = "~"  # after every id

Order = Literal["ended_at", "duration"]
Outcome = Literal["success", "user_error", "error"]
_STATUSES: dict[Outcome | None, tuple[int, int]] = {
    None: (0, 999),
    "success": (200, 299),
    "user_error": (400, 499),
    "error": (500, 599),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests of an account are asked for, by the time of their end; `text` occurs in the input."""

    account: str
    start: float
    end: float
    endpoints: tuple[str, ...] = ()
    outcome: Outcome | None = None
    text: str | None = None


class Entry(NamedTuple):
    """A request as lists show it; `place` is what it is ordered by."""

    id: str
    endpoint: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    status_code: int | None
    place: float


class Payload(NamedTuple):
    """What a request took and gave, as far as it is kept; `files` are its own, whose marks stand in the output.

    `companions` are as in `job.Outcome`.
    """

    id: str
    input: bytes | None
    output: bytes | None
    files: tuple[str, ...]
    companions: Mapping[str, str]


class Stored(NamedTuple):
    """What can be deleted of a request."""

    ended: bool
    files: tuple[str, ...]


class History:
    """Reads the jobs of one database; `JobStore.history`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ended(
        self, wanted: Wanted, order: Order, after: tuple[float, str] | None, limit: int
    ) -> tuple[list[Entry], bool]:
        """Return a page, and whether there are more; `after` is the place and id of the last one before."""
        at, last = after or (inf, _LAST)
        least, most = _STATUSES[wanted.outcome]
        asked = {
            "account": wanted.account,
            "start": wanted.start,
            "end": wanted.end,
            "endpoints": json.dumps(wanted.endpoints) if wanted.endpoints else None,
            "text": _lowered(wanted.text) if wanted.text else None,
            "least_status": least,
            "most_status": most,
            "at": at,
            "id": last,
            "limit": limit + 1,
        }
        # Asked for one more than is wanted: it tells whether there is another page.
        rows = await self._database.look(SQL["ended" if order == "ended_at" else "longest"], asked)
        return [Entry(*row) for row in rows[:limit]], len(rows) > limit

    def one(self, job_id: str, account: str) -> Entry | None:
        """Return one request, ended or not; None for a private or unknown one."""
        row = self._database.read_one(SQL["one"], {"id": job_id, "account": account})
        return None if row is None else Entry(*row)

    async def payloads(self, account: str, ids: Sequence[str]) -> dict[str, Payload]:
        """Return what is kept of these requests: of the first ones, as many as may be sent at once, at least one."""
        # Their sizes first: the bodies of one page may be gigabytes.
        sizes: dict[str, int] = dict(await self._database.look(SQL["sizes"], {"ids": json.dumps(ids)}))
        sent: list[str] = []
        total = 0
        for job_id in ids:
            total += sizes.get(job_id, 0)
            if sent and total > MOST_PAYLOAD_BYTES:
                break
            sent.append(job_id)
        rows = await self._database.look(SQL["payloads"], {"ids": json.dumps(sent), "account": account})
        kept = {row[0]: _payload(*row) for row in rows}
        return {job_id: kept.get(job_id) or Payload(job_id, None, None, (), {}) for job_id in sent}

    def stored(self, job_id: str, account: str) -> Stored | None:
        """Say what there is to delete; None for an unknown request."""
        row = self._database.read_one(SQL["stored"], {"id": job_id, "account": account})
        return None if row is None else Stored(row[0] == Status.COMPLETED, tuple(json.loads(row[1] or "[]")))

    async def drop_payloads(self, job_id: str, account: str) -> None:
        """Delete what an ended request took and gave; its facts stay. Its files are the caller's to delete, before."""
        asked = {"id": job_id, "account": account}

        def drop(connection: sqlite3.Connection) -> None:
            for statement in ("drop_input", "drop_output", "drop_files"):
                connection.execute(SQL[statement], asked)

        await self._database.write(drop)

    async def count_waiting(self, account: str, endpoints: Sequence[str]) -> int:
        """Count the account's waiting requests to these endpoints."""
        asked = {"account": account, "endpoints": json.dumps(endpoints)}
        ((count,),) = await self._database.look(SQL["count_waiting"], asked)
        return int(count)

    async def waiting(self, account: str, endpoints: Sequence[str], until: float) -> list[str]:
        """Return the account's waiting requests to these endpoints that came by then; at most 100,000 of them."""
        asked = {"account": account, "endpoints": json.dumps(endpoints), "until": until, "limit": _MOST_WAITING}
        return [row[0] for row in await self._database.look(SQL["waiting"], asked)]


def _lowered(text: str) -> str:
    """Return it as SQLite's `lower` does, which knows ASCII only: else a search for "É" never finds an "É"."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _payload(job_id: str, given: bytes | None, made: bytes | None, files: str | None, beside: str | None) -> Payload:
    return Payload(job_id, given, made, tuple(json.loads(files or "[]")), json.loads(beside or "{}"))
