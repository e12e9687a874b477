"""One HTTP request at the door, with what the routes found out about it; and the services a handler may use.

A handler is an async function `(Visit) -> Response`. It raises CallerError for anything it refuses; `routes` answers those.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from rushes.accounts.keys import KeyRing
from rushes.endpoint import Endpoint
from rushes.files.signing import Signer
from rushes.files.store import FileStore
from rushes.gateway.links import Links
from rushes.jobs.events import Events
from rushes.jobs.store import JobStore
from rushes.settings import Settings

Group = Literal["run", "queue", "rest", "cdn", "platform", "site", "ws", "runners", "own"]
"""Which of fal's hosts a request is meant for (protocol 1.4); `own` is our own routes such as /health."""


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
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, its group, its path below that group (percent-decoded segments), and the links to answer with."""

    request: Request
    services: Services
    group: Group
    segments: tuple[str, ...]
    links: Links


Handler = Callable[[Visit], Awaitable[Response]]
