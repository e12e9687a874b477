"""How somebody steers a pretended vendor from outside: what is to happen next, what it was sent, what it has taken.

`GET /_fake/seen` tells requests with their keys hidden, `GET /_fake/tasks` every task, `POST /_fake/plan` sets members
of the plan, `POST /_fake/reset` begins anew. None of it is any vendor's wire.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from rushes.fakes.fake import End, Fake, Fault, Plan, Seen, Task

HIDDEN = {"authorization", "x-goog-api-key", "x-api-key", "api-key", "cookie"}
_KEY_IN_QUERY = re.compile(r"([?&][^=&]*key=)[^&]*", re.IGNORECASE)
_LONG = 512  # characters of a text in what is told; a picture in base64 helps nobody who reads


class Wanted(BaseModel):
    """The members of a plan that may be set; those left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    submits: list[Fault] = []
    polls: list[Fault] = []
    end: End = "done"
    ends_after: NonNegativeInt = 2
    retry_after_s: NonNegativeFloat | None = None
    most_at_once: NonNegativeInt | None = None
    keeps_lost: bool = False


def controlled(app: ASGIApp, fake: Fake) -> Starlette:
    """Return `app` with `/_fake/...` in front of it."""

    async def plan(request: Request) -> Response:
        if request.method == "POST":
            try:
                wanted = Wanted.model_validate_json(await request.body() or b"{}")
            except ValidationError as error:
                return JSONResponse({"wrong": error.errors(include_url=False, include_context=False)}, 422)
            _set(fake.plan, wanted)
        return JSONResponse(_plan(fake.plan))

    async def seen(request: Request) -> Response:
        return JSONResponse([_told(one) for one in fake.seen])

    async def tasks(request: Request) -> Response:
        return JSONResponse([_task(one) for one in fake.tasks.values()])

    async def reset(request: Request) -> Response:
        fake.plan = Plan()
        fake.seen.clear()
        fake.tasks.clear()
        return Response(status_code=204)

    routes: list[BaseRoute] = [
        Route("/_fake/plan", plan, methods=["GET", "POST"]),
        Route("/_fake/seen", seen),
        Route("/_fake/tasks", tasks),
        Route("/_fake/reset", reset, methods=["POST"]),
        Mount("/", app),
    ]
    return Starlette(routes=routes)


def _set(plan: Plan, wanted: Wanted) -> None:
    for name in wanted.model_fields_set:
        value = getattr(wanted, name)
        setattr(plan, name, deque(value) if isinstance(value, list) else value)


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value := getattr(plan, name), deque) else value for name in Wanted.model_fields
    }


def _told(seen: Seen) -> dict[str, Any]:
    return {
        "method": seen.method,
        "path": _KEY_IN_QUERY.sub(r"\1hidden", seen.path),
        "headers": _hidden(seen.headers),
        "body": _short(seen.body),
    }


def _hidden(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: "hidden" if name in HIDDEN else value for name, value in headers.items()}


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "kind": task.kind,
        "looks": task.looks,
        "ends_after": task.ends_after,
        "end": task.end,
        "cancelled": task.cancelled,
        "asked": _short(task.asked),
    }


def _short(value: Any) -> Any:
    """Return a value for JSON with long texts and bytes cut, and their lengths said."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes: {base64.b64encode(value[:24]).decode()}..."
    if isinstance(value, str):
        return value if len(value) <= _LONG else f"{value[:64]}... ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {str(name): _short(member) for name, member in value.items()}
    return [_short(member) for member in value] if isinstance(value, list | tuple) else value
