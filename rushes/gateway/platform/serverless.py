"""GET and DELETE /v1/serverless/apps/{owner}/{name}/queue: how much of the caller's waits for an app; cancel it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from rushes.gateway.ids import app_of
from rushes.gateway.platform.callers import AKey, AVisit
from rushes.gateway.platform.envelope import documented, not_found
from rushes.gateway.visit import Visit

router = APIRouter(tags=["Queue"])

_AT_ONCE = 500  # cancellations that share a commit

Owner = Annotated[str, Path(max_length=255, description="First segment of the app's id.")]
Name = Annotated[str, Path(max_length=255, description="Second segment of the app's id.")]


class QueueSize(BaseModel):
    """How many wait."""

    queue_size: int = Field(description="Requests of your account that wait for the app's endpoints.")


@router.get("/v1/serverless/apps/{owner}/{name}/queue", summary="Read a queue's size", responses=documented(404, 429))
async def read_queue(visit: AVisit, caller: AKey, owner: Owner, name: Name) -> QueueSize:
    """How many of your account's requests wait for the endpoints of an app."""
    endpoints = _endpoints(visit, f"{owner}/{name}")
    return QueueSize(queue_size=await visit.services.jobs.history.count_waiting(caller.account, endpoints))


@router.delete(
    "/v1/serverless/apps/{owner}/{name}/queue",
    status_code=204,
    summary="Cancel all that waits",
    responses=documented(404, 429, 503),
)
async def empty_queue(visit: AVisit, caller: AKey, owner: Owner, name: Name) -> Response:
    """Cancel all of your account's requests that wait for the endpoints of an app; those that run go on."""
    jobs, endpoints, now = visit.services.jobs, _endpoints(visit, f"{owner}/{name}"), visit.services.clock()
    # Those that were there at the call: else whoever submits on keeps it from ending.
    while ids := await jobs.history.waiting(caller.account, endpoints, now):
        for begin in range(0, len(ids), _AT_ONCE):
            await asyncio.gather(*(jobs.cancel(one, caller.account) for one in ids[begin : begin + _AT_ONCE]))
    return Response(status_code=204)


def _endpoints(visit: Visit, app: str) -> list[str]:
    """Return the endpoints of an app, and what their sessions are called. Raises Refused(404)."""
    found = [one for one in visit.services.endpoints.values() if app_of(one.id) == app]
    if not found:
        raise not_found(f"App {app[:200]}")
    return [name for one in found for name in ([one.id, one.session_id] if one.realtime else [one.id])]
