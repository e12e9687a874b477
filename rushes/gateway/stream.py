"""Streaming runs (protocol 5.1): a direct run that shows how far it is, as server-sent events; the last is its result.

    data: {"type": "progress", "request_id": "…", "state": "IN_QUEUE", "queue_position": 2}
    data: {"type": "progress", "request_id": "…", "state": "IN_PROGRESS", "progress": 0.25, "message": "20 of 80 …",
           "preview": {"url": "data:image/jpeg;base64,…", "content_type": "image/jpeg", "width": 320, "height": 180}}
    data: {"video": {"url": "…"}, "seed": 7}

The stream begins when the job is accepted: what is wrong before is an ordinary HTTP error, what goes wrong later is the
last event, {"type": "error", …}. A caller who goes away cancels the run. One event is written at a time and only the
newest preview waits, so a slow reader costs no memory. All events are ASCII: JavaScript's client decodes each chunk by
itself, and chunks may end within a character.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.types import Receive, Scope, Send

from rushes.errors import RequestError
from rushes.gateway.ids import endpoint_id
from rushes.gateway.links import Links
from rushes.gateway.patience import wait_or_end
from rushes.gateway.previews import image_object
from rushes.gateway.replies import failure_reply, request_id_header
from rushes.gateway.results import with_addresses
from rushes.gateway.submission import job_for, submit_direct
from rushes.gateway.visit import Answer, Services, Visit
from rushes.gateway.watch import PING_S, look_again_s
from rushes.jobs.events import Watch
from rushes.jobs.job import JobState, NewJob, Preview, Result, Status

WORD = "stream"
_PIECE_BYTES = 256 * 1024  # of a result with its files in it, so that writing waits for the reader


async def handle(visit: Visit) -> Answer:
    """Start the run and answer with its stream. Raises what a direct run raises."""
    job = await job_for(visit, _streamed(visit), direct=True)
    if job.failure is not None:
        return failure_reply(job.failure, job.id)
    await submit_direct(visit, job)

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        telling = asyncio.ensure_future(_tell(visit, job, send))
        leaving = asyncio.ensure_future(visit.left())
        try:
            await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not telling.done() or telling.exception() is not None:
                telling.cancel()
                await visit.services.jobs.cancel(job.id, job.account, left=True)
        if telling.done():  # raises what went wrong, for `routes` to log
            telling.result()

    return answer


def _streamed(visit: Visit) -> str:
    """Name the endpoint: the path without its last word, unless there is one whose own id ends in it."""
    # JavaScript adds the word unless the id ends in it already (5.1).
    whole = endpoint_id(visit.segments)
    return whole if whole in visit.services.endpoints else endpoint_id(visit.segments[:-1])


async def _tell(visit: Visit, job: NewJob, send: Send) -> None:
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),  # nginx would hold events back
        request_id_header(job.id),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for text in _texts(visit.services, visit.links, job):
        for at in range(0, len(text), _PIECE_BYTES):
            piece = text[at : at + _PIECE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _texts(services: Services, links: Links, job: NewJob) -> AsyncIterator[bytes]:
    """Yield the stream's text: partial outputs as they become known, a comment in silence, the end."""
    part = Part(job.id)
    told_at = time.monotonic()
    with services.events.watch_job(job.id, previews=True) as watch:
        while (state := services.jobs.state(job.id)) is not None and state.status is not Status.COMPLETED:
            if (told := part.news(services, state, watch)) is not None:
                yield event(told)
                told_at = time.monotonic()
            pause_s = min(look_again_s(state), await wait_or_end(services, state))
            # Wake-ups that bring no news must not put the comment off.
            await watch.wait(max(0.0, min(pause_s, told_at + PING_S - time.monotonic())))
            if time.monotonic() - told_at >= PING_S:
                yield b": ping\n\n"
                told_at = time.monotonic()
    yield last_event(services.jobs.result(job.id), links)


class Part:
    """The newest partial output of one job, and what of it has been told."""

    def __init__(self, request_id: str) -> None:
        self._told: dict[str, Any] = {"type": "progress", "request_id": request_id}
        self._lines = 0

    def news(self, services: Services, state: JobState, watch: Watch) -> dict[str, Any] | None:
        """Look, and return the whole partial output if something is new."""
        # An event is the whole of what is known (5.1): what was told stays, but for the place in line, which ends.
        now = {name: value for name, value in self._told.items() if name != "queue_position"}
        now["state"] = state.status.name
        if state.status is Status.IN_QUEUE:
            now["queue_position"] = state.position or 0
        lines = services.jobs.logs(state.id, self._lines)
        self._lines += len(lines)
        if lines:
            now["message"] = lines[-1].message
        for line in lines:
            share = fraction((line.labels or {}).get("progress"))
            now["progress"] = now.get("progress", 0.0) if share is None else share
        preview, watch.preview = watch.preview, None
        same, self._told = now == self._told, now
        return None if same and preview is None else with_preview(now, preview)


def fraction(text: str | None) -> float | None:
    """Read a log line's progress label; None for what is no number from 0 to 1."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def with_preview(part: dict[str, Any], preview: Preview | None) -> dict[str, Any]:
    """Add the preview, which is in the one event only that first shows it."""
    return part if preview is None else {**part, "preview": image_object(preview)}


def last_event(result: Result | None, links: Links) -> bytes:
    """Write the end: what a run would have answered (T-02), or the error (T-04)."""
    if result is None:  # swept between its end and this line: retention is shorter than this moment
        lost = RequestError("internal_error", "The result expired before it could be read").failure()
        return event({"type": "error", "message": lost.message, "error": {"status": lost.status}})
    if result.failure is not None:
        body = json.loads(result.failure.body)
        error = {"status": result.failure.status, "body": body}
        return event({"type": "error", "request_id": result.id, "message": result.failure.message, "error": error})
    output = with_addresses(result.output, result.files, links)
    if output.isascii():
        # Line ends within JSON are blanks between its tokens; in an event they would begin another line.
        return b"data: " + output.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n\n"
    return event(json.loads(output))


def event(value: Any) -> bytes:
    """Write one event, in one line."""
    return f"data: {json.dumps(value)}\n\n".encode()
