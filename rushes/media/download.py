"""Fetch one input file by its URL, as the wary guest of a stranger: see `connection` for whom it may visit.

Redirects are followed by hand and each hop is checked like the first; user and password in a URL go to its own host
only. Sizes are checked against Content-Length and again while the bytes come, and no compression is asked for, so that
a small answer cannot grow. Every failure is a ModelError at the input's `loc`. What the bytes are is not asked here;
`decode` and `recording` look.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin

import httpcore2

from rushes.errors import Loc, ModelError
from rushes.outbound.addresses import Network
from rushes.outbound.connection import (
    CheckedBackend,
    Patience,
    Refused,
    Resolver,
    TooSlow,
    Unresolved,
    resolve,
    system_tls,
)
from rushes.outbound.targets import MOST_URL_CHARS, NotATarget, allow_hint, read_target, shown
from rushes.settings import Settings

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_DEFAULT_TYPE = "application/octet-stream"
_ACCEPTED_URLS = "an http or https URL, or a data URI"


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """How much and how long; `allowed` networks may be reached although they are not public.

    A peer that sends less than `stall_bytes` in `stall_s` seconds is given up.
    """

    max_bytes: int
    total_s: float = 60.0
    stall_s: float = 20.0
    stall_bytes: int = 1024
    allowed: tuple[Network, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> DownloadLimits:
        """Take the limits from the settings."""
        return cls(settings.input_max_bytes, settings.input_timeout_s, allowed=settings.allowed_networks)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched; the type is what the server claimed, without parameters."""

    path: Path
    size_bytes: int
    content_type: str


def fetch(  # noqa: PLR0917
    url: str,
    to: Path,
    limits: DownloadLimits,
    loc: Loc,
    tick: Callable[[], None] = lambda: None,
    resolver: Resolver = resolve,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """Fetch `url` into the file `to`; raises ModelError, and whatever `tick` raises, leaving no file behind.

    `tick` is called with every chunk and several times a second while waiting.
    """
    patience = Patience(limits.total_s, limits.stall_s, limits.stall_bytes, tick)
    visit = _Visit(url, to, limits, loc, CheckedBackend(limits.allowed, patience, resolver), tls or system_tls())
    try:
        return visit.follow()
    except BaseException:
        to.unlink(missing_ok=True)
        raise


@dataclass(slots=True)
class _Visit:
    """One fetch: the URL as given, and where the redirects have led so far."""

    given: str
    to: Path
    limits: DownloadLimits
    loc: Loc
    backend: CheckedBackend
    tls: ssl.SSLContext

    def follow(self) -> Fetched:
        url = self.given
        for _ in range(_MAX_REDIRECTS + 1):
            done = self._hop(url)
            if isinstance(done, Fetched):
                return done
            url = done
        raise self._failed(f"{shown(self.given)} was redirected more than {_MAX_REDIRECTS} times")

    def _hop(self, url: str) -> Fetched | str:
        """Ask one URL; return the file, or the URL it redirects to."""
        request = self._request(url)
        try:
            # A connection serves one request: nothing is kept that a later hop could be led through.
            with httpcore2.ConnectionPool(ssl_context=self.tls, network_backend=self.backend) as pool:
                response = pool.handle_request(request)
                try:
                    return self._read(url, response)
                finally:
                    response.close()
        except Refused as refused:
            raise self._failed(_refused_text(url, refused)) from None
        except TooSlow as slow:
            raise self._failed(f"{shown(url)} {slow}") from None
        except Unresolved as error:
            raise self._failed(f"{shown(url)} could not be reached: {error}") from None
        except httpcore2.RemoteProtocolError as error:
            raise self._failed(f"{shown(url)} broke off or did not speak HTTP: {error}") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            raise self._failed(f"{shown(url)} could not be reached: {error}") from None

    def _request(self, url: str) -> httpcore2.Request:
        try:
            target = read_target(url)
        except NotATarget as error:
            raise self._failed(_no_target_text(url, error)) from None
        headers: dict[bytes | str, bytes | str] = {
            "Host": target.authority,
            "User-Agent": "rushes",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if target.authorization is not None:  # of this hop's own URL: what it redirects to gets nothing of it
            headers["Authorization"] = target.authorization
        core_url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.target)
        return httpcore2.Request("GET", core_url, headers=headers)

    def _read(self, url: str, response: httpcore2.Response) -> Fetched | str:
        headers = {name.lower(): value.decode("utf-8", "replace").strip() for name, value in response.headers}
        location = headers.get(b"location")
        if response.status in _REDIRECTS and location:
            return self._joined(url, location)
        if response.status != HTTPStatus.OK:
            raise self._failed(f"{shown(url)} answered {_status_text(response.status)}")
        if headers.get(b"content-encoding", "").lower() not in ("", "identity"):  # some stores send an empty one
            raise self._failed(
                f"{shown(url)} sent {headers[b'content-encoding']!r}-compressed bytes, which were not asked for"
            )
        length = headers.get(b"content-length", "")
        if length.isdigit():
            # Refused before a byte of it is read; what comes is counted all the same.
            self._check_size(url, int(length))
        size = self._save(url, response)
        return Fetched(self.to, size, headers.get(b"content-type", _DEFAULT_TYPE).partition(";")[0].strip().lower())

    def _joined(self, url: str, location: str) -> str:
        try:
            return urljoin(url, location)
        except ValueError as error:
            raise self._failed(f"{shown(url)} redirects to something that is not a URL: {error}") from None

    def _save(self, url: str, response: httpcore2.Response) -> int:
        size = 0
        with self.to.open("wb") as file:
            for chunk in response.iter_stream():
                size += len(chunk)
                self._check_size(url, size)
                file.write(chunk)
        if size == 0:
            raise self._failed(f"{shown(url)} answered with an empty file")
        return size

    def _check_size(self, url: str, size: int) -> None:
        if size > self.limits.max_bytes:
            msg = f"the file at {shown(url)} has {size} bytes or more; at most {self.limits.max_bytes} are allowed"
            raise ModelError("file_too_large", msg, loc=self.loc, ctx={"max_size": self.limits.max_bytes})

    def _failed(self, msg: str) -> ModelError:
        return ModelError("file_download_error", msg, loc=self.loc)


def _no_target_text(url: str, error: NotATarget) -> str:
    if not url.strip():
        return f"the URL is empty; give {_ACCEPTED_URLS}"
    advice = "" if len(url) > MOST_URL_CHARS else f"; give {_ACCEPTED_URLS}"
    return f"{shown(url)} {error}{advice}"


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _refused_text(url: str, refused: Refused) -> str:
    return (
        f"{shown(url)} leads to {refused.address}, {refused.what}, which this server does not fetch from; "
        f"{allow_hint(refused.address)}"
    )
