"""One file from the Hub to the cache: goes on where an earlier try was cut off, and is looked through before it counts.

What has come lies beside the place where it will, under a lock, so that two processes don't write the same. The hash
is reckoned while it comes; a file with another one is fetched once more from its beginning, and then given up.
"""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rushes.engines.deployed import FETCH, CannotPrepare
from rushes.engines.weights.cache import Shelf
from rushes.engines.weights.hub import Hub, Unsteady
from rushes.engines.weights.listing import HubFile, Listing

PIECE = 1 << 22  # bytes read at once
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # between tries in which nothing came
LONGEST_PAUSE_S = 300.0  # that a Hub may ask for


class Stopped(Exception):
    """Another file failed, so this one is left as it is."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """What all files of one repository share.

    `came` is told how many bytes came, `had` how many were here; `pause` waits for so many seconds and says False where
    the waiting is to end; `wanted` is looked at after every piece.
    """

    hub: Hub
    listing: Listing
    shelf: Shelf
    came: Callable[[int], None]
    had: Callable[[int], None]
    pause: Callable[[float], bool]
    wanted: Callable[[], bool]

    def fetch(self, file: HubFile) -> None:
        """Make the file whole. Raises CannotPrepare, Stopped."""
        blob, beside = self.shelf.blob(file), self.shelf.unfinished(file)
        if is_whole(file, blob):
            self.had(file.size)
            return
        blob.unlink(missing_ok=True)  # what went bad has no use as a beginning: nobody knows where it did
        beside.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("a+b") as out:
            _lock(out, file)
            if not self._whole_after(file, out) and not self._whole_after(file, out):
                raise CannotPrepare(
                    f"{file.path} came twice with another content than the Hub promises; something on the way changes "
                    f"it, or the disk is broken. Try again, or by another network"
                )
            beside.replace(blob)  # in one step: a file under its own name is always whole

    def _whole_after(self, file: HubFile, out: BinaryIO) -> bool:
        """Fetch what is missing, and say whether it is what was promised; if not, nothing of it stays."""
        hashed = self._take_up(file, out)
        failures = 0  # in a row in which nothing came: a line that breaks every minute still ends
        while out.tell() < file.size:
            before = out.tell()
            try:
                hashed = self._go_on(file, out, hashed)
                continue
            except Unsteady as trouble:
                failures = 0 if out.tell() > before else failures + 1
                self._wait(trouble, failures)
        if hashed.hexdigest() == file.digest:
            return True
        self.came(-out.tell())
        out.seek(0)
        out.truncate()
        return False

    def _take_up(self, file: HubFile, out: BinaryIO) -> Any:
        """Hash what has come before, leaving the place at its end; what is longer than the file is thrown away."""
        hashed = file.hasher()
        out.seek(0, 2)
        if out.tell() > file.size:
            out.truncate(0)
        out.seek(0)
        while piece := out.read(PIECE):
            self._look()
            hashed.update(piece)
            self.had(len(piece))
        return hashed

    def _go_on(self, file: HubFile, out: BinaryIO, hashed: Any) -> Any:
        with self.hub.stream(self.listing, file, out.tell()) as (begins, pieces):
            if begins < out.tell():  # a server that knows no ranges, or something on the way that has the whole
                self.came(-out.tell())
                out.seek(0)
                out.truncate()
                hashed = file.hasher()
            for piece in pieces:
                self._look()
                taken = piece[: file.size - out.tell()]  # one that sends more than was promised fills no disk
                _write(out, taken)
                hashed.update(taken)
                self.came(len(taken))
                if len(taken) < len(piece):
                    break
        if out.tell() < file.size:
            raise Unsteady("the connection ended before the file did")
        return hashed

    def _wait(self, trouble: Unsteady, failures: int) -> None:
        if failures > len(PAUSES_S):
            raise CannotPrepare(f"{trouble}; what has come is kept. Later, {FETCH}") from None
        least = PAUSES_S[max(0, failures - 1)]
        if not self.pause(min(LONGEST_PAUSE_S, max(least, trouble.wait_s or 0.0))):
            raise Stopped

    def _look(self) -> None:
        if not self.wanted():
            raise Stopped


def is_whole(file: HubFile, blob: Path) -> bool:
    """Say whether a file that is here has the size and hash that it should."""
    if not blob.is_file() or blob.stat().st_size != file.size:
        return False
    hashed = file.hasher()
    with blob.open("rb") as content:
        while piece := content.read(PIECE):
            hashed.update(piece)
    return bool(hashed.hexdigest() == file.digest)


def _lock(out: BinaryIO, file: HubFile) -> None:
    """Hold the file; on a disk that knows no locks, as some network disks, nothing is held."""
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotPrepare(f"another process fetches {file.path} just now; wait until it is done") from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
            raise


def _write(out: BinaryIO, piece: bytes) -> None:
    try:
        out.write(piece)
        out.flush()  # what is written survives this process
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise CannotPrepare(f"the disk is full; what has come is kept. Make room, then {FETCH}") from None
