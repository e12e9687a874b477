"""One HTTP request at the door, with what the routes found out about it; and the services a handler may use.

A handler is an async function `(Visit) -> Answer`. It raises CallerError for anything it refuses; `routes` answers
those. An answer is any ASGI callable: `replies.Reply` on the hot paths, or a Starlette Response. CORS headers are added
by `routes`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope

from rushes.accounts.keys import KeyRing
from rushes.accounts.storage import StorageDefaults
from rushes.accounts.usage import Usage
from rushes.accounts.voices import VoiceShelf
from rushes.endpoint import Endpoint
from rushes.errors import Rejection, RequestError
from rushes.files.credentials import Credentials
from rushes.files.signing import Signer
from rushes.files.store import FileStore
from rushes.gateway.attendance import Attendance
from rushes.gateway.hosts import Group
from rushes.gateway.links import Links
from rushes.gateway.sessions import Sessions
from rushes.jobs.events import Events
from rushes.jobs.store import JobStore
from rushes.settings import Settings
from rushes.webhooks.outbox import Outbox
from rushes.webhooks.signing import SigningKeys

Answer = ASGIApp


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers work with; put together in `rushes.app`."""

    settings: Settings
    endpoints: Mapping[str, Endpoint]
    jobs: JobStore
    events: Events
    files: FileStore
    signer: Signer
    keys: KeyRing
    voices: VoiceShelf
    usage: Usage
    storage: StorageDefaults
    outbox: Outbox
    webhook_keys: SigningKeys
    clock: Callable[[], float]
    attendance: Attendance = field(default_factory=Attendance)
    sessions: Sessions = field(default_factory=Sessions)
    wake_sessions: Callable[[], None] = lambda: None  # have a runner for sessions, soon
    credentials: Credentials | None = None  # None: results are not signed


class Visit(NamedTuple):
    """A request, its group, its path below that group (percent-decoded segments), and the links to answer with.

    `id` is a fresh UUID: the request id of whatever this visit starts. Segments keep the first word of a path that
    is served on every host: ("storage", …), ("files", …), ("v1", …). A tuple, because one is made for every poll and a
    frozen dataclass takes five times as long.
    """

    scope: Scope
    receive: Receive
    services: Services
    group: Group
    segments: tuple[str, ...]
    links: Links
    id: str

    @property
    def method(self) -> str:
        """GET, POST, …; upper case."""
        method: str = self.scope["method"]
        return method

    def header(self, name: bytes) -> str | None:
        """Return the first value of a header; `name` in lower case, as ASGI writes it."""
        for key, value in self.scope["headers"]:
            if key == name:
                text: str = value.decode("latin-1")
                return text
        return None

    def query(self) -> dict[str, str]:
        """Return the query's members; of repeated ones the last."""
        raw: bytes = self.scope["query_string"]
        # Blank ones too: `max_buffering=` is a mistake to be told, not an absence.
        return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else {}

    def stream(self) -> AsyncIterator[bytes]:
        """Yield the body's chunks as they come; raises starlette's ClientDisconnect when the caller goes away."""
        return Request(self.scope, self.receive).stream()

    async def left(self) -> None:
        """Return when the caller has closed the connection; a body that nobody has read by now is thrown away."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def body(self, limit_bytes: int) -> bytes:
        """Read the whole body; never holds more than the limit. Raises Rejection(413), RequestError when cut short."""
        declared = self.header(b"content-length")
        # Before the first byte is read; a body without a length is counted as it comes.
        if declared is not None and declared.isdigit() and int(declared) > limit_bytes:
            raise too_large(limit_bytes)
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in self.stream():
                size += len(chunk)
                if size > limit_bytes:
                    raise too_large(limit_bytes)
                chunks.append(chunk)
        except ClientDisconnect:
            raise RequestError("client_disconnected") from None
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


Handler = Callable[[Visit], Awaitable[Answer]]


def too_large(limit_bytes: int) -> Rejection:
    """What a body above the limit is answered with."""
    return Rejection(413, f"The request body is larger than the {limit_bytes} bytes allowed here")
