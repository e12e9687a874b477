"""Uploads that are not whole yet: a locked folder for each process, and one draft for each upload.

A draft is a folder with the bytes and, once sealed, the record; `disk` moves it into place with one rename, so that a
file is there whole or not at all. What a killed process left behind is removed at the next start: its lock is gone.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rushes.files.store import FileTooLarge, StoredFile
from rushes.files.types import HEAD_BYTES

CONTENT = "content"
RECORD = "record.json"
FORCED_BYTES = 16 * 1024 * 1024  # so much written is given to the disk while more comes
MOST_CHUNKS = 1024  # in a batch; the kernel takes no more at once
BATCH_BYTES = 1024 * 1024  # a hop to a thread costs about 0.1 ms, writing and hashing this much about 1 ms


class Incoming:
    """This process's folder of drafts, below a folder that all processes share."""

    def __init__(self, shared: Path) -> None:
        shared.mkdir(parents=True, exist_ok=True)
        with held(shared):  # so that nobody sweeps our new folder before we have locked it
            _sweep_abandoned(shared)
            self._folder = Path(tempfile.mkdtemp(prefix="process-", dir=shared))
            self._lock = _try_lock(self._folder)

    def draft(self) -> Draft:
        """Start an upload."""
        return Draft(Path(tempfile.mkdtemp(prefix="draft-", dir=self._folder)))

    def discard(self, place: Path) -> bool:
        """Make a folder vanish at once, then free its space; False when it is not there."""
        gone = self.take_away(place)
        if gone is None:
            return False
        shutil.rmtree(gone)
        return True

    def take_away(self, place: Path) -> Path | None:
        """Make a folder vanish and return where it lies now, for its space to be freed; None: there is none."""
        gone = Path(tempfile.mkdtemp(prefix="gone-", dir=self._folder))
        try:
            os.rename(place, gone)  # onto an empty folder, which rename replaces
        except FileNotFoundError:
            gone.rmdir()
            return None
        return gone

    def close(self) -> None:
        """Give the folder up; the next start removes it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class Draft:
    """One upload on its way: counts and hashes what is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size_bytes = 0
        self._hash = hashlib.sha256()
        # Unbuffered: batches are large, and `writev` goes past Python's buffer.
        self._file = (folder / CONTENT).open("x+b", buffering=0)
        self._forced_bytes = 0

    @property
    def sha256(self) -> str:
        """Digest of everything written so far, in hex."""
        return self._hash.hexdigest()

    @property
    def head(self) -> bytes:
        """The first bytes, for sniffing."""
        return os.pread(self._file.fileno(), HEAD_BYTES, 0)

    def write(self, chunks: list[bytes]) -> None:
        """Append chunks, of which `digest` must be told as well, in the same order; blocks."""
        total = sum(map(len, chunks))
        written = os.writev(self._file.fileno(), chunks) if total else 0
        if written < total:
            rest = memoryview(b"".join(chunks))[written:]
            while rest:
                rest = rest[self._file.write(rest) :]
        self.size_bytes += total

    def digest(self, chunks: list[bytes]) -> None:
        """Hash chunks; may go on at the same time as `write`."""
        for chunk in chunks:
            self._hash.update(chunk)

    def copy(self, source: Path, max_bytes: int | None) -> None:
        """Append a file; blocks. Raises FileTooLarge."""
        with source.open("rb") as file:
            while chunk := file.read(BATCH_BYTES):
                if max_bytes is not None and self.size_bytes + len(chunk) > max_bytes:
                    raise FileTooLarge(max_bytes)
                self.write([chunk])
                self.digest([chunk])

    def append(self, source: Path, record: StoredFile) -> None:
        """Append a stored file, unread where the file system can copy by itself; its digest stands for its bytes."""
        handle = os.open(source, os.O_RDONLY)
        try:
            if os.fstat(handle).st_size != record.size_bytes:
                raise OSError(errno.EIO, f"the stored file has not the {record.size_bytes} bytes of its record")
            _copy(handle, self._file.fileno(), record.size_bytes)
        finally:
            os.close(handle)
        self._hash.update(bytes.fromhex(record.sha256))
        self.size_bytes += record.size_bytes

    @property
    def lies_back(self) -> bool:
        """Whether enough has been written since `force` to let the disk begin with it."""
        return self.size_bytes - self._forced_bytes >= FORCED_BYTES

    def force(self) -> None:
        """Force to the disk what has been written so far, so that less is left for the end; blocks."""
        # Before the sync: what is written meanwhile is the next one's.
        self._forced_bytes = self.size_bytes
        os.fsync(self._file.fileno())

    def seal(self, record: StoredFile) -> None:
        """Add the record and force all of it to the disk; blocks."""
        os.fsync(self._file.fileno())
        self._file.close()
        write_durably(self.folder / RECORD, json.dumps(asdict(record)).encode())
        fsync_folder(self.folder)

    def drop(self) -> None:
        """Remove whatever is left of the draft; after it was moved into place, nothing is."""
        self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Steps:
    """Work on a draft in threads: one step after the other, while more is prepared and the disk takes what is there.

    A step's error is raised by a later step or at the end. `end` must be awaited before the draft is sealed or dropped.
    """

    def __init__(self, draft: Draft, threads: Executor) -> None:
        self._draft = draft
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._step: list[asyncio.Future[None]] = []
        self._forcing: list[asyncio.Future[None]] = []

    async def take(self, *works: Callable[[], None]) -> None:
        """Wait for the step before, then begin this one, whose works go on at the same time."""
        await self._done(self._step)
        self._step = [self._loop.run_in_executor(self._threads, work) for work in works]
        if self._draft.lies_back and all(one.done() for one in self._forcing):
            await self._done(self._forcing)
            self._forcing = [self._loop.run_in_executor(self._threads, self._draft.force)]

    async def end(self) -> None:
        """Wait until no thread is at work any more, also when cancelled before; then raise what went wrong."""
        await self._done(self._step + self._forcing)

    @staticmethod
    async def _done(futures: list[asyncio.Future[None]]) -> None:
        if futures:
            await asyncio.wait(futures)  # awaited themselves they would be cancelled, and their threads work on unseen
        for one in futures:
            one.result()


