"""Calls of clients that can't be installed, as they were recorded: to fal's hosts, each led to the test's server.

Redirection itself (certificates, CONNECT) is tested elsewhere; here a host is only a Host header.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2

from rushes.cli.embedded import Running


class Recorded:
    """A client that believes it is talking to fal."""

    def __init__(self, http: httpx2.Client, server: Running, agent: str, key: str) -> None:
        self._http = http
        self._server = server
        self._headers = {"user-agent": agent, "authorization": f"Key {key}"}

    def ask(self, method: str, url: str, **more: Any) -> httpx2.Response:
        """Send a call that was meant for `url`, with the key."""
        return self._send(method, url, {**self._headers, **more.pop("headers", {})}, **more)

    def ask_without_key(self, method: str, url: str, **more: Any) -> httpx2.Response:
        """Send a call that carries no key, such as the bytes of a file."""
        return self._send(method, url, {"user-agent": "node", **more.pop("headers", {})}, **more)

    def _send(self, method: str, url: str, headers: dict[str, str], **more: Any) -> httpx2.Response:
        meant = urlsplit(url)
        target = self._server.url + meant.path + (f"?{meant.query}" if meant.query else "")
        return self._http.request(method, target, headers={**headers, "host": meant.netloc}, **more)


@contextmanager
def recorded(server: Running, agent: str, key: str | None = None) -> Iterator[Recorded]:
    """Yield a client with the server's key, or another one."""
    with httpx2.Client(timeout=30, trust_env=False) as http:
        yield Recorded(http, server, agent, server.key if key is None else key)


def until_completed(client: Recorded, status_url: str) -> list[dict[str, Any]]:
    """Poll as the clients do, only sooner; returns what was answered."""
    answers: list[dict[str, Any]] = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answers.append(client.ask("GET", status_url).json())
        assert answers[-1]["status"] in {"IN_QUEUE", "IN_PROGRESS", "COMPLETED"}
        if answers[-1]["status"] == "COMPLETED":
            return answers
        time.sleep(0.05)
    raise AssertionError(f"never completed: {answers[-1]}")
