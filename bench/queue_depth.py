"""What the queue costs at 1,000 and at 1,000,000 waiting jobs, in one run; and how many submits a second it keeps.

    python bench/queue_depth.py [--jobs 1000000] [--folder DIR]

Claims and cancels are whole awaited calls, disk sync included. Positions are synchronous reads, once of 64 jobs that
are polled again and again, as callers do, and once of any jobs, which at a million also shows what reaching cold memory
costs; a pass before brings both files into the process. The two depths are measured in turns on two files, because the
machine's speed drifts, and the medians are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rushes.db.sqlite import Database
from rushes.gateway.ids import new_id
from rushes.jobs.events import Events
from rushes.jobs.job import NewJob
from rushes.jobs.store import JobStore

ENDPOINT = "bench/endpoint"
BODY = b'{"prompt": "A lighthouse at dusk", "seed": 7}'
ROUNDS, READS, CLAIMS = 9, 2_000, 100


@dataclass
class Depth:
    """A queue of so many jobs, and what was measured on it (microseconds)."""

    store: JobStore
    ids: list[str]
    polled: list[float] = field(default_factory=list)
    anywhere: list[float] = field(default_factory=list)
    claims: list[float] = field(default_factory=list)


def new_job(job_id: str) -> NewJob:
    """Return an ordinary request."""
    return NewJob(job_id, ENDPOINT, "bench", BODY, time.time())


async def fill(store: JobStore, count: int) -> list[str]:
    """Submit so many jobs, a thousand at a time."""
    ids = [new_id() for _ in range(count)]
    for start in range(0, count, 1000):
        await asyncio.gather(*(store.submit(new_job(job_id)) for job_id in ids[start : start + 1000]))
    return ids


def time_positions(depth: Depth, different: int) -> float:
    """Ask for the states of so many different waiting jobs, READS times in all; return the median, in microseconds."""
    chosen, took = random.choices(depth.ids[ROUNDS * CLAIMS :], k=different), []
    # Fresh strings, as the network brings them: those in the long list are spread over all memory.
    asked = [job_id.encode().decode() for job_id in random.choices(chosen, k=READS)]
    for job_id in asked:
        start = time.perf_counter()
        depth.store.state(job_id)
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e6


async def time_each(calls: Iterator[Callable[[], Awaitable[object]]]) -> float:
    """Await one call after the other; return the median, in microseconds."""
    took = []
    for call in calls:
        start = time.perf_counter()
        await call()
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e6


async def submits_a_second(store: JobStore, submitters: int, seconds: float) -> float:
    """Let so many submitters submit one job after the other."""
    until, done = time.perf_counter() + seconds, 0

    async def submitter() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await store.submit(new_job(new_id()))
            done += 1

    await asyncio.gather(*(submitter() for _ in range(submitters)))
    return done / seconds


async def compare(small: Depth, large: Depth) -> None:
    """Measure both in turns, and print medians and ratios."""
    for depth in (small, large):
        for job_id in random.choices(depth.ids, k=100_000):
            depth.store.state(job_id)
    for _ in range(ROUNDS):
        for depth in (small, large):
            depth.polled.append(time_positions(depth, 64))
            depth.anywhere.append(time_positions(depth, READS))
    for _ in range(ROUNDS):
        for depth in (small, large):
            claim = (lambda s=depth.store: s.claim("bench", [ENDPOINT], 3600) for _ in range(CLAIMS))
            depth.claims.append(await time_each(claim))
    for name, a, b in (
        ("position, polled", small.polled, large.polled),
        ("position, any", small.anywhere, large.anywhere),
        ("claim", small.claims, large.claims),
    ):
        low, high = statistics.median(a), statistics.median(b)
        print(f"{name:17} {low:8.1f} us  {high:8.1f} us   ratio {high / low:.2f}")


async def cancels(depth: Depth, count: int) -> None:
    """Cancel every tenth job, then ask again."""
    waiting = depth.ids[ROUNDS * CLAIMS :]
    gone = set(random.sample(waiting, count))
    start = time.perf_counter()
    order = list(gone)
    for first in range(0, count, 1000):
        await asyncio.gather(*(depth.store.cancel(job_id, None) for job_id in order[first : first + 1000]))
    each = (time.perf_counter() - start) / count * 1e6
    depth.ids = [job_id for job_id in waiting if job_id not in gone]
    check = random.choices(range(len(depth.ids)), k=50)
    assert all(depth.store.state(depth.ids[i]).position == i for i in check), "a position is wrong"  # type: ignore[union-attr]
    random.shuffle(depth.ids)
    depth.ids = [""] * (ROUNDS * CLAIMS) + depth.ids
    print(f"{count:,} cancels: {each:.1f} us each")
    print(f"position, any, after them: {time_positions(depth, READS):.1f} us, checked exact")


async def main(jobs: int, folder: Path) -> None:
    """Run everything in `folder`."""
    names = ("small", "large", "submits")
    databases = [Database.open(folder / f"{name}.db") for name in names]
    stores = [JobStore(database, Events(), time.time) for database in databases]
    for submitters in (1, 64):
        rate = await submits_a_second(stores[2], submitters, 3.0)
        print(f"{submitters:2} submitters: {rate:,.0f} durable submits/s")
    small = Depth(stores[0], await fill(stores[0], 1_000 + ROUNDS * CLAIMS))
    start = time.perf_counter()
    large = Depth(stores[1], await fill(stores[1], jobs))
    print(f"filled {jobs:,} jobs in {time.perf_counter() - start:.1f} s")
    print(f"{'':17} {1_000:8,} jobs {jobs:8,} jobs")
    await compare(small, large)
    await cancels(large, jobs // 10)
    for database in databases:
        database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="depth of the large queue (1,000,000)")
    parser.add_argument("--folder", type=Path, default=None, help="where the files go (a temporary folder)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        asyncio.run(main(given.jobs, Path(scratch)))
