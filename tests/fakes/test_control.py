"""Steering a pretended vendor from outside: plans, what it was sent without its keys, beginning anew."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from rushes.fakes.serving import running
from rushes.fakes.vendors import VENDORS, together

KEY = VENDORS["luma"].key
VIDEO = "/luma/dream-machine/v1/generations/video"


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    app, _ = together(["luma", "google"])
    with running(app) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        client.headers["authorization"] = f"Bearer {KEY}"
        yield client


def ask(client: httpx2.Client) -> httpx2.Response:
    return client.post(VIDEO, json={"model": "ray-2", "prompt": "a walk " * 200})


def test_a_plan_counts_for_the_next_requests_and_one_vendor_only(client: httpx2.Client) -> None:
    plan = {"submits": ["rate", "server_error"], "retry_after_s": 2, "ends_after": 0}
    told = client.post("/luma/_fake/plan", json=plan).json()
    assert {name: told[name] for name in plan} == plan
    assert client.get("/google/_fake/plan").json()["submits"] == []
    first = ask(client)
    assert (first.status_code, first.headers["retry-after"]) == (429, "2")
    assert [ask(client).status_code for _ in range(2)] == [500, 201]
    assert client.get("/luma/_fake/plan").json()["submits"] == []


def test_a_plan_that_nobody_knows_is_refused(client: httpx2.Client) -> None:
    answer = client.post("/luma/_fake/plan", json={"submits": ["earthquake"], "mood": 1})
    assert answer.status_code == 422
    assert {tuple(one["loc"]) for one in answer.json()["wrong"]} == {("submits", 0), ("mood",)}


def test_what_was_sent_is_told_without_keys_and_at_a_length_to_read(client: httpx2.Client) -> None:
    ask(client)
    client.get(f"/google/v1beta/x?key={KEY}&a=1")
    told = client.get("/luma/_fake/seen")
    assert told.json()[0]["path"] == "/dream-machine/v1/generations/video"
    assert told.json()[0]["headers"]["authorization"] == "hidden"
    assert "1400 characters" in told.json()[0]["body"]["prompt"]
    other = client.get("/google/_fake/seen")
    assert other.json()[0]["path"] == "/v1beta/x?key=hidden&a=1"
    assert KEY not in told.text + other.text + client.get("/luma/_fake/tasks").text


@pytest.mark.parametrize("query", ["?api_key=secret&a=1", "?a=1&KEY=secret", "?monkey=secret", "?a=key=1&key=secret"])
def test_keys_in_addresses_are_hidden_however_they_are_called(client: httpx2.Client, query: str) -> None:
    client.get(f"/google/v1beta/x{query}")
    told = client.get("/google/_fake/seen")
    assert told.status_code == 200
    assert "secret" not in told.text


def test_a_reset_forgets_everything(client: httpx2.Client) -> None:
    ask(client)
    assert len(client.get("/luma/_fake/tasks").json()) == 1
    assert client.post("/luma/_fake/reset").status_code == 204
    assert client.get("/luma/_fake/tasks").json() == client.get("/luma/_fake/seen").json() == []
    assert ask(client).status_code == 201
    listed = client.get("/luma/dream-machine/v1/generations")
    assert listed.json()["count"] == 1


def test_links_lead_back_through_the_mount(client: httpx2.Client) -> None:
    client.post("/luma/_fake/plan", json={"ends_after": 0})
    made = ask(client).json()["id"]
    video = client.get(f"/luma/dream-machine/v1/generations/{made}").json()["assets"]["video"]
    assert video.startswith(f"{client.base_url}/luma/results/".replace("//luma", "/luma"))
    assert client.get(video).content[4:8] == b"ftyp"
