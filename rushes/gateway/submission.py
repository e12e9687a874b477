"""From a request to a job that may be stored: which endpoint, whose, with what input, how urgent, until when.

Used by every way to start a job. Storing it and waiting for it are the callers' matter.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from pydantic import BaseModel

from rushes.accounts.keys import Caller
from rushes.endpoint import Endpoint
from rushes.errors import CallerError, Rejection, RequestError
from rushes.families import nearest
from rushes.gateway.auth import admit_starter
from rushes.gateway.ids import app_of, endpoint_id
from rushes.gateway.intake import from_query, take
from rushes.gateway.public import ANONYMOUS
from rushes.gateway.visit import Visit
from rushes.gateway.wishes import (
    IDEMPOTENCY_KEY,
    Asked,
    asked,
    extras,
    is_private,
    once,
    priority,
    refuses_retry,
    start_deadline,
    webhook,
)
from rushes.jobs.job import (
    NO_LIMITS,
    KeyReused,
    Limits,
    NewJob,
    OverBudget,
    OverLimit,
    Submitted,
)
from rushes.routing import route_of

_OUR_QUERY = frozenset({"fal_webhook", "fal_max_queue_length", "fal_jwt_token"})


async def new_job(visit: Visit, *, direct: bool = False) -> NewJob:
    """Check who asks for what, read the body and build the job; the visit's id becomes the job's.

    `direct`: the caller waits on the line, so there is no webhook and nothing to submit once only.

    Invalid input becomes the job's `failure`. Raises Rejection for key, endpoint and size, RequestError for a bad
    timeout header, and ModelError for a body that is no JSON object.
    """
    return await job_for(visit, endpoint_id(visit.segments), direct=direct)


async def job_for(visit: Visit, name: str, *, direct: bool = False) -> NewJob:
    """As `new_job`, for the endpoint of this name."""
    caller = admit_starter(visit, name)
    endpoint = find_endpoint(visit, name)
    if caller is ANONYMOUS and visit.header(IDEMPOTENCY_KEY) is not None:
        # All such callers are one account: the same word of two strangers would be one request.
        raise RequestError("bad_request", "Idempotency-Key: only callers with a key can use one")
    now = visit.services.clock()
    wishes = asked(visit.scope["headers"])
    deadline = start_deadline(wishes, now) if wishes else None  # refused before a large body is read
    body = _query_body(visit) if visit.method == "GET" else await visit.body(visit.services.settings.max_body_bytes)
    intake = take(endpoint, body)
    job = NewJob(
        id=visit.id,
        endpoint=endpoint.id,
        account=caller.account,
        input=intake.input,
        created_at=now,
        failure=intake.failure,
        warnings=intake.warnings,
        private=intake.private,
        key_id=caller.key_id,
        limits=limits_of(visit, caller, endpoint, intake.request, direct=direct),
        webhook=None if direct else webhook(visit),
    )
    return _as_wished(job, wishes, deadline, _route(visit, endpoint), direct=direct) if wishes else job


def _route(visit: Visit, endpoint: Endpoint) -> tuple[str, ...]:
    settings = visit.services.settings
    return route_of(endpoint.id, endpoint.engines, settings.routes, settings.deployments)


def _as_wished(job: NewJob, wishes: Asked, deadline: float | None, route: tuple[str, ...], *, direct: bool) -> NewJob:
    return job._replace(
        priority=priority(wishes),
        start_deadline=deadline,
        retry=not refuses_retry(wishes),
        private=job.private or is_private(wishes),
        once=None if direct else once(wishes, job.endpoint, job.input),
        extras=extras(wishes, route),
    )


async def submit(visit: Visit, job: NewJob) -> Submitted:
    """Store a job.

    Raises Rejection(403) over budget, Rejection(422) for a reused Idempotency-Key, RequestError over the limit.
    """
    jobs = visit.services.jobs
    if job.plain:
        return Submitted(job.id, await jobs.submit(job))  # stored in groups, which a job with limits can't be
    try:
        return await jobs.submit_checked(job)
    except OverBudget as error:
        # The real service's words (3.2), then ours.
        raise Rejection(403, f"User is locked. Reason: Exhausted balance: {error}") from None
    except OverLimit as error:
        raise RequestError("concurrent_requests_limit", f"Too many direct runs at once: {error}") from None
    except KeyReused as error:
        raise Rejection(422, f"Idempotency-Key: {error}; use another key for another request") from None


async def submit_direct(visit: Visit, job: NewJob) -> None:
    """Store a job whose caller waits on the line and can try again, hence it is not tried again here (S-03).

    Raises as `submit`. Where the server stops meanwhile it is taken back: after the next start nobody waits for it.
    """
    try:
        await submit(visit, job._replace(retry=False))
    except asyncio.CancelledError:  # which has stopped the waiting, not the write
        await visit.services.jobs.cancel(job.id, job.account, left=True)
        raise


def limits_of(visit: Visit, caller: Caller, endpoint: Endpoint, request: BaseModel | None, *, direct: bool) -> Limits:
    """Return what the caller's key may do, with this request's cost where its price and size are known already."""
    if caller.max_concurrent is None and caller.budget_usd is None:
        return NO_LIMITS  # the very object, by which the store knows plain jobs
    estimate = 0.0
    if caller.budget_usd is not None and request is not None:
        estimate = visit.services.settings.price_usd(endpoint.id, units_before(endpoint, request)) or 0.0
    return Limits(caller.max_concurrent, caller.budget_usd, estimate, direct)


def units_before(endpoint: Endpoint, request: BaseModel) -> float:
    """Estimate a request's units before its inputs are fetched; 0 where they decide the price."""
    try:
        return endpoint.units(request, endpoint.clip(request, {}) if endpoint.clip else None)
    except (CallerError, LookupError):  # a family asks for the size of a file that nobody has fetched yet
        return 0.0


def find_endpoint(visit: Visit, name: str) -> Endpoint:
    """Look an endpoint up. Raises Rejection(404) which names near ones."""
    endpoint = visit.services.endpoints.get(name)
    if endpoint is None:
        raise unknown_endpoint(visit, name)
    return endpoint


def unknown_endpoint(visit: Visit, name: str) -> Rejection:
    """Say whether it is the application or the path inside it that we don't know."""
    endpoints = visit.services.endpoints
    app = app_of(name)
    if any(app_of(known) == app for known in endpoints):
        text = f"Path /{name[len(app) + 1 :]} not found"
    else:
        text = f'Application "{app.rpartition("/")[2]}" not found'
    near = nearest(name, endpoints)
    return Rejection(404, f"{text}. Did you mean {', '.join(near)}?" if near else text)


def _query_body(visit: Visit) -> bytes:
    query: bytes = visit.scope["query_string"]
    members = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return from_query((name, text) for name, text in members if name not in _OUR_QUERY)
