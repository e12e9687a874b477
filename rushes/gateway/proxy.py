"""The proxy route: a browser names fal's URL in x-fal-target-url and we answer it ourselves (protocol section 9).

Nothing is ever sent out: the target only says which of our own routes is meant. Emitted URLs are those of the host that
the browser reached, and a caller without a key acts with settings.proxy_key where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr
from starlette.types import Scope

from rushes.gateway.hosts import host_group, place
from rushes.gateway.ids import split_path
from rushes.gateway.replies import Header
from rushes.gateway.visit import Visit

METHODS = ("GET", "POST", "PUT", "DELETE")
INVALID = b'"Invalid request"'

LENT_ON_PLATFORM = {("v1", "models"), ("v1", "models", "pricing"), ("v1", "models", "pricing", "estimate")}
"""Where the proxy's key counts on the Platform API. Elsewhere any page on the web could list the requests of all who
use it, or make keys with an admin's."""


def meant(visit: Visit) -> Visit | None:
    """Return the visit that a proxy visit stands for; None where the target is missing or no host of fal's (P-01)."""
    target = _target(visit.header(b"x-fal-target-url"))
    if target is None:
        return None
    segments = split_path(target.path.encode("utf-8", "replace"))
    placed = place(host_group(target.hostname or ""), segments)
    if placed is None:
        return None
    group, below = placed
    lent = visit.services.settings.proxy_key if group != "platform" or below in LENT_ON_PLATFORM else None
    return visit._replace(scope=_scope(visit, target, lent), group=group, segments=below)


def _target(text: str | None) -> SplitResult | None:
    try:
        parts = urlsplit((text or "").strip())
        # Sockets never come this way: browsers open them on the host itself (2.1).
        known = parts.scheme in {"http", "https"} and host_group(parts.hostname or "") is not None
    except ValueError:  # a bracket that doesn't close, a port that is no number
        return None
    return parts if known else None


def _scope(visit: Visit, target: SplitResult, lent: SecretStr | None) -> Scope:
    # All that routes read of a path, so that none sees the proxy's own.
    return {
        **visit.scope,
        "path": target.path,
        "raw_path": target.path.encode("utf-8", "replace"),
        "query_string": target.query.encode("utf-8", "replace"),
        "headers": _with_key(visit.scope["headers"], lent),
    }


def _with_key(headers: Sequence[Header], key: SecretStr | None) -> Sequence[Header]:
    """P-04: the caller's own key first, else the proxy's, else none."""
    if key is None or any(name == b"authorization" for name, _ in headers):
        return headers
    return [*headers, (b"authorization", b"Key " + key.get_secret_value().encode())]
