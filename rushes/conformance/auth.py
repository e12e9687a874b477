"""A: keys, schemes, scopes and short-lived tokens (protocol section 3)."""

from __future__ import annotations

import time
from typing import Any

from websockets.exceptions import WebSocketException

from rushes.conformance.probe import Answer
from rushes.conformance.realtime import first_words, is_unauthorized
from rushes.conformance.routing import require_key
from rushes.conformance.rules import NotApplicable, must, rule
from rushes.conformance.target import Target, app_of

RETRIED = (408, 409, 429)  # by the Python client, ten times over


def refusal(answer: Answer) -> str:
    """Require a 401 as A-05 wants it; return its text."""
    detail = answer.is_status(401).object().get("detail")
    answer.must(isinstance(detail, str), "a string detail")
    # As with the hosted gateway: the id names a request, and a refusal has begun none.
    must("x-fal-request-id" not in answer.headers, "no x-fal-request-id on a refusal", answer.headers, answer.sent)
    return str(detail)


@rule("A-01", "Any case of the scheme is taken, and a key is split at its first colon")
def a_01(t: Target) -> None:
    require_key(t)
    for scheme in ("Key", "key", "KEY", "kEy"):
        t.accepted(t.probe.post("queue", f"/{t.endpoint}", json=t.input, auth=f"{scheme} {t.probe.key}"))
    for scheme in ("Bearer", "bearer"):
        t.accepted(t.probe.post("queue", f"/{t.endpoint}", json=t.input, auth=f"{scheme} {t.probe.key}"))
    answer = t.probe.post("queue", f"/{t.endpoint}", json=t.input, auth="Key some:one:else")
    answer.must(
        "Invalid Key" not in refusal(answer), "an unknown key, not a malformed one: id `some`, secret `one:else`"
    )


@rule("A-02", "Key mode refuses callers without one; open mode accepts them")
def a_02(t: Target) -> None:
    answer = t.probe.post("queue", f"/{t.endpoint}", json=t.input, auth=False)
    if answer.status == 200:  # open mode, or a public endpoint
        t.accepted(answer)
        return
    refusal(answer)
    refusal(t.probe.post("run", f"/{t.endpoint}", json=t.input, auth=False))
    refusal(t.probe.post("rest", "/storage/upload/initiate", json={}, auth=False))


@rule("A-03", "Upload targets and files work without Authorization and tolerate one")
def a_03(t: Target) -> None:
    # Browsers and JavaScript's client send none to such an address; Python's sends its key in its second way to upload.
    for auth in (False, "Key nobody:nothing", "Bearer nonsense"):
        told = t.initiate()
        put = t.put(told["upload_url"], b"some bytes", "image/png", auth=auth)
        put.must(200 <= put.status < 300, "2xx for the PUT")
        answer = t.fetch(told["file_url"], auth=auth).is_status(200)
        answer.must(answer.body == b"some bytes", "the bytes that were sent")


def new_key(t: Target, **more: Any) -> dict[str, Any]:
    """Make an API key through the platform; NotApplicable where the given key may not."""
    require_key(t)
    answer = t.probe.post("platform", "/v1/keys", json={"alias": "conformance", **more})
    if answer.status in {401, 403, 404, 501}:
        raise NotApplicable(f"the given key cannot make keys: {answer.status} on POST /v1/keys")
    return answer.is_status(201).object()


def drop_key(t: Target, made: dict[str, Any]) -> Answer:
    """Delete a key."""
    return t.probe.send("DELETE", "platform", f"/v1/keys/{made['key_id']}")


@rule("A-04", "Keys have a scope: what is an admin's is refused to an API key")
def a_04(t: Target) -> None:
    made = new_key(t)
    try:
        auth = f"Key {made['key']}"
        must(made["key"] == f"{made['key_id']}:{made['key_secret']}", "key = key_id:key_secret", "another form")
        t.accepted(t.probe.post("queue", f"/{t.endpoint}", json=t.input, auth=auth))
        listed = t.probe.get("platform", "/v1/keys").is_status(200).object()["keys"]
        mine = [key for key in listed if key["key_id"] == made["key_id"]]
        must(made["key_secret"] not in str(listed), "a list without secrets", "the secret is in it")
        must(mine and mine[0]["scope"] == "API", "the new key listed with the scope API", mine)
        for method, path in (("GET", "/v1/keys"), ("POST", "/v1/keys")):
            answer = t.probe.send(
                method, "platform", path, auth=auth, json={"alias": "x"} if method == "POST" else None
            )
            error = answer.is_status(403).object().get("error", {})
            answer.must(error.get("type") == "authorization_error", "error.type authorization_error")
    finally:
        drop_key(t, made).is_status(204)
    drop_key(t, made).is_status(204)  # deleting twice is no error
    refusal(t.probe.post("queue", f"/{t.endpoint}", json=t.input, auth=auth))


