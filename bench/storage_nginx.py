"""Uploads and downloads of 100 MB beside nginx's: PUT, multipart (ten parts and their completion), GET.

nginx must be on the PATH, with its dav module (`apt-get install nginx-light`); this starts it on loopback with two
workers and a configuration of its own, and ends it. The load is one process more, with raw sockets that are kept alive.
Rounds alternate, so that what else the machine does hits all. nginx never forces anything to the disk; we do, before
every answer. Figures are bytes per second, comparable within a run only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from load import KEY, free_port, our_server

SIZE = 100_000_000
PARTS = 10
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
RECEIVE = 1024 * 1024

CONFIG = """
worker_processes 2; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 0; client_body_buffer_size 1m; client_body_temp_path {folder}/temp;
  proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 100000; keepalive_timeout 600s;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; dav_methods PUT; sendfile on; tcp_nopush on; }}
  server {{ listen 127.0.0.1:{plain}; root {folder}/www; sendfile off; output_buffers 2 512k; }}
}}
"""


class Wire:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(RECEIVE)

    def ask(self, method: str, path: str, body: bytes | memoryview = b"", headers: str = "") -> tuple[int, bytes, int]:
        """Send a request; return status, the body if it is small, and the body's length."""
        length = "" if method == "GET" else f"Content-Length: {len(body)}\r\n"
        self._sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}{headers}\r\n".encode())
        if body:
            self._sock.sendall(body)
        head = b""
        while b"\r\n\r\n" not in head:
            more = self._sock.recv(65536)
            if not more:
                raise SystemExit(f"the connection was closed: {head!r}")
            head += more
        head, _, rest = head.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        total = int(fields.get("content-length", 0))
        got = len(rest)
        kept = bytearray(rest)
        while got < total:
            count = self._sock.recv_into(self._buffer)
            if total < 65536:
                kept += self._buffer[:count]
            got += count
        return int(lines[0].split()[1]), bytes(kept), got


def load(tasks: object, answers: object, blob: bytes) -> None:
    """The load's process: does one named job at a time and answers its seconds."""
    wires: dict[int, Wire] = {}
    for job in iter(tasks.get, None):  # type: ignore[attr-defined]
        name, port, argument = job
        wire = wires.get(port) or wires.setdefault(port, Wire(port))
        started = time.perf_counter()
        JOBS[name](wire, argument, blob)
        answers.put(time.perf_counter() - started)  # type: ignore[attr-defined]


def check(answer: tuple[int, bytes, int]) -> bytes:
    """Stop at anything but success."""
    if not 200 <= answer[0] < 300:
        raise SystemExit(f"{answer[0]}: {answer[1][:300]!r}")
    return answer[1]


def put(wire: Wire, path: str, blob: bytes) -> None:
    """PUT all of it."""
    check(wire.ask("PUT", path, blob))


def put_parts(wire: Wire, path: str, blob: bytes) -> None:
    """PUT it as ten files."""
    step = len(blob) // PARTS
    for n in range(PARTS):
        check(wire.ask("PUT", f"{path}{n}", memoryview(blob)[n * step : (n + 1) * step]))


def multipart(wire: Wire, path: str, blob: bytes) -> None:
    """PUT ten parts and complete."""
    step, done = len(blob) // PARTS, []
    for n in range(PARTS):
        done.append(json.loads(check(wire.ask("PUT", f"{path}/{n + 1}", memoryview(blob)[n * step : (n + 1) * step]))))
    check(wire.ask("POST", f"{path}/complete", json.dumps({"parts": done}).encode()))


def get(wire: Wire, path: str, blob: bytes) -> None:
    """GET it."""
    status, _, count = wire.ask("GET", path)
    if (status, count) != (200, len(blob)):
        raise SystemExit(f"GET {path}: {status}, {count} bytes")


