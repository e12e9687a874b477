"""The queue's words: submit, status, result, cancel (protocol 4.4 to 4.8). The status stream is in `watch`.

A job is found by its request id; another account's job, or one under another app's path, does not exist for the caller.
Submit and status are the hot paths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from rushes.errors import Failure, Rejection, RequestError
from rushes.gateway.auth import admit
from rushes.gateway.ids import REQUESTS, Part, RequestPath, app_of, names, request_path
from rushes.gateway.replies import Reply, failure_reply, json_reply, not_allowed, request_id_header
from rushes.gateway.results import result_reply
from rushes.gateway.statuses import open_job, status_object, status_reply
from rushes.gateway.submission import new_job
from rushes.gateway.submission import submit as submit_job
from rushes.gateway.visit import Answer, Visit
from rushes.gateway.watch import watch
from rushes.jobs.job import JobState, Result, Status

IN_PROGRESS = b'{"detail": "Request is still in progress"}'  # clients compare this text
_NO_LOGS = frozenset({b"", b"logs=0", b"logs=false"})  # as most clients, JavaScript's, and Python's write it
_MOST_DIGITS = 18  # of a number that is compared: no queue is longer, and Python refuses to read thousands of digits
_METHODS: Mapping[Part, tuple[str, ...]] = {
    "result": ("GET", "HEAD"),
    "status": ("GET", "HEAD"),
    "stream": ("GET",),
    "cancel": ("PUT", "POST"),  # clients PUT; a POST can mean nothing else here
}


async def handle(visit: Visit) -> Answer:
    """Answer everything under the queue's host."""
    path = request_path(visit.segments)
    if path is None:
        if REQUESTS in visit.segments:  # no endpoint has this word, so it is a request's path with a mistake in it
            raise Rejection(404, f"Path /{'/'.join(visit.segments)[:200]} not found")
        return await submit(visit) if visit.method == "POST" else not_allowed("POST")
    if visit.method not in _METHODS[path.part]:
        return not_allowed(*_METHODS[path.part])
    account = admit(visit, app_of(path.endpoint)).account
    # Before the state, which it needs only while there is no result.
    if path.part == "result":
        return result(visit, path, account)
    state = _state(visit, path, account)
    if path.part == "status":
        return status_reply(visit, state, with_logs=wants_logs(visit))
    if path.part == "stream":
        return watch(visit, state, with_logs=wants_logs(visit))
    return await cancel(visit, state)


async def submit(visit: Visit) -> Answer:
    """Store the job and answer after the commit. Invalid input is stored as a failed job (Q-01)."""
    job = await new_job(visit)
    # A request sent again under its Idempotency-Key was let in before, so a full queue is no reason against it.
    known = job.once is not None and visit.services.jobs.find_once(job.account, job.once.key) is not None
    if not known and (full := _queue_full(visit, job.endpoint)) is not None:
        return failure_reply(full, job.id)
    if job.plain:  # nearly all; `submit_job` would do the same, at the cost of one more coroutine
        ahead = await visit.services.jobs.submit(job)
    else:
        done = await submit_job(visit, job)
        if done.repeated:
            return _known(visit, done.id)
        ahead = done.ahead
    body = open_job(visit.links, app_of(job.endpoint), job.id, "IN_QUEUE", ahead)
    return Reply(200, body, (request_id_header(job.id),))


def _known(visit: Visit, request_id: str) -> Reply:
    """Answer a submit that was sent before, under the same Idempotency-Key, with what became of it."""
    state = visit.services.jobs.state(request_id)
    if state is None:
        raise not_found()
    headers = (request_id_header(request_id), (b"idempotency-replayed", b"true"))
    return json_reply(200, status_object(state, visit.links, None), headers)


def result(visit: Visit, path: RequestPath, account: str) -> Reply:
    """Answer with the result, or that it isn't there yet."""
    jobs = visit.services.jobs
    found = jobs.result(path.request_id)
    if found is None:
        state = _state(visit, path, account)
        if state.status is not Status.COMPLETED:
            return Reply(400, IN_PROGRESS, (request_id_header(state.id),))
        found = jobs.result(path.request_id)  # it may have ended between the two looks
        if found is None:
            raise expired()
    _require_own(found, path, account)
    return result_reply(found, visit.links)


async def cancel(visit: Visit, state: JobState) -> Reply:
    """Cancel a queued job at once; ask a running one to stop."""
    answer = await visit.services.jobs.cancel(state.id, state.account)
    if answer == "NOT_FOUND":
        raise not_found()
    accepted = answer == "CANCELLATION_REQUESTED"
    return json_reply(202 if accepted else 400, {"status": answer, "success": accepted}, (request_id_header(state.id),))


def wants_logs(visit: Visit) -> bool:
    """`logs` arrives as 1/0 or true/false, or not at all."""
    if visit.scope["query_string"] in _NO_LOGS:  # what clients send with most polls; spares parsing it
        return False
    return visit.query().get("logs", "").lower() in {"1", "true", "yes"}


def not_found() -> Rejection:
    """What an unknown, expired or foreign request is answered with (Q-07)."""
    return Rejection(404, "Request not found", extra={"status": "NOT_FOUND"})


def expired() -> Rejection:
    """What is answered for a result that was private and is gone, or that its owner deleted."""
    kept = "Request not found: its result is no longer kept"
    return Rejection(404, kept, extra={"status": "NOT_FOUND"})


def _state(visit: Visit, path: RequestPath, account: str) -> JobState:
    state = visit.services.jobs.state(path.request_id)
    if state is None:
        raise not_found()
    _require_own(state, path, account)
    return state


def _require_own(job: JobState | Result, path: RequestPath, account: str) -> None:
    if job.account != account or not names(path.endpoint, job.endpoint):
        raise not_found()


def _queue_full(visit: Visit, endpoint: str) -> Failure | None:
    """Q-02: the caller would rather hear 429 than wait behind so many."""
    text = visit.query().get("fal_max_queue_length")
    if text is None:
        return None
    if not text.isdecimal():
        raise RequestError(
            "bad_request", f"Invalid fal_max_queue_length {text[:100]!r}: expected a whole number, 0 or more"
        )
    waiting = visit.services.jobs.queue_length(endpoint)
    if len(text) > _MOST_DIGITS or waiting < int(text):
        return None
    detail = f"Queue limit exceeded: {waiting} requests wait, fal_max_queue_length is {text}"
    body = json.dumps({"detail": detail, "error_type": "bad_request"}).encode()
    return Failure("request", "bad_request", 429, body, retryable=True)
