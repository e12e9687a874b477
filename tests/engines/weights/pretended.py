"""A pretended Hub over loopback HTTP: listings, redirects to another host for large files, ranges, and its refusals."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 2000  # bytes from which on a file is kept apart, as by LFS


@dataclass
class Behaviour:
    """What the Hub does besides answering; counts what it was asked."""

    gated: bool = False
    token: str | None = None  # that a private repository takes
    cut_after: int | None = None  # bytes of each answer, then the connection breaks
    ranges: bool = True
    lies: int = 0  # answers for large files with one byte changed
    failures: int = 0  # answers with 503 first
    slow_s: float = 0.0  # pause after each 20 kB of a large file
    asked: list[str] = field(default_factory=list)
    ranged: list[str] = field(default_factory=list)
    apart_authorized: bool = False


class _Answers(BaseHTTPRequestHandler):
    repositories: dict[str, Path]
    behaviour: Behaviour
    apart: str  # base of the host that keeps large files

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.behaviour.asked.append(path)
        if self.behaviour.failures > 0 and not path.startswith("/apart/"):
            self.behaviour.failures -= 1
            self._refuse(503, "", "")
        elif path.startswith("/apart/"):
            self.behaviour.apart_authorized |= "authorization" in self.headers
            self._send(Path(path.removeprefix("/apart")))
        elif self._is_let_in(path):
            self._answer(path)

    def _is_let_in(self, path: str) -> bool:
        given = self.headers.get("authorization", "").removeprefix("Bearer ")
        if given == "wrong":
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif self.behaviour.gated and "/resolve/" in path and given != "insider":
            self._refuse(403 if given else 401, "GatedRepo", "Access to it is restricted.")
        elif self.behaviour.token is not None and given != self.behaviour.token:
            self._refuse(404 if given else 401, "RepoNotFound", "Repository not found")
        else:
            return True
        return False

    def _answer(self, path: str) -> None:
        words = path.split("/")
        name = "/".join(words[3:5] if path.startswith("/api/models/") else words[1:3])
        if name not in self.repositories:
            self._refuse(404 if "authorization" in self.headers else 401, "RepoNotFound", "Repository not found")
        elif path.startswith("/api/models/"):
            if words[-1] in ("main", COMMIT):
                self._json(listing(self.repositories[name]))
            else:
                self._refuse(404, "RevisionNotFound", "Invalid rev id")
        else:
            file = self.repositories[name] / "/".join(words[5:])
            if file.stat().st_size < LARGE:
                self._send(file)
            else:
                self.send_response(302)
                self.send_header("location", f"{self.apart}/apart{file}")
                self.send_header("content-length", "0")
                self.end_headers()

    def _json(self, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, file: Path) -> None:
        body, start = file.read_bytes(), 0
        if self.behaviour.lies > 0 and len(body) >= LARGE:
            self.behaviour.lies -= 1
            body = bytes([body[0] ^ 1]) + body[1:]
        asked = self.headers.get("range")
        if asked and self.behaviour.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.behaviour.ranged.append(asked)
            self.send_response(206)
            self.send_header("content-range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("content-length", str(len(body) - start))
        self.end_headers()
        cut = self.behaviour.cut_after
        self._write(body[start:] if cut is None else body[start : start + cut])
        if cut is not None and start + cut < len(body):
            self.close_connection = True

    def _write(self, body: bytes) -> None:
        with suppress(ConnectionError):  # who asked is gone
            for at in range(0, len(body), 20_000):
                self.wfile.write(body[at : at + 20_000])
                time.sleep(self.behaviour.slow_s if len(body) >= LARGE else 0.0)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        self.send_header("x-error-code", code)
        self.send_header("x-error-message", message)
        self.send_header("content-length", "0")
        self.end_headers()


def listing(folder: Path) -> dict[str, object]:
    """Return what the Hub says that a folder holds."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return {"sha": COMMIT, "siblings": [_sibling(one, folder) for one in files]}


def _sibling(path: Path, folder: Path) -> dict[str, object]:
    content = path.read_bytes()
    blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    told: dict[str, object] = {"rfilename": str(path.relative_to(folder)), "size": len(content), "blobId": blob}
    if len(content) >= LARGE:
        told["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return told


@dataclass(frozen=True)
class PretendedHub:
    """A running one."""

    url: str
    behaviour: Behaviour
    repositories: dict[str, Path]

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Return the variables that lead to it."""
        return {"HF_ENDPOINT": self.url, "HF_HOME": str(home), **more}


@contextmanager
def pretended_hub(**repositories: Path) -> Iterator[PretendedHub]:
    """Run one that has these repositories of `acme`."""
    named = {f"acme/{name}": folder for name, folder in repositories.items()}
    behaviour = Behaviour()
    members = {"repositories": named, "behaviour": behaviour, "apart": ""}
    answers = type("Answers", (_Answers,), members)
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), answers) for _ in range(2)]
    answers.apart = f"http://127.0.0.1:{servers[1].server_port}"  # type: ignore[attr-defined]
    threads = [threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True) for one in servers]
    for thread in threads:
        thread.start()
    try:
        yield PretendedHub(f"http://127.0.0.1:{servers[0].server_port}", behaviour, named)
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
