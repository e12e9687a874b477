"""HTTP over a WebSocket (protocol 5.5), as old clients have it: each text frame is an input, run as a direct run.

An answer is three messages or more: that it starts, with status and headers; its body; that it ends. The socket stays
open for the next input; nothing waits behind one that runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
from time import perf_counter

from rushes.accounts.keys import Caller
from rushes.endpoint import Endpoint
from rushes.errors import CallerError, ModelError, RequestError
from rushes.gateway import realtime_messages as messages
from rushes.gateway.auth import JWT, admit, admit_token
from rushes.gateway.ids import app_of, endpoint_id, new_id
from rushes.gateway.intake import take
from rushes.gateway.patience import LOOK_S, wait_or_end
from rushes.gateway.replies import Reply, failure_reply
from rushes.gateway.results import result_reply
from rushes.gateway.socket import Frame, Socket
from rushes.gateway.submission import find_endpoint, limits_of, submit_direct
from rushes.gateway.visit import Visit
from rushes.jobs.job import NewJob, Status
from rushes.jobs.store import WriteFailed

log = logging.getLogger(__name__)


async def handle(visit: Visit, socket: Socket) -> None:
    """Answer inputs until the caller is gone. Raises CallerError while the socket isn't open."""
    name = endpoint_id(visit.segments)
    token = visit.query().get(JWT)
    caller = admit(visit, app_of(name)) if token is None else admit_token(visit, token, name)
    endpoint = find_endpoint(visit, name)
    await socket.open()
    # One frame is read ahead: only who reads learns that the caller has gone, also while an input is run.
    frames: asyncio.Queue[Frame | None] = asyncio.Queue(1)
    listening = asyncio.ensure_future(_listen(socket, frames))
    try:
        while (frame := await frames.get()) is not None:
            answering = asyncio.ensure_future(_answer(visit._replace(id=new_id()), socket, caller, endpoint, frame))
            await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():  # the caller is gone, which ends the run
                answering.cancel()
                # Its job is cancelled in there, which takes a commit.
                await asyncio.gather(answering, return_exceptions=True)
                return
            answering.result()
    finally:
        listening.cancel()


async def _listen(socket: Socket, frames: asyncio.Queue[Frame | None]) -> None:
    """Hand on frames; the last one is None. Returns at the caller's end only, so that a run can be ended with it."""
    while (frame := await socket.next()) is not None:
        await frames.put(frame)
    # Where a frame still waits, `handle` meets it with this task done, which ends it as well.
    if frames.empty():
        frames.put_nowait(None)


async def _answer(visit: Visit, socket: Socket, caller: Caller, endpoint: Endpoint, frame: Frame) -> None:
    started = perf_counter()
    try:
        reply = await _run(visit, caller, endpoint, frame.encode() if isinstance(frame, str) else frame)
    except CallerError as error:
        await _refuse(visit, socket, error)
        return
    except WriteFailed as error:
        log.error("request %s could not be kept: %s", visit.id, error)
        await _refuse(visit, socket, RequestError("storage_unavailable"))
        return
    first_byte_s = perf_counter() - started
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in reply.headers}
    common = {"request_id": visit.id, "status": reply.status}
    await socket.say(json.dumps({"type": "start", **common, "headers": headers}))
    await socket.say(reply.body.decode())
    await socket.say(json.dumps({"type": "end", **common, "time_to_first_byte_seconds": round(first_byte_s, 6)}))


async def _refuse(visit: Visit, socket: Socket, error: CallerError) -> None:
    failure = error.failure()
    code = failure.type.upper() or "FORBIDDEN"
    await socket.say(messages.problem(code, failure.message, request_id=visit.id))


async def _run(visit: Visit, caller: Caller, endpoint: Endpoint, body: bytes) -> Reply:
    """Run one input to its end. Raises CallerError for what never became a job; cancels the job when cancelled."""
    services = visit.services
    job = _job(visit, caller, endpoint, body)
    if job.failure is not None:
        return failure_reply(job.failure, job.id)  # as of any direct run, nothing is stored
    with services.events.watch_job(job.id) as watch:
        try:
            await submit_direct(visit, job)
            while (state := services.jobs.state(job.id)) is not None and state.status is not Status.COMPLETED:
                await watch.wait(min(LOOK_S, await wait_or_end(services, state)))
        except asyncio.CancelledError:
            await services.jobs.cancel(job.id, job.account, left=True)
            raise
    result = services.jobs.result(job.id)
    if result is None:
        raise ModelError("internal_server_error", "The result expired before it could be read")
    return result_reply(result, visit.links)


def _job(visit: Visit, caller: Caller, endpoint: Endpoint, body: bytes) -> NewJob:
    intake = take(endpoint, body)
    return NewJob(
        id=visit.id,
        endpoint=endpoint.id,
        account=caller.account,
        input=intake.input,
        created_at=visit.services.clock(),
        failure=intake.failure,
        warnings=intake.warnings,
        private=intake.private,
        key_id=caller.key_id,
        limits=limits_of(visit, caller, endpoint, intake.request, direct=True),
    )
