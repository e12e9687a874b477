from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.gateway.live import AUTH, KEY, Gateway, running

PROXY = "/api/fal/proxy"


def target(url: str, **more: str) -> dict[str, Any]:
    return {"headers": {"x-fal-target-url": url, **more}}


@pytest.mark.parametrize("slash", ["", "/"])
def test_submit_status_result_and_cancel_pass_the_proxy(gateway: Gateway, slash: str) -> None:
    submit = gateway.client.post(
        PROXY + slash, json={"prompt": "x"}, **target("https://queue.fal.run/fal-ai/clip?fal_webhook=https://h")
    )
    base = f"https://queue.fal.run/fal-ai/clip/requests/{submit.json()['request_id']}"
    assert submit.status_code == 200
    assert submit.headers["x-fal-request-id"] == submit.json()["request_id"]
    assert submit.json()["status_url"].startswith(f"{gateway.url}/queue/fal-ai/clip/requests/")
    gateway.log(gateway.claim(), "line")
    status = gateway.get(PROXY, **target(f"{base}/status?logs=1"))
    assert status.status_code == 202
    assert [line["message"] for line in status.json()["logs"]] == ["line"]
    assert gateway.get(PROXY, **target(base)).json() == {"detail": "Request is still in progress"}
    assert gateway.client.put(PROXY, **target(f"{base}/cancel")).status_code == 202


def test_a_run_through_the_proxy_keeps_its_status(gateway: Gateway) -> None:
    response = gateway.client.post(PROXY, json={}, **target("https://fal.run/fal-ai/clip"))
    assert response.status_code == 422
    assert response.json()["detail"][0]["type"] == "missing"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.com/fal-ai/clip",
        "https://fal.run.example.com/x",
        "https://127.0.0.1:1/x",
        "https://[",
        "ftp://fal.run/x",
        "//fal.run/x",
        "queue.fal.run/fal-ai/clip",
        "https://notfal.media/x",
    ],
)
def test_a_foreign_or_broken_target_is_an_invalid_request(gateway: Gateway, url: str) -> None:
    response = gateway.client.post(PROXY, json={}, **target(url))
    assert (response.status_code, response.json()) == (400, "Invalid request")
    assert response.headers["content-type"] == "application/json"


def test_a_missing_target_is_an_invalid_request(gateway: Gateway) -> None:
    assert gateway.get(PROXY).json() == "Invalid request"


def test_the_proxy_does_not_lead_to_itself(gateway: Gateway) -> None:
    assert gateway.get(PROXY, **target(f"https://fal.run{PROXY}")).status_code == 404


def test_other_methods_are_405(gateway: Gateway) -> None:
    response = gateway.client.patch(PROXY, **target("https://fal.run/fal-ai/clip"))
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST, PUT, DELETE")


def test_without_a_key_the_ordinary_rules_hold(gateway: Gateway) -> None:
    options = {"json": {"prompt": "x"}, **target("https://queue.fal.run/fal-ai/clip")}
    assert httpx2.post(gateway.url + PROXY, trust_env=False, **options).status_code == 401


def test_a_proxy_key_acts_for_callers_without_one(tmp_path: Path) -> None:
    with running(tmp_path, proxy_key=KEY) as gateway:
        url = "https://queue.fal.run/fal-ai/clip"
        options: dict[str, Any] = {"json": {"prompt": "x"}, "trust_env": False}
        assert httpx2.post(gateway.url + PROXY, **options, **target(url)).status_code == 200
        assert httpx2.post(gateway.url + PROXY, **options, **target(url, authorization="Key a:b")).status_code == 401
        assert httpx2.post(gateway.url + PROXY, **options, **target(url, **AUTH)).status_code == 200
        assert httpx2.post(f"{gateway.url}/queue/fal-ai/clip", **options).status_code == 401


def test_the_proxy_key_counts_for_models_and_prices_alone_on_the_platform(tmp_path: Path) -> None:
    """Its routes list everybody's requests, and an admin's key could make more keys: for any page on the web."""
    with running(tmp_path, proxy_key=KEY) as gateway:
        for url in ("https://api.fal.ai/v1/keys", "https://fal.run/v1/models/requests/search"):
            assert httpx2.get(gateway.url + PROXY, trust_env=False, **target(url)).status_code == 401
            assert httpx2.get(gateway.url + PROXY, trust_env=False, **target(url, **AUTH)).status_code == 200
        models = httpx2.get(gateway.url + PROXY, trust_env=False, **target("https://api.fal.ai/v1/models"))
        assert models.json()["models"][0]["metadata"]["is_favorited"] is not None
        prices = target("https://api.fal.ai/v1/models/pricing?endpoint_id=fal-ai/clip")
        assert httpx2.get(gateway.url + PROXY, trust_env=False, **prices).status_code == 200


def test_the_storage_hosts_are_reached(gateway: Gateway) -> None:
    url = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3"
    response = gateway.client.post(PROXY, json={"content_type": "image/png", "file_name": "a.png"}, **target(url))
    assert response.status_code == 200
    assert response.json()["file_url"].startswith(gateway.url)
