"""n8n-nodes-fal 1.0.1 can't be installed (it is not in the registry), so this sends what it was recorded to send.

Protocol 10.1 (Seen in the wild), O-01 to O-04 and 11.8. What the node reads of an answer is what is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rushes.cli.embedded import Running
from tests.clients.recorded import Recorded, recorded, until_completed

pytestmark = pytest.mark.acceptance

AGENT = "n8n-nodes-fal/1.0.1"
API, QUEUE = "https://api.fal.ai/v1", "https://queue.fal.run"
ECHO, VIDEO = "rushes/echo", "fal-ai/kling-video/v2.1/standard/image-to-video"


@pytest.fixture(scope="module")
def node(server: Running) -> Iterator[Recorded]:
    with recorded(server, AGENT) as client:
        yield client


def main_schema(document: dict[str, Any], ending: str) -> dict[str, Any]:
    """The schema the node takes: the last one of that ending whose name says nothing of the queue (O-01)."""
    schemas = document["components"]["schemas"]
    name = [name for name in schemas if name.endswith(ending) and "Queue" not in name][-1]
    schema: dict[str, Any] = schemas[name]
    return schema


def test_the_credential_test_tells_a_good_key_from_a_bad_one(node: Recorded, server: Running) -> None:
    answer = node.ask("GET", f"{API}/models?limit=1")
    assert answer.status_code == 200
    assert len(answer.json()["models"]) == 1
    with recorded(server, AGENT, "no:body") as stranger:
        refused = stranger.ask("GET", f"{API}/models?limit=1")
    assert refused.status_code == 401
    assert refused.json()["error"]["type"] == "authorization_error"


def test_the_list_goes_on_from_page_to_page(node: Recorded) -> None:
    found: list[str] = []
    cursor = ""
    while True:
        page = node.ask("GET", f"{API}/models", params={"limit": "50", "q": "", "cursor": cursor}).json()
        found += [one["endpoint_id"] for one in page["models"]]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert VIDEO in found
    assert len(set(found)) == len(found)


def test_the_search_finds_by_words(node: Recorded) -> None:
    page = node.ask("GET", f"{API}/models", params={"limit": "50", "q": "kling", "cursor": ""}).json()
    assert page["models"]
    assert all("kling" in str(one).lower() for one in page["models"])


@pytest.mark.parametrize("expand", ["openapi-3.0", "openapi-3.0,enterprise_status"])
def test_an_endpoints_parameters_are_read_from_its_schema(node: Recorded, expand: str) -> None:
    page = node.ask("GET", f"{API}/models", params={"endpoint_id": VIDEO, "expand": expand}).json()
    (model,) = page["models"]
    taken = main_schema(model["openapi"], "Input")
    assert taken["x-fal-order-properties"][:2] == ["prompt", "image_url"]
    assert set(taken["x-fal-order-properties"]) == set(taken["properties"])
    assert {"prompt", "image_url"} <= set(taken["required"])
    assert taken["properties"]["duration"]["enum"] == ["5", "10"]
    assert not any("allOf" in one for one in taken["properties"].values())  # O-03: it would be shown as a text
    assert "video" in main_schema(model["openapi"], "Output")["properties"]
    assert model["openapi"]["x-fal-metadata"]["endpointId"] == VIDEO  # O-04


def test_prices_are_numbers(node: Recorded) -> None:
    (price,) = node.ask("GET", f"{API}/models/pricing", params={"endpoint_id": VIDEO}).json()["prices"]
    assert price["endpoint_id"] == VIDEO
    assert isinstance(price["unit_price"], int | float)
    assert price["unit"]
    assert price["currency"] == "USD"


@pytest.mark.parametrize(("content", "payload"), [(b"", None), (b'{"payload":5}', 5)], ids=["nothing", "parameters"])
def test_a_generation_is_submitted_followed_and_fetched(node: Recorded, content: bytes, payload: Any) -> None:
    headers = {"content-type": "application/json", "accept": "application/json,text/html,application/xhtml+xml"}
    sent = node.ask("POST", f"{QUEUE}/{ECHO}", content=content, headers=headers).json()
    until_completed(node, sent["status_url"])
    result = node.ask("GET", sent["response_url"])
    assert result.status_code == 200
    # The node spreads the result and adds these two; the endpoint's own members must survive that.
    item = {**result.json(), "request_id": sent["request_id"], "model": ECHO}
    assert item["payload"] == payload


def test_a_failed_generation_says_why_in_a_member_that_the_node_reads(node: Recorded) -> None:
    sent = node.ask("POST", f"{QUEUE}/{ECHO}", json={"fail": "runner_server_error"}).json()
    until_completed(node, sent["status_url"])
    result = node.ask("GET", sent["response_url"])
    assert result.status_code == 500
    assert isinstance(result.json()["detail"], str)  # a model's is a list, which it shows with `error_messages` only


def test_the_history_has_what_was_made_and_forgets_payloads(node: Recorded) -> None:
    sent = node.ask("POST", f"{QUEUE}/{ECHO}", json={"payload": "secret"}).json()
    until_completed(node, sent["status_url"])
    asked = {"endpoint_id": ECHO, "expand": "payloads", "limit": "50", "request_id": sent["request_id"]}
    (item,) = node.ask("GET", f"{API}/models/requests/by-endpoint", params=asked).json()["items"]
    assert item["json_input"]["payload"] == "secret"
    assert item["status_code"] == 200
    forgotten = node.ask("DELETE", f"{API}/models/requests/{sent['request_id']}/payloads")
    assert forgotten.status_code == 200
    assert isinstance(forgotten.json()["cdn_delete_results"], list)
    (item,) = node.ask("GET", f"{API}/models/requests/by-endpoint", params=asked).json()["items"]
    assert not item.get("json_input")


def test_usage_and_analytics_have_their_members(node: Recorded) -> None:
    usage = node.ask("GET", f"{API}/models/usage", params={"expand": "time_series,summary"})
    assert usage.status_code == 200
    assert {"time_series", "summary"} <= set(usage.json())
    figures = node.ask(
        "GET", f"{API}/models/analytics", params={"endpoint_id": ECHO, "expand": "summary,request_count"}
    )
    assert figures.status_code == 200


def test_workflows_are_a_list_or_refused_in_the_platforms_words(node: Recorded) -> None:
    answer = node.ask("GET", f"{API}/workflows", params={"limit": "50", "search": "", "cursor": ""})
    assert answer.status_code in {200, 501}
    assert "workflows" in answer.json() or answer.json()["error"]["type"] == "not_implemented"


@pytest.mark.parametrize("path", ["/users/me", "/v1/users/me", "/v1/user"])
def test_looking_for_a_users_name_never_breaks(node: Recorded, path: str) -> None:
    answer = node.ask("GET", f"https://api.fal.ai{path}")
    assert answer.status_code < 500 or answer.status_code == 501
    assert isinstance(answer.json(), dict)
