"""Prices, estimates, usage, billing events and analytics: the same sums, seen from each side."""

from datetime import datetime

import pytest

from rushes.families.camera import ENDPOINTS
from rushes.gateway.platform.usage import unit_of
from tests.gateway.platform.conftest import CLIP, PRICE, UNITS, Account, error_of

COST = PRICE * UNITS


def test_prices_are_the_operators_and_zero_without_one(alice: Account) -> None:
    prices = alice.get(f"/v1/models/pricing?endpoint_id={CLIP},fal-ai/other").json()["prices"]
    assert [(one["unit_price"], one["unit"], one["currency"]) for one in prices] == [
        (PRICE, "request", "USD"),
        (0, "request", "USD"),
    ]
    assert error_of(alice.get("/v1/models/pricing?endpoint_id=no/such"))[0] == 404
    assert error_of(alice.get("/v1/models/pricing"))[0] == 400


@pytest.mark.parametrize(
    ("kind", "quantity", "cost"),
    [("unit_price", {"unit_quantity": 50}, 50 * PRICE), ("historical_api_price", {"call_quantity": 100}, 100 * COST)],
)
def test_an_estimate_multiplies(alice: Account, kind: str, quantity: dict[str, int], cost: float) -> None:
    asked = {"estimate_type": kind, "endpoints": {CLIP: quantity}}
    told = alice.send("POST", "/v1/models/pricing/estimate", json=asked).json()
    assert told == {"estimate_type": kind, "total_cost": pytest.approx(cost), "currency": "USD"}


@pytest.mark.parametrize(
    "quantity", [{"call_quantity": 0}, {"call_quantity": 1.5}, {"call_quantity": 10**400}, {}, {"unit_quantity": 1}]
)
def test_an_estimate_of_nonsense_is_refused(alice: Account, quantity: dict[str, float]) -> None:
    asked = {"estimate_type": "historical_api_price", "endpoints": {CLIP: quantity}}
    assert error_of(alice.send("POST", "/v1/models/pricing/estimate", json=asked))[:2] == (400, "validation_error")


def test_usage_is_the_same_over_time_and_in_sum(alice: Account) -> None:
    alice.make()
    told = alice.get("/v1/models/usage?expand=time_series,summary,auth_method_structured").json()
    (summary,) = told["summary"]
    assert (summary["quantity"], summary["unit_price"]) == (2 * UNITS, PRICE)
    assert summary["cost_total"] == summary["cost"] == pytest.approx(2 * COST)
    assert summary["auth_method_structured"]["api_key_id"] == alice.api.partition(":")[0]
    in_time = [item["quantity"] for bucket in told["time_series"] for item in bucket["results"]]
    assert sum(in_time) == 2 * UNITS


def test_sessions_are_counted_in_their_endpoints_unit() -> None:
    camera = ENDPOINTS[0]
    endpoints = {camera.id: camera}
    assert [unit_of(endpoints, name) for name in (camera.id, camera.session_id)] == ["frame", "frame"]
    assert unit_of(endpoints, "gone/model") == "unit"


def test_buckets_come_in_pages_and_in_the_callers_time_zone(alice: Account) -> None:
    alice.gateway.clock.ahead_s = 7_200
    alice.make()
    path = "/v1/models/usage?timeframe=hour&timezone=Asia/Kolkata&limit=1"
    found, cursor = [], ""
    while cursor is not None:
        page = alice.get(f"{path}&cursor={cursor}").json()
        found += page["time_series"]
        cursor = page["next_cursor"]
    starts = [datetime.fromisoformat(one["bucket"]) for one in found]
    assert [(one.minute, str(one.utcoffset())) for one in starts] == [(0, "5:30:00")] * 2
    assert (starts[1] - starts[0]).total_seconds() == 7_200


def test_usage_of_one_key_leaves_out_the_others(alice: Account) -> None:
    of_admin = f"/v1/models/usage?expand=summary&api_key_id={alice.admin.partition(':')[0]}"
    of_api = f"/v1/models/usage?expand=summary&api_key_id={alice.api.partition(':')[0]}"
    assert (len(alice.get(of_admin).json()["summary"]), len(alice.get(of_api).json()["summary"])) == (0, 1)


def test_events_come_newest_first_and_add_up_to_the_usage(alice: Account) -> None:
    newest = alice.make()
    first = alice.get("/v1/models/billing-events?limit=1").json()
    rest = alice.get(f"/v1/models/billing-events?limit=1&cursor={first['next_cursor']}").json()
    (one,), (two,) = first["billing_events"], rest["billing_events"]
    assert (one["request_id"], two["request_id"], rest["has_more"]) == (newest, alice.request_id, False)
    assert one["cost_estimate_nano_usd"] == round(COST * 1e9)


def test_analytics_hold_what_was_asked_for_and_nothing_else(alice: Account) -> None:
    told = alice.get(f"/v1/models/analytics?endpoint_id={CLIP}&expand=summary,success_count,error_count,p50_duration")
    (item,) = told.json()["summary"]
    assert set(item) == {"endpoint_id", "success_count", "error_count", "p50_duration"}
    assert (item["success_count"], item["error_count"]) == (1, 0)
    assert 0 <= item["p50_duration"] < 5
    assert "time_series" not in told.json()


def test_every_metric_can_be_asked_for(alice: Account) -> None:
    metrics = "request_count,cold_boot_count,p99_prepare_duration,p25_duration,p90_cold_boot_duration"
    told = alice.get(f"/v1/models/analytics?endpoint_id={CLIP}&expand=time_series,total_billable_duration,{metrics}")
    (bucket,) = told.json()["time_series"]
    assert bucket["results"][0]["total_billable_duration"] == 0.5


@pytest.mark.parametrize(
    "query",
    [
        "expand=summary",
        "expand=request_count",
        "expand=summary,speed",
        "start=x",
        "start=2026-01-02&end=2026-01-01",
        "timezone=Mars/Base",
        "timezone=../etc/passwd",
        "timezone=Europe",
        "timeframe=year",
        "end=9999-12-31T23:59:59",
    ],
)
def test_a_question_that_means_nothing_is_refused(alice: Account, query: str) -> None:
    path = f"/v1/models/analytics?endpoint_id={CLIP}&{query}"
    assert error_of(alice.get(path))[:2] == (400, "validation_error")
