"""Which of fal's hosts a Host header means, and which group a prefix on our own host (protocol 1.4); pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

Group = Literal["run", "queue", "rest", "cdn", "platform", "site", "ws", "runners", "own", "hub"]
"""Which of fal's hosts a request is meant for; `runners`, `own` (/health, …) and `hub` exist on our own host only."""

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

DOMAINS = ("fal.run", "fal.ai", "fal.media", "falrun.com")
"""All of fal's domains. Whatever host lies below one is fal's, also one that no route of ours answers for."""

# Layout P. The first word is dropped where the word after it would be the first one on fal's own host.
PREFIXES: Mapping[str, Group] = {
    "run": "run",
    "queue": "queue",
    "rest": "rest",
    "cdn": "cdn",
    "platform": "platform",
    "runners": "runners",
    "ws": "ws",
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
MOST_HOST_CHARS = 262  # 255 of a name, a colon and a port
HUB_PATH = ("api", "models")
REPEATED = frozenset({"run", "queue"})


def host_group(host: str) -> Group | None:
    """Return the group a Host (with or without port, in any case) means; None for our own host."""
    # Longer ones are no names (RFC 1035), and strangers could fill the cache with them.
    return _group_of(host) if len(host) <= MOST_HOST_CHARS else None


@lru_cache(maxsize=256)
def _group_of(host: str) -> Group | None:
    name = host.strip().lower()
    if not name.startswith("["):  # an IPv6 address, whose colons are no port's; it is no host of fal's anyway
        name = name.partition(":")[0]
    name = name.rstrip(".")  # the absolute form of a name
    if name in HOSTS:
        return HOSTS[name]
    if name.startswith("queue."):  # an operator's own queue.example.com too (1.4)
        return "queue"
    return "cdn" if name.endswith(".fal.media") else None


def is_fals(name: str) -> bool:
    """Say whether a host's name (no port) is one of fal's, so that a call to it must not leave this machine."""
    plain = name.strip().lower().rstrip(".")
    return any(plain == domain or plain.endswith(f".{domain}") for domain in DOMAINS)


def place(host: Group | None, segments: tuple[str, ...]) -> tuple[Group, tuple[str, ...]] | None:
    """Return the group and the path below it, or None where our own host has no such path."""
    first = segments[0] if segments else ""
    if first in EVERYWHERE:
        return EVERYWHERE[first], segments
    if host is not None:
        return host, segments
    if first in PREFIXES:
        # A hook that rewrites huggingface_hub's addresses puts the prefix before paths that have it already (2.6).
        twice = len(segments) > 2 and segments[1] == first and first in REPEATED
        return PREFIXES[first], segments[2:] if twice else segments[1:]
    if segments[:2] == HUB_PATH:
        return "hub", segments[2:]
    return (OWN[first], segments) if first in OWN else None
