"""A queue for tests: a real database in a temporary folder, and a clock that stands still until it is moved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rushes.db.sqlite import Database
from rushes.errors import Failure, RequestError
from rushes.jobs.events import Events
from rushes.jobs.job import Claimed, NewJob, Outcome, Priority
from rushes.jobs.store import JobStore

RETENTION_S = 1000.0


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Queue:
    database: Database
    events: Events
    clock: Clock
    jobs: JobStore

    async def add(
        self,
        job_id: str,
        endpoint: str = "a/b",
        *,
        priority: Priority = Priority.NORMAL,
        start_deadline: float | None = None,
        failure: Failure | None = None,
        body: bytes = b"{}",
        warnings: tuple[str, ...] = (),
    ) -> int:
        return await self.jobs.submit(
            NewJob(job_id, endpoint, "me", body, self.clock.now, priority, start_deadline, failure, warnings)
        )

    async def take(self, *endpoints: str, runner: str = "r1", lease_s: float = 10) -> Claimed:
        claimed = await self.jobs.claim(runner, endpoints or ("a/b",), lease_s)
        assert claimed is not None
        return claimed

    def position(self, job_id: str) -> int | None:
        state = self.jobs.state(job_id)
        assert state is not None
        return state.position


@contextmanager
def opened(folder: Path) -> Iterator[Queue]:
    database, events, clock = Database.open(folder / "rushes.db"), Events(), Clock()
    try:
        yield Queue(database, events, clock, JobStore(database, events, clock, RETENTION_S))
    finally:
        database.close()


def lost(error_type: str = "runner_connection_error") -> Failure:
    return RequestError(error_type).failure()


def outcome(output: bytes = b'{"ok": true}') -> Outcome:
    return Outcome(output, "echo/1; model=echo", 1.5, 0.25, ("f1", "f2"))
