"""The durable queue, promise by promise; what happens in any order is in test_store_model."""

import asyncio
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from rushes.errors import ModelError, RequestError
from rushes.jobs.job import MAX_ATTEMPTS, LogLine, NewJob, Priority, Status
from rushes.jobs.places import SQL
from tests.jobs.queue import RETENTION_S, Queue, lost, opened, outcome

LINE = LogLine(1.0, "halfway", "INFO", {"progress": "0.5"})


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with opened(tmp_path) as queue:
        yield queue


def drive(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    asyncio.run(main())


def test_a_job_from_submit_to_result(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j", body=b'{"prompt": "x"}')
        waiting = queue.jobs.state("j")
        assert waiting is not None
        assert (waiting.status, waiting.position, waiting.endpoint, waiting.account) == (0, 0, "a/b", "me")
        assert queue.jobs.result("j") is None
        queue.clock.now += 5
        claimed = await queue.take()
        assert (claimed.input, claimed.attempt, claimed.created_at) == (b'{"prompt": "x"}', 1, 1_000_000.0)
        assert claimed.lease.until == queue.clock.now + 10
        running = queue.jobs.state("j")
        assert running is not None
        assert (running.status, running.position, running.started_at) == (1, None, queue.clock.now)
        queue.clock.now += 5
        assert await queue.jobs.finish("j", claimed.lease.token, outcome(), [LINE])
        ended = queue.jobs.state("j")
        assert ended is not None
        assert (ended.status, ended.ended_at, ended.inference_s) == (Status.COMPLETED, queue.clock.now, 0.25)
        result = queue.jobs.result("j")
        assert result is not None
        assert (result.output, result.failure, result.units, result.files) == (b'{"ok": true}', None, 1.5, ("f1", "f2"))
        assert queue.jobs.logs("j") == [LINE]

    drive(story)


def test_unknown_ids_are_answered_without_an_error(queue: Queue) -> None:
    async def story() -> None:
        assert queue.jobs.state("x") is None
        assert queue.jobs.result("x") is None
        assert queue.jobs.logs("x") == []
        assert queue.jobs.queue_length("x") == 0
        assert await queue.jobs.claim("r", ["a/b"], 10) is None
        assert await queue.jobs.claim("r", [], 10) is None
        assert await queue.jobs.cancel("x", None) == "NOT_FOUND"
        assert await queue.jobs.beat("x", 1, 10) == "stale"
        assert not await queue.jobs.finish("x", 1, outcome())
        assert not await queue.jobs.fail("x", 1, lost())

    drive(story)


def test_an_id_that_is_taken_is_refused_alone(queue: Queue) -> None:
    async def story() -> None:
        results = await asyncio.gather(*(queue.add(name) for name in "aba"), return_exceptions=True)
        assert [type(result) for result in results] == [int, int, sqlite3.IntegrityError]
        assert [queue.position(name) for name in "ab"] == [0, 1]
        assert queue.jobs.queue_length("a/b") == 2

    drive(story)


def test_invalid_input_is_stored_as_ended_with_its_warnings_logged(queue: Queue) -> None:
    async def story() -> None:
        failure = ModelError("image_too_small").failure()
        await queue.add("bad", failure=failure, warnings=("unknown member `sed`",))
        state, result = queue.jobs.state("bad"), queue.jobs.result("bad")
        assert state is not None
        assert result is not None
        assert (state.status, state.error_type) == (Status.COMPLETED, "image_too_small")
        assert state.error == "body: Image too small"
        assert (result.failure, result.output) == (failure, b"")
        assert [line.message for line in queue.jobs.logs("bad")] == ["unknown member `sed`"]
        assert queue.jobs.queue_length("a/b") == 0

    drive(story)


def test_claims_go_by_priority_then_age_across_endpoints(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("low", "a/1", priority=Priority.LOW)
        await queue.add("second", "a/2")
        await queue.add("third", "a/1")
        await queue.add("other", "a/3")
        assert [queue.position(name) for name in ("low", "second", "third")] == [1, 0, 0]
        names = [(await queue.take("a/1", "a/2")).lease.job_id for _ in range(3)]
        assert names == ["second", "third", "low"]
        assert await queue.jobs.claim("r", ["a/1", "a/2"], 10) is None

    drive(story)


def test_many_claimers_never_get_the_same_job(queue: Queue) -> None:
    async def story() -> None:
        await asyncio.gather(*(queue.add(f"j{i}") for i in range(50)))
        claims = await asyncio.gather(*(queue.jobs.claim(f"r{i}", ["a/b"], 10) for i in range(80)))
        got = [claimed.lease.job_id for claimed in claims if claimed]
        assert sorted(got) == sorted(f"j{i}" for i in range(50))

    drive(story)


def test_a_stale_token_changes_nothing(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j")
        old = (await queue.take(runner="r1")).lease.token
        await queue.jobs.release("r1")
        new = (await queue.take(runner="r2")).lease.token
        assert new > old
        before = queue.jobs.logs("j")
        assert await queue.jobs.beat("j", old, 10, [LINE]) == "stale"
        assert not await queue.jobs.finish("j", old, outcome(), [LINE])
        assert not await queue.jobs.fail("j", old, lost(), [LINE])
        assert queue.jobs.logs("j") == before
        assert await queue.jobs.beat("j", new, 10) == "carry on"
        assert await queue.jobs.finish("j", new, outcome())
        assert not await queue.jobs.finish("j", new, outcome())

    drive(story)


def test_a_retried_job_goes_ahead_of_those_that_never_started(queue: Queue) -> None:
    async def story() -> None:
        for name in ("a", "b", "c", "d"):
            await queue.add(name)
        first, second = await queue.take(), await queue.take()
        assert await queue.jobs.fail("a", first.lease.token, lost(), [LINE])
        assert await queue.jobs.fail("b", second.lease.token, lost())
        assert [queue.position(name) for name in "abcd"] == [0, 1, 2, 3]
        assert [line.message for line in queue.jobs.logs("a")] == [
            "halfway",
            "Attempt 1 ended with runner_connection_error: The connection to the worker broke. "
            "Back at the head of the queue.",
        ]
        again = await queue.take()
        assert (again.lease.job_id, again.attempt) == ("a", 2)

    drive(story)


@pytest.mark.parametrize(("error_type", "tries"), [("runner_connection_error", 10), ("internal_error", 1)])
def test_tries_are_counted(queue: Queue, error_type: str, tries: int) -> None:
    async def story() -> None:
        await queue.add("j")
        for attempt in range(1, tries + 1):
            claimed = await queue.take()
            assert claimed.attempt == attempt
            await queue.jobs.fail("j", claimed.lease.token, lost(error_type))
        result = queue.jobs.result("j")
        assert result is not None
        assert result.failure == lost(error_type)

    drive(story)


def test_an_expired_lease_loses_the_job_to_the_next_runner(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j")
        await queue.take(lease_s=10)
        queue.clock.now += 9
        assert (await queue.jobs.sweep()).lost == 0
        assert await queue.jobs.beat("j", 1, 10) == "carry on"
        queue.clock.now += 9
        assert (await queue.jobs.sweep()).lost == 0
        queue.clock.now += 2
        assert (await queue.jobs.sweep()).lost == 1
        assert (await queue.take(runner="r2")).attempt == 2

    drive(story)


def test_a_job_that_loses_three_runners_is_given_up(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j")
        for _ in range(3):
            await queue.take(runner="r1")
            assert await queue.jobs.release("r1") == 1
        state = queue.jobs.state("j")
        assert state is not None
        assert state.error_type == "runner_disconnected"

    drive(story)


def test_a_job_whose_lease_runs_out_three_times_is_given_up(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j")
        for _ in range(3):
            await queue.take(lease_s=1)
            queue.clock.now += 2
            assert (await queue.jobs.sweep()).lost == 1
        state = queue.jobs.state("j")
        assert state is not None
        assert state.error_type == "runner_connection_timeout"

    drive(story)


def test_a_running_job_whose_caller_hung_up_says_so_unless_it_was_cancelled_too(queue: Queue) -> None:
    async def story() -> None:
        for job_id, wishes in (("left", [True]), ("asked", [True, False]), ("again", [False, True])):
            await queue.add(job_id)
            claimed = await queue.take()
            for left in wishes:
                await queue.jobs.cancel(job_id, "me", left=left)
            await queue.jobs.fail(job_id, claimed.lease.token, lost("client_cancelled"))
        ends = [queue.jobs.state(job_id).error_type for job_id in ("left", "asked", "again")]  # type: ignore[union-attr]
        assert ends == ["client_disconnected", "client_cancelled", "client_cancelled"]

    drive(story)


def test_a_job_whose_start_deadline_has_passed_is_never_claimed(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("late", start_deadline=queue.clock.now + 1)
        await queue.add("patient")
        queue.clock.now += 2
        assert (await queue.take()).lease.job_id == "patient"
        state = queue.jobs.state("late")
        assert state is not None
        assert state.error_type == "request_timeout"

    drive(story)


def test_releasing_a_prefix_takes_back_the_jobs_of_those_runners_only(queue: Queue) -> None:
    async def story() -> None:
        for name in ("a", "b", "c"):
            await queue.add(name)
        for runner in ("local-1", "local-2", "box_1"):
            await queue.take(runner=runner)
        assert await queue.jobs.release_prefix("local-") == 2
        assert [queue.position(name) for name in "abc"] == [0, 1, None]

    drive(story)


def test_a_servers_end_or_a_stopped_runner_costs_a_job_no_attempt(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("a")
        for _ in range(2 * max(MAX_ATTEMPTS.values())):
            assert (await queue.take(runner="local-1")).attempt == 1
            assert await queue.jobs.release_prefix("local-") == 1
            claimed = await queue.take(runner="local-2")
            assert claimed.attempt == 1
            assert await queue.jobs.release("local-2", fault=False) == 1
            assert not await queue.jobs.finish("a", claimed.lease.token, outcome())

    drive(story)


def test_a_job_that_its_runner_never_heard_of_waits_again_alone_and_uncounted(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("held")
        await queue.jobs.submit(NewJob("once", "a/b", "me", b"{}", queue.clock.now, retry=False))
        await queue.take(runner="many")
        unheard = await queue.take(runner="many")
        assert await queue.jobs.put_back("once", unheard.lease.token)
        assert [queue.position("held"), queue.position("once")] == [None, 0]
        assert not await queue.jobs.put_back("once", unheard.lease.token)
        assert (await queue.take(runner="other")).attempt == 1

    drive(story)


def test_cancelling_a_waiting_job_ends_it_at_once(queue: Queue) -> None:
    async def story() -> None:
        for name in ("a", "b", "c"):
            await queue.add(name)
        assert await queue.jobs.cancel("b", "somebody else") == "NOT_FOUND"
        assert await queue.jobs.cancel("b", "me") == "CANCELLATION_REQUESTED"
        assert await queue.jobs.cancel("b", "me") == "ALREADY_COMPLETED"
        result = queue.jobs.result("b")
        assert result is not None
        assert result.failure is not None
        assert (result.failure.type, result.failure.status) == ("client_cancelled", 499)
        assert [queue.position(name) for name in "ac"] == [0, 1]

    drive(story)


def test_what_is_asked_one_after_the_other_is_done_so_also_within_one_commit(queue: Queue) -> None:
    async def story() -> None:
        done = await asyncio.gather(
            queue.add("a"), queue.jobs.cancel("a", "me"), queue.add("b"), queue.jobs.cancel("c", "me"), queue.add("c")
        )
        assert list(done) == [0, "CANCELLATION_REQUESTED", 0, "NOT_FOUND", 1]
        assert [queue.position(name) for name in "abc"] == [None, 0, 1]

    drive(story)


def test_a_running_job_hears_of_the_cancel_with_its_next_beat(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j")
        token = (await queue.take()).lease.token
        assert await queue.jobs.beat("j", token, 10) == "carry on"
        assert await queue.jobs.cancel("j", "me") == "CANCELLATION_REQUESTED"
        state = queue.jobs.state("j")
        assert state is not None
        assert (state.status, state.cancel_requested) == (Status.IN_PROGRESS, True)
        assert await queue.jobs.beat("j", token, 10) == "cancel"
        assert await queue.jobs.fail("j", token, lost("client_cancelled"))
        assert await queue.jobs.cancel("j", "me") == "ALREADY_COMPLETED"

    drive(story)


def test_a_runner_may_finish_in_spite_of_a_cancel(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j")
        token = (await queue.take()).lease.token
        await queue.jobs.cancel("j", "me")
        assert await queue.jobs.finish("j", token, outcome())
        result = queue.jobs.result("j")
        assert result is not None
        assert result.failure is None

    drive(story)


def test_a_lost_job_that_was_to_be_cancelled_is_not_tried_again(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j")
        await queue.take(runner="r1")
        await queue.jobs.cancel("j", "me")
        await queue.jobs.release("r1")
        state = queue.jobs.state("j")
        assert state is not None
        assert (state.status, state.error_type) == (Status.COMPLETED, "client_cancelled")

    drive(story)


def test_a_missed_start_deadline_ends_only_jobs_that_never_started(queue: Queue) -> None:
    async def story() -> None:
        deadline = queue.clock.now + 5
        await queue.add("started", start_deadline=deadline)
        await queue.add("late", start_deadline=deadline)
        await queue.add("patient")
        await queue.take(runner="r1", lease_s=1)
        queue.clock.now += 6
        swept = await queue.jobs.sweep()
        assert (swept.lost, swept.timed_out) == (1, 1)
        result = queue.jobs.result("late")
        assert result is not None
        assert result.failure is not None
        assert (result.failure.type, result.failure.status, result.failure.by_caller) == ("request_timeout", 504, True)
        assert [queue.position(name) for name in ("started", "patient")] == [0, 1]

    drive(story)


def test_old_results_are_deleted_with_everything_of_theirs(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("old", warnings=("careful",))
        await queue.add("waiting")
        await queue.jobs.finish("old", (await queue.take()).lease.token, outcome())
        queue.clock.now += RETENTION_S - 1
        assert (await queue.jobs.sweep()).forgotten == 0
        queue.clock.now += 2
        assert (await queue.jobs.sweep()).forgotten == 1
        assert queue.jobs.state("old") is None
        assert queue.position("waiting") == 0
        for table in ("outputs", "logs"):
            assert queue.database.read(f"SELECT * FROM {table}") == []
        assert len(queue.database.read("SELECT job FROM inputs")) == 1

    drive(story)


def test_logs_keep_their_order_and_can_be_read_from_any_line(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("j", warnings=("w0", "w1"))
        token = (await queue.take()).lease.token
        for i in range(3):
            await queue.jobs.beat("j", token, 10, [LogLine(1.0, f"{i}a"), LogLine(1.0, f"{i}b", "WARN")])
        messages = [line.message for line in queue.jobs.logs("j")]
        assert messages == ["w0", "w1", "0a", "0b", "1a", "1b", "2a", "2b"]
        assert [line.message for line in queue.jobs.logs("j", after=6)] == ["2a", "2b"]
        assert queue.jobs.logs("j", after=8) == []

    drive(story)


def test_gaps_behind_the_head_are_dropped_in_time(queue: Queue) -> None:
    async def story() -> None:
        await asyncio.gather(*(queue.add(f"j{i}") for i in range(200)))
        await asyncio.gather(*(queue.jobs.cancel(f"j{i}", None) for i in range(1, 150)))
        assert queue.position("j199") == 50
        await queue.take()
        assert queue.position("j199") == 49
        await queue.jobs.sweep()
        assert queue.position("j199") == 49
        assert queue.database.read("SELECT * FROM gaps WHERE level = 0") == []
        assert queue.database.read("SELECT gaps FROM lines") == [(0,)]

    drive(story)


def test_a_large_input_neither_changes_nor_slows_down_looking(queue: Queue) -> None:
    async def story() -> None:
        body = b"x" * 30_000_000
        await queue.add("large", body=body)
        await queue.add("small")
        start = time.perf_counter()
        for _ in range(100):
            queue.jobs.state("large")
        assert (time.perf_counter() - start) / 100 < 0.001
        claimed = await queue.take()
        assert claimed.input == body

    drive(story)


HOURLY = {"idle_lanes", "still_used", "drop_line"}  # and only for revoked keys' lanes; an index would cost every job


@pytest.mark.parametrize("name", sorted(SQL.keys() - HOURLY))
def test_no_statement_looks_through_all_jobs(queue: Queue, name: str) -> None:
    parameters = {found: 1 for found in re.findall(r":(\w+)", SQL[name])} or (1,) * SQL[name].count("?")
    plan = [row[3] for row in queue.database.read(f"EXPLAIN QUERY PLAN {SQL[name]}", parameters)]
    assert not [step for step in plan if re.match(r"SCAN (jobs|j|inputs|outputs|logs|g|gaps)\b", step)]


CHILD = """
import asyncio, itertools, sys
from pathlib import Path
from tests.jobs.queue import opened

async def submitter(queue, name):
    for i in itertools.count():
        await queue.add(f"{name}-{i}")
        print(f"{name}-{i}", flush=True)

async def main():
    with opened(Path(sys.argv[1])) as queue:
        await asyncio.gather(*(submitter(queue, name) for name in "abcd"))

asyncio.run(main())
"""


def test_after_a_kill_every_acknowledged_job_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline().strip() for _ in range(200)]
        child.kill()
        told += [line.strip() for line in child.stdout if line.endswith("\n")]
    with opened(tmp_path) as queue:
        positions = [queue.position(job_id) for job_id in told]
        assert len(set(positions)) == len(told) >= 200
        assert queue.jobs.queue_length("a/b") >= len(told)


def test_a_job_is_given_up_only_while_it_waits(queue: Queue) -> None:
    async def story() -> None:
        failure = RequestError("runner_scheduling_failure").failure()
        await queue.add("first")
        await queue.add("second")
        await queue.add("third")
        await queue.take()
        assert not await queue.jobs.give_up("first", failure)
        assert await queue.jobs.give_up("second", failure)
        assert not await queue.jobs.give_up("second", failure)
        assert not await queue.jobs.give_up("unknown", failure)
        given_up, after = queue.jobs.result("second"), queue.jobs.state("third")
        assert given_up is not None
        assert after is not None
        assert (given_up.failure, after.position) == (failure, 0)
        assert queue.jobs.running() == [("a/b", "r1")]

    drive(story)
