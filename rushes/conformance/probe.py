"""The client of the checks: requests in layout P (by path prefix) or H (by Host), raw bytes, event streams, sockets.

Nothing is followed, retried or decoded behind a check's back. What was sent is told in failures without credentials.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from websockets.sync.client import ClientConnection, connect

from rushes.conformance.rules import Failed, must, short

Group = Literal["run", "queue", "rest", "cdn", "platform", "site"]

HOSTS: Mapping[Group, str] = {
    "run": "fal.run",
    "queue": "queue.fal.run",
    "rest": "rest.fal.ai",
    "cdn": "v3.fal.media",
    "platform": "api.fal.ai",
    "site": "fal.ai",
}
PREFIXES: Mapping[Group, str] = {
    "run": "/run",
    "queue": "/queue",
    "rest": "/rest",
    "cdn": "/cdn",
    "platform": "/platform",
    "site": "",
}
PATIENCE_S = 60.0
# Members of an answer that make keys and tokens; what a server says in them must not get into a report.
_SECRET = re.compile(r'("(?:key|key_secret|token)"\s*:\s*")[^"]+')


@dataclass(frozen=True)
class Answer:
    """One answer, with the line that tells what it answers."""

    sent: str
    status: int
    headers: httpx2.Headers
    body: bytes
    reason: str = ""

    @property
    def got(self) -> str:
        """One line for a report."""
        kind = self.headers.get("content-type", "without a type")
        text = _SECRET.sub(r"\1…", self.body.decode("utf-8", "replace"))
        return f"{self.status} {kind} {short(text)}"

    def must(self, ok: object, expected: str) -> Answer:
        """Raise Failed unless `ok`; returns itself, to go on."""
        must(ok, expected, self.got, self.sent)
        return self

    def is_status(self, *allowed: int) -> Answer:
        """Require one of these statuses."""
        return self.must(self.status in allowed, f"status {' or '.join(map(str, allowed))}")

    def json(self) -> Any:
        """Return the body, which must be JSON and say so."""
        self.must("application/json" in self.headers.get("content-type", ""), "Content-Type application/json")
        try:
            return json.loads(self.body)
        except ValueError:
            raise Failed("a JSON body", self.got, self.sent) from None

    def object(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object."""
        value = self.json()
        self.must(isinstance(value, dict), "a JSON object")
        return dict(value)

    def header(self, name: str, value: str | None = None) -> str:
        """Return a header, which must be there, and have this value if one is given."""
        found: str | None = self.headers.get(name)
        told = f"{name}: {found}" if found is not None else f"no {name} header"
        must(
            found is not None and value in (None, found),
            f"the header {name}{f': {value}' if value else ''}",
            f"{self.status}, {told}",
            self.sent,
        )
        return found or ""


@dataclass(frozen=True)
class Event:
    """One block of an event stream: its data, or a comment; and when it came."""

    data: str | None
    comment: str | None
    at: float

    def json(self) -> Any:
        """Return the data, which must be JSON."""
        try:
            return json.loads(self.data or "")
        except ValueError:
            raise Failed("JSON in every event's data", short(self.data or "")) from None


@dataclass
class Stream:
    """An open event stream; `head` has no body."""

    head: Answer
    response: httpx2.Response

    def events(self, seconds: float = PATIENCE_S) -> Iterator[Event]:
        """Yield data and comments as they come, until the server closes; Failed when it doesn't in time."""
        data: list[str] = []
        end = time.monotonic() + seconds
        for line in self.response.iter_lines():
            now = time.monotonic()
            must(now < end, f"the stream to end within {seconds:g} s", "it is still open", self.head.sent)
            if line.startswith(":"):
                yield Event(None, line[1:].strip(), now)
            elif line.startswith("data:"):  # other fields, such as event and id, mean nothing to the clients
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield Event("\n".join(data), None, now)
                data = []

    def data(self, seconds: float = PATIENCE_S) -> list[Any]:
        """Every event's data, once the stream has ended."""
        return [event.json() for event in self.events(seconds) if event.data is not None]


