"""`rushes runner prepare` for a model's own repository: source by git, environment by pip, weights from the Hub.

What will be done, and about how much it takes, is said first. Each part goes on where an earlier try was cut off and
is left alone where it is complete; what the operator has elsewhere is not touched. Nothing is asked.
"""

from __future__ import annotations

import errno
import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from rushes.engines.deployed import CannotPrepare, Say
from rushes.engines.upstream.checkout import fetch_source
from rushes.engines.upstream.installing import make_environment
from rushes.engines.upstream.recipe import Weights
from rushes.engines.upstream.setup import WEIGHTS_STAMP, Setup
from rushes.engines.weights.cache import free_bytes
from rushes.engines.weights.choosing import Read
from rushes.engines.weights.fetch import Fetching, Wanted, fetch
from rushes.engines.weights.listing import HubFile, Listing

_SPARE_GB = 1.0
_LOCK = "prepare.lock"

Part = tuple[str, float, bool, Callable[[Setup, Mapping[str, str], Say], None]]
"""What it is, about how many GB it takes, whether it is there, and what brings it."""


def prepare(setup: Setup, environment: Mapping[str, str], say: Say, *, dry_run: bool) -> None:
    """Fetch and install what is not there yet. Raises CannotPrepare."""
    parts = _parts(setup)
    say(f"  {setup.called}, licence {setup.recipe.licence or 'unknown'}, in {setup.folder}")
    for what, gb, there, _ in parts:
        say(f"  {what}: {'is there' if there else f'about {gb:g} GB'}")
    for program in setup.lacking_programs(environment):
        say(f"  to be installed by you: {program}, which is not on PATH")
    if problem := setup.misnamed():
        raise CannotPrepare(problem)
    # The weights go to the Hub's cache, where some may be already: what is to come is reckoned when the Hub is asked.
    _check_disk(setup.folder, sum(gb for _, gb, there, bring in parts if not there and bring is not _fetch_weights))
    if dry_run:
        return
    if not setup.has_weights():  # asked of the Hub too, since a gated repository is known only there
        for wanted in _wanted(setup):
            fetch(wanted, Fetching(environment, say), dry_run=True)  # what can't be had is told before hours of pip
    try:
        setup.folder.mkdir(parents=True, exist_ok=True)
        with _alone_in(setup.folder):
            for _, _, there, bring in parts:
                if not there:
                    bring(setup, environment, say)
    except OSError as error:  # of this disk: commands and the Hub tell theirs apart
        raise CannotPrepare(f"{error.filename or setup.folder}: {error.strerror or error}") from None
    if problem := setup.missing(environment):
        raise CannotPrepare(problem)
    say("  ready")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep another `prepare` out: two would make the same environment at once. Raises CannotPrepare."""
    with (folder / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotPrepare(f"another process prepares {folder} just now; wait until it is done") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):  # as some network disks say
                raise CannotPrepare(f"{folder}: {error.strerror}") from None
        yield


def _parts(setup: Setup) -> tuple[Part, Part, Part]:
    recipe, given = setup.recipe, setup.setting
    source = f"{recipe.source.url} at {recipe.source.commit[:12]}" if given.source is None else str(setup.source)
    own = f"Python {recipe.environment.python}, {len(setup.steps())} steps of installation"
    python = own if given.python is None else str(setup.python)
    names = ", ".join(one.repository for one in recipe.weights_of(setup.variant))
    weights = names or "none to be fetched" if given.weights is None else str(setup.weights)
    return (
        (f"source: {source}", recipe.source.gb, setup.has_source(), fetch_source),
        (f"environment: {python}", recipe.environment.gb, setup.has_environment(), make_environment),
        (f"weights: {weights}", setup.variant.weights_gb, setup.has_weights(), _fetch_weights),
    )


def _check_disk(folder: Path, needed_gb: float) -> None:
    free = free_bytes(folder) / 1e9
    if needed_gb and needed_gb + _SPARE_GB > free:
        raise CannotPrepare(
            f"about {needed_gb:g} GB are to come, and {free:.1f} GB are free on the disk of {folder}; make room, or "
            "set folder to a place on another disk"
        )


def _fetch_weights(setup: Setup, environment: Mapping[str, str], say: Say) -> None:
    """Fetch the weights and lay them out by links. Raises CannotPrepare."""
    sizes: dict[str, int] = {}
    for one, wanted in zip(setup.recipe.weights_of(setup.variant), _wanted(setup), strict=False):
        snapshot = fetch(wanted, Fetching(environment, say))
        for path in sorted(snapshot.rglob("*")):
            name = path.relative_to(snapshot).as_posix()
            if path.is_file() and _is_wanted(one, name):
                _link(path, setup.weights / one.to / name)
                sizes[(Path(one.to) / name).as_posix()] = path.stat().st_size
    # Last, when all links are there; a kill before it costs a second look through the files.
    stamp = {"wanted": setup.wanted_weights(), "files": sizes}
    (setup.folder / WEIGHTS_STAMP).write_text(json.dumps(stamp))
    say(f"  weights in {setup.weights}")


def _wanted(setup: Setup) -> list[Wanted]:
    """Return what is to be fetched from the Hub; nothing where the operator has the weights elsewhere."""
    if setup.setting.weights is not None:
        return []
    needed = setup.recipe.weights_of(setup.variant)
    return [Wanted(one.repository, one.revision, partial(_files, one)) for one in needed]


def _files(weights: Weights, listing: Listing, _read: Read) -> list[HubFile]:
    found = [one for one in listing.files if _is_wanted(weights, one.path)]
    if not found:
        raise ValueError(f"it has none of {', '.join(weights.files)}")
    return found


def _is_wanted(weights: Weights, path: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in weights.files)


def _link(path: Path, place: Path) -> None:
    """Let a file appear at a place; folders are real ones, since programs may go up from them."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(path.resolve())
