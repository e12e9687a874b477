"""One delivery: a POST to a stranger, made as warily as an input is fetched (see `outbound.connection`).

The status line decides; a few kilobytes of the answer's body are read, so that the receiver can finish, and forgotten.
No redirect is followed, no environment proxy is asked. Blocks its thread for at most the time given. Never raises but
what `tick` raises: what went wrong is part of the answer.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import httpcore2

from rushes import __version__
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
from rushes.outbound.targets import NotATarget, Target, allow_hint, read_target

_READ_BYTES = 4096
_READ_S = 1.0  # to read them, after the status line


class Answer(NamedTuple):
    """What came back: a status code, or None and why there was none. `final`: asking again would be no use."""

    status_code: int | None
    error: str | None
    final: bool = False


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    allowed: Iterable[Network],
    tick: Callable[[], None],
    resolver: Resolver = resolve,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Send `body` as it is; `tick` is called several times a second and may raise to give up."""
    # One byte is progress enough: receivers work before they answer, and the time in all holds anyway.
    patience = Patience(timeout_s, timeout_s, 1, tick)
    try:
        request = _request(read_target(url), body, headers)
        backend = CheckedBackend(allowed, patience, resolver)
        with httpcore2.ConnectionPool(ssl_context=tls or system_tls(), network_backend=backend) as pool:
            response = pool.handle_request(request)
            try:
                _read_some(response, patience)
            finally:
                response.close()
    except NotATarget as error:
        return Answer(None, f"the URL {error}", final=True)
    except Refused as refused:
        why = f"leads to {refused.address}, {refused.what}, which this server does not call"
        return Answer(None, f"it {why}; {allow_hint(refused.address)}", final=True)
    except TooSlow:
        return Answer(None, f"no answer within {timeout_s:g} s")
    except Unresolved as error:
        return Answer(None, str(error))
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
        return Answer(None, f"no answer: {error}")
    return Answer(response.status, _complaint(response.status))


def _request(target: Target, body: bytes, headers: Mapping[str, str]) -> httpcore2.Request:
    sent = {
        "Host": target.authority,
        "User-Agent": f"rushes/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        # Deliveries to one receiver are rare; what is kept open would be closed under us.
        "Connection": "close",
        **({"Authorization": target.authorization} if target.authorization else {}),
        **headers,
    }
    url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.target)
    encoded: list[tuple[bytes | str, bytes | str]] = [(name, value.encode()) for name, value in sent.items()]
    return httpcore2.Request("POST", url, headers=encoded, content=body)


def _read_some(response: httpcore2.Response, patience: Patience) -> None:
    patience.deadline = min(patience.deadline, time.monotonic() + _READ_S)
    size = 0
    try:
        for chunk in response.iter_stream():
            size += len(chunk)
            if size >= _READ_BYTES:
                return
    except (TooSlow, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException):
        return  # the status line has said all that counts


def _complaint(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed"
    return f"answered {status}"
