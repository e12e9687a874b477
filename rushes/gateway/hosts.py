"""Which of fal's hosts a Host header means, and which group a prefix on our own host (protocol 1.4); pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

Group = Literal["run", "queue", "rest", "cdn", "platform", "site", "ws", "runners", "own"]
"""Which of fal's hosts a request is meant for; `runners` and `own` (such as /health) exist on our own host only."""

HOSTS: Mapping[str, Group] = {
    "fal.run": "run",
    "falrun.com": "run",
    "queue.falrun.com": "queue",
    "rest.fal.ai": "rest",
    "rest.alpha.fal.ai": "rest",
    "api.fal.ai": "platform",
    "fal.media": "cdn",
    "fal.ai": "site",
    "ws.fal.run": "ws",
}

# Layout P. The first word is dropped where the word after it would be the first one on fal's own host.
PREFIXES: Mapping[str, Group] = {
    "run": "run",
    "queue": "queue",
    "rest": "rest",
    "cdn": "cdn",
    "platform": "platform",
    "runners": "runners",
}
OWN: Mapping[str, Group] = {"models": "site", "api": "site", "llms.txt": "site", "health": "own", "metrics": "own"}

# these words mean the same on every host.
EVERYWHERE: Mapping[str, Group] = {
    "storage": "rest",
    "tokens": "rest",
    ".well-known": "rest",
    "files": "cdn",
    "v1": "platform",
}

PROXY_PATH = ("api", "fal", "proxy")


@lru_cache(maxsize=256)
def host_group(host: str) -> Group | None:
    """Return the group a Host (with or without port, in any case) means; None for our own host."""
    name = host.strip().lower()
    if not name.startswith("["):
        name = name.partition(":")[0]
    name = name.rstrip(".")
    if name in HOSTS:
        return HOSTS[name]
    if name.startswith("queue."):
        return "queue"
    return "cdn" if name.endswith(".fal.media") else None


def place(host: Group | None, segments: tuple[str, ...]) -> tuple[Group, tuple[str, ...]] | None:
    """Return the group and the path below it, or None where our own host has no such path."""
    first = segments[0] if segments else ""
    if first in EVERYWHERE:
        return EVERYWHERE[first], segments
    if host is not None:
        return host, segments
    if first in PREFIXES:
        return PREFIXES[first], segments[1:]
    return (OWN[first], segments) if first in OWN else None
