"""What a key may do: so much at once, so much money, one request per Idempotency-Key; and the books of what it did."""

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.jobs.job import Extras, KeyReused, Limits, NewJob, Once, OverBudget, OverLimit, Webhook
from rushes.jobs.store import JobStore
from tests.jobs.queue import Queue, lost, opened, outcome

TWO_AT_ONCE = Limits(max_concurrent=2)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with opened(tmp_path) as queue:
        jobs = JobStore(queue.database, queue.events, queue.clock, 1000.0, ledger_retention_s=5000.0, prices=price)
        yield replace(queue, jobs=jobs)


def price(endpoint: str) -> float:
    return 0.5 if endpoint == "a/b" else 0.0


async def a_key(queue: Queue, **columns: float) -> None:
    def add(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO keys (id, account, scope, secret_hash, created_at) VALUES ('k', 'me', 'API', 'h', 1)"
        )
        for name, value in columns.items():
            connection.execute(f"UPDATE keys SET {name} = ?", (value,))

    await queue.database.write(add)


def a_job(job_id: str, **more: object) -> NewJob:
    return NewJob(job_id, "a/b", "me", b"{}", 1_000_000.0, key_id="k", **more)  # type: ignore[arg-type]


def key_row(queue: Queue) -> tuple[object, ...]:
    row = queue.database.read_one("SELECT running, spent_usd, reserved_usd FROM keys WHERE id = 'k'")
    assert row is not None
    return row


def test_a_key_at_its_limit_waits_while_others_pass(queue: Queue) -> None:
    async def story() -> None:
        await a_key(queue, max_concurrent=2)
        for job_id in ("k1", "k2", "k3"):
            await queue.jobs.submit_checked(a_job(job_id, limits=TWO_AT_ONCE))
        await queue.add("free")
        assert [queue.position(job_id) for job_id in ("k1", "k2", "k3", "free")] == [0, 1, 2, 3]
        first = await queue.take()
        await queue.take()
        assert first.lease.job_id == "k1"
        assert (await queue.take()).lease.job_id == "free"  # k3 must wait, though it is older
        assert await queue.jobs.claim("r", ("a/b",), 10) is None
        with queue.events.watch_work(("a/b",)) as watch:
            await queue.jobs.finish("k1", first.lease.token, outcome())
            assert await watch.wait(0)
        assert (await queue.take()).lease.job_id == "k3"
        assert key_row(queue)[0] == 2

    asyncio.run(story())


def test_a_lost_job_frees_its_place_and_keeps_its_lane(queue: Queue) -> None:
    async def story() -> None:
        await a_key(queue, max_concurrent=1)
        for job_id in ("k1", "k2"):
            await queue.jobs.submit_checked(a_job(job_id, limits=Limits(max_concurrent=1)))
        await queue.take()
        assert await queue.jobs.release("r1") == 1
        assert key_row(queue)[0] == 0
        assert [queue.position(job_id) for job_id in ("k1", "k2")] == [0, 1]
        assert (await queue.take()).lease.job_id == "k1"
        assert await queue.jobs.claim("r", ("a/b",), 10) is None

    asyncio.run(story())


def test_a_direct_run_over_the_limit_is_refused_and_not_stored(queue: Queue) -> None:
    async def story() -> None:
        await a_key(queue, max_concurrent=1)
        direct = Limits(max_concurrent=1, direct=True)
        await queue.jobs.submit_checked(a_job("k1", limits=direct))
        with pytest.raises(OverLimit, match="1 requests at once"):
            await queue.jobs.submit_checked(a_job("k2", limits=direct))
        assert queue.jobs.state("k2") is None
        await queue.jobs.cancel("k1", "me")
        await queue.jobs.submit_checked(a_job("k3", limits=direct))

    asyncio.run(story())


