"""The sweeping loop, and what it forgets."""

import asyncio
import contextlib
import sqlite3
from functools import partial
from pathlib import Path

from rushes.jobs.job import Status
from rushes.jobs.store import JobStore
from rushes.jobs.sweep import run_sweep
from tests.jobs.queue import opened


def test_what_is_due_is_found_without_being_asked_until_cancelled(tmp_path: Path) -> None:
    async def main() -> None:
        with opened(tmp_path) as queue:
            sweeping = asyncio.create_task(run_sweep(queue.jobs, 0.01))
            await queue.add("late", start_deadline=queue.clock.now + 1)
            with queue.events.watch_job("late") as watch:
                queue.clock.now += 2
                assert await watch.wait(5)
            state = queue.jobs.state("late")
            assert state is not None
            assert state.status == Status.COMPLETED
            sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeping

    asyncio.run(main())


def test_a_sweep_that_fails_is_followed_by_another(tmp_path: Path) -> None:
    async def main() -> None:
        with opened(tmp_path) as queue:
            queue.database.close()
            sweeping = asyncio.create_task(run_sweep(queue.jobs, 0.01))
            await asyncio.sleep(0.05)
            assert not sweeping.done()
            sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeping

    asyncio.run(main())


class Watched:
    """The queue, and the end of each sweep."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs, self._swept = jobs, asyncio.Event()

    async def sweep(self) -> None:
        await self._jobs.sweep()
        self._swept.set()

    async def swept(self) -> None:
        """Wait for the next end; whoever waited is between two sweeps then."""
        self._swept.clear()
        await self._swept.wait()


def test_time_for_which_the_server_was_away_costs_no_runner_its_job(tmp_path: Path) -> None:
    async def main() -> None:
        with opened(tmp_path) as queue:
            await queue.add("a")
            await queue.take(lease_s=10)
            hold_on = partial(queue.jobs.extend_leases, 10)
            queue.clock.now += 3_600  # before its start
            watched = Watched(queue.jobs)
            sweeping = asyncio.create_task(run_sweep(watched, 0.01, clock=queue.clock, after_absence=hold_on))
            await watched.swept()
            queue.clock.now += 3_600  # between two sweeps
            await watched.swept()
            assert queue.position("a") is None
            for _ in range(6):  # while it is there, as always
                queue.clock.now += 2
                await watched.swept()
            assert queue.position("a") == 0
            sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeping

    asyncio.run(main())


def test_a_sweep_goes_on_after_errors_of_every_kind() -> None:
    class Broken:
        sweeps = 0

        async def sweep(self) -> None:
            self.sweeps += 1
            raise sqlite3.OperationalError("disk I/O error")

    async def main() -> None:
        store = Broken()
        sweeping = asyncio.create_task(run_sweep(store, 0.01))
        await asyncio.sleep(0.1)
        assert not sweeping.done()
        assert store.sweeps > 1
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping

    asyncio.run(main())
