"""What the platform's routes answer when they refuse or fail: one envelope for every status (protocol 10.1).

{"error": {"type": "validation_error", "message": "…", "request_id": "…"}}
"""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from rushes.errors import CallerError
from rushes.gateway.visit import Visit
from rushes.jobs.history import LookRefused, TooMany
from rushes.jobs.store import WriteFailed

log = logging.getLogger(__name__)

ErrorType = Literal[
    "authorization_error", "validation_error", "not_found", "rate_limited", "server_error", "not_implemented"
]
AUTHENTICATION_REQUIRED = "Authentication required"
ACCESS_DENIED = "Access denied"

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
# Other statuses are the caller's fault below 500, and ours from there.
_BY_STATUS: Mapping[int, ErrorType] = {
    401: "authorization_error",
    403: "authorization_error",
    404: "not_found",
    429: "rate_limited",
    501: "not_implemented",
}
_SHOWN_CHARS = 100
_MOST_SHOWN = 5


class PlatformError(BaseModel):
    """What went wrong."""

    type: ErrorType
    message: str = Field(description="What was wrong, the value seen, and what is allowed.")
    docs_url: str | None = Field(None, description="Where more is said about it.")
    request_id: str | None = Field(None, description="Id of this call, as the server's log has it.")


class ErrorEnvelope(BaseModel):
    """The form of every error."""

    error: PlatformError


class Refused(HTTPException):
    """Refuses the call with this status; the type follows from it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)


def not_found(what: str) -> Refused:
    """Say that something does not exist for this caller."""
    return Refused(404, f"{what} not found")


def error_type(status: int) -> ErrorType:
    """Return the type that belongs to a status."""
    return _BY_STATUS.get(status) or ("server_error" if status >= 500 else "validation_error")


def envelope(status: int, message: str, request_id: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """Build the answer."""
    error = {"type": error_type(status), "message": message}
    if request_id:
        error["request_id"] = request_id
    # json.dumps, not Starlette's JSONResponse: what callers sent may hold halves of characters, which only escape.
    return Response(json.dumps({"error": error}), status, dict(headers or {}), "application/json")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe these error answers for a route's OpenAPI entry."""
    return {status: _documented(status) for status in statuses}


def answer_errors(app: FastAPI) -> None:
    """Let every error of this app leave in the envelope."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        return envelope(error.status_code, _words(request, error), _id(request), error.headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return envelope(400, f"Invalid request parameters: {_problems(error)}", _id(request))

    async def caller_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, CallerError)
        failure = error.failure()
        status = 400 if failure.status == 422 else failure.status  # the platform knows no 422 (10.1)
        fixed = {401: AUTHENTICATION_REQUIRED, 403: ACCESS_DENIED}
        return envelope(status, fixed.get(status, failure.message), _id(request))

    async def unwritten(request: Request, _: Exception) -> Response:
        return envelope(503, "The server cannot store anything at the moment, so nothing was changed", _id(request))

    async def unkept(request: Request, error: Exception) -> Response:
        assert isinstance(error, OSError)
        if error.errno not in _NO_ROOM:
            raise error  # `crashed` answers it, and the door has a line for its log
        log.error("%s could not be kept: %s", request.url.path, error)
        return await unwritten(request, error)

    async def too_much(request: Request, error: Exception) -> Response:
        status = 429 if isinstance(error, TooMany) else 400
        return envelope(status, str(error), _id(request))

    async def crashed(request: Request, _: Exception) -> Response:
        return envelope(500, "Internal error", _id(request))  # the door logs it

    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(CallerError, caller_error)
    app.add_exception_handler(WriteFailed, unwritten)
    app.add_exception_handler(OSError, unkept)
    app.add_exception_handler(LookRefused, too_much)
    app.add_exception_handler(Exception, crashed)


def _words(request: Request, error: StarletteHTTPException) -> str:
    if isinstance(error, Refused):
        return str(error.detail)
    if error.status_code == 404:
        return f"Path {request.url.path[:_SHOWN_CHARS]} not found"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return f"Method {request.scope['rushes'].method} not allowed; allowed here: {allowed}"
    return str(error.detail)


def _problems(error: RequestValidationError) -> str:
    found = [_problem(one) for one in error.errors()[:_MOST_SHOWN]]
    left = len(error.errors()) - len(found)
    return "; ".join(found) + (f"; and {left} more" if left else "")


def _problem(one: Mapping[str, Any]) -> str:
    where = ".".join(str(part)[:_SHOWN_CHARS] for part in one["loc"])
    seen = "" if one["type"] == "missing" else f", got {_cut(one.get('input'))}"
    return f"{where}: {one['msg'][: 2 * _SHOWN_CHARS]}{seen}"


def _cut(value: object) -> str:
    text = f"{type(value).__name__} of {len(value)}" if isinstance(value, (dict, list)) else repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"


def _id(request: Request) -> str | None:
    visit: Visit = request.scope["rushes"]
    return visit.id or None


def _documented(status: int) -> dict[str, Any]:
    words = {
        400: ("The call is not valid.", "Invalid request parameters: query.limit: …"),
        401: ("No key was sent, or no such key exists.", AUTHENTICATION_REQUIRED),
        403: ("The key may not do this.", ACCESS_DENIED),
        404: ("There is nothing by this name for this caller.", "Path /v1/elsewhere not found"),
        405: ("The path knows other methods only.", "Method PUT not allowed; allowed here: GET"),
        409: ("It is not in a state for that.", "Delivery … cannot be sent yet: its request has not ended"),
        413: ("The body is too large.", "The request body is larger than the 1000000 bytes allowed here"),
        429: ("Too much at once.", "Too many calls at once"),
        500: ("The server failed.", "Internal error"),
        501: ("The real service has this; a self-hosted server does not.", "GET /v1/assets is not available here"),
        503: ("The server cannot do it at the moment.", "The server cannot store anything at the moment"),
    }
    description, message = words[status]
    example = {"error": {"type": error_type(status), "message": message}}
    return {
        "model": ErrorEnvelope,
        "description": description,
        "content": {"application/json": {"example": example}},
    }