@rule("A-05", "Refusals are 401 with a string detail and no request id, never 408, 409 or 429")
def a_05(t: Target) -> None:
    require_key(t)
    key_id = (t.probe.key or "").partition(":")[0]
    told = set()
    for auth in (False, "Key nobody:nothing", f"Key {key_id}:wrong", "Key", "Key nocolon", "Basic eDp5", "x" * 3000):
        answers = [
            t.probe.post("queue", f"/{t.endpoint}", json=t.input, auth=auth),
            t.probe.post("run", f"/{t.endpoint}", json=t.input, auth=auth),
            t.probe.post("rest", "/tokens/", json={"allowed_apps": ["x"]}, auth=auth),
        ]
        for answer in answers:
            answer.must(answer.status not in RETRIED, "no status that clients retry")
            told.add(refusal(answer))
    must(any("Authentication is required" in text for text in told), "the text for no credentials", sorted(told))
    must(
        any("No user found for Key ID and Secret" in text for text in told), "the text for an unknown key", sorted(told)
    )


@rule("A-06", "POST /tokens/ answers a bare JSON string; /tokens/realtime an object with it")
def a_06(t: Target) -> None:
    alias = t.endpoint.split("/")[1]
    bare = t.probe.post("rest", "/tokens/", json={"allowed_apps": [alias], "token_expiration": 120}).is_status(200, 201)
    bare.must(isinstance(bare.json(), str) and bare.json(), "a bare JSON string")
    # As examples of application code have them: full paths, app ids, and `app` in place of `allowed_apps`.
    for body in (
        {"allowed_apps": [f"{t.endpoint}/realtime"], "duration": 120},
        {"allowed_apps": [app_of(t.endpoint)], "duration": 60},
        {"app": f"{t.endpoint}/realtime"},
    ):
        answer = t.probe.post("rest", "/tokens/realtime", json=body).is_status(200, 201)
        answer.must(isinstance(answer.object().get("token"), str), "a string token")


def _token(t: Target, apps: list[str], seconds: float) -> str:
    answer = t.probe.post("rest", "/tokens/", json={"allowed_apps": apps, "token_expiration": seconds})
    return str(answer.is_status(200, 201).json())


def _streamed(t: Target, token: str) -> Answer:
    with t.probe.stream(
        "POST", "run", f"/{t.endpoint}/stream?fal_jwt_token={token}", json=t.input, auth=False
    ) as stream:
        return stream.head


@rule("A-07", "A token opens its own apps only, and only for its lifetime")
def a_07(t: Target) -> None:
    require_key(t)
    alias = t.endpoint.split("/")[1]
    short = _token(t, [alias], 1)  # first, to run out while the others are tried
    began = time.monotonic()
    for apps in ([alias], [app_of(t.endpoint)], [t.endpoint]):
        _streamed(t, _token(t, apps, 60)).is_status(200)
    for token in (_token(t, ["another-app"], 60), "nonsense", _token(t, [alias], 60)[:-3] + "xyz"):
        answer = _streamed(t, token)
        answer.must(answer.status in {401, 403}, "401 or 403").object()
    time.sleep(max(0.0, 2.2 - (time.monotonic() - began)))
    late = _streamed(t, short)
    late.must(late.status in {401, 403}, "401 or 403 for an expired token")
    _socket_refuses(t)


def _socket_refuses(t: Target) -> None:
    try:
        endpoint, _ = t.realtime
    except NotApplicable:  # the stream above has shown the rule
        return
    for token in (_token(t, ["another-app"], 60), "nonsense"):
        try:
            said = first_words(t, f"/{endpoint}/realtime?fal_jwt_token={token}")
        except WebSocketException:
            continue  # a refused handshake is a refusal too
        must(is_unauthorized(said), 'the message {"status": "error", "error": "Unauthorized"}', said)
