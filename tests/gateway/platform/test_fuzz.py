"""Generated calls of every platform route, and of some endpoints' own documents, against a real gateway.

Whatever is sent, nothing fails with a 5xx, and every answer is what the document promises.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, CheckFunction, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rushes.families import ENDPOINTS
from tests.gateway.live import AUTH, Gateway, running
from tests.gateway.platform.conftest import CLIP

ALWAYS: Sequence[CheckFunction] = (not_a_server_error, content_type_conformance, response_schema_conformance)
SAMPLE = tuple(ENDPOINTS)[:: max(1, len(ENDPOINTS) // 3)]
EXAMPLES = 25


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("fuzzed"), unit_price_usd={CLIP: 0.2}) as gateway:
        gateway.submit()
        gateway.finish(gateway.claim())
        gateway.submit()
        yield gateway


@pytest.fixture(scope="module")
def live_families(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("families"), ENDPOINTS) as gateway:
        yield gateway


def fuzz(operation: APIOperation[Any, Any, Any, Any], base_url: str, checks: Sequence[CheckFunction]) -> None:
    """Call an operation with what its document allows, and with what it doesn't."""
    session = requests.Session()
    session.trust_env = False
    for mode in GenerationMode:
        strategy = operation.as_strategy(mode)

        @seed(4)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def call(case: Case) -> None:
            response = case.call(base_url=base_url, session=session, headers=dict(AUTH), timeout=10)
            case.validate_response(response, checks=list(checks))

        try:
            call()
        except Unsatisfiable:  # nothing about it can be wrong
            assert mode is GenerationMode.NEGATIVE


def operations(document: dict[str, Any]) -> list[APIOperation[Any, Any, Any, Any]]:
    """Everything that a document describes."""
    return [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]


@pytest.mark.slow
def test_every_platform_route_answers_as_its_document_says(live: Gateway) -> None:
    found = operations(live.get("/v1/openapi.json").json())
    assert len(found) >= 25
    for operation in found:
        fuzz(operation, live.url, (*ALWAYS, status_code_conformance))


@pytest.mark.slow
@pytest.mark.parametrize("endpoint_id", SAMPLE)
def test_an_endpoints_routes_answer_as_its_document_says(live_families: Gateway, endpoint_id: str) -> None:
    (model,) = live_families.get(f"/v1/models?endpoint_id={endpoint_id}&expand=openapi-3.0").json()["models"]
    for operation in operations(model["openapi"]):
        fuzz(operation, f"{live_families.url}/queue", ALWAYS)
