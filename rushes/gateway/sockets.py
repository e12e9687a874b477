"""Which WebSocket is for whom: callers' sessions, runners' ends of them, and HTTP over a socket.

What can't be opened is refused with an HTTP answer to the handshake, in the shapes of all other errors.
"""

from __future__ import annotations

import logging

from rushes.errors import CallerError, Rejection, RequestError
from rushes.gateway import carried, realtime, runners
from rushes.gateway.socket import INTERNAL, TRY_LATER, Left, Socket
from rushes.gateway.visit import Visit
from rushes.jobs.store import WriteFailed

log = logging.getLogger(__name__)


async def handle(visit: Visit, socket: Socket) -> None:
    """Serve a socket until it is closed. Raises CallerError while it isn't open yet."""
    match (visit.group, *visit.segments):
        case ("run", *_):
            await realtime.handle(visit, socket)
        case ("ws", *_):
            await carried.handle(visit, socket)
        case ("runners", "jobs", job_id, "session"):
            await runners.join_session(visit, socket, job_id)
        case _:
            raise Rejection(404, f"There is no WebSocket at /{'/'.join(visit.segments)[:200]}")


async def answer(visit: Visit, socket: Socket) -> None:
    """As `handle`, whatever goes wrong."""
    try:
        await handle(visit, socket)
    except Left:  # nobody is there to be told anything
        return
    except CallerError as error:
        await refuse(socket, error)
    except WriteFailed as error:
        log.error("what a WebSocket asked for could not be kept, request %s: %s", visit.id, error)
        await _give_up(socket, RequestError("storage_unavailable"), TRY_LATER)
    except Exception:
        log.exception("a WebSocket failed, request %s", visit.id)
        await _give_up(socket, RequestError("internal_error"), INTERNAL)


async def _give_up(socket: Socket, error: RequestError, code: int) -> None:
    if not socket.opened:
        await refuse(socket, error)
    await socket.close(code, error.msg)


async def refuse(socket: Socket, error: CallerError) -> None:
    """Answer the handshake with an error."""
    try:
        await socket.refuse(error.failure())
    except Left:
        return
