"""What a caller may wish for besides the input itself: headers and query members of submit (protocol 4.1 and 4.4).

Wishes that only tune are never refused: what can't be understood is left out. Those that the caller relies on, a
webhook or an Idempotency-Key, are refused with a reason. Priority and start deadline are read in `submission`.
"""

from __future__ import annotations

import hashlib
import json

from rushes.errors import RequestError
from rushes.gateway.lifecycle import read_lifecycle
from rushes.gateway.visit import Visit
from rushes.jobs.job import NO_EXTRAS, Extras, Once, Webhook
from rushes.webhooks.target import peer_of, refusal, shown

MOST_TAGS = 20
MOST_TAG_CHARS = 100
MOST_HINT_CHARS = 200
MOST_KEY_CHARS = 255
_YES, _NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})


def refuses_retry(visit: Visit) -> bool:
    """Say whether the caller wants the first failure, whosesoever it is, to be the last."""
    return _word(visit, b"x-fal-no-retry") in _YES


def is_private(visit: Visit) -> bool:
    """Say whether input and output are not to be kept (X-Fal-Store-IO: 0)."""
    return _word(visit, b"x-fal-store-io") in _NO


def extras(visit: Visit) -> Extras:
    """Read tags, runner hint and the lifecycle of produced files; nearly all requests have none."""
    headers = {name for name, _ in visit.scope["headers"]}
    if not headers & {b"x-fal-tags", b"x-fal-runner-hint", b"x-fal-object-lifecycle-preference"}:
        return NO_EXTRAS
    hint = (visit.header(b"x-fal-runner-hint") or "").strip()[:MOST_HINT_CHARS]
    return Extras(_tags(visit.header(b"x-fal-tags") or ""), hint or None, _lifecycle(visit))


def once(visit: Visit, endpoint: str, body: bytes) -> Once | None:
    """Read the Idempotency-Key; equal JSON for the same endpoint is the same request. Raises RequestError(400)."""
    key = visit.header(b"idempotency-key")
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
    if b"fal_webhook" not in visit.scope["query_string"]:
        return None
    url = visit.query().get("fal_webhook", "").strip()
    if not url:
        return None
    why_not = refusal(url, visit.services.settings.allowed_networks)
    if why_not is not None:
        raise RequestError("bad_request", f"Invalid fal_webhook {shown(url)!r}: {why_not}")
    return Webhook(url, visit.links.files, peer_of(url))


def _tags(text: str) -> tuple[str, ...]:
    """Understand a JSON list, a JSON object, or words between commas; the header's form is free."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text.split(",")
    if isinstance(value, dict):
        value = [f"{name}:{item}" for name, item in value.items()]
    words = [str(item).strip() for item in (value if isinstance(value, list) else [value])]
    return tuple(dict.fromkeys(word[:MOST_TAG_CHARS] for word in words if word))[:MOST_TAGS]


def _lifecycle(visit: Visit) -> str | None:
    """Return the header when it can be followed; on submit and run a malformed one is ignored (F-07)."""
    text = visit.header(b"x-fal-object-lifecycle-preference")
    try:
        return text if read_lifecycle(text) else None
    except ValueError:
        return None


def _word(visit: Visit, name: bytes) -> str:
    return (visit.header(name) or "").strip().lower()
