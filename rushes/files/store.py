"""Stored files, the contract: bytes with an unguessable id, a name, a type, an owner and perhaps an end.

    FileError
    ├── FileMissing     no file has this id, or its time is over
    ├── FileTooLarge    more bytes came than the caller of `put` allows
    └── FileTaken       the id already holds other content

A file is written once and its bytes never change, hence caches may keep it for ever; who may read it may change. Every
backend passes the same tests (tests/files/contract.py). HTTP, keys of callers and the URLs under which we are reached
belong to the gateway.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rushes.files.acl import Acl

ID_BYTES = 20  # 160 bits; hex, because some file systems do not tell upper from lower case
_ID = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")


class FileError(Exception):
    """Base of what a store refuses."""


class FileMissing(FileError):
    """There is no such file (any more)."""

    def __init__(self, file_id: str) -> None:
        super().__init__(f"no file has the id {file_id!r}, or it has expired")


class FileTooLarge(FileError):
    """More bytes came than allowed; what had come was thrown away."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"the file is larger than {limit_bytes} bytes, the most that is allowed here")


class FileTaken(FileError):
    """The id was given out once and holds other content; ask for a new id."""

    def __init__(self, file_id: str) -> None:
        super().__init__(f"the id {file_id!r} already holds other content; files never change, so use a new id")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file besides its bytes. Times are Unix seconds; `expires_at` None means kept until deleted."""

    id: str
    name: str  # clean, see names.clean_name
    content_type: str
    size_bytes: int
    sha256: str  # lower-case hex; of the content, or, of a joined file, of its parts' digests one after the other
    account: str
    created_at: float
    expires_at: float | None = None
    acl: Acl | None = None  # None: whoever knows the address may read it


class FileStore(Protocol):
    """Where files lie. Memory stays flat whatever the size; every method may be called from many tasks at once."""

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
        """Keep the content and return its record; from then on it survives a crash of process or machine.

        `name` is cleaned. Without `content_type` the type is read off the first bytes. Without `file_id` the id
        follows from account, content, name and type, so that the same upload twice is one file; then the later
        expiry holds. An `acl` is part of what the id follows from too, and what is kept already keeps its own. With
        `file_id` (from `new_id`) the same content again is no error. A `Path` is copied, not taken.

        Raises FileTooLarge as soon as more than `max_bytes` came, and FileTaken if `file_id` holds other
        content. When `content` raises, that error passes through; nothing is ever visible of a file that is not whole.
        """
        ...

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
        """Keep the bytes of stored files, in this order, as one new file, and remove them.

        Otherwise as `put`; FileMissing is raised for a part that is absent, and then all others stay.
        """
        ...

    def open(
        self, file_id: str, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Give the bytes [start, stop) in chunks, as slicing would: `async with store.open(id) as chunks`.

        Raises FileMissing on entering. A file deleted while it is read is read to its end.
        """
        ...

    async def stat(self, file_id: str) -> StoredFile | None:
        """Return the record; None when absent, expired, or not an id at all."""
        ...

    async def set_acl(self, file_id: str, acl: Acl | None) -> bool:
        """Replace who may read the file; False when there is none. It survives a crash once this returns."""
        ...

    async def delete(self, file_id: str) -> bool:
        """Remove the file; False when there was none."""
        ...

    def url(self, file_id: str, name: str) -> str:
        """Return the form that outputs hold, `rushes-file:/ID/NAME`; the gateway turns it into an address."""
        ...

    async def sweep(self) -> int:
        """Remove the bytes of expired files (they are absent already); return how many."""
        ...


def new_id() -> str:
    """Return a random id, for a file whose address is promised before its bytes have come."""
    return secrets.token_hex(ID_BYTES)


def is_id(text: str) -> bool:
    """Say whether a text has the form of an id; nothing else may become part of a path."""
    return _ID.fullmatch(text) is not None


def content_id(secret: bytes, *facts: str) -> str:
    """Return the id of a file known by its facts; without the server's secret, knowing the content is no help."""
    # With their lengths, or ("ab", "c") and ("a", "bc") would be one file.
    told = b"".join(len(fact.encode()).to_bytes(4) + fact.encode() for fact in facts)
    return hmac.new(secret, b"file-id" + told, hashlib.sha256).hexdigest()[: 2 * ID_BYTES]
