"""genmedia-cli 0.7.0 can't be installed (it is not in the registry), so this sends what it was recorded to send.

Protocol 10.1 (Seen in the wild), O-01 and 11.8: the JavaScript client's calls, and the Platform API's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rushes.cli.embedded import Running
from tests.clients.recorded import Recorded, recorded, until_completed

pytestmark = pytest.mark.acceptance

AGENT = "@fal-ai/client/1.10.1"
API, QUEUE, REST = "https://api.fal.ai/v1", "https://queue.fal.run", "https://rest.fal.ai"
ECHO, VIDEO = "rushes/echo", "fal-ai/wan-i2v"
AS_SENT = {"accept": "application/json", "content-type": "application/json", "x-fal-queue-priority": "normal"}


@pytest.fixture(scope="module")
def command(server: Running) -> Iterator[Recorded]:
    with recorded(server, AGENT) as client:
        yield client


def main_schema(document: dict[str, Any], *endings: str) -> dict[str, Any]:
    """The schema the command takes: the last one whose lower-cased name ends like that (O-01)."""
    schemas = document["components"]["schemas"]
    schema: dict[str, Any] = schemas[[name for name in schemas if name.lower().endswith(endings)][-1]]
    return schema


def addresses(value: Any) -> list[str]:
    """What `--download` fetches: every object's `url` that begins with http."""
    if isinstance(value, dict):
        own = [value["url"]] if str(value.get("url", "")).startswith("http") else []
        return own + [found for one in value.values() for found in addresses(one)]
    return [found for one in value for found in addresses(one)] if isinstance(value, list) else []


def upload(command: Recorded, path: Path) -> str:
    """Initiate, then PUT without a key."""
    asked = {"content_type": "image/png", "file_name": path.name}
    begun = command.ask("POST", f"{REST}/storage/upload/initiate?storage_type=fal-cdn-v3", json=asked, headers=AS_SENT)
    assert begun.status_code == 200
    put = command.ask_without_key(
        "PUT", begun.json()["upload_url"], content=path.read_bytes(), headers={"content-type": "image/png"}
    )
    assert put.status_code == 200
    url: str = begun.json()["file_url"]
    return url


def test_a_run_with_a_file_logs_and_download(command: Recorded, small_picture: Path) -> None:
    url = upload(command, small_picture)
    wanted = {"prompt": "x", "image_url": url, "resolution": "480p", "frames_per_second": 24}
    sent = command.ask("POST", f"{QUEUE}/{VIDEO}", json=wanted, headers=AS_SENT).json()
    answers = until_completed(command, f"{QUEUE}/{VIDEO}/requests/{sent['request_id']}/status?logs=1")
    assert all(isinstance(line["message"], str) for line in answers[-1]["logs"])
    result = command.ask("GET", f"{QUEUE}/{VIDEO}/requests/{sent['request_id']}").json()
    (film,) = addresses(result)
    fetched = command.ask_without_key("GET", film)
    assert fetched.content[4:8] == b"ftyp"
    assert fetched.headers["content-type"] == "video/mp4"


def test_an_async_run_is_looked_up_later_and_can_be_cancelled(command: Recorded) -> None:
    wanted = {"sleep_s": 20, "steps": 400}
    sent = command.ask("POST", f"{QUEUE}/{ECHO}", json=wanted, headers=AS_SENT).json()
    now = command.ask("GET", f"{QUEUE}/{ECHO}/requests/{sent['request_id']}/status?logs=1").json()
    assert now["status"] in {"IN_QUEUE", "IN_PROGRESS"}
    assert command.ask("PUT", f"{QUEUE}/{ECHO}/requests/{sent['request_id']}/cancel").status_code in {200, 202}
    until_completed(command, sent["status_url"])


def test_models_are_searched_by_words_category_and_status(command: Recorded) -> None:
    asked = {"q": "wan", "category": "image-to-video", "status": "active", "limit": "20"}
    page = command.ask("GET", f"{API}/models", params=asked).json()
    assert VIDEO in [one["endpoint_id"] for one in page["models"]]
    assert {one["metadata"]["category"] for one in page["models"]} == {"image-to-video"}
    assert {one["metadata"]["status"] for one in page["models"]} == {"active"}


def test_schemas_of_several_endpoints_come_with_repeated_members(command: Recorded) -> None:
    asked = [
        ("endpoint_id", VIDEO),
        ("endpoint_id", "fal-ai/minimax/image-01"),
        ("expand", "openapi-3.0"),
        ("expand", "enterprise_status"),
    ]
    page = command.ask("GET", f"{API}/models", params=asked).json()
    models = {one["endpoint_id"]: one["openapi"] for one in page["models"]}
    assert set(models) == {VIDEO, "fal-ai/minimax/image-01"}
    taken = main_schema(models[VIDEO], "input", "request")
    assert {"prompt", "image_url"} <= set(taken["properties"])
    assert "images" in main_schema(models["fal-ai/minimax/image-01"], "output", "response")["properties"]


def test_an_unknown_model_is_not_found_in_the_platforms_words(command: Recorded) -> None:
    answer = command.ask("GET", f"{API}/models", params={"endpoint_id": "fal-ai/nothing"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")


def test_prices_of_several_endpoints(command: Recorded) -> None:
    asked = [("endpoint_id", VIDEO), ("endpoint_id", ECHO)]
    page = command.ask("GET", f"{API}/models/pricing", params=asked).json()
    assert {one["endpoint_id"] for one in page["prices"]} == {VIDEO, ECHO}


def test_assets_are_refused_in_the_platforms_words(command: Recorded) -> None:
    for method, path in (("GET", "/assets?q=x"), ("POST", "/assets/uploads"), ("GET", "/assets/collections")):
        answer = command.ask(method, f"{API}{path}")
        assert (answer.status_code, answer.json()["error"]["type"]) == (501, "not_implemented"), path
