"""GET /v1/models/billing-events: what each request of the caller's account came to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from rushes.accounts.usage import Asked, Event
from rushes.gateway.platform.callers import AnAdmin, AVisit
from rushes.gateway.platform.envelope import Refused, documented
from rushes.gateway.platform.lists import EndpointIds, several
from rushes.gateway.platform.paging import Cursor, read_cursor, write_cursor
from rushes.gateway.platform.times import DAY_S, End, Start, Zone, window, write_moment
from rushes.gateway.platform.usage import KeyIds

router = APIRouter(tags=["Usage"])

MOST_DAYS = 90
MOST_ROWS = 10_000
_NANO = 1_000_000_000  # of a dollar

EventLimit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most events of a page.")]


class BillingEvent(BaseModel):
    """What one request came to."""

    request_id: str
    endpoint_id: str
    timestamp: str
    output_units: float | None
    unit_price: float | None
    percent_discount: float | None
    cost_subtotal: float
    cost_discount: float
    cost_total: float
    cost_estimate_nano_usd: int


class BillingEvents(BaseModel):
    """A page of what was billed, newest first."""

    billing_events: list[BillingEvent]
    next_cursor: str | None
    has_more: bool


@router.get("/v1/models/billing-events", summary="List billing events", responses=documented(403, 429))
async def list_billing_events(
    visit: AVisit,
    caller: AnAdmin,
    *,
    limit: EventLimit = 100,
    cursor: Cursor = None,
    start: Start = None,
    end: End = None,
    timezone: Zone = "UTC",
    endpoint_id: EndpointIds = None,
    api_key_id: KeyIds = None,
    request_id: Annotated[str | None, Query(max_length=100)] = None,
) -> BillingEvents:
    """Each billed request of the account, newest first, of at most 90 days."""
    # Who names a request wants that one, however long ago it was.
    default_s = MOST_DAYS * DAY_S if request_id else DAY_S
    within = window(start, end, visit.services.clock(), zone=timezone, default_s=default_s)
    if within.end - within.start > (MOST_DAYS + 1) * DAY_S:
        raise Refused(400, f"query.start: at most {MOST_DAYS} days before the end, got {start!r}")
    asked = Asked(caller.account, several("endpoint_id", endpoint_id), several("api_key_id", api_key_id))
    after = read_cursor(cursor, "billing", float, str)
    span = (within.start, within.end)
    found, has_more = await visit.services.usage.events(asked, span, after, limit, request_id or None)
    return BillingEvents(
        billing_events=[_event(one) for one in found],
        next_cursor=write_cursor("billing", found[-1].ended_at, found[-1].request_id) if has_more else None,
        has_more=has_more,
    )


def _event(event: Event) -> BillingEvent:
    total = event.units * event.unit_price_usd
    return BillingEvent(
        request_id=event.request_id,
        endpoint_id=event.endpoint,
        timestamp=write_moment(event.ended_at),
        output_units=event.units,
        unit_price=event.unit_price_usd,
        percent_discount=None,
        cost_subtotal=total,
        cost_discount=0.0,
        cost_total=total,
        cost_estimate_nano_usd=round(total * _NANO),
    )
