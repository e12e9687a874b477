"""Turns `tables` into SQLite's CREATE statements; executes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from rushes.db.tables import metadata


def statements() -> Iterator[str]:
    """Yield what makes every table and index, parents first."""
    dialect = sqlite.dialect()
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        # They come as a set; every new file shall be made in the same order.
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
