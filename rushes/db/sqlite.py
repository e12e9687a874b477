"""One SQLite file: reads on the caller's thread, writes through one thread that commits in groups.

    database = Database.open(path)                                     # sync; makes, checks or migrates the file
    rows = database.read("SELECT id FROM keys WHERE account = ?", (account,))
    row = database.read_one("SELECT alias FROM keys WHERE id = ?", (key_id,))

    def revoke(connection: sqlite3.Connection) -> int:                 # runs in the writer thread
        done = connection.execute("UPDATE keys SET revoked_at = ? WHERE id = ?", (now, key_id))
        return done.rowcount

    changed = await database.write(revoke)                             # resolved after the COMMIT
    database.close()                                                   # writes what waits first

Reads are for the event loop's thread: they take microseconds, and each sees what was committed before it. An operation
must not commit nor keep the connection, may be run a second time when a neighbour's failure undid the first, and raises
to be undone: the exception goes to its caller alone. When the commit itself fails, all its callers get WriteFailed and
nothing was stored. What rows mean is not known here.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from rushes.db.aside import Aside, LookRefused, TooLong, TooMany
from rushes.db.schema import prepare
from rushes.db.writer import Task, WriteFailed, Writer

__all__ = ["Database", "LookRefused", "Parameters", "Row", "TooLong", "TooMany", "WriteFailed"]

T = TypeVar("T")
R = TypeVar("R")
Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]

# A million queued jobs are about 400 MB. Mapped, a page is reached without a system call, so that a lookup among them
# costs hardly more than among a thousand.
_MAPPED_BYTES = 4 * 1024**3
_BUSY_S = 10.0  # how long to wait for a lock that another process holds
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an answer means: on the disk, also after a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
    f"PRAGMA mmap_size = {_MAPPED_BYTES}",
    "PRAGMA wal_autocheckpoint = 4000",  # pages; fewer, larger checkpoints write a hot page once
    "PRAGMA journal_size_limit = 67108864",  # a few huge inputs don't leave a huge log behind
)


class Database:
    """See the module's text. Use `Database.open`."""

    def __init__(self, writing: sqlite3.Connection, reading: sqlite3.Connection, aside: Aside) -> None:
        self._writing = writing
        self._reading = reading
        self._aside = aside
        self._cursor = reading.cursor()  # one for all reads: each fetches everything at once, and making one costs 1 us
        self._writer = Writer(writing)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, made if it isn't there. Raises WrongDatabase for a file of others or of a newer version."""
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite's log beside it gets the same rights
        writing = _connect(path)
        try:
            prepare(writing, path)  # before the settings: WAL would already change a file of others
            _set_up(writing)
        except BaseException:
            writing.close()
            raise
        return cls(writing, _reader(path), Aside(partial(_reader, path)))

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows."""
        return self._cursor.execute(sql, parameters).fetchall()

    def read_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row, or None."""
        rows = self._cursor.execute(sql, parameters).fetchall()
        return rows[0] if rows else None

    async def look(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a read that may take long, on another thread. Raises TooLong, TooMany."""
        return await self._aside.look(sql, parameters)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads in the block see one and the same state; don't await in it."""
        self._reading.execute("BEGIN")
        try:
            yield
        finally:
            self._reading.execute("COMMIT")

    def write(
        self, operation: Callable[[sqlite3.Connection], T], then: Callable[[T], None] | None = None
    ) -> asyncio.Future[T]:
        """Run `operation` in the writer thread; the future has its result once it is on the disk.

        `then(result)` runs on the event loop after the commit even when the caller was cancelled meanwhile.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.put(Task(future, _run_each, operation, then))
        return future

    def write_rows(
        self,
        bulk: Callable[[sqlite3.Connection, list[R]], list[T]],
        row: R,
        then: Callable[[T], None] | None = None,
    ) -> asyncio.Future[T]:
        """As `write`, for what comes often: rows that wait next to each other go to `bulk` in one call.

        `bulk` must be the same function object each time, and gives one result for each row.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.put(Task(future, bulk, row, then))
        return future

    def close(self) -> None:
        """Write what waits, then close the file; a later write raises WriteFailed."""
        self._writer.close()
        self._aside.close()
        self._reading.close()
        self._writing.close()


def _run_each(connection: sqlite3.Connection, operations: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
    return [operation(connection) for operation in operations]


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=512)


def _reader(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    _set_up(connection)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma)
