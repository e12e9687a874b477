"""A model's program as a process: started under its keeper, read, watched over, and ended with all that it started.

Knows nothing of models. The program gets the variables it is given and no others, so no key of ours; it can't outlive
this process (`keeper`). What it took and wrote is measured now and then, and too much of it ends the program.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rushes.engines.upstream import keeper
from rushes.engines.upstream.reading import Lines

TURN_S = 0.1
MEASURE_S = 2.0  # walking through a folder and /proc takes a while where there is much in them
_GRACE_S = keeper.GRACE_S + 5.0  # what the keeper gets to end everybody
_KEPT = 400  # last lines: each process of several ends with a traceback, and their starter with its own
_PIECE = 65_536
MARK = "RUSHES_FILM_FOLDER"
"""The variable by which all processes of one film can be told."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, and what it may take at most: bytes on the disk below its folder, and of memory (None: all).

    Of the programs that share one of their `turns`, files, only one runs at a time, whichever processes start them.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    timeout_s: float
    disk_bytes: int
    memory_bytes: int | None = None
    turns: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code (128 + N after signal N), and its last lines, of both its outputs."""

    code: int
    last: tuple[str, ...]


class TookTooMuch(Exception):
    """The program was ended since it took more than it may; `what` is "time", "disk" or "memory"."""

    def __init__(self, what: str, told: str) -> None:
        self.what = what
        super().__init__(told)


def run(program: Program, heard: Callable[[str], None], between: Callable[[], None]) -> Ended:
    """Run it to its end. `heard` gets each line, `between` is called all the time; what it raises ends the program.

    Raises TookTooMuch, and OSError where nothing can be started. Nothing of the program is left when this returns.
    """
    with _turns(program, heard, between) as turns:
        return _run(program, turns, heard, between)


def _run(program: Program, turns: tuple[int, ...], heard: Callable[[str], None], between: Callable[[], None]) -> Ended:
    held, tie = os.pipe()
    with os.fdopen(tie, "wb", buffering=0) as wanted:  # closed whatever happens here, and that ends the program
        try:
            process = _started(program, held, turns)
        finally:
            os.close(held)
        running = _Running(program, process, heard)
        try:
            running.follow(between)
        finally:
            wanted.close()
            running.leave()
    return Ended(_code(process.returncode), tuple(running.last))


@contextmanager
def _turns(program: Program, heard: Callable[[str], None], between: Callable[[], None]) -> Iterator[tuple[int, ...]]:
    """Wait for all turns and keep them; yields the descriptors by which a keeper keeps them too, should we be killed.

    Who has one waits for the next, so that all have to take them in the same order.
    """
    with ExitStack() as held:
        locks: list[int] = []
        for turn in program.turns:
            locks.append(os.open(turn, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            held.callback(os.close, locks[-1])
            _wait_for(locks[-1], heard, between)
        yield tuple(locks)


def _wait_for(lock: int, heard: Callable[[str], None], between: Callable[[], None]) -> None:
    waiting = False
    while not _locked(lock):
        if not waiting:
            heard("Waiting for the end of the film before this one")
        waiting = True
        between()
        time.sleep(TURN_S)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):  # as some network disks say: there, nothing is held
            raise
    return True


def _started(program: Program, tie: int, turns: tuple[int, ...]) -> subprocess.Popen[bytes]:
    told = {"folder": str(program.folder), "file_bytes": program.disk_bytes}
    return subprocess.Popen(
        # The program's words as they are: within JSON a long one could be longer than the system takes.
        [sys.executable, "-I", "-S", str(Path(keeper.__file__)), json.dumps(told), *program.command],
        stdin=tie,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env={**program.environment, MARK: str(program.folder)},
        start_new_session=True,
        pass_fds=turns,  # to the keeper only, which starts the program without them
    )


def _code(status: int) -> int:
    return status if status >= 0 else 128 - status


class _Running:
    """One run: what is read of it, and what it takes."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes], heard: Callable[[str], None]) -> None:
        self._program, self._process, self._heard = program, process, heard
        self.last: deque[str] = deque(maxlen=_KEPT)
        self._selector = selectors.DefaultSelector()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, Lines())
        self._ends = time.monotonic() + program.timeout_s
        self._measured = time.monotonic()

    def follow(self, between: Callable[[], None]) -> None:
        """Read until the program has ended."""
        while self._process.poll() is None:
            between()
            self._read(TURN_S)
            self._check()
        self._drain()

    def leave(self) -> None:
        """Wait for the end of all there is, and see that it comes."""
        # No more signs of life here: the keeper is done within its grace, before anybody takes the job for silent.
        try:
            self._process.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _end_marked(self._program.folder)
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _read(self, wait_s: float) -> bool:
        """Pass on what has come; False where nothing came."""
        if not self._selector.get_map():
            time.sleep(wait_s)
            return False
        ready = self._selector.select(wait_s)
        for key, _ in ready:
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment]
            data = os.read(stream.fileno(), _PIECE)
            if not data:
                self._selector.unregister(stream)
            for line in key.data.feed(data, last=not data):
                self.last.append(line)
                self._heard(line)
        return bool(ready)

    def _drain(self) -> None:
        """Read what the program wrote last; nobody else holds its output any more."""
        ends = time.monotonic() + 1.0
        while self._selector.get_map() and time.monotonic() < ends and self._read(TURN_S):
            continue

    def _check(self) -> None:
        # The keeper's limit is on each file, which the system watches over; what many take together only a look tells.
        now = time.monotonic()
        if now > self._ends:
            raise TookTooMuch("time", f"it took longer than {self._program.timeout_s:g} s")
        if now < self._measured + MEASURE_S:
            return
        self._measured = now
        disk, memory = folder_bytes(self._program.folder), self._program.memory_bytes
        if disk > self._program.disk_bytes:
            most = f"{self._program.disk_bytes / 1e9:g} GB"
            raise TookTooMuch("disk", f"it has written {disk / 1e9:.2f} GB, and {most} are allowed")
        if memory is not None and (taken := memory_of(self._process.pid)) > memory:
            most = f"{memory / 1e9:g} GB"
            raise TookTooMuch("memory", f"it took {taken / 1e9:.2f} GB of the machine's memory, and {most} are allowed")


def folder_bytes(folder: Path) -> int:
    """Return how much the files below a folder take on the disk."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # it has just been removed
            total += path.lstat().st_blocks * 512
    return total


def memory_of(pid: int) -> int:
    """Return how much memory the processes below one take, in bytes; mapped files and what is shared count for none."""
    page, total = os.sysconf("SC_PAGE_SIZE"), 0
    for one in keeper.descendants(pid):
        with suppress(OSError, ValueError, IndexError):
            resident, shared = Path(f"/proc/{one}/statm").read_text().split()[1:3]
            total += (int(resident) - int(shared)) * page
    return total


def _end_marked(folder: Path) -> None:
    """Kill what is left of a film's processes, should its keeper have been killed before it could."""
    # By their variables, which children inherit: whose child an orphan was nobody can tell any more.
    mark = f"{MARK}={folder}".encode()
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # somebody else's, or just ended
            if mark in place.read_bytes().split(b"\0"):
                os.kill(int(place.parent.name), signal.SIGKILL)
