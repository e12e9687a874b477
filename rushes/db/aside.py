"""Reads that may take long, on a thread and a connection of their own, so that the event loop goes on meanwhile.

    LookRefused
    ├── TooLong     it took longer than it may
    └── TooMany     so many wait already that this one would wait too long

One at a time: they are for bills and statistics, and share the machine with the queue. SQLite lets go of the
interpreter's lock while it adds up.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

LIMIT_S = 10.0
MOST_WAITING = 16
# Of SQLite's machine between two looks at the clock: some 10 ms. Each look waits for the interpreter's lock, for up to
# 5 ms while the event loop is busy, so that looking more often takes longer than the work.
_STEPS = 500_000


class LookRefused(Exception):
    """Base of why a long read gave nothing."""


class TooLong(LookRefused):
    """It took longer than it may."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"this takes more than {limit_s:g} s to add up; ask for less time or fewer endpoints")


class TooMany(LookRefused):
    """Too many wait already."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} long looks wait already; ask again in a moment")


class Aside:
    """The thread and its connection, which are made when the first look comes."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], limit_s: float = LIMIT_S) -> None:
        self._connect = connect
        self._limit_s = limit_s
        self._waiting = 0
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "rushes-look")

    async def look(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows. Raises TooLong, TooMany."""
        if self._waiting >= MOST_WAITING:
            raise TooMany(self._waiting)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, sql, parameters)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Break off what runs, and end."""
        if self._connection is not None:
            self._connection.interrupt()
        self._thread.shutdown(cancel_futures=True)
        if self._connection is not None:
            self._connection.close()

    def _run(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = self._connect()
        until = monotonic() + self._limit_s
        self._connection.set_progress_handler(lambda: monotonic() > until, _STEPS)
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise TooLong(self._limit_s) from None
            raise
