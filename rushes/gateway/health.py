"""Our own routes. GET /health: 200 when a job can be taken and kept, proved by a real write; else 503 and why.

Figures are in `metrics`.
"""

from __future__ import annotations

import asyncio
import logging

from rushes.errors import Rejection
from rushes.gateway import metrics
from rushes.gateway.replies import Reply, json_reply, not_allowed
from rushes.gateway.visit import Answer, Services, Visit

log = logging.getLogger(__name__)

PATIENCE_S = 5.0  # a commit takes milliseconds: what takes seconds keeps nothing in time


async def handle(visit: Visit) -> Answer:
    """Answer our own routes."""
    if visit.segments == ("metrics",):
        return await metrics.handle(visit)
    if visit.segments != ("health",):
        raise Rejection(404, f"Path /{'/'.join(visit.segments)} not found")
    if visit.method not in {"GET", "HEAD"}:
        return not_allowed("GET", "HEAD")
    return await health(visit.services)


async def health(services: Services) -> Reply:
    """Write a row and say whether it reached the disk in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await services.keys.prove_writable()
    except Exception as error:  # whatever it is, it is the answer: a probe that hears 500 knows nothing
        log.exception("The health check could not write to the database")
        reason = f"no write finished within {PATIENCE_S} s" if isinstance(error, TimeoutError) else str(error)
        return json_reply(503, {"status": "unavailable", "detail": f"The database can't be written: {reason}"})
    return json_reply(200, {"status": "ok"})
