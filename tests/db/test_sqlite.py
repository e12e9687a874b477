"""Reads, group commits, and what happens when one of many writes fails."""

import asyncio
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rushes.db.sqlite import Database, WriteFailed

ADD = "INSERT INTO keys (id, account, scope, secret_hash, created_at) VALUES (?, 'a', 'API', 'h', 1)"
ALL = "SELECT id FROM keys ORDER BY id"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "some.db")
    yield database
    database.close()


def add(key: str, connection: sqlite3.Connection) -> str:
    connection.execute(ADD, (key,))
    return key


def add_all(connection: sqlite3.Connection, keys: list[str]) -> list[str]:
    return [add(key, connection) for key in keys]


def held(database: Database) -> threading.Event:
    """Keep the writer busy, so that what comes next has to wait for it together."""
    started, go_on = threading.Event(), threading.Event()

    def wait(_: sqlite3.Connection) -> bool:
        started.set()
        return go_on.wait(10)

    database.write(wait)
    assert started.wait(10)
    return go_on


def test_a_write_gives_the_operations_result_and_is_visible_at_once(database: Database) -> None:
    async def main() -> None:
        assert await database.write(lambda c: add("k1", c)) == "k1"
        assert database.read(ALL) == [("k1",)]
        assert database.read_one("SELECT id FROM keys WHERE id = :id", {"id": "k2"}) is None

    asyncio.run(main())


def test_only_the_owner_can_read_the_database_and_its_log(database: Database, tmp_path: Path) -> None:
    async def main() -> None:
        await database.write(lambda c: add("k1", c))

    asyncio.run(main())
    files = list(tmp_path.iterdir())
    assert {file.name for file in files} >= {"some.db", "some.db-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_what_is_answered_can_be_read_from_another_connection(database: Database, tmp_path: Path) -> None:
    async def main() -> None:
        with closing(sqlite3.connect(tmp_path / "some.db")) as other:
            for i in range(20):
                await database.write(lambda c, i=i: add(f"k{i:02}", c))  # type: ignore[misc]
                assert len(other.execute(ALL).fetchall()) == i + 1

    asyncio.run(main())


def test_writes_that_wait_together_are_one_commit(database: Database) -> None:
    async def main() -> None:
        go_on = held(database)
        seen: list[int] = []
        version = "PRAGMA data_version"  # changes with each commit of another connection
        before = database.read_one(version)
        writes = [
            database.write(lambda c, i=i: add(f"k{i}", c), lambda _: seen.append(database.read_one(version)[0]))  # type: ignore
            for i in range(50)
        ]
        assert database.read_one(version) == before
        go_on.set()
        await asyncio.gather(*writes)
        assert len(seen) == 50
        assert len(set(seen)) == 1

    asyncio.run(main())


def test_neighbouring_rows_are_handed_over_in_one_call(database: Database) -> None:
    calls: list[int] = []

    def bulk(connection: sqlite3.Connection, keys: list[str]) -> list[str]:
        calls.append(len(keys))
        return add_all(connection, keys)

    async def main() -> None:
        go_on = held(database)
        writes = [database.write_rows(bulk, f"k{i}") for i in range(20)]
        go_on.set()
        assert await asyncio.gather(*writes) == [f"k{i}" for i in range(20)]

    asyncio.run(main())
    assert calls == [20]


def test_a_failing_operation_fails_alone(database: Database) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        add("half", connection)
        raise LookupError("not today")

    async def main() -> None:
        go_on = held(database)
        first = database.write(lambda c: add("k1", c))
        second = database.write(broken)
        third = database.write(lambda c: add("k1", c))
        fourth = database.write(lambda c: add("k2", c))
        go_on.set()
        assert await first == "k1"
        with pytest.raises(LookupError, match="not today"):
            await second
        with pytest.raises(sqlite3.IntegrityError):
            await third
        assert await fourth == "k2"

    asyncio.run(main())
    assert database.read(ALL) == [("k1",), ("k2",)]


def test_a_failing_row_fails_alone(database: Database) -> None:
    async def main() -> list[str | BaseException]:
        go_on = held(database)
        writes = [database.write_rows(add_all, key) for key in ("k1", "k2", "k1", "k3")]
        go_on.set()
        return await asyncio.gather(*writes, return_exceptions=True)

    results = asyncio.run(main())
    assert [r if isinstance(r, str) else type(r) for r in results] == ["k1", "k2", sqlite3.IntegrityError, "k3"]
    assert database.read(ALL) == [("k1",), ("k2",), ("k3",)]


def test_a_full_disk_fails_the_whole_commit_and_the_next_one_works(database: Database) -> None:
    async def main() -> None:
        pages = await database.write(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        await database.write(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchall())
        go_on = held(database)
        small = database.write(lambda c: add("small", c))
        large = database.write(lambda c: add("x" * 100_000, c))
        go_on.set()
        for write in (small, large):
            with pytest.raises(WriteFailed, match=r"nothing of this was stored: database or disk is full"):
                await write
        await database.write(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchall())
        assert await database.write(lambda c: add("after", c)) == "after"

    asyncio.run(main())
    assert database.read(ALL) == [("after",)]


def test_what_follows_a_write_happens_though_its_caller_has_gone(database: Database) -> None:
    async def main() -> list[str]:
        done: list[str] = []
        go_on = held(database)
        caller = asyncio.ensure_future(database.write(lambda c: add("k1", c), done.append))
        caller.cancel()
        go_on.set()
        await database.write(lambda c: add("k2", c))
        return done

    assert asyncio.run(main()) == ["k1"]


def test_a_follow_up_that_fails_is_reported_and_keeps_nobody_waiting(database: Database) -> None:
    def broken(_: str) -> None:
        raise LookupError("nobody there")

    async def main() -> list[str]:
        reported: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: reported.append(told["message"]))
        go_on = held(database)
        writes = [database.write(lambda c: add("k1", c), broken), database.write(lambda c: add("k2", c))]
        go_on.set()
        assert await asyncio.gather(*writes) == ["k1", "k2"]
        return reported

    assert asyncio.run(main()) == ["What should follow a write failed: LookupError('nobody there')"]


def test_closing_writes_what_waits_and_refuses_more(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "some.db")

    async def main() -> None:
        go_on = held(database)
        writes = [database.write(lambda c, i=i: add(f"k{i}", c)) for i in range(30)]  # type: ignore[misc]
        go_on.set()
        database.close()
        database.close()
        assert len(await asyncio.gather(*writes)) == 30
        with pytest.raises(WriteFailed, match="is closed"):
            await database.write(lambda c: add("late", c))

    asyncio.run(main())
    with closing(sqlite3.connect(tmp_path / "some.db")) as other:
        assert len(other.execute(ALL).fetchall()) == 30


def test_a_loop_that_is_gone_doesnt_stop_the_writer(database: Database) -> None:
    async def leave() -> threading.Event:
        go_on = held(database)
        database.write(lambda c: add("k1", c))
        return go_on

    async def main() -> str:
        return await database.write(lambda c: add("k2", c))

    asyncio.run(leave()).set()
    assert asyncio.run(main()) == "k2"
    assert database.read(ALL) == [("k1",), ("k2",)]


def test_reads_of_a_snapshot_see_one_moment(database: Database) -> None:
    async def main() -> None:
        with database.snapshot():
            before = database.read(ALL)
            writing = database.write(lambda c: add("k1", c))
            while not database._writer._tasks.empty():
                pass
            assert database.read(ALL) == before == []
        await writing
        assert database.read(ALL) == [("k1",)]

    asyncio.run(main())


def test_reading_connections_cant_write(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.read(ADD, ("k1",))
