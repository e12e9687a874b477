"""Stored files in a folder: FOLDER/ab/abcd…/content and record.json beside it, FOLDER/incoming for uploads under way.

The choices: one rename puts bytes and record into place together, and cannot replace what is there; everything is
forced to the disk before `put` returns; a read takes what the page cache holds without leaving the event loop, and
goes to a thread only to wait for the disk. Several processes may share the folder. Signing and HTTP are done elsewhere.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import shutil
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from rushes.files.acl import Acl, acl_from
from rushes.files.incoming import CONTENT, RECORD, Draft, Incoming, Steps, fsync_folder, held, receive, write_durably
from rushes.files.names import clean_name
from rushes.files.store import FileMissing, FileTaken, FileTooLarge, StoredFile, content_id, is_id
from rushes.files.types import sniffed_type, suffix_of
from rushes.files.urls import stored_url

CHUNK_BYTES = 256 * 1024
INCOMING = "incoming"
THREADS = 16  # of our own: slow disks must not hold up what else the process does in threads
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)  # of a record: other JSON than ours, or none

LOG = logging.getLogger(__name__)

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


@dataclass(frozen=True, slots=True)
class Wish:
    """How content is to be kept; without `file_id` the id follows from it."""

    file_id: str | None
    name: str
    account: str
    content_type: str | None
    expires_at: float | None
    acl: Acl | None

    def __post_init__(self) -> None:
        if self.file_id is not None and not is_id(self.file_id):
            raise ValueError(f"{self.file_id!r} is not a file id: expected 40 hexadecimal digits, as new_id() gives")


class DiskStore:
    """A FileStore on a folder. `secret` keys the ids of files that are named by their content."""

    def __init__(self, folder: Path, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        """Prepare the folder and remove what uploads of killed processes have left."""
        self._folder = folder
        self._secret = secret
        self._clock = clock
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # who can list ids may read every file by them
        self._incoming = Incoming(folder / INCOMING)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")

    def close(self) -> None:
        """Let the next start clean up after us. Call it when no put or open is under way any more."""
        self._threads.shutdown()
        self._incoming.close()

    async def put(
        self,
        content: AsyncIterable[bytes] | Path,
        *,
        name: str,
        account: str,
        content_type: str | None = None,
        file_id: str | None = None,
        expires_at: float | None = None,
        max_bytes: int | None = None,
        acl: Acl | None = None,
    ) -> StoredFile:
        """See FileStore.put."""
        wish = Wish(file_id, name, account, content_type, expires_at, acl)
        async with self._drafted() as draft:
            if isinstance(content, Path):
                await self._in_thread(draft.copy, content, max_bytes)
            else:
                await receive(draft, content, max_bytes, self._threads)
            return await self._in_thread(self._keep, draft, wish)

    async def join(
        self,
        parts: Sequence[str],
        *,
        name: str,
        account: str,
        file_id: str,
        content_type: str | None = None,
        expires_at: float | None = None,
        max_bytes: int | None = None,
        acl: Acl | None = None,
    ) -> StoredFile:
        """See FileStore.join."""
        wish = Wish(file_id, name, account, content_type, expires_at, acl)
        async with self._drafted() as draft:
            steps = Steps(draft, self._threads)
            try:
                for part in parts:
                    await steps.take(partial(self._append, draft, part, max_bytes))
            finally:
                await steps.end()
            return await self._in_thread(self._replace, draft, wish, parts)

    @asynccontextmanager
    async def _drafted(self) -> AsyncIterator[Draft]:
        draft = await self._made(self._incoming.draft, Draft.drop)
        try:
            yield draft
        except BaseException:
            # Shielded: a second cancel must not keep the draft.
            await asyncio.shield(self._in_thread(draft.drop))
            raise

    @asynccontextmanager
    async def open(self, file_id: str, start: int = 0, stop: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """See FileStore.open."""
        record = await self.stat(file_id)
        if record is None:
            raise FileMissing(file_id)
        # Negative ends and ends beyond the file mean what they mean in Python.
        start, stop, _ = slice(start, stop).indices(record.size_bytes)
        try:
            handle = await self._made(partial(os.open, self._place(file_id) / CONTENT, os.O_RDONLY), os.close)
        except FileNotFoundError:
            raise FileMissing(file_id) from None
        try:
            yield self._chunks(handle, start, stop)
        finally:
            os.close(handle)

    async def stat(self, file_id: str) -> StoredFile | None:
        """See FileStore.stat."""
        if not is_id(file_id):
            return None
        return await self._in_thread(self._load, file_id)

    async def set_acl(self, file_id: str, acl: Acl | None) -> bool:
        """See FileStore.set_acl."""
        if await self.stat(file_id) is None:
            return False
        return await self._in_thread(self._set_acl, file_id, acl)

    async def delete(self, file_id: str) -> bool:
        """See FileStore.delete."""
        if await self.stat(file_id) is None:
            return False
        return await self._in_thread(self._remove, file_id)

    def url(self, file_id: str, name: str) -> str:
        """See FileStore.url."""
        return stored_url(file_id, name)

    async def sweep(self) -> int:
        """See FileStore.sweep."""
        return await self._in_thread(self._sweep)

    async def _in_thread(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def _made(self, make: Callable[[], Result], undo: Callable[[Result], object]) -> Result:
        """As `_in_thread`, for what must be given back: what is made for a caller who has gone meanwhile is undone."""
        making = asyncio.get_running_loop().run_in_executor(self._threads, make)
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(lambda made: None if made.cancelled() or made.exception() else undo(made.result()))
            raise

    def _place(self, file_id: str) -> Path:
        return self._folder / file_id[:2] / file_id

    def _named_by_content(self, record: StoredFile) -> StoredFile:
        facts = [record.account, record.sha256, record.name, record.content_type]
        if record.acl is not None:  # else a private upload could turn out to be a public file of the same bytes
            facts.append(json.dumps(asdict(record.acl)))
        return replace(record, id=content_id(self._secret, *facts))

    def _read_record(self, file_id: str) -> StoredFile | None:
        try:
            stored = json.loads((self._place(file_id) / RECORD).read_bytes())
        except FileNotFoundError:
            return None
        return StoredFile(**stored | {"acl": acl_from(stored.get("acl"))})

    def _load(self, file_id: str) -> StoredFile | None:
        record = self._read_record(file_id)
        return None if record is None or self._is_over(record) else record

    def _is_over(self, record: StoredFile) -> bool:
        return record.expires_at is not None and record.expires_at <= self._clock()

    def _append(self, draft: Draft, part: str, max_bytes: int | None) -> None:
        record = self._load(part) if is_id(part) else None
        if record is None:
            raise FileMissing(part)
        if max_bytes is not None and draft.size_bytes + record.size_bytes > max_bytes:
            raise FileTooLarge(max_bytes)
        try:
            draft.append(self._place(part) / CONTENT, record)
        except FileNotFoundError:
            raise FileMissing(part) from None

    def _replace(self, draft: Draft, wish: Wish, parts: Sequence[str]) -> StoredFile:
        """Keep what was joined, let its parts vanish, and free their space later, which takes as long as all the rest.

        Not forced to the disk: a part that comes back after a power cut expires by itself.
        """
        joined = self._keep(draft, wish)
        gone = [self._incoming.take_away(self._place(part)) for part in parts]
        self._threads.submit(_free, [place for place in gone if place is not None])
        return joined

    def _recorded(self, draft: Draft, wish: Wish) -> StoredFile:
        kind = wish.content_type or sniffed_type(draft.head)
        record = StoredFile(
            id=wish.file_id or "",
            name=clean_name(wish.name, suffix_of(kind)),
            content_type=kind,
            size_bytes=draft.size_bytes,
            sha256=draft.sha256,
            account=wish.account,
            created_at=self._clock(),
            expires_at=wish.expires_at,
            acl=_written(wish.acl),
        )
        return record if wish.file_id else self._named_by_content(record)

    def _keep(self, draft: Draft, wish: Wish) -> StoredFile:
        record = self._recorded(draft, wish)
        draft.seal(record)
        # Until ours lies there or the same content does: others may put or delete this id at any moment.
        while not self._move_into_place(draft.folder, record.id):
            kept = self._load(record.id)
            if kept is None:  # expired, or deleted just now: make room
                self._drop_expired(record.id)
            elif kept.sha256 != record.sha256:
                raise FileTaken(record.id)
            elif (same := self._extended(kept, record.expires_at)) is not None:
                record = same
                draft.drop()
                break
        fsync_folder(self._place(record.id).parent)
        return record

    def _move_into_place(self, folder: Path, file_id: str) -> bool:
        """Rename, which both shows the file and fails if there is one already, whoever else tries at the same time."""
        place = self._place(file_id)
        if not place.parent.is_dir():
            # A shelf's name has to survive a power cut as well as what is put on it.
            place.parent.mkdir(exist_ok=True)
            fsync_folder(self._folder)
        try:
            os.rename(folder, place)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            return False
        return True

    def _extended(self, kept: StoredFile, until: float | None) -> StoredFile | None:
        """Let the later of two expiries hold; None is the latest. Returns None when the file was deleted just now."""

        def later(record: StoredFile) -> StoredFile:
            if record.expires_at is None or (until is not None and until <= record.expires_at):
                return record
            return replace(record, expires_at=until)

        return self._changed(kept.id, later)

    def _set_acl(self, file_id: str, acl: Acl | None) -> bool:
        return self._changed(file_id, lambda record: replace(record, acl=_written(acl))) is not None

    def _changed(self, file_id: str, change: Callable[[StoredFile], StoredFile]) -> StoredFile | None:
        """Read a record, write it changed, with nobody between; None when its file is gone."""
        place = self._place(file_id)
        try:
            with held(place):
                kept = self._load(file_id)
                if kept is None:
                    return None
                record = change(kept)
                if record != kept:
                    draft = place / f"{RECORD}.new"
                    write_durably(draft, json.dumps(asdict(record)).encode())
                    os.replace(draft, place / RECORD)
                    fsync_folder(place)
                return record
        except FileNotFoundError:  # deleted meanwhile
            return None

    def _drop_expired(self, file_id: str) -> bool:
        """Remove what is over; looked at again under its lock, since somebody may have put the same anew meanwhile."""
        try:
            with held(self._place(file_id)):
                record = self._read_record(file_id)
                return (record is None or self._is_over(record)) and self._remove(file_id)
        except FileNotFoundError:  # somebody else was quicker
            return False

    def _remove(self, file_id: str) -> bool:
        place = self._place(file_id)
        if not self._incoming.discard(place):
            return False
        # Or a power cut would bring back what its owner deleted.
        fsync_folder(place.parent)
        return True

    async def _chunks(self, handle: int, start: int, stop: int) -> AsyncIterator[bytes]:
        while start < stop:
            wanted = min(CHUNK_BYTES, stop - start)
            chunk = _cached(handle, wanted, start) or await self._in_thread(os.pread, handle, wanted, start)
            if not chunk:
                raise OSError(errno.EIO, f"the stored file ends at byte {start}, expected {stop}")
            start += len(chunk)
            yield chunk

    def _sweep(self) -> int:
        return sum(self._drop_expired(record.id) for record in self._records() if self._is_over(record))

    def _records(self) -> Iterator[StoredFile]:
        for shelf in self._folder.iterdir():
            if len(shelf.name) == 2:
                for place in shelf.iterdir():
                    try:
                        record = self._read_record(place.name)
                    except _UNREADABLE as error:  # else one bad record would keep all others past their end
                        LOG.error("the record of the stored file %s can't be read: %s", place.name, error)
                        continue
                    if record is not None:
                        yield record


def _free(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder)


def _written(acl: Acl | None) -> Acl | None:
    """Return what a record holds: nothing for a list that says nothing."""
    return None if acl is None or acl.is_open else acl


def _cached(handle: int, wanted: int, start: int) -> bytes:
    """Return what the page cache gives at once, perhaps less than wanted; nothing where the disk must be waited for."""
    flag = getattr(os, "RWF_NOWAIT", None)  # Linux only
    if flag is None:
        return b""
    buffer = bytearray(wanted)
    try:
        count = os.preadv(handle, [buffer], start, flag)
    except OSError:  # EAGAIN: not cached; EOPNOTSUPP: this file system cannot tell
        return b""
    return bytes(memoryview(buffer)[:count])
