"""Direct runs (protocol 4.3): submit, wait for the end on a wake-up, answer as the result route would.

Runs that show how far they are (the path ends in /stream) are in `stream`. A caller who goes away cancels the run
(S-02). Input errors are answered at once and not stored.
"""

from __future__ import annotations

import asyncio

from rushes.errors import RequestError
from rushes.gateway import stream
from rushes.gateway.patience import LOOK_S, wait_or_end
from rushes.gateway.replies import failure_reply, not_allowed
from rushes.gateway.results import result_reply
from rushes.gateway.submission import new_job, submit_direct
from rushes.gateway.visit import Answer, Services, Visit
from rushes.jobs.events import Watch
from rushes.jobs.job import NewJob, Status

METHODS = ("POST", "GET", "PUT", "PATCH")  # JS lets its user choose; only GET has no body


async def handle(visit: Visit) -> Answer:
    """Answer everything under the run host."""
    if visit.method not in METHODS:
        return not_allowed(*METHODS)
    if visit.segments[-1:] == (stream.WORD,):
        return await stream.handle(visit)
    job = await new_job(visit, direct=True)
    if job.failure is not None:
        return failure_reply(job.failure, job.id)
    services = visit.services
    with services.events.watch_job(job.id) as watch:
        await submit_direct(visit, job)
        ended = False
        try:
            ended = await _ended_before_caller_left(visit, job, watch)
        finally:
            if not ended:  # also when the server stops: after its next start nobody would wait for this
                await services.jobs.cancel(job.id, job.account, left=True)
        if not ended:
            raise RequestError("client_disconnected")
    result = services.jobs.result(job.id)
    if result is None:  # swept between its end and this line: retention is shorter than this moment
        raise RequestError("internal_error", "The result expired before it could be read")
    return result_reply(result, visit.links)


async def _ended_before_caller_left(visit: Visit, job: NewJob, watch: Watch) -> bool:
    ended = asyncio.ensure_future(_ended(visit.services, job, watch))
    left = asyncio.ensure_future(visit.left())
    try:
        await asyncio.wait({ended, left}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
            return True
        return False
    finally:
        ended.cancel()
        left.cancel()


async def _ended(services: Services, job: NewJob, watch: Watch) -> None:
    while True:
        state = services.jobs.state(job.id)
        if state is None or state.status is Status.COMPLETED:
            return
        await watch.wait(min(LOOK_S, await wait_or_end(services, state)))
