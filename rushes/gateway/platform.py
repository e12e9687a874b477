"""The platform's routes, /v1/…: which file answers which word; everything else there is not found."""

from __future__ import annotations

from rushes.errors import Rejection
from rushes.gateway import voices
from rushes.gateway.visit import Answer, Visit


async def handle(visit: Visit) -> Answer:
    """Hand the visit to the file of its word."""
    match visit.segments:
        case ("v1", "voices"):
            return await voices.handle(visit)
    raise Rejection(404, f"Path /{'/'.join(visit.segments)[:200]} not found")
