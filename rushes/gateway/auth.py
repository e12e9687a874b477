"""Who is asking: the Authorization header against the key ring (protocol 3.1 and 3.2).

Scheme names are case-insensitive; `Key id:secret` and `Bearer id:secret` mean the same. In open mode a caller
without a key is the account `local`; else one is `anonymous`, at public endpoints only. Browsers bring a short-lived
token in the query instead, on the few routes that take one. Uploads' and files' signed URLs are not checked here.
"""

from __future__ import annotations

from rushes.accounts.keys import Caller
from rushes.errors import Rejection
from rushes.gateway import grants
from rushes.gateway.ids import REQUESTS, app_of, endpoint_id
from rushes.gateway.public import ANONYMOUS, is_open, is_public
from rushes.gateway.visit import Services, Visit

LOCAL = Caller(account="local", key_id="", scope="API")
"""Who callers without a key are in open mode."""

JWT = "fal_jwt_token"
"""The query's member that holds a token."""

_STREAM = ("stream",)
_STARTING = frozenset({"run", "queue"})  # the hosts on which an endpoint may be public
# The real service's words (3.2), as all texts of a 401 for keys here: callers compare them.
_MALFORMED = "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."


def admit(visit: Visit, app: str | None = None) -> Caller:
    """Return the caller. Raises Rejection(401) with the protocol's texts; `app` is what they wanted to reach."""
    services = visit.services
    header = visit.header(b"authorization")
    # Before the open mode's answer: whoever brings a token wants to be held to it.
    if not header and visit.segments[-1:] == _STREAM and (token := visit.query().get(JWT)) is not None:
        return _admit_to_stream(visit, token)
    if services.settings.open:
        return _known_or_local(visit, header)
    if not header:
        if visit.group in _STARTING and is_open(services.settings.public_endpoints, visit.segments):
            return ANONYMOUS
        raise Rejection(401, _no_credentials(app))
    # Clients poll every 100 ms: the header as it stands is known again without a hash.
    caller = services.keys.recall(header)
    if caller is None:
        caller = services.keys.verify(*split_key(header))
        if caller is None:
            raise Rejection(401, "No user found for Key ID and Secret")
        services.keys.remember(header, caller)
    return caller


def admit_starter(visit: Visit, endpoint: str) -> Caller:
    """As `admit`, for who starts something at this endpoint: that its path looks public, as it may, is not enough."""
    caller = admit(visit, app_of(endpoint))
    if caller is ANONYMOUS and not is_public(visit.services.settings.public_endpoints, endpoint):
        raise Rejection(401, _no_credentials(endpoint))
    return caller


def admit_token(visit: Visit, token: str, endpoint: str, *, by_app: bool = False) -> Caller:
    """Return who made the token. Raises Rejection(401) for one that is over, foreign, or not for this endpoint.

    Also in open mode: whoever brings a token wants its limits. The key that made it must still work.
    """
    services = visit.services
    payload = services.signer.read(grants.PURPOSE, token, services.clock())
    if payload is None:
        raise Rejection(401, "The token is not one of this server's, or its time is over; ask for a new one")
    grant = grants.read(payload)
    if not grant.allows(endpoint, by_app=by_app):
        raise Rejection(401, f"The token is for {', '.join(grant.apps)[:300]}, not for {endpoint[:200]}")
    caller = signer_of(services, grant.key_id)
    # The operator may have given the key's id to another account since.
    if caller is None or caller.account != grant.account:
        raise Rejection(401, "The key that this token was made with does not work any more")
    return caller


def signer_of(services: Services, key_id: str) -> Caller | None:
    """Return who had a token made; None where their key does not work any more. In open mode some have no key."""
    return LOCAL if services.settings.open and not key_id else services.keys.known(key_id)


def _admit_to_stream(visit: Visit, token: str) -> Caller:
    """Let a browser read a stream: of outputs (run) or of states (queue), whose path may name just the app."""
    if REQUESTS in visit.segments:
        at = visit.segments.index(REQUESTS)
        return admit_token(visit, token, endpoint_id(visit.segments[:at]), by_app=True)
    return admit_token(visit, token, endpoint_id(visit.segments[:-1]))


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
