"""Weights fetched from the Hub: what is needed is chosen, its size told, the disk looked at, then file by file.

Which files an engine needs is told by `choose`. Several files come at once; a failure of one leaves the others as they
are, for the next try to go on with.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rushes.engines.deployed import FETCH, CannotPrepare, Say
from rushes.engines.weights.cache import Shelf, free_bytes
from rushes.engines.weights.choosing import Read
from rushes.engines.weights.download import PAUSES_S, Downloads, Stopped
from rushes.engines.weights.hub import Hub, Unsteady
from rushes.engines.weights.listing import HubFile, Listing
from rushes.engines.weights.tally import Tally, size

AT_ONCE = 4  # files; one connection seldom fills a fast line
SPARE_BYTES = 10**9  # left free on the disk
TICK_S = 0.5

Choose = Callable[[Listing, Read], Sequence[HubFile]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be fetched: a repository, the revision (None: its main branch), and which of its files."""

    repository: str
    revision: str | None
    choose: Choose


@dataclass(frozen=True, slots=True)
class Fetching:
    """The world around: variables, what is said to, the clock, and how a pause is waited for."""

    environment: Mapping[str, str]
    say: Say
    clock: Callable[[], float] = time.monotonic
    stop: threading.Event = field(default_factory=threading.Event)
    pauses: Callable[[float], float] = float

    def pause(self, seconds: float) -> bool:
        """Wait, and say whether to go on."""
        return not self.stop.wait(self.pauses(seconds))

    def wanted(self) -> bool:
        """Say whether nothing has failed."""
        return not self.stop.is_set()

    def patiently(self, ask: Callable[[], T]) -> T:
        """Ask the Hub again while it is unsteady. Raises CannotPrepare in the end."""
        for pause in PAUSES_S[:3]:
            try:
                return ask()
            except Unsteady as trouble:
                self.pause(max(pause, min(60.0, trouble.wait_s or 0.0)))
        try:
            return ask()
        except Unsteady as trouble:
            raise CannotPrepare(f"{trouble}; check the network and any proxy. Once it is there, {FETCH}") from None


def fetch(wanted: Wanted, around: Fetching, *, dry_run: bool = False) -> Path:
    """Fetch what is wanted and return its folder in the cache. Raises CannotPrepare."""
    try:
        return _fetched(wanted, around, dry_run=dry_run)
    except OSError as error:  # of the disk; the network's are told apart before
        raise CannotPrepare(f"{error.filename or 'the cache'}: {error.strerror or error}") from None


def _fetched(wanted: Wanted, around: Fetching, *, dry_run: bool) -> Path:
    revision = wanted.revision or "main"
    shelf = Shelf.of(wanted.repository, around.environment)
    with Hub(around.environment) as hub:
        listing = around.patiently(lambda: hub.listing(wanted.repository, revision))
        files = _chosen(wanted, hub, listing, around)
        missing = _announce(listing, files, shelf, around.say)
        _check_disk(missing, shelf)
        if dry_run:
            return shelf.snapshot(listing.commit)
        _download(hub, listing, files, shelf, around)
    # Only when all are there, and the name of the commit last: engines take a folder that is there for complete.
    for file in files:
        shelf.place(file, listing.commit)
    shelf.note(revision, listing.commit)
    around.say(f"  verified   commit {listing.commit}")
    if wanted.revision != listing.commit:
        around.say(f'  pin it by  revision = "{listing.commit}"')
    return shelf.snapshot(listing.commit)


def _chosen(wanted: Wanted, hub: Hub, listing: Listing, around: Fetching) -> list[HubFile]:
    def read(file: HubFile) -> bytes:
        return around.patiently(lambda: hub.read(listing, file))

    try:
        return list(wanted.choose(listing, read))
    except ValueError as error:
        if isinstance(error, CannotPrepare):
            raise
        raise CannotPrepare(f"{listing.repository} can't be used: {error}") from None


def _announce(listing: Listing, files: Sequence[HubFile], shelf: Shelf, say: Say) -> int:
    """Say how much is needed and how much of it is here; return how many bytes are to come."""
    total = sum(one.size for one in files)
    left = sum(one.size for one in listing.files) - total
    here = sum(_here(one, shelf) for one in files)
    say(f"  {listing.repository} at {listing.commit[:12]}")
    say(f"  needed     {size(total)} in {len(files)} files ({total:,} bytes)")
    if left > total / 100:  # less is pictures and readmes
        say(f"  not taken  {size(left)} of other layouts")
    if here:
        say(f"  here       {size(here)}, which are looked through")
    say(f"  into       {shelf.folder} ({size(free_bytes(shelf.folder))} free)")
    return total - here


def _here(file: HubFile, shelf: Shelf) -> int:
    for path in (shelf.blob(file), shelf.unfinished(file)):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


def _check_disk(missing: int, shelf: Shelf) -> None:
    free = free_bytes(shelf.folder)
    if missing > max(0, free - SPARE_BYTES):
        raise CannotPrepare(
            f"{size(missing)} are to come, and {size(free)} are free on the disk of {shelf.folder.parent} (1 GB of it "
            "is left alone); make room, or set HF_HOME to a folder on another disk"
        )


def _download(hub: Hub, listing: Listing, files: Sequence[HubFile], shelf: Shelf, around: Fetching) -> None:
    tally = Tally(sum(one.size for one in files), around.clock)
    downloads = Downloads(hub, listing, shelf, tally.add, tally.had, around.pause, around.wanted)
    unique = {one.digest: one for one in files}.values()  # the same content may lie at two paths
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # Small ones first: a configuration that can't be had is told in seconds, not after an hour.
        tasks = {pool.submit(downloads.fetch, one): one for one in sorted(unique, key=lambda one: one.size)}
        try:
            pending = set(tasks)
            while pending:
                done, pending = wait(pending, TICK_S, FIRST_EXCEPTION)
                for task in done:
                    task.result()
                if pending:
                    running = next((tasks[one].path for one in tasks if one.running()), "")
                    around.say(tally.line(running), passing=True)
        except BaseException as error:
            around.stop.set()  # before the pool is waited for, whose threads look at it between two pieces
            pool.shutdown(cancel_futures=True)
            if isinstance(error, Stopped):
                raise _first(tasks) from None
            raise


def _first(tasks: Iterable[Future[None]]) -> BaseException:
    """Return the failure that made the others stop."""
    failures = [task.exception() for task in tasks if not task.cancelled()]
    return next((one for one in failures if one and not isinstance(one, Stopped)), CannotPrepare("it was stopped"))
