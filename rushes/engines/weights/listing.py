"""What a repository of the Hub holds, as the Hub tells it: files with size and hash, at one commit. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

_DIGEST = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file; `digest` is its content's SHA-256 where it is `large`, else the SHA-1 that git has for it."""

    path: str
    size: int
    digest: str
    large: bool

    def hasher(self) -> Any:
        """Return what takes the content in pieces and gives the digest."""
        if self.large:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)  # as git names what it keeps


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a repository at one commit."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]

    def file(self, path: str) -> HubFile | None:
        """Return the file of this path, None where there is none."""
        return next((one for one in self.files if one.path == path), None)


def read_listing(repository: str, told: Mapping[str, Any]) -> Listing:
    """Read the Hub's answer. Raises ValueError where it is none, or would lead out of the cache's folder."""
    try:
        commit, files = str(told["sha"]), tuple(_file(one) for one in told["siblings"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it lacks what a listing has: {error}") from None
    if not _COMMIT.fullmatch(commit):
        raise ValueError("it names no commit")
    return Listing(repository, commit, files)


def _file(told: Mapping[str, Any]) -> HubFile:
    path, large = str(told["rfilename"]), told.get("lfs") or {}
    size, digest = (large["size"], large["sha256"]) if large else (told["size"], told["blobId"])
    # Both become places on this disk, by the word of a server.
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path:
        raise ValueError(f"a file is called {path!r}")
    if not _DIGEST.fullmatch(str(digest)) or not isinstance(size, int) or size < 0:
        raise ValueError(f"size or hash of {path} make no sense")
    return HubFile(path, size, digest, bool(large))
