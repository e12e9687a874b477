from contextlib import closing

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.conformance.probe import Probe
from rushes.conformance.rules import Failed
from rushes.conformance.schema import last_named, o_02, pascal
from rushes.conformance.target import Target
from tests.conformance.serving import serving


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["NestedInput", "BoatInput", "BoatOutput"], "BoatInput"),
        (["BoatInput", "QueueInput"], "BoatInput"),
        (["TextToVideoRequest", "File"], "TextToVideoRequest"),
        (["File"], ""),
    ],
)
def test_the_last_schema_named_so_is_taken_but_for_the_queues(names: list[str], found: str) -> None:
    assert last_named(dict.fromkeys(names), ("input", "request")) == found


@pytest.mark.parametrize(("endpoint", "name"), [("fal-ai/wan-i2v", "WanI2v"), ("a/b/v1.5/c", "BV15C"), ("a/b", "B")])
def test_a_type_is_named_after_the_endpoint_without_its_owner(endpoint: str, name: str) -> None:
    assert pascal(endpoint) == name


async def models(_: Request) -> Response:
    return JSONResponse({"models": [{"endpoint_id": "a/b"}]})


async def document(_: Request) -> Response:
    schema = {"type": "object", "properties": {"x": {}}, "x-fal-order-properties": ["x", "x"]}
    return JSONResponse({"components": {"schemas": {"BInput": schema}}})


APP = Starlette(routes=[Route("/platform/v1/models", models), Route("/api/openapi/queue/openapi.json", document)])


def test_an_order_that_names_a_property_twice_is_found() -> None:
    with serving(APP) as url, closing(Probe(url, None)) as probe, pytest.raises(Failed, match="every property once"):
        o_02(Target(probe))
