"""The status stream (protocol 4.6): the status object as server-sent events, until the job is COMPLETED.

State and log changes come as wake-ups. A queue position changes through other jobs, of which nobody tells this one, so
a waiting job is looked at once a second, and less often where more than a thousand go before it.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from rushes.gateway.replies import request_id_header
from rushes.gateway.statuses import status_object
from rushes.gateway.visit import Answer, Visit
from rushes.jobs.job import JobState, Status

PING_S = 15.0
POSITION_S = 1.0
_PLACES_A_SECOND = 1_000  # a look costs more the deeper the queue is, and says less


def watch(visit: Visit, state: JobState, *, with_logs: bool) -> Answer:
    """Stream a job's status: the current one at once, then every change; logs as far as they are new (Q-12)."""
    name, value = request_id_header(state.id)
    headers = {name.decode(): value.decode("latin-1"), "cache-control": "no-cache", "x-accel-buffering": "no"}
    events = _events(visit, state.id, with_logs=with_logs)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def look_again_s(state: JobState) -> float:
    """Return how long to wait for a wake-up before the job is worth another look."""
    if state.status is not Status.IN_QUEUE:
        return PING_S
    return min(max(POSITION_S, (state.position or 0) / _PLACES_A_SECOND), PING_S)


async def _events(visit: Visit, job_id: str, *, with_logs: bool) -> AsyncIterator[str]:
    services = visit.services
    said: dict[str, Any] = {}
    seen, told_at = 0, time.monotonic()
    with services.events.watch_job(job_id) as place:
        while (state := services.jobs.state(job_id)) is not None:
            lines = services.jobs.logs(job_id, seen) if with_logs else None
            status = status_object(state, visit.links, lines)
            if lines or {**status, "logs": None} != said:
                yield f"data: {json.dumps(status)}\n\n"
                said, seen, told_at = {**status, "logs": None}, seen + len(lines or ()), time.monotonic()
            if state.status is Status.COMPLETED:
                return
            pause_s = look_again_s(state)
            # Log lines that nobody asked for wake this up too, and must not put the comment off.
            await place.wait(max(0.0, min(pause_s, told_at + PING_S - time.monotonic())))
            if time.monotonic() - told_at >= PING_S:
                yield ": ping\n\n"
                told_at = time.monotonic()
