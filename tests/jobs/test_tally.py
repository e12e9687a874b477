"""Counting what has ended: each end once, however commits overtake each other, and a bounded part at a time."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.jobs.tally import MOST_A_LOOK, OVERLAP_S, Durations, Tally
from tests.jobs.queue import Queue, opened


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with opened(tmp_path) as queue:
        yield queue


async def enter(queue: Queue, job_ids: list[str], ended_at: float, status: int = 200) -> None:
    rows = [(job_id, ended_at, status) for job_id in job_ids]

    def add(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT INTO ledger (job_id, account, key_id, endpoint, created_at, ended_at, status_code, units, "
            "unit_price_usd) VALUES (?, 'me', 'k', 'a/b', 1, ?, ?, 1, 0)",
            rows,
        )

    await queue.database.write(add)


def test_what_ended_before_the_start_is_not_counted(queue: Queue) -> None:
    async def story() -> None:
        await enter(queue, ["old"], queue.clock.now - 1)
        tally = Tally(queue.database, queue.clock)
        await tally.catch_up()
        assert not tally.ended

    asyncio.run(story())


def test_an_end_whose_commit_came_late_is_counted_and_none_twice(queue: Queue) -> None:
    async def story() -> None:
        tally, now = Tally(queue.database, queue.clock), queue.clock.now
        await enter(queue, ["a", "b"], now + 10)
        await tally.catch_up()
        await enter(queue, ["late"], now + 10 - OVERLAP_S / 2)
        await enter(queue, ["c"], now + 10)
        await enter(queue, ["failed"], now + 11, status=422)
        for _ in range(3):
            await tally.catch_up()
        assert tally.ended == {("a/b", 200): 4, ("a/b", 422): 1}

    asyncio.run(story())


def test_many_ends_of_the_same_moment_are_all_counted(queue: Queue) -> None:
    async def story() -> None:
        tally = Tally(queue.database, queue.clock)
        await enter(queue, [str(number) for number in range(7_001)], queue.clock.now + 1)
        await asyncio.gather(tally.catch_up(), tally.catch_up())
        assert tally.ended["a/b", 200] == 7_001

    asyncio.run(story())


def test_one_look_reads_no_more_than_its_bound_and_the_next_goes_on(queue: Queue) -> None:
    async def story() -> None:
        tally, ends = Tally(queue.database, queue.clock), MOST_A_LOOK + 10
        for part in range(10):
            await enter(queue, [f"{part}-{n}" for n in range(ends // 10)], queue.clock.now + 100 * (part + 1))
        await tally.catch_up()
        assert tally.ended["a/b", 200] == MOST_A_LOOK
        await tally.catch_up()
        assert tally.ended["a/b", 200] == ends

    asyncio.run(story())


def test_memory_is_kept_for_the_last_moments_only(queue: Queue) -> None:
    async def story() -> None:
        tally = Tally(queue.database, queue.clock)
        for number in range(100):
            await enter(queue, [str(number)], queue.clock.now + number)
            await tally.catch_up()
        assert len(tally._seen) <= OVERLAP_S + 2

    asyncio.run(story())


def test_durations_fall_into_the_bucket_that_holds_them() -> None:
    durations = Durations()
    for seconds in (-1.0, 0.1, 0.11, 600.0, 601.0):
        durations.add(seconds)
    assert durations.counts == [2, 1, *[0] * 8, 1, 1]
    assert durations.sum_s == pytest.approx(1201.21)
