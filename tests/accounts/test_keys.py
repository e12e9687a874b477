import asyncio
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.accounts.keys import ADMIN_ACCOUNT, Caller, KeyRing, new_key, split_key
from rushes.db.sqlite import Database, WriteFailed


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "rushes.db")
    yield database
    database.close()


async def ring(database: Database, data: Path, key: str | None = None) -> KeyRing:
    return await KeyRing.open(database, lambda: 1_000.0, data=data, admin_key=key)


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(database: Database, tmp_path: Path) -> None:
    keys = asyncio.run(ring(database, tmp_path / "data"))
    file = tmp_path / "data" / "key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key_id, secret = split_key(file.read_text(), "key")
    assert keys.verify(key_id, secret) == Caller(ADMIN_ACCOUNT, key_id, "ADMIN")
    assert [path.name for path in file.parent.iterdir()] == ["key"]


def test_the_key_stays_the_same_over_a_restart(database: Database, tmp_path: Path) -> None:
    asyncio.run(ring(database, tmp_path))
    written = (tmp_path / "key").read_text()
    again = asyncio.run(ring(database, tmp_path))
    assert (tmp_path / "key").read_text() == written
    assert again.verify(*split_key(written, "key")) is not None


def test_a_given_key_replaces_the_one_from_the_file(database: Database, tmp_path: Path) -> None:
    asyncio.run(ring(database, tmp_path))
    first = split_key((tmp_path / "key").read_text(), "key")
    keys = asyncio.run(ring(database, tmp_path, "me:se:cret"))
    assert keys.verify("me", "se:cret") == Caller(ADMIN_ACCOUNT, "me", "ADMIN")
    assert keys.verify(*first) is None


def test_a_given_key_needs_no_file(database: Database, tmp_path: Path) -> None:
    asyncio.run(ring(database, tmp_path / "data", "me:secret"))
    assert not (tmp_path / "data").exists()


def test_a_new_secret_for_the_same_id_counts(database: Database, tmp_path: Path) -> None:
    asyncio.run(ring(database, tmp_path, "me:old"))
    keys = asyncio.run(ring(database, tmp_path, "me:new"))
    assert keys.verify("me", "new") is not None
    assert keys.verify("me", "old") is None


def test_no_secret_is_in_the_database(database: Database, tmp_path: Path) -> None:
    asyncio.run(ring(database, tmp_path, "me:verysecretindeed"))
    database.close()
    assert not any(b"verysecretindeed" in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("secret", ["", "x", "sécret\udcff"])
def test_wrong_secrets_and_unknown_ids_are_nobody(database: Database, tmp_path: Path, secret: str) -> None:
    keys = asyncio.run(ring(database, tmp_path, "me:secret"))
    assert keys.verify("me", secret) is None
    assert keys.verify("you", secret) is None


@pytest.mark.parametrize("text", ["", "nocolon", ":hidden", "id:", "id:hid den", "a:hid\nden", "id:hiddén"])
def test_a_text_that_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="RUSHES_KEY holds no key") as caught:
        split_key(text, "RUSHES_KEY")
    assert "hid" not in str(caught.value)


def test_a_broken_key_file_stops_the_start(database: Database, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(ValueError, match="key holds no key"):
        asyncio.run(ring(database, tmp_path))


def test_runners_have_a_secret_of_their_own_at_each_start(database: Database, tmp_path: Path) -> None:
    keys = asyncio.run(ring(database, tmp_path, "me:secret"))
    again = asyncio.run(ring(database, tmp_path, "me:secret"))
    assert keys.verify_runner(keys.runner_key)
    assert not again.verify_runner(keys.runner_key)
    assert not keys.verify_runner("secret")


def test_made_keys_differ() -> None:
    assert len({new_key() for _ in range(100)}) == 100


def test_writability_is_proved_by_a_write(database: Database, tmp_path: Path) -> None:
    async def scenario() -> None:
        keys = await ring(database, tmp_path, "me:secret")
        await keys.prove_writable()
        database.close()
        with pytest.raises(WriteFailed):
            await keys.prove_writable()

    asyncio.run(scenario())


def test_proving_it_again_writes_again(database: Database, tmp_path: Path) -> None:
    """SQLite skips a row that gets the values it has, and a full disk would go unnoticed."""
    other = sqlite3.connect(tmp_path / "rushes.db")

    async def scenario() -> None:
        keys = await ring(database, tmp_path, "me:secret")
        before = keys.listed()
        for _ in range(2):
            ((seen,),) = other.execute("PRAGMA data_version").fetchall()
            await keys.prove_writable()
            assert other.execute("PRAGMA data_version").fetchall() != [(seen,)]
        assert keys.listed() == before

    asyncio.run(scenario())
    other.close()


def test_a_key_that_becomes_the_servers_own_loses_its_limits(database: Database, tmp_path: Path) -> None:
    async def scenario() -> None:
        keys = await ring(database, tmp_path, "me:secret")
        key_id, secret = await keys.create("studio", alias="small", max_concurrent=1, budget_usd=0.5)
        assert (await ring(database, tmp_path, f"{key_id}:{secret}")).verify(key_id, secret) == Caller(
            ADMIN_ACCOUNT, key_id, "ADMIN"
        )

    asyncio.run(scenario())