def test_a_budget_counts_what_is_under_way_and_is_settled_at_the_end(queue: Queue) -> None:
    async def story() -> None:
        await a_key(queue, budget_usd=2.0)
        limits = Limits(budget_usd=2.0, estimate_usd=1.0)
        await queue.jobs.submit_checked(a_job("one", limits=limits))
        await queue.jobs.submit_checked(a_job("two", limits=limits))
        with pytest.raises(OverBudget, match=r"spent 0 of its 2 USD, 2 more are under way.*estimated at 1"):
            await queue.jobs.submit_checked(a_job("three", limits=limits))
        claimed = await queue.take()
        await queue.jobs.finish("one", claimed.lease.token, outcome())  # 1.5 units of 0.5 USD
        assert key_row(queue)[1:] == (0.75, 1.0)
        await queue.jobs.cancel("two", "me")
        assert key_row(queue)[1:] == (0.75, 0.0)
        await queue.jobs.submit_checked(a_job("four", limits=limits))

    asyncio.run(story())


def test_a_budget_is_used_up_to_the_cent_and_nothing_stays_reserved(queue: Queue) -> None:
    async def story() -> None:
        await a_key(queue, budget_usd=0.3)
        limits = Limits(budget_usd=0.3, estimate_usd=0.1)
        for job_id in ("one", "two", "three"):  # 0.1 + 0.1 + 0.1 is more than 0.3 in floats
            await queue.jobs.submit_checked(a_job(job_id, limits=limits))
        with pytest.raises(OverBudget):
            await queue.jobs.submit_checked(a_job("four", limits=Limits(budget_usd=0.3)))
        for job_id in ("two", "one", "three"):
            await queue.jobs.cancel(job_id, "me")
        assert key_row(queue) == (0, 0.0, 0.0)

    asyncio.run(story())


def test_a_budget_spent_in_small_amounts_is_spent(queue: Queue) -> None:
    async def story() -> None:
        await a_key(queue, budget_usd=0.8, spent_usd=sum([0.1] * 8))  # 0.7999999999999999 in floats
        with pytest.raises(OverBudget):
            await queue.jobs.submit_checked(a_job("one", limits=Limits(budget_usd=0.8)))

    asyncio.run(story())


def test_a_spent_budget_refuses_what_costs_nothing_too(queue: Queue) -> None:
    async def story() -> None:
        await a_key(queue, budget_usd=1.0, spent_usd=1.0)
        with pytest.raises(OverBudget):
            await queue.jobs.submit_checked(a_job("one", limits=Limits(budget_usd=1.0)))
        assert queue.jobs.state("one") is None

    asyncio.run(story())


def test_the_same_idempotency_key_is_the_same_request(queue: Queue) -> None:
    async def story() -> None:
        first = await queue.jobs.submit_checked(a_job("one", once=Once("mine", "aaaa")))
        again = await queue.jobs.submit_checked(a_job("two", once=Once("mine", "aaaa")))
        assert (first.id, first.repeated, again.id, again.repeated) == ("one", False, "one", True)
        assert queue.jobs.state("two") is None
        with pytest.raises(KeyReused, match="belongs to request one"):
            await queue.jobs.submit_checked(a_job("three", once=Once("mine", "bbbb")))
        other = a_job("four", once=Once("mine", "bbbb"))._replace(account="you")
        assert (await queue.jobs.submit_checked(other)).id == "four"

    asyncio.run(story())


