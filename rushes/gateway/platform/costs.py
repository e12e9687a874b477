"""GET /v1/costs (ours): what the account's requests cost at each deployment, beside what they were billed."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rushes.gateway.platform.callers import AnAdmin, AVisit
from rushes.gateway.platform.envelope import documented
from rushes.gateway.platform.pricing import CURRENCY, Usd
from rushes.gateway.platform.times import End, Start, window

router = APIRouter(tags=["Usage"])


class CostItem(BaseModel):
    """What one endpoint came to at one deployment."""

    deployment: str | None = Field(description="Null: it was made on this server's own machines.")
    endpoint_id: str
    requests: int
    quantity: float = Field(description="In the endpoint's own unit, as they were billed.")
    billed: float
    usage: dict[str, float] = Field(description="What the vendor counts, by its unit.")
    requests_with_cost: int = Field(description="Those whose usage has a price in the deployment's list.")
    cost: float = Field(description="What those cost, by that list.")
    margin: float | None = Field(description="billed less cost; null where a request's cost is not known.")
    currency: Usd


class CostReport(BaseModel):
    """All of them."""

    costs: list[CostItem]


@router.get("/v1/costs", summary="Read costs (ours)", responses=documented(400, 403, 429))
async def read_costs(visit: AVisit, caller: AnAdmin, *, start: Start = None, end: End = None) -> CostReport:
    """What billed requests cost, by deployment and endpoint, over the time of their ends (24 hours by default)."""
    asked = window(start, end, visit.services.clock(), zone="UTC")
    found = await visit.services.usage.paid(caller.account, (asked.start, asked.end))
    return CostReport(
        costs=[
            CostItem(
                deployment=one.deployment or None,
                endpoint_id=one.endpoint,
                requests=one.requests,
                quantity=one.units,
                billed=one.billed_usd,
                usage=dict(one.usage),
                requests_with_cost=one.priced,
                cost=one.cost_usd,
                margin=one.margin_usd,
                currency=CURRENCY,
            )
            for one in found
        ]
    )
