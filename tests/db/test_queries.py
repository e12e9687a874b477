"""Named statements from a file."""

from pathlib import Path

import pytest

from rushes.db.queries import read_queries


def test_statements_are_found_by_name_without_their_comments(tmp_path: Path) -> None:
    file = tmp_path / "some.sql"
    file.write_text("-- About the file\n\n-- name: one\n-- why\nSELECT 1\n\n-- name: two\nSELECT\n  2\n")
    assert read_queries(file) == {"one": "SELECT 1", "two": "SELECT\n  2"}


def test_a_name_used_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.sql"
    file.write_text("-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n")
    with pytest.raises(ValueError, match="two statements named 'one'"):
        read_queries(file)
