"""A folder of the operator's own, filled with what it lacks of the published weights.

Only parts that are missing or broken are fetched, so that weights of one's own beside them stay. All of it comes into
the folder itself: it may have been chosen for its disk, and what was cut off goes on from there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from rushes.engines.deployed import CannotPrepare, Say
from rushes.engines.longcat.official import HUB_ID, chosen, in_trouble
from rushes.engines.weights.choosing import Read
from rushes.engines.weights.fetch import Fetching, Wanted, fetch
from rushes.engines.weights.listing import HubFile, Listing

UNDER_WAY = ".fetching"  # folder for what has not come yet, beside the parts


def fill(folder: Path, environment: Mapping[str, str], say: Say, *, dry_run: bool, source: str = HUB_ID) -> bool:
    """Fetch what is missing or broken; say whether there was anything. Raises CannotPrepare."""
    parts = in_trouble(folder)
    if not parts:
        return False
    if not folder.parent.is_dir():  # more likely a slip of the pen than where 45 GB are to go
        raise CannotPrepare(f"there is no folder {folder.parent} to put {folder.name} into; make it, or correct model")
    say(f"  to be put into {folder}: {', '.join(parts)}")

    def lacking(listing: Listing, read: Read) -> list[HubFile]:
        wanted = [one for one in chosen(listing, read) if one.path in parts or one.path.partition("/")[0] in parts]
        return [one for one in wanted if not _is_here(folder / one.path, one.size)] or wanted

    here = {**environment, "HF_HUB_CACHE": str(folder / UNDER_WAY)}
    snapshot = fetch(Wanted(source, None, lacking), Fetching(here, say), dry_run=dry_run)
    if not dry_run:
        try:
            _put(snapshot, folder)
        except OSError as error:
            raise CannotPrepare(f"{error.filename or folder}: {error.strerror or error}") from None
    return True


def _is_here(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _put(snapshot: Path, folder: Path) -> None:
    """Let the files that came be the folder's."""
    for path in sorted(snapshot.rglob("*")):
        if not path.is_file():
            continue
        place = folder / path.relative_to(snapshot)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        try:
            os.link(path.resolve(), place)  # no moving: two files of the same content came as one
        except OSError:  # a file system without links
            shutil.copyfile(path, place)
    shutil.rmtree(folder / UNDER_WAY)
