"""The caller's own requests: listed by endpoint, browsed, or found by an Idempotency-Key; with payloads if wanted.

Requests that were to stay out of the history are not shown. Deleting payloads is `payloads`' matter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from rushes.gateway.ids import app_of
from rushes.gateway.platform.callers import AKey, AVisit
from rushes.gateway.platform.envelope import Refused, documented, not_found
from rushes.gateway.platform.lists import EndpointIds, chosen, several, some
from rushes.gateway.platform.paging import Cursor, Limit, read_cursor, write_cursor
from rushes.gateway.platform.times import DAY_S, End, Start, window, write_moment
from rushes.gateway.results import described, with_addresses
from rushes.gateway.visit import Visit
from rushes.jobs.history import Entry, Order, Outcome, Payload, Wanted

router = APIRouter(tags=["Requests"])

_DAYS_FOR_ONE = 90  # the reference's window where a request is named (10.1)
_EXPANSIONS = ("payloads",)
_TEXT_CHARS = 2_000


class Companion(BaseModel):
    """A small picture that shows a result without being part of its output."""

    rel: str = Field(description="What it is: poster, thumbnail, contact-sheet or waveform.")
    url: str
    content_type: str


class RequestItem(BaseModel):
    """A request, what it took and what it gave."""

    request_id: str
    endpoint_id: str
    started_at: str | None
    sent_at: str
    ended_at: str | None
    status_code: int | None
    duration: float | None = Field(description="Seconds from its start to its end.")
    json_input: Any = Field(None, description="With expand=payloads, while it is kept.")
    json_output: Any = Field(None, description="With expand=payloads, while it is kept.")
    companions: list[Companion] = Field(
        [], description="With expand=payloads: small pictures beside the output, while they are kept."
    )


class RequestItems(BaseModel):
    """A page of requests."""

    items: list[RequestItem]
    next_cursor: str | None
    has_more: bool


class RequestResults(BaseModel):
    """A page of requests that were found."""

    results: list[RequestItem]
    next_cursor: str | None
    has_more: bool


class KnownRequest(BaseModel):
    """The request that an Idempotency-Key stands for, and where it is followed."""

    request_id: str
    endpoint_id: str
    status: Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    response_url: str
    status_url: str
    cancel_url: str


@router.get(
    "/v1/models/requests/by-endpoint",
    summary="List requests",
    response_model=RequestItems,
    responses=documented(429),
)
async def list_requests(
    visit: AVisit,
    caller: AKey,
    *,
    endpoint_id: EndpointIds = None,
    start: Start = None,
    end: End = None,
    status: Annotated[Outcome | None, Query(description="2xx, 4xx, or 5xx.")] = None,
    request_id: UUID | None = None,
    expand: Annotated[list[str] | None, Query(description="`payloads`.")] = None,
    sort_by: Annotated[Order, Query(description="Newest or longest first.")] = "ended_at",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The account's requests to these endpoints that ended in a window of time; of one request, its state at any time.

    A page with payloads may be shorter than `limit`, so that no answer becomes too large.
    """
    ids = some("endpoint_id", endpoint_id)
    with_payloads = "payloads" in chosen("expand", expand, _EXPANSIONS)
    after = read_cursor(cursor, sort_by, float, str)  # of the same order: a place by duration is none by time
    default_s = _DAYS_FOR_ONE * DAY_S if request_id else DAY_S
    within = window(start, end, visit.services.clock(), default_s=default_s)
    wanted = Wanted(caller.account, within.start, within.end, ids, status)
    if request_id is not None:
        found, has_more = _one(visit, str(request_id), wanted), False
    else:
        found, has_more = await visit.services.jobs.history.ended(wanted, sort_by, after, limit)
    return await _page(visit, caller.account, "items", found, has_more, kind=sort_by, with_payloads=with_payloads)


