"""The writer thread: owns the one connection that writes, and commits in groups.

It takes everything that waits, runs it between one BEGIN and one COMMIT, and only then answers, so that whoever got
an answer has it on disk, and one sync of the disk serves all. What raises is undone alone: neighbours run in one
savepoint, and when that fails, again one by one. It knows nothing about what the operations do.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from queue import SimpleQueue
from typing import Any

Bulk = Callable[[sqlite3.Connection, list[Any]], list[Any]]

MAX_GROUP = 1024
"""Most operations in one commit: bounds how long the first of them waits for the last."""


class WriteFailed(Exception):
    """Nothing of this commit was stored: the disk is full, gone or locked by another process."""


@dataclass(slots=True, eq=False)
class Task:
    """Something to write. Neighbours with the same `bulk` are run by one call with all their rows."""

    future: asyncio.Future[Any]
    bulk: Bulk
    row: Any
    then: Callable[[Any], None] | None
    result: Any = None
    error: BaseException | None = None


class Writer:
    """The thread. `put` from any thread; futures are resolved on the loops that they belong to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._closed = False
        # A daemon, or a server that fails before it closes the database would never end.
        self._thread = threading.Thread(target=self._run, name="rushes-writer", daemon=True)
        self._thread.start()

    def put(self, task: Task) -> None:
        """Hand over a task; raises WriteFailed when the database is closed."""
        if self._closed:
            raise WriteFailed("The database is closed; nothing was stored. Open it again before writing.")
        self._tasks.put(task)

    def close(self) -> None:
        """Write what waits, then end the thread. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._tasks.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._gather()
            if group:
                self._commit(group)
                _answer(group)
                group.clear()  # or the last group's bodies stay in memory until the next write

    def _gather(self) -> tuple[list[Task], bool]:
        """Wait for one task and take all others that are there; False when `close` was among them."""
        group: list[Task] = []
        task = self._tasks.get()
        while task is not None:
            group.append(task)
            if len(group) == MAX_GROUP or self._tasks.empty():
                return group, True
            task = self._tasks.get_nowait()
        return group, False

    def _commit(self, group: list[Task]) -> None:
        try:
            # At once with the right to write: asked for later, it could be refused in the middle.
            self._connection.execute("BEGIN IMMEDIATE")
            # Neighbours only: what was put first is written first, so that a cancel finds the job submitted before it.
            for bulk, tasks in groupby(group, key=lambda task: task.bulk):
                self._run_bulk(bulk, list(tasks))
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  it is given to every caller
            _fail(group, error)
            self._undo()

    def _run_bulk(self, bulk: Bulk, tasks: list[Task]) -> None:
        """Run all rows in one call; when that fails, one by one, so that only the bad ones fail."""
        first = tasks[0]
        self._guarded(first, lambda: bulk(self._connection, [task.row for task in tasks]))
        if first.error is None:
            for task, result in zip(tasks, first.result, strict=True):
                task.result = result
        elif len(tasks) > 1:
            first.error = None
            for task in tasks:
                self._run_bulk(bulk, [task])

    def _guarded(self, task: Task, work: Callable[[], Any]) -> None:
        """Run `work` in a savepoint; what it raises becomes the task's error unless it ended the whole transaction."""
        self._connection.execute("SAVEPOINT task")
        try:
            task.result = work()
        except Exception as error:
            if not self._connection.in_transaction:  # a full disk, for instance, makes SQLite roll back everything
                raise
            self._connection.execute("ROLLBACK TO task")
            task.error = error
        # Also after a failure: rolling back to a savepoint keeps it open.
        self._connection.execute("RELEASE task")

    def _undo(self) -> None:
        # A rollback that fails too must not end the thread: the next BEGIN fails then, and tells its callers why.
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _fail(group: list[Task], cause: BaseException) -> None:
    """Fail those that have not failed by themselves."""
    for task in group:
        if task.error is None:
            task.error = WriteFailed(
                f"The database could not be written, and nothing of this was stored: {cause}. "
                "Look at the free space and the permissions of the data folder, then send it again."
            )
            task.error.__cause__ = cause


def _answer(group: list[Task]) -> None:
    """Wake each event loop once, however many of its tasks are done."""
    for loop, tasks in _by_loop(group).items():
        try:
            loop.call_soon_threadsafe(_resolve, tasks)
        except RuntimeError:
            continue  # that loop is closed: what its callers wrote is stored, and nobody is left to be told


def _by_loop(group: list[Task]) -> dict[asyncio.AbstractEventLoop, list[Task]]:
    loops: dict[asyncio.AbstractEventLoop, list[Task]] = {}
    for task in group:
        loops.setdefault(task.future.get_loop(), []).append(task)
    return loops


def _resolve(tasks: list[Task]) -> None:
    for task in tasks:
        if task.error is None and task.then is not None:
            _follow(task, task.then)
        if task.future.done():
            continue  # the caller has gone
        if task.error is None:
            task.future.set_result(task.result)
        else:
            task.future.set_exception(task.error)


def _follow(task: Task, then: Callable[[Any], None]) -> None:
    """What is stored is stored: a follow-up that fails is reported, and keeps nobody from their answer."""
    try:
        then(task.result)
    except Exception as error:  # noqa: BLE001
        told = {"message": f"What should follow a write failed: {error!r}", "exception": error, "future": task.future}
        task.future.get_loop().call_exception_handler(told)