class Probe:
    """Sends requests to one server. `layout` says how a group is named; calls can choose the other one."""

    def __init__(self, url: str, key: str | None, layout: Literal["P", "H"] = "P") -> None:
        self.base = url.rstrip("/")
        self.key = key
        self.layout = layout
        self.patience = 1.0
        """What waits are multiplied by; below 1 for a server that is known to be quick or wrong."""
        secure = self.base.startswith("https:")
        self._tls = ssl.create_default_context() if secure else None
        # Not the environment's proxy: `rushes env` may have pointed it at the very server, under fal's names.
        self.client = httpx2.Client(trust_env=False, timeout=PATIENCE_S, verify=self._tls or True)

    def close(self) -> None:
        """Close what is kept open."""
        self.client.close()

    def locate(self, group: Group | None, path: str, layout: str | None = None) -> tuple[str, dict[str, str]]:
        """Return the URL and the headers that reach a group's path; without a group the path is taken as it is."""
        if path.startswith(("http://", "https://")):
            return path, {}
        if group is None:
            return self.base + path, {}
        if (layout or self.layout) == "H":
            return self.base + path, {"host": HOSTS[group]}
        return self.base + PREFIXES[group] + path, {}

    def _request(
        self, method: str, group: Group | None, path: str, *, auth: bool | str, layout: str | None, more: dict[str, Any]
    ) -> tuple[httpx2.Request, str]:
        url, headers = self.locate(group, path, layout)
        if auth and (self.key or isinstance(auth, str)):
            headers["authorization"] = auth if isinstance(auth, str) else f"Key {self.key}"
        headers |= more.pop("headers", {})
        request = self.client.build_request(method, url, headers=headers, **more)
        return request, _told(request)

    def send(
        self,
        method: str,
        group: Group | None,
        path: str,
        *,
        auth: bool | str = True,
        layout: str | None = None,
        **more: Any,
    ) -> Answer:
        """Send one request (json=, content=, headers=, params=, timeout=) and read the whole answer."""
        request, told = self._request(method, group, path, auth=auth, layout=layout, more=more)
        try:
            response = self.client.send(request)
        except httpx2.HTTPError as error:
            raise Failed("an answer", f"{type(error).__name__}: {error}", told) from None
        return Answer(told, response.status_code, response.headers, response.content, response.reason_phrase)

    def get(self, group: Group | None, path: str, **more: Any) -> Answer:
        """GET."""
        return self.send("GET", group, path, **more)

    def post(self, group: Group | None, path: str, **more: Any) -> Answer:
        """POST."""
        return self.send("POST", group, path, **more)

    @contextmanager
    def stream(
        self,
        method: str,
        group: Group | None,
        path: str,
        *,
        auth: bool | str = True,
        layout: str | None = None,
        **more: Any,
    ) -> Iterator[Stream]:
        """Send a request and hand over its answer while it comes."""
        request, told = self._request(method, group, path, auth=auth, layout=layout, more=more)
        try:
            response = self.client.send(request, stream=True)
        except httpx2.HTTPError as error:
            raise Failed("an answer", f"{type(error).__name__}: {error}", told) from None
        try:
            # An error comes whole in place of a stream, and is to be shown.
            is_stream = "event-stream" in response.headers.get("content-type", "")
            body = b"" if is_stream else response.read()
            yield Stream(Answer(told, response.status_code, response.headers, body), response)
        except httpx2.HTTPError as error:
            raise Failed("a stream that ends in order", f"{type(error).__name__}: {error}", told) from None
        finally:
            response.close()

    def open_socket(self) -> socket.socket:
        """Open a bare connection, for what a client library would not send."""
        bare = self._dialled(PATIENCE_S * self.patience)
        return self._tls.wrap_socket(bare, server_hostname=self._host) if self._tls else bare

    @property
    def _host(self) -> str:
        return urlsplit(self.base).hostname or ""

    def _dialled(self, seconds: float) -> socket.socket:
        port = urlsplit(self.base).port or (443 if self._tls else 80)
        return socket.create_connection((self._host, port), timeout=seconds)

    def raw(
        self, method: str, group: Group, path: str, head: Mapping[str, str], body: bytes = b""
    ) -> tuple[str, bytes]:
        """Send exactly these headers and bytes; return the status line and all that came until the server closed."""
        url, named = self.locate(group, path)
        below = urlsplit(url)
        # Closed by the server, so that the end of what it says is known without reading HTTP.
        lines = {"Host": named.get("host", below.netloc), "Connection": "close", **head}
        text = f"{method} {below.path}{f'?{below.query}' if below.query else ''} HTTP/1.1\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
        with self.open_socket() as connection:
            connection.sendall(text.encode("latin-1") + body)
            try:
                came = b"".join(iter(lambda: connection.recv(65_536), b""))
            except TimeoutError:
                waited = f"none within {PATIENCE_S * self.patience:g} s"
                raise Failed("an answer, and then the connection's end", waited, f"{method} {below.path}") from None
        return came.split(b"\r\n", 1)[0].decode("latin-1"), came

    def abandon(self, group: Group, path: str, body: bytes, seconds: float) -> None:
        """POST a JSON body and go away after so long, without having read an answer."""
        url, named = self.locate(group, path)
        below = urlsplit(url)
        key = f"Authorization: Key {self.key}\r\n" if self.key else ""
        head = f"POST {below.path} HTTP/1.1\r\nHost: {named.get('host', below.netloc)}\r\n{key}"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with self.open_socket() as connection:
            connection.sendall(head.encode("latin-1") + body)
            time.sleep(seconds)  # long enough for the run to have begun

    @contextmanager
    def socket(self, path: str, **more: Any) -> Iterator[ClientConnection]:
        """Open a WebSocket under the run group."""
        url, headers = self.locate("run", path)
        headers |= more.pop("headers", {})
        parts = urlsplit(url)
        address = url.replace("http", "ws", 1)
        where: dict[str, Any] = {}
        if "host" in headers:  # the connection goes to the server, the handshake names fal's host
            query = f"?{parts.query}" if parts.query else ""
            address = f"{'wss' if self._tls else 'ws'}://{headers.pop('host')}{parts.path}{query}"
            where["sock"] = self._dialled(10)
            if self._tls:  # the certificate is that of the server's own name, as for all other requests
                where["server_hostname"] = self._host
        with connect(
            address,
            additional_headers=headers,
            ssl=self._tls,
            proxy=None,
            compression=None,
            open_timeout=30,
            close_timeout=5 * self.patience,
            max_size=None,  # as the clients: frames hold pictures
            **where,
            **more,
        ) as connection:
            yield connection


def _told(request: httpx2.Request) -> str:
    extra = {
        name: value
        for name, value in request.headers.items()
        if name.startswith("x-fal") or name in {"accept", "origin", "range", "content-type", "idempotency-key"}
        if (name, value) not in {("accept", "*/*"), ("content-type", "application/json")}
    }
    host = request.headers.get("host", "")
    shown = "" if host == request.url.netloc.decode() else f" Host: {host}"
    query = request.url.query.decode()
    if "token" in query:  # a token in a URL is a credential too
        query = "…"
    headers = "".join(f" {name}: {short(value, 80)}" for name, value in extra.items())
    try:
        body = request.content
    except httpx2.RequestNotRead:
        body = b""
    text = f" {short(body.decode('utf-8', 'replace'), 120)}" if body else ""
    return f"{request.method} {request.url.path}{'?' + query if query else ''}{shown}{headers}{text}"
