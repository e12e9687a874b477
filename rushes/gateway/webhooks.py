"""What webhooks need of the door: the body that is sent, and the keys that receivers verify it with (protocol 6).

Who sends when is `rushes.webhooks`' business.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import NoReturn

from rushes.gateway.links import Links
from rushes.gateway.replies import Reply, json_reply, not_allowed
from rushes.gateway.results import with_addresses
from rushes.gateway.visit import Visit
from rushes.jobs.job import Result
from rushes.jobs.store import JobStore

_CACHED_S = 300  # receivers keep the set for up to a day, so that proxies on the way need not
_NOT_JSON = (
    "Response payload is not JSON serializable. "
    "Either return a JSON serializable object or use the queue endpoint to retrieve the response."
)


async def jwks(visit: Visit) -> Reply:
    """GET /.well-known/jwks.json: for everybody, on every host."""
    if visit.method not in {"GET", "HEAD"}:
        return not_allowed("GET", "HEAD")
    # In a thread: the first call reads the keys, or makes one.
    published = await asyncio.to_thread(visit.services.webhook_keys.published)
    return json_reply(200, published, ((b"cache-control", b"public, max-age=%d" % _CACHED_S),))


def body_of(jobs: JobStore, job_id: str, origin: str) -> Callable[[], bytes] | None:
    """Read how a request ended; None when that is no longer kept. What is returned writes the webhook's body.

    `origin` is the base of the files' addresses. Reading is for the loop's thread, writing, which may take long, not.
    """
    result = jobs.result(job_id)
    return None if result is None else lambda: body(result, origin)


def body(result: Result, origin: str) -> bytes:
    """Write the body of 6.2; its payload is, byte for byte, what the result route answers."""
    if result.failure is not None:
        error = json.dumps(f"Invalid status code: {result.failure.status}").encode()
        return _members(result.id, b"ERROR", error=error, payload=result.failure.body)
    # The links' queue is never written here: a result names files only.
    payload = with_addresses(result.output, result.files, Links(origin, f"{origin}/queue"))
    if not _is_json(payload):
        return _members(result.id, b"OK", payload=b"null", payload_error=json.dumps(_NOT_JSON).encode())
    return _members(result.id, b"OK", payload=payload)


def _members(request_id: str, status: bytes, **more: bytes) -> bytes:
    name = json.dumps(request_id).encode()
    members = {"request_id": name, "gateway_request_id": name, "status": b'"' + status + b'"', **more}
    return b"{" + b",".join(b'"%s":%s' % (key.encode(), value) for key, value in members.items()) + b"}"


def _is_json(payload: bytes) -> bool:
    """Say whether it is JSON as the standard has it, which knows no NaN."""
    try:
        json.loads(payload, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
