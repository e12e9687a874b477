"""A job's log ends somewhere, and says so."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.jobs.job import LogLine
from rushes.jobs.protocol import MOST_LINE_CHARS, Line
from rushes.jobs.writes import FULL, MOST_LINES
from tests.jobs.queue import Queue, opened


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with opened(tmp_path) as queue:
        yield queue


@pytest.mark.parametrize("at_once", [MOST_LINES // 4 + 1, 3 * MOST_LINES])
def test_the_log_of_a_runaway_job_is_cut_and_its_last_line_says_so(queue: Queue, at_once: int) -> None:
    async def story() -> list[LogLine]:
        await queue.add("a")
        lease = (await queue.take()).lease
        for _ in range(6):
            lines = [LogLine(1.0, str(number)) for number in range(at_once)]
            assert await queue.jobs.beat(lease.job_id, lease.token, 60.0, lines) == "carry on"
        return queue.jobs.logs("a")

    lines = asyncio.run(story())
    assert len(lines) == MOST_LINES
    assert [line.message for line in lines].count(FULL) == 1
    assert (lines[-1].message, lines[-1].level) == (FULL, "WARN")


def test_exactly_as_many_lines_as_there_may_be_are_all_kept(queue: Queue) -> None:
    async def story() -> list[LogLine]:
        await queue.add("a")
        lease = (await queue.take()).lease
        await queue.jobs.beat("a", lease.token, 60.0, [LogLine(1.0, str(number)) for number in range(MOST_LINES)])
        return queue.jobs.logs("a")

    assert asyncio.run(story())[-1].message == str(MOST_LINES - 1)


def test_a_line_of_a_runner_that_does_not_cut_is_cut_here() -> None:
    assert len(Line(at=1.0, message="x" * 1_000_000).line().message) == MOST_LINE_CHARS
