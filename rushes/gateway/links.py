"""The URLs we write into replies: they lead back to us the way this caller came (protocol 1.5).

Base is settings.public_url, else scheme and Host of the current request; X-Forwarded-* count only behind a trusted
proxy. On fal's own hosts (layout H) queue URLs have no prefix; everywhere else, and for proxied requests, they start
with /queue. Files are served on every host. Which host means what is decided in `hosts`.

A caller that came through our intercepting proxy sees fal's hosts as ours only while it uses that proxy: files are
named by the address in its scope's state (FILES_AT), which leads here without it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from rushes.errors import Rejection
from rushes.gateway.hosts import MOST_HOST_CHARS
from rushes.settings import Settings

FILES_AT = "rushes.files_at"
"""Key in the state of an intercepted request's scope: the server's own address on loopback."""

# A caller chooses it, and it becomes part of URLs: no user before it, no path or quote behind it.
_HOST = re.compile(r"[A-Za-z0-9_.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_SCHEMES = {"http", "https"}

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Links:
    """Writes URLs. `origin` is scheme and host (and path, if public_url has one), without a slash at the end.

    `files_at` is where files are stored and fetched if that is not the origin.
    """

    origin: str
    queue: str
    files_at: str | None = None

    @property
    def files(self) -> str:
        """Base of addresses under which files are stored and fetched."""
        return self.files_at or self.origin

    def request(self, app: str, request_id: str) -> tuple[str, str, str]:
        """Return response_url, status_url and cancel_url; no query, and status_url is response_url + "/status"."""
        response = f"{self.queue}/{app}/requests/{request_id}"
        return response, f"{response}/status", f"{response}/cancel"

    def file(self, file_id: str, name: str) -> str:
        """Return where a stored file can be downloaded."""
        return f"{self.files_at or self.origin}/files/b/{quote(file_id, safe='')}/{quote(name, safe='')}"


def reached_host(settings: Settings, headers: Headers) -> str:
    """Return the Host under which the caller reached us; behind a trusted proxy that is what the proxy says."""
    host = _first(headers, b"host") or "localhost"  # HTTP/1.0 knows no Host
    return (_forwarded(headers, b"x-forwarded-host") or host) if settings.behind_proxy else host


def links_for(
    settings: Settings, scheme: str, headers: Headers, *, own_host: bool, files_at: str | None = None
) -> Links:
    """Return the links of one request; `own_host` is False where the caller reached one of fal's hosts (layout H).

    With `files_at` (an intercepted call) queue URLs stay on fal's host, whatever the settings say: clients send their
    key only to the origin that they know. Raises Rejection(400) for a Host that no URL can be built from.
    """
    # Before public_url, which a client that knows only fal's hosts would not send its key to.
    if files_at is not None and not own_host:
        origin = _origin(scheme.lower(), _first(headers, b"host") or "localhost")
        return Links(origin, origin, (settings.public_url or files_at).rstrip("/"))
    if settings.public_url is not None:
        return _links(settings.public_url.rstrip("/"), "/queue")
    host = reached_host(settings, headers)
    if settings.behind_proxy:
        scheme = _forwarded(headers, b"x-forwarded-proto") or scheme
    return _links(_origin(scheme.lower(), host), "/queue" if own_host else "")


# Callers come by the same few hosts, and every poll asks for its links.
@lru_cache(maxsize=256)
def _origin(scheme: str, host: str) -> str:
    if scheme not in _SCHEMES or len(host) > MOST_HOST_CHARS or not _HOST.fullmatch(host):
        raise Rejection(
            400, f"Invalid host {f'{scheme}://{host}'[:200]!r}: expected a name or an address, with or without a port"
        )
    return f"{scheme}://{host}"


@lru_cache(maxsize=256)
def _links(origin: str, prefix: str) -> Links:
    return Links(origin, origin + prefix)


def _first(headers: Headers, name: bytes) -> str | None:
    for key, value in headers:
        if key == name:
            return value.decode("latin-1").strip()
    return None


def _forwarded(headers: Headers, name: bytes) -> str | None:
    """The client-most value: proxies append theirs after a comma."""
    value = _first(headers, name)
    return value.split(",")[0].strip() if value else None
