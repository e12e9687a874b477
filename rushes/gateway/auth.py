"""Who is asking: the Authorization header against the key ring (protocol 3.1 and 3.2).

Scheme names are case-insensitive; `Key id:secret` and `Bearer id:secret` mean the same. In open mode a caller
without a key is the account `local`. Uploads' and files' signed URLs are not checked here.
"""

from __future__ import annotations

from rushes.accounts.keys import Caller
from rushes.errors import Rejection
from rushes.gateway.visit import Visit

LOCAL = Caller(account="local", key_id="", scope="API")
"""Who callers without a key are in open mode."""

_MALFORMED = "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."


def admit(visit: Visit, app: str | None = None) -> Caller:
    """Return the caller. Raises Rejection(401) with the protocol's texts; `app` is what they wanted to reach."""
    services = visit.services
    header = visit.header(b"authorization")
    if services.settings.open:
        return _known_or_local(visit, header)
    if not header:
        raise Rejection(401, _no_credentials(app))
    caller = services.keys.recall(header)
    if caller is None:
        caller = services.keys.verify(*split_key(header))
        if caller is None:
            raise Rejection(401, "No user found for Key ID and Secret")
        services.keys.remember(header, caller)
    return caller


def admit_runner(visit: Visit) -> None:
    """Let a runner in. Raises Rejection(401); an ordinary key, even an admin's, is not a runner's."""
    header = visit.header(b"authorization")
    secret = header.partition(" ")[2].strip() if header else ""
    if not secret or not visit.services.keys.verify_runner(secret):
        raise Rejection(401, "This path is for runners: send `Authorization: Key <runner key>`")


def split_key(header: str) -> tuple[str, str]:
    """Split `Key id:secret` at the first colon. Raises Rejection(401) where the header has another form."""
    scheme, _, credentials = header.strip().partition(" ")
    key_id, colon, secret = credentials.strip().partition(":")
    if scheme.lower() not in {"key", "bearer"} or not (key_id and colon and secret):
        raise Rejection(401, _MALFORMED)
    return key_id, secret


def _known_or_local(visit: Visit, header: str | None) -> Caller:
    """Open mode accepts everything; a key that is known still decides the account."""
    if not header:
        return LOCAL
    try:
        key_id, secret = split_key(header)
    except Rejection:
        return LOCAL
    return visit.services.keys.verify(key_id, secret) or LOCAL


def _no_credentials(app: str | None) -> str:
    needed = "Authentication is required to access this application."
    return f'Cannot access application "{app}". {needed}' if app else needed
