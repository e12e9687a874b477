"""A receiver of webhooks on loopback that checks signatures the way fal's documentation tells receivers to."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

JWKS = Mapping[str, list[dict[str, str]]]


@dataclass(frozen=True)
class Posted:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """What was received, and what is answered: a status code, or a function that answers by itself."""

    url: str
    answers: list[int | Callable[[BaseHTTPRequestHandler], None]]
    posted: list[Posted] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int = 1, within_s: float = 20.0) -> list[Posted]:
        """Wait until so many have come, and return all."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.posted) >= count, within_s), f"only {len(self.posted)} came"
            return list(self.posted)


@contextmanager
def receiving(*answers: int | Callable[[BaseHTTPRequestHandler], None], port: int = 0) -> Iterator[Receiver]:
    """Answer the first request with the first answer and so on; the last one stays."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with receiver.news:
                number = len(receiver.posted)
                receiver.posted.append(Posted(self.path, dict(self.headers.items()), body, time.monotonic()))
                receiver.news.notify_all()
            answer = receiver.answers[min(number, len(receiver.answers) - 1)]
            if callable(answer):
                answer(self)
                return
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("location", f"{receiver.url}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            raise AssertionError("nobody follows a redirect")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = False
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}", list(answers) or [200])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def verified(posted: Posted, jwks: JWKS, now: float, *, insists_on_padding: bool = False) -> bool:
    """Check one delivery: headers there, timestamp near, and one of all keys fits."""
    headers = {name.lower(): value for name, value in posted.headers.items()}
    told = [headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")]
    if abs(now - int(told[2])) > 300:
        return False
    message = "\n".join([*told, hashlib.sha256(posted.body).hexdigest()]).encode()
    signature = bytes.fromhex(headers["x-fal-webhook-signature"])
    return any(_fits(entry["x"], signature, message, insists_on_padding) for entry in jwks["keys"])


def _fits(x: str, signature: bytes, message: bytes, insists_on_padding: bool) -> bool:
    try:
        raw = base64.urlsafe_b64decode(x if insists_on_padding else x.rstrip("=") + "=")
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (ValueError, InvalidSignature):
        return False
    return True
