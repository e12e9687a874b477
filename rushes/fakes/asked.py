"""How a pretended vendor hears: every request is remembered with its body, an early answer may be raised from anywhere.

Routes, checks and words are each vendor's own. Bodies are kept as they came where they are no JSON; forms, and
what a strict type says of a body, are in `bodies`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rushes.fakes.bodies import Wrong, form_parts
from rushes.fakes.fake import Fake, Seen

_HALF_LETTER = re.compile(rb"\\u[dD][89a-fA-F]")  # of a surrogate pair: an answer could not repeat one that is alone


class Said(Exception):
    """An answer that ends the handling of a request at once."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def refused(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Said:
    """Return a JSON answer to raise."""
    return Said(JSONResponse(body, status, dict(headers or {})))


Answering = Callable[[Request, Seen], Awaitable[Response]]
"""A vendor's handler: the request, and the same as it is remembered, its body read."""


def remembering(fake: Fake, answer: Answering) -> Callable[[Request], Awaitable[Response]]:
    """Return a route's endpoint that remembers each request before it is answered."""

    async def endpoint(request: Request) -> Response:
        seen = await hear(request)
        fake.seen.append(seen)
        try:
            return await answer(request, seen)
        except Said as said:
            return said.response

    return endpoint


async def hear(request: Request) -> Seen:
    """Read a request whole: JSON parsed, anything else as the bytes it is, None without a body."""
    # Where it is mounted is ours, not the vendor's.
    path = request.url.path.removeprefix(request.scope.get("root_path", "")) or "/"
    query = f"?{request.url.query}" if request.url.query else ""
    return Seen(request.method, path + query, dict(request.headers), await _body(request))


async def _body(request: Request) -> Any:
    content = await request.body()
    stated = request.headers.get("content-type", "")
    kind = stated.partition(";")[0].strip().lower()
    if not content:
        return None
    try:
        if kind == "multipart/form-data":
            return dict(form_parts(stated, content))
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(content.decode(), keep_blank_values=True))
        found = json.loads(content)
        if _HALF_LETTER.search(content):
            json.dumps(found, ensure_ascii=False).encode()  # raises for a half that has no other one
        return found
    except (ValueError, Wrong, RecursionError):
        return content


def here(request: Request) -> str:
    """Return the URL under which this vendor answers, its mount included, without a slash at its end.

    Starlette's own `base_url` leaves a mount out.
    """
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


def bearer(seen: Seen) -> str | None:
    """Return the token of an Authorization header, None without one."""
    scheme, _, token = seen.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def retry_after(fake: Fake) -> dict[str, str]:
    """Return the header that says when to come again, if the plan has a time for it."""
    seconds = fake.plan.retry_after_s
    return {} if seconds is None else {"retry-after": f"{seconds:g}"}
