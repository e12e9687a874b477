"""The server's memory while a file of 2 GiB is PUT, uploaded in parts of 10 MiB and read, against its memory at rest.

The load is in this process and keeps one piece of 1 MiB. Figures are the server process's resident memory, looked at
fifty times a second; what the system caches of the files is none of it. Needs about 7 GB of free disk.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from load import ask, our_server

MIB = 1024 * 1024
SIZE = (int(sys.argv[1]) if len(sys.argv) > 1 else 2048) * MIB
PART = 10 * MIB
PIECE = os.urandom(MIB)


def put(url: str, size: int) -> bytes:
    """PUT so many bytes and return the answer."""

    def pieces() -> Iterator[bytes]:
        for start in range(0, size, MIB):
            yield PIECE[: min(MIB, size - start)]

    request = urllib.request.Request(url, data=pieces(), method="PUT", headers={"content-length": str(size)})
    with urllib.request.urlopen(request, timeout=300) as answer:
        found: bytes = answer.read()
        return found


def whole(promise: dict[str, str]) -> None:
    """One PUT."""
    put(promise["upload_url"], SIZE)


def in_parts(promise: dict[str, str]) -> None:
    """Parts, then the completion."""
    url, starts = promise["upload_url"], range(0, SIZE, PART)
    parts = [json.loads(put(f"{url}/{n}", min(PART, SIZE - at))) for n, at in enumerate(starts, start=1)]
    ask("POST", f"{url}/complete", {"parts": parts})


def read(promise: dict[str, str]) -> None:
    """One GET."""
    with urllib.request.urlopen(promise["file_url"], timeout=300) as answer:
        size = 0
        while piece := answer.read(MIB):
            size += len(piece)
    if size != SIZE:
        raise SystemExit(f"{size} bytes came of {SIZE}")


def resident(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / MIB


def server_pid(url: str) -> int:
    """Find who listens on the URL's port: the first child of ours that has it in its arguments."""
    port = str(urlsplit(url).port)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"serve" in words and port.encode() in words:
                return int(folder.name)
    raise SystemExit("the server's process was not found")


@contextmanager
def watched(pid: int) -> Iterator[Callable[[], float]]:
    """Follow the memory until the block ends; gives its peak."""
    peak, ended = resident(pid), threading.Event()

    def look() -> None:
        nonlocal peak
        while not ended.wait(0.02):
            peak = max(peak, resident(pid))

    thread = threading.Thread(target=look)
    thread.start()
    yield lambda: peak
    ended.set()
    thread.join()


def main() -> None:
    """Run and print."""
    with our_server(RUSHES_MAX_UPLOAD_BYTES=str(SIZE)) as ours:
        pid = server_pid(ours)
        rest = resident(pid)
        print(f"at rest {rest:.0f} MiB; {SIZE // MIB} MiB each")
        kept: dict[str, str] = {}
        for name, kind, work in (
            ("PUT", "initiate", whole),
            ("parts", "initiate-multipart", in_parts),
            ("GET", "", read),
        ):
            kept = ask("POST", f"{ours}/storage/upload/{kind}", {"file_name": "x"}) if kind else kept
            started = time.perf_counter()
            with watched(pid) as peak:
                work(kept)
                rate = SIZE / 1e6 / (time.perf_counter() - started)
                print(f"{name:6} peak {peak():.0f} MiB, {peak() - rest:+.0f}; {rate:,.0f} MB/s")


if __name__ == "__main__":
    main()