JOBS: dict[str, Callable[[Wire, str, bytes], None]] = {
    "put": put,
    "put parts": put_parts,
    "multipart": multipart,
    "get": get,
}


@contextmanager
def nginx() -> Iterator[tuple[int, int, Path]]:
    """nginx with sendfile, and without; its folder lies beside ours on the same disk."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit("nginx is not here: apt-get install nginx-light (it must have the dav module)")
    with tempfile.TemporaryDirectory(prefix="rushes-bench-nginx-") as name:
        folder, port, plain = Path(name), free_port(), free_port()
        folder.chmod(0o755)
        for sub in ("www", "temp"):
            (folder / sub).mkdir()
            (folder / sub).chmod(0o777)
        (folder / "conf").write_text(CONFIG.format(folder=folder, port=port, plain=plain))
        process = subprocess.Popen([found, "-c", folder / "conf", "-e", folder / "error.log"])
        try:
            time.sleep(0.5)
            yield port, plain, folder / "www"
        finally:
            process.terminate()
            process.wait(10)


def initiate(wire: Wire, kind: str) -> dict[str, str]:
    """Ask ours for an upload URL."""
    headers = f"Authorization: Key {KEY}\r\nContent-Type: application/json\r\n"
    body = b'{"content_type": "video/mp4", "file_name": "x.mp4"}'
    answer: dict[str, str] = json.loads(check(wire.ask("POST", f"/storage/upload/{kind}", body, headers)))
    return answer


def main() -> None:
    """Run and print."""
    blob = os.urandom(SIZE)
    context = get_context("fork")
    tasks, answers = context.Queue(), context.Queue()
    process = context.Process(target=load, args=(tasks, answers, blob), daemon=True)
    process.start()

    def timed(name: str, port: int, argument: str) -> float:
        tasks.put((name, port, argument))
        return SIZE / 1e6 / float(answers.get(timeout=60))

    rates: dict[str, list[float]] = {}
    with nginx() as (port, plain, www), our_server() as ours:
        our_port = urlsplit(ours).port or 0
        wire = Wire(our_port)
        for n in range(ROUNDS + 1):
            whole, parts = initiate(wire, "initiate"), initiate(wire, "initiate-multipart")
            upload, file_path = (urlsplit(whole[member]).path for member in ("upload_url", "file_url"))
            at_parts = urlsplit(parts["upload_url"]).path
            round_ = {
                "nginx put": timed("put", port, "/whole"),
                "our put": timed("put", our_port, upload),
                "nginx parts": timed("put parts", port, "/part"),
                "our multipart": timed("multipart", our_port, at_parts),
                "nginx sendfile": timed("get", port, "/whole"),
                "our get": timed("get", our_port, file_path),
                "nginx read": timed("get", plain, "/whole"),
            }
            if n:  # the first round warms up
                for name, rate in round_.items():
                    rates.setdefault(name, []).append(rate)
            for stored in (wire.ask("GET", urlsplit(parts["file_url"]).path),):
                if stored[2] != SIZE:
                    raise SystemExit("the multipart file is not whole")
            if hashlib.sha256((www / "whole").read_bytes()).digest() != hashlib.sha256(blob).digest():
                raise SystemExit("nginx kept something else")
        tasks.put(None)
        process.join(5)
    middle = {name: median(found) for name, found in rates.items()}
    for name, found in rates.items():
        print(f"{name:15} {middle[name]:7,.0f} MB/s  ({min(found):,.0f} to {max(found):,.0f})")
    for what, ours_, theirs, wanted in (
        ("PUT", "our put", "nginx put", 0.4),
        ("multipart", "our multipart", "nginx parts", 0.3),
        ("GET, sendfile", "our get", "nginx sendfile", 0.35),
        ("GET, no sendfile", "our get", "nginx read", 0.85),
    ):
        print(f"{what}: {middle[ours_] / middle[theirs]:.2f} of nginx (wanted {wanted})")


if __name__ == "__main__":
    main()