@router.get(
    "/v1/models/requests/search",
    summary="Browse requests",
    response_model=RequestResults,
    responses=documented(429),
)
async def search_requests(
    visit: AVisit,
    caller: AKey,
    *,
    query: Annotated[str | None, Query(max_length=_TEXT_CHARS, description="Text that the input contains.")] = None,
    image_url: Annotated[str | None, Query(max_length=_TEXT_CHARS, description="An address in the input.")] = None,
    video_url: Annotated[str | None, Query(max_length=_TEXT_CHARS, description="An address in the input.")] = None,
    endpoint_id: EndpointIds = None,
    exclude_api_requests: Annotated[bool, Query(description="All requests came through the API.")] = False,
    only_api_requests: bool = False,
    min_similarity: Annotated[float | None, Query(ge=0, le=1, description="Has no effect: texts match or not.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The account's ended requests whose input contains a text, newest first; all of them without one."""
    given = [text for text in (query, image_url, video_url) if text]
    if len(given) > 1:
        raise Refused(400, "query: only one of query, image_url and video_url may be given")
    if exclude_api_requests and only_api_requests:
        raise Refused(400, "query.only_api_requests: can't be asked for together with exclude_api_requests")
    after = read_cursor(cursor, "search", float, str)
    ids = several("endpoint_id", endpoint_id)
    # A day ahead: of ended requests all, also those that end while this is read.
    wanted = Wanted(
        caller.account, 0.0, visit.services.clock() + DAY_S, ids, text=_as_written(given[0] if given else "")
    )
    found: list[Entry] = []
    has_more = False
    if not exclude_api_requests:
        found, has_more = await visit.services.jobs.history.ended(wanted, "ended_at", after, limit)
    return await _page(visit, caller.account, "results", found, has_more, kind="search", with_payloads=True)


@router.get(
    "/v1/models/requests/by-idempotency-key",
    summary="Find a request by its Idempotency-Key",
    responses=documented(404),
)
async def find_request(
    visit: AVisit,
    caller: AKey,
    idempotency_key: Annotated[str, Query(min_length=1, max_length=255, description="As sent with the submit.")],
) -> KnownRequest:
    """The request that your account submitted under this Idempotency-Key. An addition of our own."""
    jobs = visit.services.jobs
    job_id = jobs.find_once(caller.account, idempotency_key)
    state = None if job_id is None else jobs.state(job_id)
    if state is None or state.account != caller.account:
        raise not_found(f"A request with the Idempotency-Key {idempotency_key[:100]!r}")
    response, status, cancel = visit.links.request(app_of(state.endpoint), state.id)
    return KnownRequest(
        request_id=state.id,
        endpoint_id=state.endpoint,
        status=cast(Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"], state.status.name),
        response_url=response,
        status_url=status,
        cancel_url=cancel,
    )


def _one(visit: Visit, request_id: str, wanted: Wanted) -> list[Entry]:
    found = visit.services.jobs.history.one(request_id, wanted.account)
    # No 404: the list of requests that fit is empty.
    if found is None or found.endpoint not in wanted.endpoints:
        return []
    if found.ended_at is None:
        return [found] if wanted.outcome is None else []
    outcomes: dict[int, Outcome] = {2: "success", 4: "user_error", 5: "error"}
    fits = wanted.outcome in (None, outcomes.get((found.status_code or 0) // 100))
    return [found] if fits and wanted.start <= found.ended_at < wanted.end else []


def _as_written(text: str) -> str | None:
    """Write a text as it stands within a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1] if text else None


async def _page(
    visit: Visit, account: str, name: str, found: Sequence[Entry], has_more: bool, *, kind: str, with_payloads: bool
) -> Response:
    """Build the answer from a page, cut where payloads become too many bytes."""
    payloads: dict[str, Payload] = {}
    if with_payloads:
        payloads = await visit.services.jobs.history.payloads(account, [entry.id for entry in found])
        has_more = has_more or len(payloads) < len(found)
        found = found[: len(payloads)]  # they end where they become too many bytes, in the same order
    last = found[-1] if has_more else None
    page = {
        name: [_item(visit, entry, payloads.get(entry.id)) for entry in found],
        "next_cursor": write_cursor(kind, last.place, last.id) if last else None,
        "has_more": has_more,
    }
    # json.dumps, not the model: inputs are the callers', and may hold halves of characters, which only escape.
    return Response(json.dumps(page), media_type="application/json")


def _item(visit: Visit, entry: Entry, payload: Payload | None) -> dict[str, Any]:
    ran = entry.started_at is not None and entry.ended_at is not None
    item: dict[str, Any] = {
        "request_id": entry.id,
        "endpoint_id": entry.endpoint,
        "started_at": None if entry.started_at is None else write_moment(entry.started_at),
        "sent_at": write_moment(entry.created_at),
        "ended_at": None if entry.ended_at is None else write_moment(entry.ended_at),
        "status_code": entry.status_code,
        # Also of one that was cancelled before it ran: then it has no duration, not one of 0.
        "duration": (entry.ended_at or 0.0) - (entry.started_at or 0.0) if ran else None,
    }
    if payload is not None and payload.input is not None:
        item["json_input"] = _parsed(payload.input)
    if payload is not None and payload.output is not None:
        item["json_output"] = _parsed(with_addresses(payload.output, payload.files, visit.links))
        item["companions"] = described(payload.companions, visit.links)
    return item


def _parsed(body: bytes) -> Any:
    """Read a stored body; JSON has no NaN, which Python's reader takes, and no infinity, which it makes of 1e999."""
    return json.loads(body, parse_constant=lambda _: None, parse_float=_finite)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if isfinite(value) else None
