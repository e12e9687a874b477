"""The addresses of other groups in the platform's answers, as this caller reaches us; pure.

On our own host they lie below prefixes; a caller who reached us under fal's names gets fal's names (protocol 1.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from rushes.gateway.links import Links


@dataclass(frozen=True, slots=True)
class Addresses:
    """Bases without a slash at the end."""

    run: str
    queue: str
    site: str
    platform: str


def addresses_of(links: Links) -> Addresses:
    """Return the bases for a caller with these links."""
    if links.queue != links.origin:
        return Addresses(f"{links.origin}/run", links.queue, links.origin, links.origin)
    # The same name on one of its ports: whoever made fal's names lead here did so for all of them.
    parts = urlsplit(links.origin)
    port = f":{parts.port}" if parts.port else ""
    names = ("fal.run", "queue.fal.run", "fal.ai", "api.fal.ai")
    return Addresses(*(f"{parts.scheme}://{name}{port}" for name in names))
