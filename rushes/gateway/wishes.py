"""What a caller may wish for besides the input itself: headers and query members of submit (protocol 4.1 and 4.4).

Wishes that only tune are never refused: what can't be understood is left out. Those that the caller relies on, a start
deadline, a webhook or an Idempotency-Key, are refused with a reason. Submit is a hot path and nearly all requests wish
for nothing: `asked` reads the headers once for all who look for theirs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from math import isfinite

from rushes.errors import RequestError
from rushes.gateway.lifecycle import read_lifecycle
from rushes.gateway.visit import Visit
from rushes.jobs.job import NO_EXTRAS, Extras, Once, Priority, Webhook
from rushes.webhooks.target import peer_of, refusal, shown

MOST_TAGS = 20
MOST_TAG_CHARS = 100
MOST_HINT_CHARS = 200
MOST_KEY_CHARS = 255
LEAST_START_TIMEOUT_S = 0.1  # the real service's (4.1)
_YES, _NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})

PRIORITY, NO_RETRY, STORE_IO = b"x-fal-queue-priority", b"x-fal-no-retry", b"x-fal-store-io"
TAGS, HINT, LIFECYCLE = b"x-fal-tags", b"x-fal-runner-hint", b"x-fal-object-lifecycle-preference"
IDEMPOTENCY_KEY = b"idempotency-key"
DEPLOYMENT, FALLBACK = b"x-rushes-deployment", b"x-rushes-fallback"
NO_FALLBACK = b"x-app-fal-disable-fallback"  # the protocol's own word for it (4.1)
START_TIMEOUTS: Mapping[bytes, str] = {  # the newer one wins
    b"x-fal-request-start-timeout": "X-Fal-Request-Start-Timeout",
    b"x-fal-request-timeout": "X-Fal-Request-Timeout",
}
_HEADERS = frozenset(
    {
        *(PRIORITY, NO_RETRY, STORE_IO, TAGS, HINT, LIFECYCLE, IDEMPOTENCY_KEY),
        *(DEPLOYMENT, FALLBACK, NO_FALLBACK),
        *START_TIMEOUTS,
    }
)

Asked = Mapping[bytes, str]
"""The headers of a request that wish for something, by their names in lower case."""


def asked(headers: Iterable[tuple[bytes, bytes]]) -> Asked:
    """Pick out the headers that are read here; of repeated ones the last."""
    return {name: value.decode("latin-1") for name, value in headers if name in _HEADERS}


def priority(wishes: Asked) -> Priority:
    """Low is low; any other word is normal."""
    return Priority.LOW if _word(wishes, PRIORITY) == "low" else Priority.NORMAL


def start_deadline(wishes: Asked, now: float) -> float | None:
    """Return when the job must have started at the latest. Raises RequestError (H-01)."""
    for name, header in START_TIMEOUTS.items():
        text = wishes.get(name)
        if text is None:
            continue
        seconds = _number(text)
        if seconds is None or seconds <= LEAST_START_TIMEOUT_S:
            wanted = f"a number of seconds above {LEAST_START_TIMEOUT_S}"
            raise RequestError("bad_request", f"Invalid {header} header {text[:100]!r}: expected {wanted}")
        return now + seconds
    return None


def refuses_retry(wishes: Asked) -> bool:
    """Say whether the caller wants the first failure, whosesoever it is, to be the last."""
    return _word(wishes, NO_RETRY) in _YES


def is_private(wishes: Asked) -> bool:
    """Say whether input and output are not to be kept (X-Fal-Store-IO: 0)."""
    return _word(wishes, STORE_IO) in _NO


def extras(wishes: Asked, route: Collection[str]) -> Extras:
    """Read tags, runner hint, the lifecycle of produced files, and which of the `route`'s deployments must serve.

    Raises RequestError(400) for a deployment that is not on the route, and for a word that is no yes or no.
    """
    hint = wishes.get(HINT, "").strip()[:MOST_HINT_CHARS]  # cut alike each time, a long one still hints alike
    found = Extras(
        tags=_tags(wishes.get(TAGS, "")),
        hint=hint or None,
        lifecycle=_lifecycle(wishes.get(LIFECYCLE)),
        deployment=_deployment(wishes.get(DEPLOYMENT), route),
        fallback=_allows_fallback(wishes),
    )
    # The very object: the store asks whether it `is` that one.
    return NO_EXTRAS if found == NO_EXTRAS else found


def _deployment(name: str | None, route: Collection[str]) -> str | None:
    # On the route only: other deployments are set up for other endpoints, and may cost more.
    if name is None or name.strip() in route:
        return name.strip() if name is not None else None
    allowed = ", ".join(route)
    raise RequestError("bad_request", f"Invalid X-Rushes-Deployment header {name[:100]!r}: expected one of {allowed}")


def _allows_fallback(wishes: Asked) -> bool:
    word = _word(wishes, FALLBACK)
    if word and word not in _YES | _NO:
        raise RequestError("bad_request", f"Invalid X-Rushes-Fallback header {word[:100]!r}: expected 1 or 0")
    return word not in _NO and _word(wishes, NO_FALLBACK) not in _YES


def once(wishes: Asked, endpoint: str, body: bytes) -> Once | None:
    """Read the Idempotency-Key; equal JSON for the same endpoint is the same request. Raises RequestError(400)."""
    key = wishes.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not key.strip() or len(key) > MOST_KEY_CHARS or not key.isprintable():
        raise RequestError(
            "bad_request", f"Invalid Idempotency-Key {key[:100]!r}: expected 1 to {MOST_KEY_CHARS} printable characters"
        )
    same = json.dumps([endpoint, json.loads(body)], sort_keys=True).encode()
    return Once(key.strip(), hashlib.sha256(same).hexdigest())


def webhook(visit: Visit) -> Webhook | None:
    """Read fal_webhook. Raises RequestError(400) for a URL that could never be called, or must not be."""
    if b"fal_webhook" not in visit.scope["query_string"]:  # spares parsing it, on the hot path
        return None
    url = visit.query().get("fal_webhook", "").strip()
    if not url:
        return None
    why_not = refusal(url, visit.services.settings.allowed_networks)
    if why_not is not None:
        raise RequestError("bad_request", f"Invalid fal_webhook {shown(url)!r}: {why_not}")
    # The address by which this caller reached us: when it is sent, there is no request to take one from.
    return Webhook(url, visit.links.files, peer_of(url))


def _tags(text: str) -> tuple[str, ...]:
    """Understand a JSON list, a JSON object, or words between commas; the header's form is free."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text.split(",")
    if isinstance(value, dict):
        value = [f"{name}:{item}" for name, item in value.items()]
    words = [str(item).strip() for item in (value if isinstance(value, list) else [value])]
    return tuple(dict.fromkeys(word[:MOST_TAG_CHARS] for word in words if word))[:MOST_TAGS]


def _lifecycle(text: str | None) -> str | None:
    """Return the header when it can be followed; on submit and run a malformed one is ignored (F-07)."""
    try:
        return text if read_lifecycle(text) else None
    except ValueError:
        return None


def _word(wishes: Asked, name: bytes) -> str:
    return wishes.get(name, "").strip().lower()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
