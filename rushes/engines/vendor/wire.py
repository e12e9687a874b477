"""HTTP to a vendor: one request and its answer, or a result's bytes into a file.

The API's own host is reached wherever the operator says it is; results that lie elsewhere only at addresses that a
stranger's URL may lead to (`outbound`). Waiting shows a sign of life several times a second, and a cancel ends it.
Whether a request that got no answer may have been taken is told apart here, since it may have been paid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2

from rushes.engines.vendor.contract import Link, Part, Request, Response
from rushes.outbound.addresses import Network
from rushes.outbound.connection import CheckedBackend, Patience, Refused, TooSlow, Unresolved, system_tls
from rushes.outbound.targets import NotATarget, read_target, shown

ANSWER_S = 120.0  # for one request, a large picture on its way included
UPLOAD_S = 600.0  # for a file of up to 100 MB, which a line of 1.5 Mbit/s brings in time
STALL_S = 60.0
DOWNLOAD_S = 600.0
DOWNLOAD_STALL_S = 30.0
STALL_BYTES = 1
MOST_ANSWER_BYTES = 256 * 1024 * 1024  # pictures and sound may stand in it, as text
MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ANYWHERE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))

Tick = Callable[[], None]


class Unanswered(Exception):
    """No whole answer came; `sent` says whether the request may have arrived, `final` that asking again is no use."""

    def __init__(self, text: str, *, sent: bool, final: bool = False) -> None:
        self.sent, self.final = sent, final
        super().__init__(text)


class Undelivered(Exception):
    """A result could not be downloaded; `status` is what its host answered, None where it broke off before or after.

    `final` says that asking again is no use.
    """

    def __init__(self, text: str, status: int | None = None, *, final: bool = False) -> None:
        self.status, self.final = status, final
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Wire:
    """The way to one vendor, whose API is at `url`; `allowed` networks may hold results although they are private."""

    url: str
    allowed: tuple[Network, ...] = ()
    most_bytes: int = 2 * 1024**3  # of one result
    most_answer_bytes: int = MOST_ANSWER_BYTES

    def ask(self, request: Request, tick: Tick, total_s: float = ANSWER_S, stall_s: float = STALL_S) -> Response:
        """Send a request and read the answer, whatever its status. Raises Unanswered, and what `tick` raises."""
        try:
            built = _built(request)
        except (NotATarget, UnicodeError, httpx2.InvalidURL) as error:
            raise Unanswered(f"{shown(request.url)}: {_said(error)}", sent=False, final=True) from None
        patience = Patience(total_s, stall_s, STALL_BYTES, tick)
        backend = CheckedBackend(_ANYWHERE if self._is_ours(request.url) else self.allowed, patience)
        try:
            with httpcore2.ConnectionPool(ssl_context=system_tls(), network_backend=backend) as pool:
                response = pool.handle_request(built)
                try:
                    body = _read(response.iter_stream(), self.most_answer_bytes)
                finally:
                    response.close()
        except (Refused, Unresolved, httpcore2.ConnectError) as error:  # TLS too: nothing of the request has left
            text = f"{_host(request.url)} could not be reached: {error}"
            raise Unanswered(text, sent=False, final=isinstance(error, Refused)) from None
        except httpcore2.LocalProtocolError:
            # What it says holds the header that can't be sent, which may be the key.
            text = f"what is to be sent to {_host(request.url)} is no HTTP; look at the key's characters"
            raise Unanswered(text, sent=False, final=True) from None
        except _TooLong as error:
            raise Unanswered(f"{_host(request.url)} answered too much: {error}", sent=True, final=True) from None
        except (TooSlow, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            said = str(error) or type(error).__name__
            # Of half a request nothing can be taken: its length was told first.
            raise Unanswered(f"{_host(request.url)} gave no whole answer: {said}", sent=patience.has_asked) from None
        return Response(response.status, _headers(response), body)

    def download(self, link: Link, to: Path, tick: Tick) -> str:
        """Bring a result into the file `to` and return the type that its host claims. Raises Undelivered."""
        url = link.url
        patience = Patience(DOWNLOAD_S, DOWNLOAD_STALL_S, STALL_BYTES, tick)  # one for all hops
        for _ in range(MOST_REDIRECTS + 1):
            # Looked at for each hop: a redirect may lead from the API's host to a store's, and must not take the key.
            found = self._hop(url, dict(link.headers) if self._is_ours(url) else {}, to, patience)
            if not found.startswith("\0"):
                return found
            url = _joined(url, found[1:])
        raise Undelivered(f"{shown(link.url)} was redirected more than {MOST_REDIRECTS} times", final=True)

    def _is_ours(self, url: str) -> bool:
        """Say whether a URL leads to the API's own scheme, host and port."""
        try:
            there, ours = urlsplit(url), urlsplit(self.url)
        except ValueError:
            return False  # no URL at all, which is said where it is asked
        return (there.scheme, there.netloc) == (ours.scheme, ours.netloc)

    def _hop(self, url: str, headers: dict[str, str], to: Path, patience: Patience) -> str:
        """Ask one URL; return the file's type, or where it redirects to after a zero byte."""
        backend = CheckedBackend(_ANYWHERE if self._is_ours(url) else self.allowed, patience)
        try:
            built = _built(Request("GET", url, headers))
            with httpcore2.ConnectionPool(ssl_context=system_tls(), network_backend=backend) as pool:
                response = pool.handle_request(built)
                try:
                    return self._save(url, response, to)
                finally:
                    response.close()
        except Refused as refused:
            raise Undelivered(f"{shown(url)} leads to {refused.what}", final=True) from None
        except (NotATarget, UnicodeError, httpx2.InvalidURL, httpcore2.LocalProtocolError) as error:
            raise Undelivered(f"{shown(url)}: {_said(error)}", final=True) from None
        except (TooSlow, Unresolved) as error:
            raise Undelivered(f"{shown(url)}: {error}") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            raise Undelivered(f"{shown(url)} broke off: {error}") from None

    def _save(self, url: str, response: httpcore2.Response, to: Path) -> str:
        headers = _headers(response)
        if response.status in _REDIRECTS and "location" in headers:
            return "\0" + headers["location"]
        if response.status != 200:
            raise Undelivered(f"{shown(url)} answered {response.status}", response.status)
        size = 0
        with to.open("wb") as file:
            for chunk in response.iter_stream():
                size += len(chunk)
                if size > self.most_bytes:
                    raise Undelivered(f"{shown(url)} has more than {self.most_bytes} bytes", final=True)
                file.write(chunk)
        if not size:
            raise Undelivered(f"{shown(url)} is empty")
        return headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()


