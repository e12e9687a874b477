"""What a dialect is: data and pure functions, from which the loop that asks vendors is given a `Vendor` for each way.

A dialect's file holds its paths, words and members. Adding one is one file in `dialects`, and a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rushes.engines.server.wish import Wish
from rushes.engines.vendor.contract import Options, Vendor

COMMON_OPTIONS: Options = {"steps": (), "caching": ("no", "yes")}
"""What any server may have been started with: few-step weights, and steps skipped in every film."""

NUMBERS = frozenset({"steps", "shift", "guidance"})
"""Options that are numbers; the others say which of their words it is."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask: `body(wish)` is the request but for the picture, which stands in `picture` as `form` says."""

    vendor: Vendor
    body: Callable[[Wish], Mapping[str, Any]]
    picture: str
    form: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of server is spoken to.

    `ways` are tried in order where the server has no such path, as versions differ. `weights` are the kinds of weights
    that it runs here, `networks` whether it runs models too that have a network of our own. `options` are what a
    deployment may say that the server was started with, `fixed` those of them that no request can change. `health` are
    the paths at which it tells of itself.
    """

    name: str
    title: str
    ways: tuple[Way, ...]
    weights: frozenset[str]
    networks: bool = False
    options: Options = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    health: tuple[str, ...] = ("/health", "/v1/models")
