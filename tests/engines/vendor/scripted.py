"""A host that answers what a test tells it, one answer for each request, and a vendor of a few lines for it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rushes.calls import VendorCall
from rushes.engines.vendor.asking import Time
from rushes.engines.vendor.contract import Account, Done, Link, Request, Response, State, Trouble, Vendor, Waiting
from rushes.engines.vendor.engine import VendorEngine
from rushes.routing import VendorDeployment
from tests.engines.vendor.rehearsal import Clock

Said = bytes | None
"""A whole HTTP answer; None: the connection ends without one."""


@dataclass(slots=True)
class Host:
    """What a host was asked (method and path, then the whole request), and what it says next; the last is repeated."""

    url: str = ""
    answers: list[Said] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    whole: list[bytes] = field(default_factory=list)

    def next(self) -> Said:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def said(body: object = b"", status: int = 200, **headers: str) -> bytes:
    """Spell an answer; what is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(content)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@contextmanager
def host(*answers: Said) -> Iterator[Host]:
    """Answer on loopback until the block ends."""
    sock = socket.create_server(("127.0.0.1", 0))
    found = Host(f"http://127.0.0.1:{sock.getsockname()[1]}", list(answers))
    thread = threading.Thread(target=_serve, args=(sock, found), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        thread.join(5)


def _serve(sock: socket.socket, found: Host) -> None:
    with suppress(OSError):
        while True:
            connection, _ = sock.accept()
            with connection, suppress(ConnectionError):
                whole = _request(connection)
                found.asked.append(" ".join(whole.split(b"\r\n", 1)[0].decode().split()[:2]))
                found.whole.append(whole)
                answer = found.next()
                if answer is not None:
                    connection.sendall(answer)


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    sizes = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while sizes and len(body) < sizes[0]:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], name: str) -> Request:
    return Request("POST", f"{account.url}/tasks", {"authorization": account.key}, json={**body, "name": name})


def accepted(_call: VendorCall, response: Response) -> str | Done:
    return str(_checked(response)["id"])


def poll(account: Account, ticket: str) -> Request:
    return Request("GET", f"{account.url}/tasks/{ticket}", {"authorization": account.key})


def read(_account: Account, _ticket: str, response: Response) -> State:
    answer = _checked(response)
    match answer["state"]:
        case "running":
            return Waiting("running")
        case "done":
            return Done((Link(answer["url"]),) if "url" in answer else (), {"videos": 1.0}, value="made")
        case "failed":
            raise Trouble("server", "the task failed", member="task")
    raise Trouble("unknown", f"its state is {answer['state']!r}", code=answer["state"])


def cancel(account: Account, ticket: str) -> Request:
    return Request("DELETE", f"{account.url}/tasks/{ticket}")


def look_up(account: Account, _call: VendorCall, name: str) -> tuple[Request, ...]:
    return (Request("GET", f"{account.url}/by-name"),)


def found(_call: VendorCall, _name: str, response: Response) -> str | None:
    ticket: str | None = _checked(response).get("id")
    return ticket


def _checked(response: Response) -> Any:
    kinds = {400: "invalid", 401: "key", 402: "balance", 403: "moderated", 404: "gone", 429: "busy", 500: "server"}
    if response.status in kinds:
        after = response.headers.get("retry-after")
        text = response.body.decode()
        raise Trouble(kinds[response.status], text, retry_after_s=float(after) if after else None)  # type: ignore[arg-type]
    if response.json() is None:
        raise Trouble("unknown", f"it answered {response.status} with {response.body[:50]!r}")
    return response.json()


PLAIN = Vendor("plain", "Plain", "http://nowhere", submit, accepted, poll, read, cancel, deadline_s=60.0, pause_s=1.0)
CALL = VendorCall("plain", "films", "m-1", {"prompt": "a boat"})


def engine(url: str, vendor: Vendor = PLAIN, clock: Clock | None = None, **setting: Any) -> VendorEngine:
    """Set an engine up whose time passes only when it sleeps."""
    deployment = VendorDeployment.model_validate(
        {"engine": "vendor", "vendor": "plain", "key": "secret-of-plain", "url": url, **setting}
    )
    clock = clock or Clock()
    times = Time(now=lambda: 1_800_000_000.0, count=clock.now, sleep=clock.sleep, dice=Random(1))
    return VendorEngine("mine", vendor, deployment, deployment.secrets({}), times=times)


def note(ticket: str | None = None, **more: str) -> str:
    """Spell a note of an earlier try."""
    kept = {"deployment": "mine", "key": "00000000", "model": "m-1", "name": "job-1-abc", "ticket": ticket, **more}
    return json.dumps(kept)


def result(path: Path) -> bytes:
    """Read the only result."""
    return (path / "result-0").read_bytes()
