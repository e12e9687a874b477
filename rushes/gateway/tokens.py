"""Tokens for browsers (protocol 3.4): a server asks with its key, its page then opens sessions and streams with them.

What a token lets its holder do stands in `grants`, how it is checked in `auth`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rushes.errors import ModelError, Rejection
from rushes.gateway import grants
from rushes.gateway.auth import admit
from rushes.gateway.replies import Reply, json_reply, not_allowed
from rushes.gateway.uploads import json_object
from rushes.gateway.visit import Answer, Visit

# Names that the two routes and their examples have (3.4); each route takes all of them.
_LISTS = ("allowed_apps", "app")
_LIFETIMES = ("token_expiration", "duration")


async def handle(visit: Visit) -> Answer:
    """Answer everything below /tokens."""
    if visit.segments not in {("tokens",), ("tokens", "realtime")}:
        raise Rejection(404, f"Path /{'/'.join(visit.segments)[:200]} not found")
    if visit.method != "POST":
        return not_allowed("POST")
    return await give(visit)


async def give(visit: Visit) -> Reply:
    """Give out a token: the bare string (A-06), or an object on the newer route."""
    services = visit.services
    caller = admit(visit)
    body = await json_object(visit)
    grant = grants.Grant(caller.account, caller.key_id, allowed_apps(body))
    token = services.signer.sign(grants.PURPOSE, grant.payload(), services.clock() + lifetime_s(body))
    if any(endpoint.realtime and grant.allows(endpoint.id) for endpoint in services.endpoints.values()):
        services.wake_sessions()  # a session will follow: its runner gets ready while the token travels
    # JavaScript's client can't read an object here (3.4), those of the newer route expect one.
    return json_reply(200, token if len(visit.segments) == 1 else {"token": token})


def allowed_apps(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the apps, under either name, one or several. Raises ModelError for anything else."""
    name = next((name for name in _LISTS if body.get(name) is not None), _LISTS[0])
    given = body.get(name)
    apps = [given] if isinstance(given, str) else given
    if not isinstance(apps, list) or not 0 < len(apps) <= grants.MOST_APPS or not all(map(_is_app, apps)):
        wanted = (
            f"expected one to {grants.MOST_APPS} names of apps, each of at most {grants.MOST_APP_CHARS} "
            'characters, such as ["rushes/camera"]'
        )
        raise ModelError("value_error" if given is not None else "missing", f"{name}: {wanted}", loc=("body", name))
    return grants.all_plain(apps)


def lifetime_s(body: Mapping[str, Any]) -> float:
    """Return how long the token is to work, at most a day. Raises ModelError for what is no positive number."""
    name = next((name for name in _LIFETIMES if body.get(name) is not None), None)
    if name is None:
        return grants.DEFAULT_S
    given = body[name]
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        msg = f"{name}: expected a number of seconds above 0, at most {grants.MOST_S:g}; got {str(given)[:100]!r}"
        raise ModelError("value_error", msg, loc=("body", name))
    return float(min(given, grants.MOST_S))


def _is_app(app: object) -> bool:
    return isinstance(app, str) and len(app) <= grants.MOST_APP_CHARS and bool(grants.plain(app))
