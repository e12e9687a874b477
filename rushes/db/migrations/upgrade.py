"""Runs the migrations on a file; whether it needs them is decided by `db.schema`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool


def config() -> Config:
    """Alembic's settings, without an ini file."""
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return found


def knows(revision: str) -> bool:
    """Whether there is a migration of this name."""
    scripts = ScriptDirectory.from_config(config())
    return revision in {script.revision for script in scripts.walk_revisions()}


def upgrade(path: Path, to: str = "head") -> None:
    """Bring a file up to a revision, all of it or nothing."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    # The driver would otherwise commit before each CREATE, and a crash would leave half a migration.
    event.listen(engine, "connect", lambda dbapi, _: setattr(dbapi, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, to)
