"""The Hub's question: which ids mean an endpoint, and what its client makes of the answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx2
import pytest

from rushes import families
from rushes.gateway.hub import endpoint_of, hub_id
from tests.gateway.live import Gateway, an_endpoint, running

SHALLOW, DEEP = "fal-ai/wan-i2v", "fal-ai/kling-video/v2.1/pro/image-to-video"
# What huggingface_hub accepts as an id.
HUB_ID = re.compile(r"(\b[\w\-.]{1,96}\b/)?\b[\w\-.]{1,96}\b", re.ASCII)


def test_every_endpoint_has_a_hub_id_of_its_own_that_the_client_accepts() -> None:
    ids = [hub_id(endpoint) for endpoint in families.ENDPOINTS]
    assert [one for one in ids if not HUB_ID.fullmatch(one) or "--" in one or ".." in one] == []
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (SHALLOW, SHALLOW),
        (DEEP, DEEP),
        ("fal-ai/kling-video__v2.1__pro__image-to-video", DEEP),
        ("Wan-AI/Wan2.1-I2V-14B-720P", SHALLOW),
        ("fal-ai/kling-video", None),
        ("", None),
    ],
)
def test_an_id_means_what_the_operator_named_or_an_endpoint_in_either_spelling(
    model: str, expected: str | None
) -> None:
    assert endpoint_of(model, [SHALLOW, DEEP], {"Wan-AI/Wan2.1-I2V-14B-720P": SHALLOW}) == expected


def test_what_the_operator_named_goes_before_an_endpoint_of_that_id() -> None:
    assert endpoint_of(SHALLOW, [SHALLOW, DEEP], {SHALLOW: DEEP}) == DEEP


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    endpoints = {one: replace(an_endpoint(one), category="image-to-video") for one in (SHALLOW, DEEP)}
    named = {"me/mine": SHALLOW, "me/gone": "fal-ai/gone"}
    with running(tmp_path_factory.mktemp("hub"), endpoints, hub_models=named) as one:
        yield one


def ask(hub: Gateway, path: str, method: str = "GET") -> httpx2.Response:
    """As the Hub's client asks: without a key of ours."""
    url = f"{hub.url}/api/models/{path}"
    return httpx2.request(method, url, params={"expand": "inferenceProviderMapping"}, trust_env=False)


@pytest.mark.parametrize(("model", "endpoint"), [(SHALLOW, SHALLOW), (hub_id(DEEP), DEEP), ("me/mine", SHALLOW)])
def test_the_mapping_names_the_endpoint_and_its_task(hub: Gateway, model: str, endpoint: str) -> None:
    response = ask(hub, model)
    assert response.status_code == 200
    assert response.json() == {
        "id": model,
        "pipeline_tag": "image-to-video",
        "inferenceProviderMapping": {
            "fal-ai": {"status": "live", "providerId": endpoint, "task": "image-to-video"},
        },
    }


@pytest.mark.parametrize("model", ["nobody/nothing", "", "a%0d%0ab/c", "x" * 5_000])
def test_an_unknown_id_is_the_hubs_own_404(hub: Gateway, model: str) -> None:
    response = ask(hub, model)
    assert (response.status_code, response.headers["x-error-code"]) == (404, "RepoNotFound")
    assert response.json()["error"] == response.json()["detail"]
    assert "RUSHES_HUB_MODELS" in response.json()["detail"]
    assert len(response.content) < 1_500


def test_a_setting_that_names_an_endpoint_not_served_says_so(hub: Gateway) -> None:
    assert "'fal-ai/gone'" in ask(hub, "me/gone").json()["detail"]


def test_only_reading_is_allowed(hub: Gateway) -> None:
    assert ask(hub, SHALLOW, "POST").status_code == 405
    assert ask(hub, SHALLOW, "HEAD").status_code == 200
