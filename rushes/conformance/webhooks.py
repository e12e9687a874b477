"""W: what is delivered, how it is signed, and when it is tried again (protocol section 6)."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rushes.conformance.receiver import Delivery, Receiver
from rushes.conformance.rules import Failed, NotApplicable, must, rule
from rushes.conformance.target import Job, Target

ARRIVES_S = 20.0
RETRY_WITHIN_S = 25.0
QUIET_S = 4.0  # longer than a server of ours, which spreads its retries over three seconds, would take for another
FRESH_S = 300  # receivers refuse older timestamps
PLAIN_X = 43  # characters of 32 bytes in base64url without padding
HEADERS = ("request-id", "user-id", "timestamp", "signature")


def told_of(
    t: Target, answers: Iterable[int] = (), given: Mapping[str, Any] | None = None, count: int = 1
) -> tuple[Job, list[Delivery], str]:
    """Submit with a webhook to our receiver; wait for so many deliveries. Returns the receiver's path too."""
    receiver = receiver_of(t)
    path = f"/{uuid.uuid4().hex}"
    receiver.answers[path] = list(answers)
    url = quote(f"{receiver.url}{path}", safe="")
    answer = t.probe.post("queue", f"/{t.endpoint}?fal_webhook={url}", json=t.input if given is None else given)
    job = t.accepted(answer)
    came = receiver.wait(path, 1, ARRIVES_S * t.probe.patience)
    hint = "if the server refuses private addresses, allow ours by its configuration (W-04)"
    must(came, f"a delivery to {receiver.url} within {ARRIVES_S:g} s ({hint})", "none", answer.sent)
    return job, receiver.wait(path, count, RETRY_WITHIN_S * t.probe.patience) if count > 1 else came, path


def receiver_of(t: Target) -> Receiver:
    """NotApplicable where the server could not reach us."""
    if t.receiver is None:
        raise NotApplicable("the server could not reach a receiver on this machine")
    return t.receiver


def key_set(t: Target) -> list[dict[str, Any]]:
    """Fetch the published keys."""
    answer = t.probe.get("rest", "/.well-known/jwks.json", auth=False).is_status(200)
    keys = answer.object().get("keys")
    answer.must(isinstance(keys, list) and keys, "a list of keys")
    return list(keys or [])


def verifies(keys: Iterable[Mapping[str, Any]], headers: Mapping[str, str], body: bytes) -> bool:
    """Check a delivery as receivers do: any key of the set may fit."""
    named = {name: headers.get(f"x-fal-webhook-{name}", "") for name in HEADERS}
    # Four lines without a newline at the end; the hash is of the bytes that came, never of JSON written anew.
    lines = (named["request-id"], named["user-id"], named["timestamp"], hashlib.sha256(body).hexdigest())
    try:
        signature = bytes.fromhex(named["signature"])
    except ValueError:
        return False
    for key in keys:
        text = str(key["x"])
        public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        try:
            public.verify(signature, "\n".join(lines).encode())
        except InvalidSignature:
            continue
        return True
    return False


@rule("W-01", "Any 2xx acknowledges; other answers are retried; a redirect is neither followed nor retried")
def w_01(t: Target) -> None:
    receiver = receiver_of(t)
    job, came, path = told_of(t, (204,))
    body = json.loads(came[0].body)
    expected = {"request_id": job.id, "gateway_request_id": job.id, "status": "OK"}
    payload = t.result(job).json()
    must(body == {**expected, "payload": payload}, f"{expected} with the result as payload", body, f"POST {path}")
    must(came[0].headers.get("content-type", "").startswith("application/json"), "application/json", came[0].headers)
    _, _, moved = told_of(t, (302, 302))
    _failure_is_told(t)
    time.sleep(QUIET_S)
    for quiet, answered in ((path, "204"), (moved, "302")):
        must(len(receiver.at(quiet)) == 1, f"one delivery when the answer was {answered}", len(receiver.at(quiet)))
    must(not receiver.at("/followed"), "no request where a redirect points", receiver.at("/followed"))


def _failure_is_told(t: Target) -> None:
    if not t.echo:
        return
    job, came, path = told_of(t, (), t.fails("no_media_generated"))
    body = json.loads(came[0].body)
    fine = body["status"] == "ERROR" and body["request_id"] == job.id and isinstance(body.get("error"), str)
    must(fine, "status ERROR with a string error", body, f"POST {path}")
    must(body["payload"] == t.result(job).json(), "the error body as payload", body, f"POST {path}")