def test_every_end_is_in_the_books_once_and_stays_when_the_job_is_forgotten(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("good")
        await queue.add("bad")
        await queue.add("cancelled")
        await queue.add("refused", failure=lost())
        good, bad = await queue.take(), await queue.take()
        await queue.jobs.finish("good", good.lease.token, outcome())
        await queue.jobs.fail("bad", bad.lease.token, lost("internal_error"))
        await queue.jobs.cancel("cancelled", "me")
        books = "SELECT job_id, status_code, error_type, units, unit_price_usd FROM ledger ORDER BY job_id"
        told = queue.database.read(books)
        assert told == [
            ("bad", 500, "internal_error", 0.0, 0.5),
            ("cancelled", 499, "client_cancelled", 0.0, 0.5),
            ("good", 200, None, 1.5, 0.5),
            ("refused", 503, "runner_connection_error", 0.0, 0.5),
        ]
        queue.clock.now += 1001
        await queue.jobs.sweep()
        assert queue.jobs.state("good") is None
        assert queue.database.read(books) == told
        queue.clock.now += 4000
        await queue.jobs.sweep()
        assert queue.database.read(books) == []

    asyncio.run(story())


def test_a_webhook_is_due_once_its_job_has_ended(queue: Queue) -> None:
    async def story() -> None:
        await queue.jobs.submit(a_job("one", webhook=Webhook("https://a.example/hook", "http://here")))
        due = "SELECT id, url, origin, state, next_at FROM webhooks"
        assert queue.database.read(due) == [("one", "https://a.example/hook", "http://here", 0, None)]
        claimed = await queue.take()
        queue.clock.now += 5
        with queue.events.watch_job("ends") as watch:
            await queue.jobs.finish("one", claimed.lease.token, outcome())
            assert await watch.wait(0)
        assert queue.database.read(due)[0][3:] == (1, 1_000_005.0)

    asyncio.run(story())


def test_a_hint_leads_to_the_runner_that_had_it_before(queue: Queue) -> None:
    async def story() -> None:
        hinted = Extras(tags=("a", "b"), hint="warm", lifecycle="{}")
        await queue.jobs.submit(a_job("one", extras=hinted))
        claimed = await queue.take(runner="second")
        assert (claimed.hint, claimed.lifecycle) == ("warm", "{}")
        with queue.events.watch_work(("a/b",), "first") as first, queue.events.watch_work(("a/b",), "second") as second:
            await queue.jobs.submit(a_job("two", extras=hinted))
            assert [watch.hinted for watch in (first, second)] == [False, True]

    asyncio.run(story())


def test_a_request_is_found_by_its_account_and_key_only(queue: Queue) -> None:
    async def story() -> None:
        await queue.jobs.submit_checked(a_job("1", once=Once("key", "print")))
        assert queue.jobs.find_once("me", "key") == "1"
        assert queue.jobs.find_once("you", "key") is None
        assert queue.jobs.find_once("me", "other") is None

    asyncio.run(story())


def test_extras_are_told_and_most_jobs_have_none(queue: Queue) -> None:
    async def story() -> None:
        await queue.add("plain")
        await queue.jobs.submit(a_job("tagged", extras=Extras(("a", "b"))))
        await queue.jobs.submit(a_job("hinted", extras=Extras(hint="h", lifecycle="{}")))
        assert queue.jobs.extras("plain") is None
        assert queue.jobs.extras("tagged") == Extras(("a", "b"))
        assert queue.jobs.extras("hinted") == Extras(hint="h", lifecycle="{}")

    asyncio.run(story())


def test_the_lanes_of_a_revoked_key_go_with_its_last_request(queue: Queue) -> None:
    def lanes() -> list[str]:
        return [row[0] for row in queue.database.read("SELECT lane FROM lines ORDER BY lane")]

    async def an_hour_passes() -> None:
        queue.clock.now += 3601.0  # more than requests are kept
        await queue.jobs.sweep()

    async def story() -> None:
        await a_key(queue, max_concurrent=2)
        await queue.add("free")
        for job_id in ("k1", "k2", "k3", "k4"):
            await queue.jobs.submit_checked(a_job(job_id, limits=TWO_AT_ONCE))
        for job_id in ("k2", "k3", "free"):
            await queue.jobs.cancel(job_id, "me")
        await an_hour_passes()
        assert lanes() == ["", "k"], "the key is alive"

        await queue.database.write(lambda connection: connection.execute("UPDATE keys SET revoked_at = 1"))
        await an_hour_passes()
        assert lanes() == ["", "k"], "two requests still wait"
        for job_id in ("k1", "k4"):
            await queue.jobs.finish(job_id, (await queue.take()).lease.token, outcome())
        await queue.jobs.sweep()
        assert lanes() == ["", "k"], "and can be read"

        await an_hour_passes()
        assert lanes() == [""]
        assert queue.database.read("SELECT count(*) FROM gaps WHERE line NOT IN (SELECT id FROM lines)") == [(0,)]
        assert await queue.add("next") == 0

    asyncio.run(story())
