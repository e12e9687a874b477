"""GET /v1/models/pricing and POST /v1/models/pricing/estimate: what endpoints cost, by the operator's price list.

Prices are the setting `unit_price_usd`; an endpoint that has none costs 0.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from rushes.accounts.keys import Caller
from rushes.endpoint import Endpoint
from rushes.gateway.platform.callers import AKey, AVisit
from rushes.gateway.platform.envelope import documented, not_found
from rushes.gateway.platform.lists import MOST_IDS, EndpointIds, some
from rushes.gateway.submission import units_before
from rushes.gateway.visit import Visit

router = APIRouter(tags=["Pricing"])

_LARGEST = 10**12
Usd = Literal["USD"]
CURRENCY: Usd = "USD"


class Price(BaseModel):
    """What one unit of an endpoint costs."""

    endpoint_id: str
    unit_price: float
    unit: str
    currency: Usd


class Prices(BaseModel):
    """The prices asked for."""

    prices: list[Price]
    next_cursor: str | None
    has_more: bool


class Calls(BaseModel):
    """So many calls."""

    model_config = ConfigDict(strict=True)
    call_quantity: int = Field(ge=1, le=_LARGEST)


class Units(BaseModel):
    """So many units."""

    model_config = ConfigDict(strict=True)
    unit_quantity: float = Field(gt=0, le=_LARGEST, allow_inf_nan=False)


class ByCalls(BaseModel):
    """An estimate from what earlier calls of the account came to."""

    estimate_type: Literal["historical_api_price"]
    endpoints: dict[str, Calls] = Field(min_length=1, max_length=MOST_IDS)


class ByUnits(BaseModel):
    """An estimate from units."""

    estimate_type: Literal["unit_price"]
    endpoints: dict[str, Units] = Field(min_length=1, max_length=MOST_IDS)


class Estimate(BaseModel):
    """What it would cost."""

    estimate_type: Literal["historical_api_price", "unit_price"]
    total_cost: float
    currency: Usd


Question = Annotated[
    ByCalls | ByUnits,
    Field(discriminator="estimate_type"),
    Body(examples=[{"estimate_type": "unit_price", "endpoints": {"owner/model": {"unit_quantity": 50}}}]),
]


@router.get("/v1/models/pricing", summary="Read prices", responses=documented(404))
async def list_prices(visit: AVisit, caller: AKey, endpoint_id: EndpointIds = None) -> Prices:
    """The price of one unit of each endpoint, in USD; 0 where the operator has set none."""
    endpoints = [_endpoint(visit, one) for one in some("endpoint_id", endpoint_id)]
    prices = [
        Price(endpoint_id=one.id, unit_price=price_of(visit, one.id), unit=one.unit, currency=CURRENCY)
        for one in endpoints
    ]
    return Prices(prices=prices, next_cursor=None, has_more=False)


@router.post("/v1/models/pricing/estimate", summary="Estimate a cost", responses=documented(404, 413))
async def estimate_price(visit: AVisit, caller: AKey, question: Question) -> Estimate:
    """What so many calls, or so many units, would cost.

    A call is taken to cost what the account's earlier calls of that endpoint did on average, or, where there were none,
    what the endpoint's example input does.
    """
    total = 0.0
    for name, asked in question.endpoints.items():
        endpoint = _endpoint(visit, name)
        if isinstance(asked, Units):
            units = asked.unit_quantity
        else:
            units = asked.call_quantity * await _units_of_a_call(visit, caller, endpoint)
        total += units * price_of(visit, endpoint.id)
    return Estimate(estimate_type=question.estimate_type, total_cost=total, currency=CURRENCY)


def price_of(visit: Visit, endpoint_id: str) -> float:
    """Return the price of one unit; 0 where none is set."""
    return visit.services.settings.price_usd(endpoint_id) or 0.0


async def _units_of_a_call(visit: Visit, caller: Caller, endpoint: Endpoint) -> float:
    mean = await visit.services.usage.mean_units(caller.account, endpoint.id)
    if mean is not None:
        return mean
    return units_before(endpoint, endpoint.input.model_validate(endpoint.example)) if endpoint.example else 0.0


def _endpoint(visit: Visit, name: str) -> Endpoint:
    endpoint = visit.services.endpoints.get(name)
    if endpoint is None:
        raise not_found(f"Endpoint {name[:200]}")
    return endpoint
