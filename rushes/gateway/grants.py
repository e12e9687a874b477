"""What a short-lived token lets its holder do (protocol 3.4): pure. Signing is `files.signing`'s, routes are `tokens`'.

A token names apps the way its maker wrote them: a bare alias, an app, or an endpoint's full id, each perhaps with what
follows it for sessions and streams. It carries whose key made it, so that the key's limits and books apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rushes.endpoint import SESSION
from rushes.gateway.ids import app_of, endpoint_id

PURPOSE = "realtime"  # of signed tokens
DEFAULT_S, MOST_S = 120.0, 86_400.0  # two minutes are what JavaScript's client counts on (3.4)
MOST_APPS, MOST_APP_CHARS = 100, 200
_WAYS = (SESSION, "stream")  # words after an endpoint's id that are no part of it


@dataclass(frozen=True, slots=True)
class Grant:
    """Whose token it is, and for which apps."""

    account: str
    key_id: str
    apps: tuple[str, ...]

    def payload(self) -> Mapping[str, Any]:
        """Return what is signed."""
        return {"account": self.account, "key_id": self.key_id, "apps": list(self.apps)}

    def allows(self, endpoint: str, *, by_app: bool = False) -> bool:
        """Say whether one of the apps names this endpoint; `by_app`: it is enough to name a part of its app."""
        return any(names(app, endpoint, by_app=by_app) for app in self.apps)


def read(payload: Mapping[str, Any]) -> Grant:
    """Return the grant that was signed."""
    return Grant(payload["account"], payload["key_id"], tuple(payload["apps"]))


def plain(app: str) -> str:
    """Return an app without slashes around it and without the word for sessions or streams."""
    segments = [part for part in app.strip().split("/") if part]
    if len(segments) > 1 and segments[-1] in _WAYS:  # alone, the word is an alias
        segments.pop()
    return "/".join(segments)


def names(app: str, endpoint: str, *, by_app: bool = False) -> bool:
    """Say whether a plain app names an endpoint: as its alias, its app, its id, or the old form of an id (R-02)."""
    whole = app_of(endpoint)
    # Clients send the alias alone (3.4), application code whatever it has at hand.
    if app in (endpoint, whole, whole.rpartition("/")[2]) or endpoint_id((app,)) == whole:
        return True
    return by_app and app_of(app) == whole


def all_plain(apps: Iterable[str]) -> tuple[str, ...]:
    """Return each app once, plain, in order."""
    return tuple(dict.fromkeys(plain(app) for app in apps))
