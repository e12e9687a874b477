"""The Hub's cache on this machine, as all its tools share it: blobs by their hash, snapshots that link to them, refs.

    CACHE/models--ORGANISATION--NAME/blobs/HASH  snapshots/COMMIT/FOLDER/FILE -> ../../../blobs/HASH  refs/main

Knows nothing of the network.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rushes.engines.checkpoints import cache
from rushes.engines.weights.listing import HubFile


def free_bytes(folder: Path) -> int:
    """Return what is free on the disk that a folder lies on, or would lie on."""
    there = folder.absolute()
    # Before the first fetch none of the cache's folders is there yet.
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free


@dataclass(frozen=True, slots=True)
class Shelf:
    """One repository's place in the cache."""

    folder: Path

    @classmethod
    def of(cls, repository: str, environment: Mapping[str, str]) -> Shelf:
        """Return that of a repository, given as ORGANISATION/NAME."""
        return cls(cache(environment) / ("models--" + repository.replace("/", "--")))

    def blob(self, file: HubFile) -> Path:
        """Return where a file's content lies."""
        return self.folder / "blobs" / file.digest

    def unfinished(self, file: HubFile) -> Path:
        """Return where what has come of it lies, until it is whole."""
        return self.folder / "blobs" / f"{file.digest}.incomplete"

    def snapshot(self, commit: str) -> Path:
        """Return the folder of all files of a commit."""
        return self.folder / "snapshots" / commit

    def place(self, file: HubFile, commit: str) -> None:
        """Let a file whose content is here appear in its commit's folder."""
        blob, place = self.blob(file), self.snapshot(commit) / file.path
        if place.exists() and place.samefile(blob):
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        try:
            place.symlink_to(os.path.relpath(blob, place.parent))
        except OSError:  # a file system without links
            shutil.copyfile(blob, place)

    def note(self, revision: str, commit: str) -> None:
        """Note which commit a branch or tag is."""
        if revision == commit:  # a commit is found by its folder
            return
        ref = self.folder / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(commit)
