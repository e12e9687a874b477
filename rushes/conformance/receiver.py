"""A stranger's host for the checks: it keeps the webhooks it gets, answers them as told, and serves files for inputs.

Verifying signatures is in `webhooks`, where the rule about them is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOST_BYTES = 64 * 1024 * 1024  # of a delivery: an output with media inline, and no more of whoever else finds the port


@dataclass(frozen=True)
class Delivery:
    """One POST that arrived, or a GET of what is no file here."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """Where deliveries arrive. `answers` maps a path to the statuses for its first, second, … delivery; then 200."""

    url: str
    answers: dict[str, list[int]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    came: list[Delivery] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, delivery: Delivery) -> int:
        """Keep a delivery, return the status to answer."""
        with self._changed:
            self.came.append(delivery)
            self._changed.notify_all()
            left = self.answers.get(delivery.path)
            return left.pop(0) if left else 200

    def at(self, path: str) -> list[Delivery]:
        """What has come to a path so far."""
        with self._changed:
            return [delivery for delivery in self.came if delivery.path == path]

    def wait(self, path: str, count: int, seconds: float) -> list[Delivery]:
        """Wait until so many came to a path, or the time is up; return what came."""
        end = time.monotonic() + seconds
        with self._changed:
            while len([d for d in self.came if d.path == path]) < count and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
        return self.at(path)


@contextmanager
def receiving(host: str) -> Iterator[Receiver]:
    """Listen on a free port of `host` until the block ends."""
    receiver = Receiver("")

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("content-length") or 0), MOST_BYTES)
            status = receiver.keep(self._delivery(self.rfile.read(size)))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{receiver.url}/followed")
            self.send_header("content-length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            content = receiver.files.get(self.path)
            if content is None:  # most clients follow a redirect of a POST by a GET
                receiver.keep(self._delivery(b""))
            self.send_response(200 if content is not None else 404)
            self.send_header("content-type", "application/octet-stream")
            self.send_header("content-length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def _delivery(self, body: bytes) -> Delivery:
            headers = {name.lower(): value for name, value in self.headers.items()}
            return Delivery(self.path, headers, body, time.time())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the report does."""

    server = ThreadingHTTPServer((host, 0), Taker)
    server.daemon_threads = True  # a sender that keeps its connection open must not hold up the end
    receiver.url = f"http://{host}:{server.server_address[1]}"
    # shutdown() is noticed at the next poll, by default half a second later.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