@rule("W-02", "A delivery that fails is tried again, later and later, and not for ever")
def w_02(t: Target) -> None:
    receiver = receiver_of(t)
    _, came, path = told_of(t, [500] * 20, count=3 if t.own else 2)
    if len(came) < 2 and not t.own:
        raise NotApplicable(
            f"no retry came within {RETRY_WITHIN_S:g} s: the server's schedule is slower than this check"
        )
    must(len(came) >= 2, f"a retry within {RETRY_WITHIN_S:g} s", f"{len(came)} deliveries", f"500 to POST {path}")
    if t.own:  # whose retries we set: three within three seconds
        came = receiver.wait(path, 5, 10.0)
        must(len(came) == 4, "a first try and three retries", len(came), f"500 to POST {path}")
        pauses = [later.at - earlier.at for earlier, later in itertools.pairwise(came)]
        must(pauses[-1] > pauses[0], "pauses that grow", pauses, f"500 to POST {path}")


@rule("W-03", "A repeated delivery is the same: same request id, same payload")
def w_03(t: Target) -> None:
    job, came, path = told_of(t, (503,), count=2)
    if len(came) < 2 and not t.own:
        raise NotApplicable(f"no second delivery came within {RETRY_WITHIN_S:g} s")
    must(len(came) == 2, "a second delivery after 503", len(came), f"POST {path}")
    bodies = [json.loads(delivery.body) for delivery in came]
    must(bodies[0] == bodies[1] and bodies[0]["request_id"] == job.id, "the same body twice", bodies, f"POST {path}")
    ids = {delivery.headers.get("x-fal-webhook-request-id") for delivery in came}
    must(ids == {job.id}, "the request's id in both headers", ids, f"POST {path}")


@rule("W-04", "Private and loopback receivers can be allowed by configuration")
def w_04(t: Target) -> None:
    _, came, path = told_of(t)
    must(came[0].body, "a delivery with a body", "an empty one", f"POST {path}")
    for wrong in ("nonsense", "ftp://127.0.0.1/x", "http://"):
        answer = t.probe.post("queue", f"/{t.endpoint}?fal_webhook={quote(wrong, safe='')}", json=t.input)
        answer.must(answer.status in {200, 400, 422}, "the submit or a refusal of what is no URL").json()
        if answer.status == 200:
            t.accepted(answer)


@rule("W-05", "The key set holds Ed25519 keys as JWK: kty, crv, x without padding, kid, and no key_ops")
def w_05(t: Target) -> None:
    keys = key_set(t)
    first = keys[0]  # the same key may follow once more with padding, for receivers that insist on it
    must(len(str(first.get("x"))) == PLAIN_X, f"x of {PLAIN_X} characters first, without padding", first)
    for key in keys:
        must(key.get("kty") == "OKP" and key.get("crv") == "Ed25519", "kty OKP and crv Ed25519", key)
        must("key_ops" not in key and "d" not in key, "neither key_ops nor a private part", sorted(key))
        must(isinstance(key.get("kid"), str), "a kid", key)
        text = str(key["x"])
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        must(len(raw) == 32 and not set(text) & {"+", "/"}, "32 bytes in base64url", text)


@rule("W-06", "The signature is over the bytes that were sent; a tampered body fails; the timestamp is fresh")
def w_06(t: Target) -> None:
    job, came, path = told_of(t)
    delivery = came[0]
    missing = [name for name in HEADERS if not delivery.headers.get(f"x-fal-webhook-{name}")]
    must(not missing, "the four X-Fal-Webhook headers", f"without {missing}", f"POST {path}")
    must(delivery.headers["x-fal-webhook-request-id"] == job.id, "the request's id", delivery.headers, f"POST {path}")
    stamp = delivery.headers["x-fal-webhook-timestamp"]
    must(stamp.isdigit() and abs(int(stamp) - delivery.at) < FRESH_S, "Unix seconds, now", stamp, f"POST {path}")
    keys = key_set(t)
    must(verifies(keys, delivery.headers, delivery.body), "a signature that a published key verifies", "none does")
    # Or else the check itself would take anything.
    must(not verifies(keys, delivery.headers, delivery.body + b" "), "no signature for another body", "it verifies")
    signature = delivery.headers["x-fal-webhook-signature"]
    must(signature == signature.lower() and len(signature) == 128, "64 bytes in hex", signature)


@rule("W-07", "A published key stays published: a set fetched before verifies what is sent afterwards")
def w_07(t: Target) -> None:
    before = key_set(t)
    _, came, path = told_of(t)
    must(
        verifies(before, came[0].headers, came[0].body),
        "a signature by a key published before",
        "none fits",
        f"POST {path}",
    )
    gone = {str(key["x"]) for key in before} - {str(key["x"]) for key in key_set(t)}
    if gone:
        raise Failed("all keys of a moment ago still published", f"gone: {gone}", "GET /.well-known/jwks.json")
