"""New files, older files, files of others; and that migrations lead to the same tables."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from rushes.db.migrations.upgrade import config, upgrade
from rushes.db.schema import REVISION, WrongDatabase
from rushes.db.sqlite import Database


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


def schema_of(path: Path) -> dict[str, str]:
    with plain(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(sql.split()).replace('"', "") for name, sql in rows}  # a renamed table's name is quoted


def test_migrations_and_tables_end_up_equal(tmp_path: Path) -> None:
    Database.open(tmp_path / "made.db").close()
    upgrade(tmp_path / "migrated.db")
    assert schema_of(tmp_path / "made.db") == schema_of(tmp_path / "migrated.db")


def test_a_new_file_is_marked_with_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [REVISION]


def test_opening_a_file_of_the_first_version_migrates_it_and_keeps_its_rows(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    upgrade(old, to="0001")
    with plain(old) as connection:
        connection.execute("INSERT INTO lines (id, endpoint, priority, returned) VALUES (1, 'a/b', 0, 0)")
        connection.execute(
            "INSERT INTO jobs (n, id, line, place, status, account, created_at, ended_at) "
            "VALUES (1, 'j', 1, 1, 2, 'me', 5, 6)"
        )
    database = Database.open(old)
    assert database.read("SELECT id, account, created_at, private FROM jobs") == [("j", "me", 5, 0)]
    assert database.read("SELECT * FROM voices") == []
    assert database.read("SELECT job_id, account, endpoint, status_code, units FROM ledger") == [
        ("j", "me", "a/b", 200, 0)
    ]
    assert database.read("SELECT endpoint, lane FROM lines") == [("a/b", "")]
    assert database.read("SELECT version_num FROM alembic_version") == [(REVISION,)]
    database.close()
    Database.open(tmp_path / "new.db").close()
    assert schema_of(old) == schema_of(tmp_path / "new.db")


def test_an_opened_file_keeps_its_rows(tmp_path: Path) -> None:
    Database.open(tmp_path / "some.db").close()
    with plain(tmp_path / "some.db") as connection:
        connection.execute(
            "INSERT INTO keys (id, account, scope, secret_hash, created_at) VALUES ('k', 'a', 'API', 'h', 1)"
        )
    database = Database.open(tmp_path / "some.db")
    assert database.read("SELECT id, alias FROM keys") == [("k", None)]
    database.close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Database.open(tmp_path / "some.db").close()
    with plain(tmp_path / "some.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WrongDatabase, match=r"revision '9999'.*a newer version made it"):
        Database.open(tmp_path / "some.db")


def test_a_database_of_others_is_refused_and_left_alone(tmp_path: Path) -> None:
    with plain(tmp_path / "some.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = (tmp_path / "some.db").read_bytes()
    with pytest.raises(WrongDatabase, match="theirs"):
        Database.open(tmp_path / "some.db")
    assert (tmp_path / "some.db").read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(WrongDatabase, match="can't be read as a database"):
        Database.open(tmp_path / "some.db")


def test_opening_loads_no_alembic_and_an_existing_file_no_sqlalchemy(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rushes.db.sqlite import Database\n"
        "Database.open(Path(sys.argv[1])).close()\n"
        "print([name for name in ('alembic', 'sqlalchemy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "some.db")]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert said == ["['sqlalchemy']", "[]"]
