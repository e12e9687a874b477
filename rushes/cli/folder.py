"""One server per data folder: a lock that the kernel takes back when its process ends, however it ends.

A second server on the same folder would hand the first one's running jobs to its own runners.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.cli.problem import CommandError

LOCK_FILE = "lock"
URL_FILE = "url"
PROXY_FILE = "proxy"
KEY_FILE = "key"


@contextmanager
def own_folder(data: Path) -> Iterator[None]:
    """Make the folder and hold it; CommandError when another server does, or when it can't be written."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)  # prompts and films are nobody else's on this machine
        lock = (data / LOCK_FILE).open("a")
    except OSError as error:
        raise CommandError(f"cannot use the data folder {data}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            where = written_url(data)
            raise CommandError(
                f"another server runs on the data folder {data}{f' at {where}' if where else ''}; "
                "stop it, or choose another folder with --data"
            ) from taken
        try:
            yield
        finally:
            # While the lock is still held: after it they may be the next server's.
            for file in (URL_FILE, PROXY_FILE):
                (data / file).unlink(missing_ok=True)


def write_url(data: Path, url: str, proxy: str | None = None) -> None:
    """Leave the addresses of the server and of its intercepting proxy for `rushes env`."""
    if proxy is None:
        (data / PROXY_FILE).unlink(missing_ok=True)  # a killed server's
    else:
        (data / PROXY_FILE).write_text(proxy + "\n")
    (data / URL_FILE).write_text(url + "\n")


def served_before(data: Path) -> bool:
    """Say whether a server ever ran on that folder."""
    return (data / LOCK_FILE).exists()


def written_url(data: Path) -> str | None:
    """Return what the running server of that folder wrote down, None if there is nothing."""
    return _written(data / URL_FILE)


def written_proxy(data: Path) -> str | None:
    """Return the address of that server's intercepting proxy, None where it has none."""
    return _written(data / PROXY_FILE)


def _written(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except OSError:
        return None
