"""Which way a tunnel to a stranger's host leaves: straight, or through the proxy that the environment names. Pure.

The environment is the server's own, read as every other program reads it: https_proxy, else all_proxy, and no_proxy.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

from rushes.intercept.head import Refusal, Wish


@dataclass(frozen=True, slots=True)
class Upstream:
    """A proxy to go through; with `tls` it is spoken to over TLS. `authorization` is a header's value."""

    host: str
    port: int
    tls: bool
    authorization: str | None

    def request(self, wish: Wish, ourselves: str) -> bytes:
        """Return the CONNECT to send it; `ourselves` in Via tells us our own tunnels when they come back."""
        lines = [f"CONNECT {wish.authority} HTTP/1.1", f"Host: {wish.authority}"]
        lines.append(f"Via: {', '.join((*wish.via, f'1.1 {ourselves}'))}")
        if self.authorization is not None:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def upstream_of(wish: Wish, environment: Mapping[str, str], ourselves: tuple[str, int]) -> Upstream | None:
    """Return the proxy for that host, None for none. Raises Refusal(502) for one that can't be spoken to.

    A shell in which our own exports were evaluated names us: that is no upstream.
    """
    name = "https_proxy" if _named(environment, "https_proxy") else "all_proxy"
    url = _named(environment, name)
    if not url or any(spares(entry, wish.host, wish.port) for entry in _named(environment, "no_proxy").split(",")):
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        tls = {"http": False, "https": True}[parts.scheme]
        found = Upstream(parts.hostname or "", parts.port or (443 if tls else 80), tls, _authorization(url))
    except (ValueError, KeyError):
        found = Upstream("", 0, False, None)
    if not found.host:
        told = f"The server's own {name.upper()} is no http:// or https:// address: no other host is reached"
        raise Refusal(502, told)
    return None if (found.host, found.port) in (ourselves, ("localhost", ourselves[1])) else found


def spares(entry: str, host: str, port: int) -> bool:
    """Say whether an entry of no_proxy means that host: `*`, a name (and all below it), an address, a network."""
    text = entry.strip().lower()
    if text in ("", "*"):
        return text == "*"
    name, colon, wanted_port = text.rpartition(":")
    # Without brackets the colons of an IPv6 address are its own.
    if colon and wanted_port.isdigit() and ("]" in name or ":" not in name):
        if int(wanted_port) != port:
            return False
        text = name
    text = text.strip("[]")
    try:
        return ip_address(host) in ip_network(text, strict=False)
    except ValueError:
        tree = text.removeprefix("*").lstrip(".")
        return bool(tree) and (host == tree or host.endswith(f".{tree}"))


def _named(environment: Mapping[str, str], name: str) -> str:
    # The lower spelling first and an empty one as none, as curl and Python read them.
    return environment.get(name) or environment.get(name.upper()) or ""


def _authorization(url: str) -> str | None:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + b64encode(pair.encode()).decode()
