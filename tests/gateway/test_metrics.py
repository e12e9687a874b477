"""/metrics: who may read it, that its figures are right, that nobody is named, and that it stays cheap."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from rushes.errors import ModelError
from rushes.jobs.store import ENDS
from rushes.jobs.tally import BUCKETS_S
from tests.gateway.live import Gateway, running

SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)+\})? (-?[0-9.e+-]+|\+Inf|NaN)')


def samples(gateway: Gateway) -> dict[str, float]:
    """Read the page as Prometheus would: every line is a comment or a sample."""
    response = gateway.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {}
    for line in response.text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP [a-z_]+ .+|TYPE [a-z_]+ (gauge|counter|histogram))", line)
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        found[f"{match[1]}{match[2] or ''}"] = float(match[3])
    return found


@pytest.fixture
def stranger(gateway: Gateway) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=gateway.url, trust_env=False) as client:
        yield client


def test_it_needs_the_operators_key(gateway: Gateway, stranger: httpx2.Client) -> None:
    assert stranger.get("/metrics").status_code == 401
    plain = ":".join(gateway.call(gateway.services.keys.create("me", alias="plain")))
    assert stranger.get("/metrics", headers={"authorization": f"Key {plain}"}).status_code == 403
    tenant = ":".join(gateway.call(gateway.services.keys.create("me", alias="boss", scope="ADMIN")))
    assert stranger.get("/metrics", headers={"authorization": f"Key {tenant}"}).status_code == 403
    admin = ":".join(gateway.call(gateway.services.keys.create("admin", alias="boss", scope="ADMIN")))
    assert stranger.get("/metrics", headers={"authorization": f"Bearer {admin}"}).status_code == 200
    assert gateway.client.post("/metrics").status_code == 405


def test_in_open_mode_everybody_may_look(tmp_path: Path) -> None:
    with running(tmp_path, open=True) as gateway:
        assert httpx2.get(f"{gateway.url}/metrics", trust_env=False).status_code == 200


def test_only_what_somebody_follows_counts_as_watched(gateway: Gateway) -> None:
    with gateway.services.events.watch_job(ENDS):  # as the server does for its webhooks
        assert samples(gateway)["rushes_watchers"] == 0
        with gateway.services.events.watch_job("somebody's request"):
            assert samples(gateway)["rushes_watchers"] == 1


def test_the_queue_and_what_runs_are_shown_by_endpoint(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.submit()
    gateway.submit(headers={"x-fal-queue-priority": "low"})
    gateway.claim()
    now = samples(gateway)
    assert now['rushes_queue_length{endpoint="fal-ai/clip",priority="normal"}'] == 2
    assert now['rushes_queue_length{endpoint="fal-ai/clip",priority="low"}'] == 1
    assert now['rushes_requests_running{endpoint="fal-ai/clip"}'] == 1
    assert now['rushes_runners{state="busy"}'] == 1


def test_ends_are_counted_once_by_endpoint_and_class(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.submit()
        gateway.finish(gateway.claim())
    first = samples(gateway)
    gateway.submit()
    gateway.fail(gateway.claim(), ModelError("no_media_generated").failure())
    gateway.submit("fal-ai/other")
    gateway.finish(gateway.claim())
    for _ in range(2):
        now = samples(gateway)
        assert first['rushes_requests_ended_total{endpoint="fal-ai/clip",status="2xx"}'] == 3
        assert now['rushes_requests_ended_total{endpoint="fal-ai/clip",status="2xx"}'] == 3
        assert now['rushes_requests_ended_total{endpoint="fal-ai/clip",status="4xx"}'] == 1
        assert now['rushes_requests_ended_total{endpoint="fal-ai/other",status="2xx"}'] == 1


def test_durations_are_cumulative_histograms(gateway: Gateway) -> None:
    gateway.submit()
    gateway.finish(gateway.claim())  # says that it took 0.5 s
    now = samples(gateway)
    at = [now[f'rushes_inference_seconds_bucket{{endpoint="fal-ai/clip",le="{le:g}"}}'] for le in BUCKETS_S]
    assert at == [0] + [1] * (len(BUCKETS_S) - 1)
    assert now['rushes_inference_seconds_bucket{endpoint="fal-ai/clip",le="+Inf"}'] == 1
    assert now['rushes_inference_seconds_sum{endpoint="fal-ai/clip"}'] == 0.5
    assert now['rushes_queue_seconds_count{endpoint="fal-ai/clip"}'] == 1


def test_nobody_is_named(gateway: Gateway) -> None:
    answer = gateway.submit(headers={"x-fal-tags": "secret-tag"})
    gateway.finish(gateway.claim())
    page = gateway.get("/metrics").text
    for word in ("admin", "secret", answer["request_id"], "test-runner"):
        assert word not in page


def test_figures_that_dashboards_know_are_there(gateway: Gateway) -> None:
    now = samples(gateway)
    assert now["process_resident_memory_bytes"] > 10_000_000
    assert now["process_cpu_seconds_total"] > 0
    assert abs(now["process_start_time_seconds"] - time.time()) < 3_600
    assert now["rushes_disk_free_bytes"] > 0
    assert sum(name.startswith("rushes_build_info{") for name in now) == 1
