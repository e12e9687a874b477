"""The outbox's tables: whose turn it is, what is written down, and that nothing piles up."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import rushes.webhooks
from rushes.db.queries import read_queries
from rushes.db.sqlite import Database
from rushes.jobs.events import Events
from rushes.jobs.store import JobStore
from rushes.webhooks.outbox import Outbox, Place, Try
from rushes.webhooks.schedule import State, Verdict
from rushes.webhooks.signing import SigningKeys
from tests.webhooks.office import Clock, Office

DAY = 86_400.0
FAILED = Try(0.0, 500, "answered 500", 0.1)


def with_office(folder: Path, story: Callable[[Office], Coroutine[Any, Any, None]]) -> None:
    """Run a story with everything but a deliverer."""

    async def run() -> None:
        database, events, clock = Database.open(folder / "rushes.db"), Events(), Clock()
        outbox = Outbox(database, events, clock, 7 * DAY)
        keys = SigningKeys(folder / "keys", clock)
        try:
            await story(Office(database, events, clock, JobStore(database, events, clock), outbox, keys))
        finally:
            database.close()

    asyncio.run(run())


def ids(here: Office, full: tuple[str, ...] = (), under_way: tuple[str, ...] = ()) -> list[str]:
    return [due.id for due in here.outbox.due(full, under_way, 100)]


def rows(here: Office, table: str) -> int:
    found = here.database.read_one(f"SELECT count(*) FROM {table}")
    assert found is not None
    return int(found[0])


def test_what_is_due_leaves_out_full_peers_and_what_is_under_way(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        for number in range(4):
            await here.end(f"a-{number}", "https://a.example/")
        await here.end("b", "https://b.example/")
        assert ids(here) == ["a-0", "a-1", "a-2", "a-3", "b"]
        assert ids(here, full=("a.example:443",)) == ["b"]
        assert ids(here, under_way=("a-0", "b")) == ["a-1", "a-2", "a-3"]
        assert here.outbox.next_at(("a.example:443",), ("b",)) is None
        assert here.outbox.next_at((), ()) is not None

    with_office(tmp_path, story)


def test_a_delivery_that_is_to_be_tried_later_is_not_due_before(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        await here.end("r-1", "https://a.example/")
        (due,) = here.outbox.due((), (), 1)
        later = here.clock() + 60
        await here.outbox.record(due, FAILED, Verdict(State.DUE, later))
        assert ids(here) == []
        assert here.outbox.next_at((), ()) == later
        here.clock.ahead_s = 61
        assert [one.attempts for one in here.outbox.due((), (), 1)] == [1]

    with_office(tmp_path, story)


def test_what_was_replayed_while_it_was_sent_stays_due(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        await here.end("r-1", "https://a.example/")
        (first,) = here.outbox.due((), (), 1)
        await here.outbox.record(first, FAILED, Verdict(State.DUE, here.clock()))
        (second,) = here.outbox.due((), (), 1)
        await here.outbox.replay("me", "r-1")
        await here.outbox.record(second, FAILED, Verdict(State.GIVEN_UP))
        assert ids(here) == ["r-1"]
        assert [tried.i for tried in here.outbox.tries("me", "r-1")] == [1, 2]

    with_office(tmp_path, story)


def test_a_request_that_has_not_ended_is_neither_due_nor_replayed(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        await here.submit("r-1", "https://a.example/")
        assert ids(here) == []
        assert await here.outbox.replay("me", "r-1") == State.OPEN
        assert ids(here) == []

    with_office(tmp_path, story)


def test_pages_go_on_where_the_last_one_ended_also_among_equal_times(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        for name in ("a", "b", "c", "d"):
            await here.submit(name, "https://a.example/")
        await here.database.write(lambda connection: connection.execute("UPDATE webhooks SET created_at = 5").rowcount)
        first = here.outbox.listed("me", limit=3)
        rest = here.outbox.listed("me", limit=3, after=Place(first[-1].created_at, first[-1].id))
        assert [one.id for one in first + rest] == ["d", "c", "b", "a"]
        assert here.outbox.listed("other", limit=3) == []

    with_office(tmp_path, story)


def test_a_hundred_tries_of_one_delivery_are_kept(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        await here.end("r-1", "https://a.example/")
        for _ in range(130):
            (due,) = here.outbox.due((), (), 1)
            await here.outbox.record(due, FAILED, Verdict(State.DUE, here.clock()))
        assert [tried.i for tried in here.outbox.tries("me", "r-1")] == list(range(31, 131))
        one = here.outbox.one("me", "r-1")
        assert one is not None
        assert one.attempts == 130

    with_office(tmp_path, story)


def test_nothing_piles_up(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        for day in range(20):
            await here.end(f"settled-{day}", "https://a.example/")
            (due,) = here.outbox.due((), (), 1)
            await here.outbox.record(due, FAILED, Verdict(State.GIVEN_UP))
            await here.jobs.sweep()
            await here.outbox.sweep()
            here.clock.ahead_s += DAY
        assert rows(here, "webhooks") == rows(here, "webhook_attempts") == 7

    with_office(tmp_path, story)


def test_what_belongs_to_no_request_is_forgotten(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        await here.submit("kept", "https://a.example/")
        await here.submit("orphan", "https://a.example/")
        await here.database.write(
            lambda connection: connection.execute("DELETE FROM jobs WHERE id = 'orphan'").rowcount
        )
        assert await here.outbox.sweep() == 1
        assert [one.id for one in here.outbox.listed("me", limit=9)] == ["kept"]

    with_office(tmp_path, story)


def test_the_looks_of_the_loop_need_no_scan(tmp_path: Path) -> None:
    async def story(here: Office) -> None:
        for query in ("due", "next_at", "listed", "listed_of_state", "forget_settled", "forget_orphans"):
            names = ("now", "limit", "full", "busy", "under_way", "account", "state", "before", "before_id")
            given = dict.fromkeys(names, "[]")
            statements = read_queries(Path(rushes.webhooks.__file__).with_name("queries.sql"))
            plan = here.database.read(f"EXPLAIN QUERY PLAN {statements[query]}", given)
            text = " ".join(str(row[3]) for row in plan)
            assert not re.search("SCAN w(ebhooks)?( |$)(?!USING INDEX webhooks_(due|open))", text), (query, text)
            assert "TEMP B-TREE FOR ORDER" not in text, (query, text)

    with_office(tmp_path, story)
