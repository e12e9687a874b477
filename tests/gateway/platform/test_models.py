"""The list of models: pages, search, and the documents as no-code tools read them."""

import httpx2
import pytest

from rushes.families import ENDPOINTS
from rushes.gateway.platform.models import tags_of
from tests.gateway.live import Gateway, running
from tests.gateway.platform.conftest import CLIP, error_of


def ids(answer: httpx2.Response) -> list[str]:
    return [model["endpoint_id"] for model in answer.json()["models"]]


def test_pages_hold_every_model_once(shared: Gateway) -> None:
    found, cursor = [], ""
    while cursor is not None:
        page = shared.get(f"/v1/models?limit=3&q=&cursor={cursor}")
        found += ids(page)
        cursor = page.json()["next_cursor"]
        assert page.json()["has_more"] is (cursor is not None)
    assert found == list(shared.services.endpoints)


def test_metadata_has_every_promised_member(shared: Gateway) -> None:
    (model,) = shared.get(f"/v1/models?endpoint_id={CLIP}").json()["models"]
    assert model["metadata"]["model_url"] == f"{shared.url}/run/{CLIP}"
    assert {
        "display_name",
        "category",
        "description",
        "status",
        "tags",
        "updated_at",
        "is_favorited",
        "thumbnail_url",
        "model_url",
        "date",
        "highlighted",
        "pinned",
    } <= set(model["metadata"])
    assert "openapi" not in model


def test_favourites_are_unknown_without_a_key_and_a_wrong_key_is_refused(shared: Gateway) -> None:
    anonymous = shared.get("/v1/models?limit=1", headers={"authorization": ""})
    assert anonymous.json()["models"][0]["metadata"]["is_favorited"] is None
    assert error_of(shared.get("/v1/models?limit=1", headers={"authorization": "Key a:b"}))[0] == 401


@pytest.mark.parametrize(
    "query",
    [
        f"endpoint_id={CLIP}&endpoint_id=fal-ai/other",
        f"endpoint_id={CLIP},fal-ai/other",
        f"endpoint_id={CLIP}&endpoint_id=no/such&endpoint_id=fal-ai/other",
    ],
)
def test_models_are_found_by_id_and_unknown_ones_among_them_left_out(shared: Gateway, query: str) -> None:
    assert ids(shared.get(f"/v1/models?{query}")) == [CLIP, "fal-ai/other"]


def test_only_unknown_ids_are_not_found(shared: Gateway) -> None:
    assert error_of(shared.get("/v1/models?endpoint_id=no/such"))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=clip turbo", ["fal-ai/clip/v2/turbo"]),
        ("category=none", []),
        ("q=CLIP&category=test&status=active", [CLIP, "fal-ai/clip/v2/turbo"]),
        ("status=deprecated", []),
    ],
)
def test_search_wants_every_word(shared: Gateway, query: str, found: list[str]) -> None:
    assert ids(shared.get(f"/v1/models?{query}")) == found


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=x",
        "cursor=WyJvdGhlciIsMV0",
        "status=x",
        "expand=everything",
        "&".join(f"endpoint_id={n}" for n in range(51)),
    ],
)
def test_a_wrong_query_is_a_validation_error(shared: Gateway, query: str) -> None:
    assert error_of(shared.get(f"/v1/models?{query}"))[:2] == (400, "validation_error")


def test_addresses_are_fals_own_for_a_caller_who_came_under_its_names(shared: Gateway) -> None:
    answer = shared.get(f"/v1/models?endpoint_id={CLIP}&expand=openapi-3.0", headers={"host": "api.fal.ai"})
    (model,) = answer.json()["models"]
    assert model["metadata"]["model_url"] == f"http://fal.run/{CLIP}"
    assert model["openapi"]["servers"] == [{"url": "http://queue.fal.run"}]


@pytest.fixture(scope="module")
def real_models(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with running(tmp_path_factory.mktemp("real"), ENDPOINTS) as gateway:
        yield gateway.get("/v1/models?limit=100&expand=openapi-3.0,enterprise_status").json()["models"]


def test_a_form_can_be_built_from_every_document(real_models: list[dict]) -> None:  # type: ignore[type-arg]
    """As the n8n node does it: the last Input and Output that are no queue's, in their own order of fields."""
    for model in real_models:
        document = model["openapi"]
        schemas = document["components"]["schemas"]
        for word in ("Input", "Output"):
            name = [one for one in schemas if one.endswith(word) and "Queue" not in one][-1]
            assert f'#/components/schemas/{name}"' in str(document["paths"]).replace("'", '"')
            assert schemas[name]["x-fal-order-properties"] == list(schemas[name]["properties"])
        assert document["x-fal-metadata"]["endpointId"] == model["endpoint_id"]
        assert model["enterprise_status"] == "ready"


def test_the_genmedia_tool_picks_the_same_types(real_models: list[dict]) -> None:  # type: ignore[type-arg]
    for model in real_models:
        names = [(name.lower(), name) for name in model["openapi"]["components"]["schemas"]]
        takes = [name for low, name in names if low.endswith("input") or low == "request"][-1]
        gives = [name for low, name in names if low.endswith("output") or low == "response"][-1]
        paths = str(model["openapi"]["paths"])
        assert f"schemas/{takes}'" in paths
        assert f"schemas/{gives}'" in paths


def test_no_model_has_a_tag_twice_and_those_with_sessions_say_so() -> None:
    for endpoint in ENDPOINTS.values():
        tags = tags_of(endpoint)
        assert len(tags) == len(set(tags))
        assert ("realtime" in tags) is (endpoint.realtime is not None)
