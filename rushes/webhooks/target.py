"""Whether a webhook's URL can be called at all, judged by its text alone; for the door, before anything is stored.

A name that resolves to a forbidden address is found out when it is called (see `sender`).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from rushes.outbound.addresses import Network, read_literal
from rushes.outbound.addresses import refusal as address_refusal
from rushes.outbound.targets import NotATarget, allow_hint, read_target, shown, without_credentials

__all__ = ["peer_of", "refusal", "shown", "without_credentials"]

MOST_URL_CHARS = 2_048
_LOOPBACK = IPv4Address("127.0.0.1")


def refusal(url: str, allowed: Iterable[Network]) -> str | None:
    """Say why the URL can't be called, as the rest of a sentence that begins with the URL; None when it may be."""
    if len(url) > MOST_URL_CHARS or not url.isprintable() or any(char.isspace() for char in url):
        return f"expected an absolute http or https URL of at most {MOST_URL_CHARS} characters, without spaces"
    try:
        host = read_target(url).host
    except NotATarget as error:
        return f"it {error}; expected an absolute http or https URL"
    # Resolvers know what `localhost` is without asking anybody, and so do we.
    address = _LOOPBACK if host == "localhost" or host.endswith(".localhost") else read_literal(host)
    what = None if address is None else address_refusal(address, allowed)
    if address is None or what is None:
        return None
    return f"it leads to {address}, {what}, which this server does not call; {allow_hint(address)}"


def peer_of(url: str) -> str:
    """Return host and port of a URL that `refusal` has passed."""
    return read_target(url).peer
