"""Answers: JSON bytes with fal's response headers, sent with two ASGI messages and nothing in between.

Which header says what is protocol 4.2. CORS headers are added to every answer by `routes`, not here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from starlette.types import Receive, Scope, Send

from rushes.errors import Failure

Header = tuple[bytes, bytes]

JSON_TYPE: Header = (b"content-type", b"application/json")
SERVED_BY = b"x-rushes-served-by"
_BY_BODY = frozenset({b"content-type", b"content-length"})


# Made once: with separators, json.dumps makes one for every call.
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Reply:
    """A complete answer: status, body and headers; JSON unless told otherwise. `failure` is what it tells, if any."""

    __slots__ = ("body", "failure", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        headers: Iterable[Header] = (),
        content_type: Header = JSON_TYPE,
        failure: Failure | None = None,
    ) -> None:
        self.failure = failure
        self.status = status
        self.body = body
        self.headers: list[Header] = [content_type, (b"content-length", b"%d" % len(body)), *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await self.send(send)

    async def send(self, send: Send, more: Iterable[Header] = ()) -> None:
        """Send it with `more` headers."""
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, *more]})
        await send({"type": "http.response.body", "body": self.body})


def json_reply(status: int, value: Any, headers: Iterable[Header] = ()) -> Reply:
    """Answer with a value as compact JSON."""
    return Reply(status, _encode(value).encode(), headers)


def request_id_header(request_id: str) -> Header:
    """The header that submit, run, result and stream answers carry (H-02)."""
    return (b"x-fal-request-id", request_id.encode("latin-1"))


def served_by_header(served_by: str) -> Header:
    """Who really made it. Header values are latin-1 on the wire; what doesn't fit is replaced."""
    text = "".join(char if char.isprintable() else " " for char in served_by)
    return (SERVED_BY, text.encode("latin-1", "replace"))


def served_from_header(runner: str) -> Header:
    """The process that made it, so that a caller can see whether a runner hint was followed."""
    return (
        b"x-fal-served-from",
        "".join(char if char.isprintable() else " " for char in runner).encode("ascii", "replace"),
    )


def units_header(units: float) -> Header:
    """What the result costs, as a plain decimal number."""
    # Not repr(), which writes small numbers with an exponent.
    return (b"x-fal-billable-units", f"{units:.6f}".rstrip("0").rstrip(".").encode())


def failure_reply(failure: Failure, request_id: str | None = None, headers: Iterable[Header] = ()) -> Reply:
    """Answer with a failure: its status, its exact body, and the headers that clients decide on."""
    return Reply(failure.status, failure.body, [*_failure_headers(failure, request_id), *headers], failure=failure)


def with_message(reply: Reply) -> Reply:
    """Add to a failure's body what JavaScript's clients and n8n show; any other answer stays as it is."""
    failure = reply.failure
    if failure is None:
        return reply
    body = json.dumps({**json.loads(failure.body), "message": failure.message}).encode()
    return Reply(reply.status, body, [one for one in reply.headers if one[0] not in _BY_BODY], failure=failure)


def _failure_headers(failure: Failure, request_id: str | None) -> Iterable[Header]:
    if failure.shape == "rejection":
        return  # the door's own refusals carry no request id
    if request_id is not None:
        yield request_id_header(request_id)
    # Older and newer documents have a header each for the same thing (protocol 13).
    yield (b"x-fal-retryable", b"true" if failure.retryable else b"false")
    yield (b"x-fal-needs-retry", b"1" if failure.retryable else b"0")
    yield units_header(0)  # no failure is billed, see `errors`
    if failure.shape == "request":
        yield (b"x-fal-error-type", failure.type.encode("latin-1"))
    if failure.by_caller:
        yield (b"x-fal-request-timeout-type", b"user")


def not_allowed(*allowed: str) -> Reply:
    """Answer 405 and name the methods that the path has."""
    names = ", ".join(allowed)
    body = json.dumps({"detail": f"Method not allowed; allowed here: {names}"}).encode()
    return Reply(405, body, ((b"allow", names.encode()),))
