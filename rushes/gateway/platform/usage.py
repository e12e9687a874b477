"""GET /v1/models/usage: units and costs of the caller's account, over time and in sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from rushes.accounts.usage import Asked, Cost
from rushes.endpoint import SESSION, Endpoint
from rushes.gateway.platform.callers import AnAdmin, AVisit
from rushes.gateway.platform.envelope import documented
from rushes.gateway.platform.lists import EndpointIds, chosen, several
from rushes.gateway.platform.pricing import CURRENCY, Usd
from rushes.gateway.platform.series import SeriesQuery
from rushes.gateway.visit import Visit

router = APIRouter(tags=["Usage"])

_EXPANSIONS = ("time_series", "summary", "auth_method", "auth_method_structured")

KeyIds = Annotated[list[str] | None, Query(description="Ids of keys, repeated or parted by commas.")]


class AuthMethod(BaseModel):
    """How the caller of the requests had proven who they were."""

    detail: str
    api_key_id: str | None = None
    login_username: str | None = None


class UsageItem(BaseModel):
    """What one endpoint came to at one price."""

    endpoint_id: str
    unit: str
    quantity: float
    unit_price: float
    percent_discount: float | None
    cost_subtotal: float
    cost_discount: float
    cost_total: float
    cost: float = Field(description="The same as cost_total.", deprecated=True)
    currency: Usd
    auth_method: str | None = Field(None, description="With expand=auth_method.")
    auth_method_structured: AuthMethod | None = Field(None, description="With expand=auth_method_structured.")


class UsageBucket(BaseModel):
    """What was used in a stretch of time."""

    bucket: str = Field(description="When it begins: ISO 8601 with offset.")
    results: list[UsageItem]


class UsageReport(BaseModel):
    """Usage over time, in sum, or both."""

    next_cursor: str | None
    has_more: bool
    time_series: list[UsageBucket] | None = None
    summary: list[UsageItem] | None = None


@router.get("/v1/models/usage", summary="Read usage", response_model_exclude_unset=True, responses=documented(403, 429))
async def read_usage(
    visit: AVisit,
    caller: AnAdmin,
    *,
    times: Annotated[SeriesQuery, Depends()],
    endpoint_id: EndpointIds = None,
    api_key_id: KeyIds = None,
    login_username: Annotated[str | None, Query(max_length=255, description="Nobody logs in here: finds none.")] = None,
    expand: Annotated[list[str] | None, Query(description=f"Any of {', '.join(_EXPANSIONS)}.")] = None,
) -> UsageReport:
    """What the account's billed requests came to, by the time of their end; buckets without any are left out."""
    wanted = chosen("expand", expand, _EXPANSIONS) or ("time_series",)
    series = times.read(visit, caller.account)
    asked = Asked(caller.account, several("endpoint_id", endpoint_id), several("api_key_id", api_key_id))
    # Else the figures of an endpoint would come in as many items as there are keys.
    by_key = any(one.startswith("auth_method") for one in wanted)
    names = _KeyNames(visit, caller.account, wanted) if by_key else None
    report = UsageReport(next_cursor=series.next_cursor, has_more=series.next_cursor is not None)
    usage = visit.services.usage
    if "time_series" in wanted:
        costs = [] if login_username else await usage.costs(asked, series.buckets, by_key=by_key)
        found: dict[int, list[UsageItem]] = {}
        for cost in costs:
            found.setdefault(cost.bucket, []).append(_item(visit, cost, names))
        report.time_series = [UsageBucket(bucket=series.label(at), results=items) for at, items in found.items()]
    if "summary" in wanted:
        whole = ((series.window.start, series.window.end),)
        costs = [] if login_username else await usage.costs(asked, whole, by_key=by_key)
        report.summary = [_item(visit, cost, names) for cost in costs]
    return report


class _KeyNames:
    """Says which key a cost belongs to, in the forms that were asked for."""

    def __init__(self, visit: Visit, account: str, wanted: tuple[str, ...]) -> None:
        self._aliases = {key.id: key.alias for key in visit.services.keys.listed(account)}
        self._wanted = wanted

    def members(self, key_id: str) -> dict[str, object]:
        """Return the members of an item that tell of its key."""
        told: dict[str, object] = {}
        if "auth_method" in self._wanted:
            # A revoked key has no alias in the list any more, but its costs stay.
            told["auth_method"] = (self._aliases.get(key_id) or f"API key {key_id}") if key_id else "No key"
        if "auth_method_structured" in self._wanted:
            told["auth_method_structured"] = (
                AuthMethod(detail="API key", api_key_id=key_id) if key_id else AuthMethod(detail="No key")
            )
        return told


def unit_of(endpoints: Mapping[str, Endpoint], name: str) -> str:
    """Say what is counted at an endpoint; sessions have a name of their own and their endpoint's unit."""
    endpoint = endpoints.get(name) or endpoints.get(name.removesuffix(f"/{SESSION}"))
    return endpoint.unit if endpoint else "unit"  # of an endpoint that is served no more, the books still tell


def _item(visit: Visit, cost: Cost, names: _KeyNames | None) -> UsageItem:
    total = cost.units * cost.unit_price_usd
    more = names.members(cost.key_id) if names else {}
    return UsageItem.model_validate(
        {
            "endpoint_id": cost.endpoint,
            "unit": unit_of(visit.services.endpoints, cost.endpoint),
            "quantity": cost.units,
            "unit_price": cost.unit_price_usd,
            "percent_discount": None,
            "cost_subtotal": total,
            "cost_discount": 0.0,
            "cost_total": total,
            "cost": total,
            "currency": CURRENCY,
            **more,
        }
    )
