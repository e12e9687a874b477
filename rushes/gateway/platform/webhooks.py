"""/v1/webhooks: what became of an account's deliveries, sending one again, and new signing keys.

Additions of our own to the platform's routes. What is sent and when is `rushes.webhooks`' business.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from rushes.gateway.ids import is_plain
from rushes.gateway.platform.callers import AKey, AnAdmin, AVisit, is_operator
from rushes.gateway.platform.envelope import ACCESS_DENIED, Refused, documented, not_found
from rushes.gateway.platform.paging import Cursor, Limit, read_cursor, write_cursor
from rushes.gateway.platform.times import write_moment
from rushes.webhooks.outbox import NEWEST, Delivery, NumberedTry, Place
from rushes.webhooks.schedule import State
from rushes.webhooks.target import without_credentials

router = APIRouter(tags=["Webhooks"])

StateName = Literal["waiting", "due", "delivered", "given_up"]
_NAMES: dict[State, StateName] = {
    State.OPEN: "waiting",
    State.DUE: "due",
    State.DELIVERED: "delivered",
    State.GIVEN_UP: "given_up",
}
_STATES = {name: state for state, name in _NAMES.items()}

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
DeliveryId = Annotated[str, Path(max_length=100, description="Id of a delivery.")]


class Attempt(BaseModel):
    """One try at a delivery."""

    number: int
    at: Moment
    status_code: int | None = Field(description="What the receiver answered; null where it did not.")
    error: str | None = Field(description="What went wrong; null where the delivery was acknowledged.")
    duration_s: float


class WebhookDelivery(BaseModel):
    """What becomes of one webhook. States: `waiting` for the request's end, `due` to be sent, and two final ones."""

    id: str
    request_id: str
    url: str = Field(description="Where it is sent; without user and password.")
    state: StateName
    created_at: Moment
    next_attempt_at: Moment | None
    settled_at: Moment | None
    attempts: int
    last_attempt: Attempt | None


class DeliveryWithAttempts(WebhookDelivery):
    """A delivery with its tries, oldest first; the newest hundred are kept."""

    history: list[Attempt]


class WebhookDeliveries(BaseModel):
    """A page of deliveries, newest first."""

    deliveries: list[WebhookDelivery]
    next_cursor: str | None
    has_more: bool


class NewKey(BaseModel):
    """The id of the key that signs from now on, as the published key set has it."""

    kid: str


@router.get("/v1/webhooks/deliveries", summary="List webhook deliveries")
async def list_webhook_deliveries(
    visit: AVisit,
    caller: AKey,
    *,
    state: Annotated[StateName | None, Query(description="Only those of this state.")] = None,
    request_id: Annotated[str | None, Query(max_length=100, description="Only that of this request.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> WebhookDeliveries:
    """The webhooks that your account's requests asked for, newest first."""
    outbox, wanted = visit.services.outbox, None if state is None else _STATES[state]
    if request_id is not None:
        found = outbox.of_request(caller.account, request_id) if is_plain(request_id) else None
        fits = found is not None and wanted in (None, found.state)
        return WebhookDeliveries(deliveries=[_told(found)] if found and fits else [], next_cursor=None, has_more=False)
    place = read_cursor(cursor, "webhooks", float, str)
    after = NEWEST if place is None else Place(*place)
    # One more than is shown tells whether there are more.
    page = outbox.listed(caller.account, state=wanted, limit=limit + 1, after=after)
    more = len(page) > limit
    last = page[limit - 1] if more else None
    return WebhookDeliveries(
        deliveries=[_told(delivery) for delivery in page[:limit]],
        next_cursor=write_cursor("webhooks", last.created_at, last.id) if last else None,
        has_more=more,
    )


@router.get("/v1/webhooks/deliveries/{id}", summary="One webhook delivery", responses=documented(404))
async def get_webhook_delivery(visit: AVisit, caller: AKey, id: DeliveryId) -> DeliveryWithAttempts:
    """A delivery with every try."""
    delivery = _find(visit, caller.account, id)
    tries = visit.services.outbox.tries(caller.account, id)
    return DeliveryWithAttempts(**_told(delivery).model_dump(), history=[_attempt(tried) for tried in tries])


@router.post("/v1/webhooks/deliveries/{id}/replay", summary="Send a webhook again", responses=documented(404, 409))
async def replay_webhook_delivery(visit: AVisit, caller: AKey, id: DeliveryId) -> WebhookDelivery:
    """Send it now, whatever became of it so far, and retry it as if for the first time."""
    services = visit.services
    found = _find(visit, caller.account, id)
    # The body is written when it is sent, so there has to be something left to write it from.
    if found.state != State.OPEN and services.jobs.result(found.job_id) is None:
        raise Refused(409, f"Delivery {id} cannot be sent again: the result of its request is no longer kept")
    if await services.outbox.replay(caller.account, id) == State.OPEN:
        raise Refused(409, f"Delivery {id} cannot be sent yet: its request has not ended")
    return _told(_find(visit, caller.account, id))


@router.post("/v1/webhooks/keys/rotate", summary="Make a new signing key", responses=documented(403))
async def rotate_webhook_key(visit: AVisit, caller: AnAdmin) -> NewKey:
    """Sign with a new key from now on; the old one stays published for a day. For admins of this server."""
    if not is_operator(caller):
        raise Refused(403, ACCESS_DENIED)
    return NewKey(kid=await asyncio.to_thread(visit.services.webhook_keys.rotate))


def _find(visit: AVisit, account: str, delivery_id: str) -> Delivery:
    # An id of other letters is none of ours; SQLite would not even take all of them.
    delivery = visit.services.outbox.one(account, delivery_id) if is_plain(delivery_id) else None
    if delivery is None:
        raise not_found("Webhook delivery")
    return delivery


def _told(delivery: Delivery) -> WebhookDelivery:
    return WebhookDelivery(
        id=delivery.id,
        request_id=delivery.job_id,
        url=without_credentials(delivery.url),
        state=_NAMES[delivery.state],
        created_at=write_moment(delivery.created_at),
        next_attempt_at=_moment(delivery.next_at),
        settled_at=_moment(delivery.settled_at),
        attempts=delivery.attempts,
        last_attempt=_attempt(delivery.last) if delivery.last else None,
    )


def _attempt(tried: NumberedTry) -> Attempt:
    return Attempt(
        number=tried.i,
        at=write_moment(tried.at),
        status_code=tried.status_code,
        error=tried.error,
        duration_s=round(tried.duration_s, 3),
    )


def _moment(at: float | None) -> str | None:
    return None if at is None else write_moment(at)
