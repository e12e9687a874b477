"""The folder of one film's files: made for it, held while its process lives, removed by a later one if that was killed.

A process that is killed removes nothing, and films are large. Which folders are still somebody's is told by locks: they
end with their process, whose number would mean nothing to other containers that share the place.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PREFIX = "rushes-film-"
_HELD = ".held"


@dataclass(frozen=True, slots=True)
class FilmFolder:
    """One film's, at a real path; `lock` is the descriptor that holds it."""

    path: Path
    lock: int

    def remove(self) -> None:
        """Remove it with all that is in it; called once."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def make_folder() -> FilmFolder:
    """Make one for a film. Raises OSError."""
    path = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    lock = os.open(path / "new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with suppress(OSError):  # a disk that knows no locks: there, nobody can tell what is left over
        fcntl.flock(lock, fcntl.LOCK_EX)
        (path / "new").rename(path / _HELD)  # only now can it be found, or it might be taken for left over
    return FilmFolder(path, lock)


def remove_leftovers() -> None:
    """Remove the folders of films whose process was killed; others' and those still held stay."""
    for held in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_HELD}"):
        with suppress(OSError):
            lock = os.open(held, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(held.parent, ignore_errors=True)
            finally:
                os.close(lock)
