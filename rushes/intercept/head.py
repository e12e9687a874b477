"""The head of what a client asks of a proxy: read, judged, refused. Pure; nothing is opened here.

Only CONNECT is understood. Plain http could be forwarded, but a connection to a proxy may carry requests to several
hosts, and one mistake in telling them apart would send a key of ours to a stranger; who needs it can go straight.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import ip_address

from rushes.gateway.hosts import is_fals

MOST_HEAD_BYTES = 16 * 1024
END = b"\r\n\r\n"
HTTPS = 443

_REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    508: "Loop Detected",
}
# ASCII only, and neither percent signs nor credentials: no resolver can read another host in it than `is_fals`.
_TARGET = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._\-]{1,253})):(\d{1,5})")


class Refusal(Exception):
    """Why a client is not let through; `answer` is what it is told."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)

    @property
    def answer(self) -> bytes:
        """The whole response: JSON, like every other error."""
        body = json.dumps({"detail": str(self)}).encode()
        head = f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\ncontent-type: application/json\r\n"
        return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class Wish:
    """A host and port that a client wants to be joined to; `via` names the proxies that it came through."""

    host: str
    port: int
    via: tuple[str, ...] = ()

    @property
    def is_fals(self) -> bool:
        """Whether it ends here."""
        return is_fals(self.host)

    @property
    def authority(self) -> str:
        """Host and port as CONNECT writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read(head: bytes) -> Wish:
    """Return what a whole head (without the empty line at its end) asks for. Raises Refusal."""
    line, *fields = head.split(b"\r\n")
    words = line.decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Refusal(400, "This port is an HTTP proxy; what came is no HTTP request")
    method, target, _ = words
    if method != "CONNECT":
        raise _not_connect(target)
    wish = _wish(target, _via(fields))
    if wish.is_fals and wish.port != HTTPS:
        raise Refusal(403, f"fal's hosts are answered here, on port {HTTPS} only; got {wish.authority}")
    return wish


def _wish(target: str, via: tuple[str, ...]) -> Wish:
    found = _TARGET.fullmatch(target)
    if found is None or not 0 < int(found[3]) < 65_536:
        raise Refusal(400, f"CONNECT needs a host and a port such as example.org:443; got {target[:300]!r}")
    try:
        # A dot at the end names the same host, also to resolvers.
        host = str(ip_address(found[1])) if found[1] else found[2].lower().rstrip(".")
    except ValueError:
        host = ""
    if not host:
        raise Refusal(400, f"CONNECT needs a host and a port such as example.org:443; got {target[:300]!r}")
    return Wish(host, int(found[3]), via)


def _not_connect(target: str) -> Refusal:
    if "://" not in target:
        return Refusal(400, "This port is Rushes' proxy for https, not its API: see `rushes env`")
    return Refusal(
        501, "This proxy takes https only (CONNECT). For http:// unset HTTP_PROXY, or name the host in NO_PROXY"
    )


def _via(fields: list[bytes]) -> tuple[str, ...]:
    found: list[str] = []
    for field in fields:
        name, _, value = field.partition(b":")
        if name.strip().lower() == b"via":
            found += [part.strip() for part in value.decode("latin-1").split(",")]
    return tuple(found)