def _built(request: Request) -> httpcore2.Request:
    """Encode a request: JSON, a multipart form, or nothing."""
    target = read_target(request.url)
    # A connection for each request: a kept one may be closed by then, which looks like an answer that was lost.
    headers = {"user-agent": "rushes", "accept-encoding": "identity", "connection": "close", **request.headers}
    if request.form is not None:
        files = {
            name: (part.file_name, part.content, part.content_type) if isinstance(part, Part) else (None, part)
            for name, part in request.form.items()
        }
        whole = httpx2.Request(request.method, request.url, headers=headers, files=files)
    elif request.json is not None:
        whole = httpx2.Request(request.method, request.url, headers=headers, json=request.json)
    else:
        whole = httpx2.Request(request.method, request.url, headers=headers, content=request.content)
    url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.target)
    return httpcore2.Request(request.method, url, headers=whole.headers.raw, content=whole.read())


class _TooLong(Exception):
    """An answer has more bytes than any that we know."""


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise Undelivered(f"{shown(url)} redirects to what is no URL: {error}", final=True) from None


def _said(error: Exception) -> str:
    """What is wrong with an address, or with what goes along, in which secrets may stand."""
    return str(error) if isinstance(error, NotATarget) else "it can't be sent as it is"


def _read(chunks: Iterable[bytes], most: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > most:
            raise _TooLong(f"more than {most} bytes")
    return bytes(body)


def _headers(response: httpcore2.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in response.headers}


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the vendor"
    except ValueError:
        return "the vendor"
