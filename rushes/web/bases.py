"""The base addresses that a page's samples and links use, as this caller reaches us; pure.

On our own host samples point the official clients at this server; on fal's hosts (layout H) those clients arrive here
unasked, so samples there need no pointing.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from rushes.gateway.links import Links


@dataclass(frozen=True, slots=True)
class Bases:
    """Where what is: `site` has the pages, `root` is its path alone; clients have to be pointed here if `pointed`."""

    site: str
    root: str
    run: str
    queue: str
    upload: str
    pointed: bool


def bases_of(links: Links) -> Bases:
    """Return the addresses for a caller with these links."""
    parts = urlsplit(links.origin)
    if links.queue != links.origin:
        return Bases(links.origin, parts.path, f"{links.origin}/run", links.queue, f"{links.origin}/files/upload", True)
    # Who brought fal's names here on another port did so for all of them.
    port = f":{parts.port}" if parts.port else ""
    run, queue, rest = (f"{parts.scheme}://{host}{port}" for host in ("fal.run", "queue.fal.run", "rest.fal.ai"))
    return Bases(links.origin, "", run, queue, f"{rest}/files/upload", False)
