"""What is forgotten when: old requests, private ones early, their files with them or not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.errors import ModelError
from rushes.jobs.job import LogLine, NewJob, Outcome, Status, VoiceMade
from rushes.jobs.store import JobStore
from tests.jobs.queue import RETENTION_S, Queue, opened, outcome

PRIVATE_S = 100.0
BODIES = ("inputs", "outputs", "logs")


def run(folder: Path, test: Callable[[Queue], Awaitable[None]], dropped: list[str] | None = None) -> None:
    """Run a test on a queue that forgets private bodies after PRIVATE_S and notes which files it drops."""

    async def drop(file_id: str) -> None:
        assert dropped is not None
        dropped.append(file_id)

    async def main() -> None:
        with opened(folder) as queue:
            queue.jobs = JobStore(
                queue.database,
                queue.events,
                queue.clock,
                RETENTION_S,
                private_retention_s=PRIVATE_S,
                drop_file=None if dropped is None else drop,
            )
            await test(queue)

    asyncio.run(main())


async def end(queue: Queue, job_id: str, ended: Outcome) -> None:
    await queue.add(job_id)
    lease = (await queue.take()).lease
    assert await queue.jobs.finish(job_id, lease.token, ended, [LogLine(1.0, "a secret")])


def bodies(queue: Queue) -> list[int]:
    return [queue.database.read(f"SELECT count(*) FROM {table}")[0][0] for table in BODIES]


def test_a_private_request_is_repeatable_for_its_time_and_then_only_its_facts_are_left(tmp_path: Path) -> None:
    async def test(queue: Queue) -> None:
        await end(queue, "hush", replace(outcome(), private=True))
        queue.clock.now += PRIVATE_S - 1
        await queue.jobs.sweep()
        result = queue.jobs.result("hush")
        assert result is not None
        assert result.output == b'{"ok": true}'

        queue.clock.now += 2
        await queue.jobs.sweep()
        assert queue.jobs.result("hush") is None
        assert queue.jobs.logs("hush") == []
        assert bodies(queue) == [0, 0, 0]
        state = queue.jobs.state("hush")
        assert state is not None
        assert (state.status, state.served_by) == (Status.COMPLETED, "echo/1; model=echo")
        assert queue.database.read("SELECT units FROM jobs") == [(1.5,)], "what it cost stays in the books"

        queue.clock.now += RETENTION_S
        await queue.jobs.sweep()
        assert queue.jobs.state("hush") is None

    run(tmp_path, test)


def test_a_private_request_that_fails_is_forgotten_just_so(tmp_path: Path) -> None:
    async def test(queue: Queue) -> None:
        await queue.jobs.submit(NewJob("hush", "a/b", "me", b'{"prompt": "a secret"}', queue.clock.now, private=True))
        lease = (await queue.take()).lease
        told = ModelError("file_download_error", "https://a.example/a-secret.png can't be fetched", loc=("body", "x"))
        assert await queue.jobs.keep_note("hush", lease.token, "a ticket", "a mark")
        assert await queue.jobs.fail("hush", lease.token, told.failure())
        await queue.jobs.sweep()
        assert bodies(queue) == [1, 1, 0]
        queue.clock.now += PRIVATE_S + 1
        await queue.jobs.sweep()
        assert bodies(queue) == [0, 0, 0]
        state = queue.jobs.state("hush")
        assert state is not None
        assert (state.error_type, state.error) == ("file_download_error", "file_download_error")
        assert queue.database.read("SELECT count(*) FROM notes") == [(0,)]

    run(tmp_path, test)


def test_a_private_request_that_still_waits_keeps_its_input(tmp_path: Path) -> None:
    async def test(queue: Queue) -> None:
        await queue.jobs.submit(NewJob("hush", "a/b", "me", b"{}", queue.clock.now, private=True))
        queue.clock.now += PRIVATE_S + 1
        await queue.jobs.sweep()
        assert (await queue.take()).input == b"{}"

    run(tmp_path, test)


def test_an_ordinary_request_keeps_its_bodies(tmp_path: Path) -> None:
    async def test(queue: Queue) -> None:
        await end(queue, "open", outcome())
        queue.clock.now += PRIVATE_S + 1
        await queue.jobs.sweep()
        assert queue.jobs.result("open") is not None
        assert bodies(queue) == [1, 1, 1]

    run(tmp_path, test)


def test_looking_for_private_requests_reads_none_that_were_dealt_with(tmp_path: Path) -> None:
    async def test(queue: Queue) -> None:
        plan = queue.database.read(
            "EXPLAIN QUERY PLAN SELECT n FROM jobs WHERE private = 1 AND ended_at < 5 ORDER BY ended_at LIMIT 9"
        )
        assert "jobs_private" in plan[0][3]

    run(tmp_path, test)


def test_more_requests_than_one_write_takes_are_all_forgotten(tmp_path: Path) -> None:
    async def test(queue: Queue) -> None:
        await asyncio.gather(*(queue.add(f"j{number:04}") for number in range(1_001)))
        await queue.database.write(
            lambda connection: connection.execute("UPDATE jobs SET status = 2, private = 1, ended_at = 0").rowcount
        )
        await queue.jobs.sweep()
        assert queue.database.read("SELECT count(*) FROM jobs") == [(0,)]

    run(tmp_path, test)


@pytest.mark.parametrize("drops", [True, False])
def test_files_go_with_their_request_where_they_shall(tmp_path: Path, drops: bool) -> None:
    dropped: list[str] = []

    async def test(queue: Queue) -> None:
        await end(queue, "old", outcome())
        queue.clock.now += RETENTION_S + 1
        await end(queue, "new", replace(outcome(), files=("f3",)))
        swept = await queue.jobs.sweep()
        assert swept.forgotten == 1

    run(tmp_path, test, dropped if drops else None)
    assert dropped == (["f1", "f2"] if drops else [])


def test_a_file_that_can_not_be_dropped_is_tried_again(tmp_path: Path) -> None:
    async def test(queue: Queue) -> None:
        await end(queue, "old", outcome())
        queue.clock.now += RETENTION_S + 1

        async def broken(file_id: str) -> None:
            raise OSError(f"no disk for {file_id}")

        jobs = JobStore(queue.database, queue.events, queue.clock, RETENTION_S, drop_file=broken)
        with pytest.raises(OSError, match="no disk for f1"):
            await jobs.sweep()
        assert queue.jobs.state("old") is not None
        assert (await queue.jobs.sweep()).forgotten == 1

    run(tmp_path, test, [])


def test_files_of_tries_that_came_to_nothing_go_with_their_request(tmp_path: Path) -> None:
    async def test(queue: Queue) -> None:
        for job_id in ("done", "failed"):
            await queue.add(job_id)
            first = (await queue.take()).lease
            assert await queue.jobs.beat(job_id, first.token, 10, file=f"{job_id}-1") == "carry on"
            await queue.jobs.release("r1")
            again = (await queue.take()).lease
            assert await queue.jobs.beat(job_id, first.token, 10, file="nobody's") == "stale"
            assert await queue.jobs.beat(job_id, again.token, 10, file=f"{job_id}-2") == "carry on"
            if job_id == "done":
                assert await queue.jobs.finish(job_id, again.token, replace(outcome(), files=("done-2", "done-3")))
            else:
                assert await queue.jobs.fail(job_id, again.token, ModelError("no_media_generated").failure())
        result = queue.jobs.result("done")
        assert result is not None
        assert result.files == ("done-2", "done-3", "done-1")
        queue.clock.now += RETENTION_S + 1
        await queue.jobs.sweep()

    dropped: list[str] = []
    run(tmp_path, test, dropped)
    assert sorted(dropped) == ["done-1", "done-2", "done-3", "failed-1", "failed-2"]


def test_a_made_voice_outlives_the_request_that_made_it(tmp_path: Path) -> None:
    dropped: list[str] = []

    async def test(queue: Queue) -> None:
        await end(queue, "clone", replace(outcome(), files=("preview", "profile"), voice=VoiceMade("v", "profile")))
        queue.clock.now += RETENTION_S + 1
        await queue.jobs.sweep()

    run(tmp_path, test, dropped)
    assert dropped == ["preview"]
