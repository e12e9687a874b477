"""GET /v1/models/analytics: how many requests there were, how they ended, and how long they took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, create_model

from rushes.accounts.usage import Asked, Bucket, Counts
from rushes.gateway.platform.callers import AKey, AVisit
from rushes.gateway.platform.envelope import Refused, documented
from rushes.gateway.platform.lists import EndpointIds, chosen, some
from rushes.gateway.platform.series import SeriesQuery
from rushes.gateway.visit import Visit

router = APIRouter(tags=["Usage"])

_FORMS = ("time_series", "summary")
_COUNTS: Mapping[str, str] = {
    "request_count": "requests",
    "success_count": "successes",
    "user_error_count": "user_errors",
    "error_count": "errors",
    "startup_error_count": "startup_errors",
    "connection_error_count": "connection_errors",
    "timeout_error_count": "timeout_errors",
    "runtime_error_count": "runtime_errors",
}
_WAITING = {f"p{p}_prepare_duration": p for p in (50, 75, 90, 95, 99)}
_WORKING = {f"p{p}_duration": p for p in (25, 50, 75, 90, 95, 99)}
# A start that had to load a model is not told from others here, so none is counted and none was timed.
_COLD = tuple(f"p{p}_cold_boot_duration" for p in (50, 75, 90))
METRICS = (*_COUNTS, "cold_boot_count", *_WAITING, *_WORKING, *_COLD, "total_billable_duration")


class AnalyticsNames(BaseModel):
    """Whose figures these are."""

    endpoint_id: str


# Written from the names, so that the document and METRICS can't differ.
_MEMBERS: dict[str, object] = {
    name: (int, 0) if name.endswith("_count") else (float | None, Field(None, description="In seconds."))
    for name in METRICS
}
AnalyticsItem: type[AnalyticsNames] = create_model(  # type: ignore[call-overload]
    "AnalyticsItem",
    __base__=AnalyticsNames,
    __doc__="An endpoint's figures, of the metrics asked for.",
    **_MEMBERS,
)


class AnalyticsBucket(BaseModel):
    """The figures of a stretch of time."""

    bucket: str = Field(description="When it begins: ISO 8601 with offset.")
    results: list[AnalyticsItem]  # type: ignore[valid-type]


class AnalyticsReport(BaseModel):
    """Figures over time, in sum, or both."""

    next_cursor: str | None
    has_more: bool
    time_series: list[AnalyticsBucket] | None = None
    summary: list[AnalyticsItem] | None = None  # type: ignore[valid-type]


@router.get(
    "/v1/models/analytics",
    summary="Read analytics",
    response_model_exclude_unset=True,
    responses=documented(429),
)
async def read_analytics(
    visit: AVisit,
    caller: AKey,
    times: Annotated[SeriesQuery, Depends()],
    endpoint_id: EndpointIds = None,
    expand: Annotated[
        list[str] | None, Query(description=f"time_series and summary, and metrics: {', '.join(METRICS)}.")
    ] = None,
) -> AnalyticsReport:
    """Figures of the account's requests, by the time of their end; buckets without requests are left out.

    A 2xx is a success, a 4xx the caller's error, a 5xx an error. `prepare` is the time before the work began.
    """
    ids = some("endpoint_id", endpoint_id)
    # What is asked for without a word is the reference's (10.1).
    wanted = chosen("expand", expand, (*_FORMS, *METRICS)) or ("time_series", "request_count")
    metrics = [one for one in wanted if one not in _FORMS]
    if not metrics or len(metrics) == len(wanted):
        raise Refused(400, "query.expand: at least one of time_series and summary, and at least one metric, are needed")
    series = times.read(visit, caller.account)
    asked = Asked(caller.account, ids)
    report = AnalyticsReport(next_cursor=series.next_cursor, has_more=series.next_cursor is not None)
    if "time_series" in wanted:
        found: dict[int, list[AnalyticsNames]] = {}
        for at, item in await _items(visit, asked, series.buckets, metrics):
            found.setdefault(at, []).append(item)
        report.time_series = [AnalyticsBucket(bucket=series.label(at), results=items) for at, items in found.items()]
    if "summary" in wanted:
        whole = ((series.window.start, series.window.end),)
        report.summary = [item for _, item in await _items(visit, asked, whole, metrics)]
    return report


async def _items(
    visit: Visit, asked: Asked, buckets: Sequence[Bucket], metrics: Sequence[str]
) -> list[tuple[int, AnalyticsNames]]:
    """Return the figures of each bucket and endpoint that has any."""
    usage = visit.services.usage
    counts = await usage.counts(asked, buckets)
    waiting = await usage.durations(asked, buckets, waiting=True) if _WAITING.keys() & set(metrics) else {}
    working = await usage.durations(asked, buckets, waiting=False) if _WORKING.keys() & set(metrics) else {}
    items = []
    for row in counts:
        place = (row.bucket, row.endpoint)
        figures = {one: _figure(one, row, waiting.get(place, {}), working.get(place, {})) for one in metrics}
        items.append((row.bucket, AnalyticsItem(endpoint_id=row.endpoint, **figures)))
    return items


def _figure(metric: str, row: Counts, waiting: Mapping[int, float], working: Mapping[int, float]) -> float | None:
    if metric in _COUNTS:
        count: int = getattr(row, _COUNTS[metric])
        return count
    if metric in _WAITING:
        return waiting.get(_WAITING[metric])
    if metric in _WORKING:
        return working.get(_WORKING[metric])
    if metric == "total_billable_duration":
        return row.billable_s
    return None if metric in _COLD else 0  # cold_boot_count, see above