async def receive(draft: Draft, content: AsyncIterable[bytes], max_bytes: int | None, threads: Executor) -> None:
    """Write a stream into a draft: while threads write and hash one batch, the next one is received.

    Raises FileTooLarge as soon as there is one byte too many, and whatever the stream raises.
    """
    steps = Steps(draft, threads)
    batch: list[bytes] = []
    batched = received = 0
    try:
        async for chunk in content:
            received += len(chunk)
            if max_bytes is not None and received > max_bytes:
                raise FileTooLarge(max_bytes)
            batch.append(chunk)
            batched += len(chunk)
            if batched >= BATCH_BYTES or len(batch) >= MOST_CHUNKS:
                await steps.take(partial(draft.write, batch), partial(draft.digest, batch))
                batch, batched = [], 0
        await steps.take(partial(draft.write, batch), partial(draft.digest, batch))
    finally:
        await steps.end()


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file and force it to the disk; its folder is the caller's to force."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _try_lock(folder: Path) -> int | None:
    """Lock a folder; None when another process (or store) holds it. The kernel lets go when the holder dies."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a folder against all others who do so, in this process and in others; blocks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep_abandoned(shared: Path) -> None:
    for folder in shared.iterdir():
        if not folder.is_dir():  # what a file manager leaves behind must not keep a server from starting
            continue
        lock = _try_lock(folder)
        if lock is not None:
            shutil.rmtree(folder)
            os.close(lock)


def _copy(source: int, target: int, size_bytes: int) -> None:
    """Copy within the kernel, which shares the blocks where the file system can; through memory where it can't."""
    left = size_bytes
    within = getattr(os, "copy_file_range", None)  # Linux only
    while left:
        count = 0
        if within is not None:
            try:
                count = within(source, target, left)
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}:
                    raise
                within = None
        if within is None:
            rest = memoryview(os.read(source, min(left, BATCH_BYTES)))
            count = len(rest)
            while rest:
                rest = rest[os.write(target, rest) :]
        if not count:
            raise OSError(errno.EIO, f"the stored file ended {left} bytes early")
        left -= count
