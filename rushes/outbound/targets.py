"""What a stranger's URL says: scheme, host, port, path and credentials, in the one spelling that is checked and sent.

Pure text: nothing is looked up here, and which addresses may be reached is `addresses`' matter. Also how URLs stand in
messages, which must not tell what may be secret.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import quote, unquote_to_bytes, urlsplit

from rushes.outbound.addresses import Address, read_literal

MOST_URL_CHARS = 16_384
_SHOWN_CHARS = 100
_CREDENTIALS = re.compile(r"^(\s*[A-Za-z][A-Za-z0-9+.\-]*://)[^/?#]*@")
_PORTS = {"http": 80, "https": 443}


class NotATarget(ValueError):
    """The URL leads nowhere; the text continues a sentence that begins with the URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads. `target` is path and query as they are sent; `authority` is the Host header."""

    scheme: str
    host: str
    port: int
    authority: str
    target: str
    authorization: str | None  # from user and password in the URL

    @property
    def peer(self) -> str:
        """Who answers, whatever the path: host and port."""
        return f"{self.host}:{self.port}"


def read_target(url: str) -> Target:
    """Take a URL apart. Raises NotATarget."""
    if len(url) > MOST_URL_CHARS:
        raise NotATarget(f"has {len(url)} characters; a URL may have {MOST_URL_CHARS}")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise NotATarget(f"is not a URL: {error}") from None
    if parts.scheme not in _PORTS:
        raise NotATarget(f"has the scheme {parts.scheme!r}" if parts.scheme else "is not a URL")
    if not parts.hostname or port == 0:
        raise NotATarget("names no host or port to ask")
    try:
        host = plain_host(parts.hostname)
    except UnicodeError:
        raise NotATarget("has a host that is no valid name") from None
    authority = f"[{host}]" if ":" in host else host
    # What is escaped already stays so: its % is safe.
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS[parts.scheme],
        authority=authority if port is None else f"{authority}:{port}",
        target=f"{path}?{_quoted(parts.query)}" if parts.query else path,
        authorization=_basic(parts.username, parts.password),
    )


def plain_host(host: str) -> str:
    """Return the host in ASCII: an address in its usual form, a name in IDNA's, without a trailing dot.

    Raises UnicodeError for what is no name.
    """
    literal: Address | None = read_literal(host)
    if literal is not None:
        return str(literal)
    name = host.encode("idna").decode("ascii").removesuffix(".")
    # Full-width digits become plain ones only now, and may turn out to spell an address.
    literal = read_literal(name)
    return str(literal) if literal is not None else name


def shown(url: str) -> str:
    """Return a URL as messages show it: shortened, and without what may be secret (credentials and the query)."""
    text = "".join(char if char.isprintable() else "�" for char in url[:MOST_URL_CHARS].strip())
    text, query, _ = without_credentials(text).partition("?")
    text = text.partition("#")[0] + ("?…" if query else "")
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def without_credentials(url: str) -> str:
    """Return the URL without user and password."""
    return _CREDENTIALS.sub(r"\1", url, count=1)


def allow_hint(address: Address) -> str:
    """Say which setting lets an operator allow an address."""
    # The narrowest network that helps; only a machine's own addresses come all together.
    network = "127.0.0.0/8" if str(address).startswith("127.") else ip_network(address)
    return f"an operator can allow it with RUSHES_ALLOW_ADDRESSES={network}"


def _basic(user: str | None, password: str | None) -> str | None:
    if user is None and password is None:
        return None
    pair = unquote_to_bytes(user or "") + b":" + unquote_to_bytes(password or "")
    return f"Basic {base64.b64encode(pair).decode()}"


def _quoted(query: str) -> str:
    return quote(query, safe="/%:@!$&'()*+,;=~-._?")
