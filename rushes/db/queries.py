"""Reads a `.sql` file of named statements, so that SQL stands in files of its own.

A statement begins after a line `-- name: what_it_is_called` and ends before the next such line. Its own comments stay
in the file and cost nothing at run time.
"""

from __future__ import annotations

from pathlib import Path


def read_queries(path: Path) -> dict[str, str]:
    """Return the statements of a file by name; a name that stands there twice is a ValueError."""
    found: dict[str, str] = {}
    for part in path.read_text().split("-- name:")[1:]:
        name, _, body = part.partition("\n")
        if name.strip() in found:
            raise ValueError(f"{path} has two statements named {name.strip()!r}; give each its own name")
        found[name.strip()] = _without_comments(body)
    return found


def _without_comments(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if line.strip() and not line.lstrip().startswith("--"))
