"""Gives a database file its tables: new files at once, older ones by migration, files of others not at all.

A new file is made from `tables` and marked with the newest revision; `migrations` exists for files that are older.
A test proves that both ways end equal.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

REVISION = "0005"
"""The newest migration, which `tables` corresponds to."""

_VERSION_TABLE = """CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""


class WrongDatabase(ValueError):
    """The file can't be used by this version: it isn't ours, or a newer version made it."""


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Leave the database behind `connection` (autocommit) with the tables of REVISION, or raise WrongDatabase."""
    found = _revision(connection, path)
    if found is None:
        found = _fill(connection, path)
    if found != REVISION:
        _migrate(path, found)


def _fill(connection: sqlite3.Connection, path: Path) -> str:
    """Make the tables unless another process just did; a crash in between leaves nothing, DDL being transactional."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _revision(connection, path)
        if found is None:
            _refuse_foreign(connection, path)
            _create(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return found or REVISION


def _revision(connection: sqlite3.Connection, path: Path) -> str | None:
    """The revision that the file is marked with; None when it isn't marked."""
    try:
        marked = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    except sqlite3.DatabaseError as error:
        raise WrongDatabase(
            f"{path} can't be read as a database: {error}; name another data folder, or restore the file from a backup"
        ) from error
    if not marked:
        return None
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(rows[0][0]) if rows else None


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if names:
        raise WrongDatabase(
            f"{path} holds tables that are not ours ({', '.join(sorted(names)[:5])}); "
            "name another data folder, or move that file away"
        )


def _create(connection: sqlite3.Connection) -> None:
    # Imported here: SQLAlchemy takes 0.2 s to load, and a file that already has its tables needs none of it.
    from rushes.db.ddl import statements  # noqa: PLC0415

    for statement in statements():
        connection.execute(statement)
    connection.execute(_VERSION_TABLE)
    connection.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))


def _migrate(path: Path, found: str) -> None:
    # Imported here: Alembic takes 0.25 s to load and is needed once per upgrade.
    from rushes.db.migrations.upgrade import knows, upgrade  # noqa: PLC0415

    if not knows(found):
        raise WrongDatabase(
            f"{path} has database revision {found!r}, which this version doesn't know (its own is {REVISION!r}); "
            "a newer version made it: run that one, or name another data folder"
        )
    upgrade(path)
