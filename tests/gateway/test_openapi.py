from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from rushes.endpoint import Endpoint
from rushes.families import ENDPOINTS
from rushes.fields import WireModel
from rushes.gateway.openapi import document, type_name
from rushes.gateway.schema import REF

QUEUE, SITE = "http://here:8787/queue", "http://here:8787"
OF_FAL = {"examples", "ui"}
"""Words that fal's documents have on a property and the standard has not (protocol 10.3)."""


def written(endpoint: Endpoint) -> dict[str, Any]:
    return document(endpoint, queue=QUEUE, site=SITE)


def without_fals_words(value: Any, inside: str = "") -> Any:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if inside == "properties" or k not in OF_FAL}
        return {k: without_fals_words(v, k) for k, v in kept.items()}
    return [without_fals_words(one) for one in value] if isinstance(value, list) else value


def every_schema(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from every_schema(one)
    elif isinstance(value, list):
        for one in value:
            yield from every_schema(one)


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda one: one.id)
def test_every_endpoints_document_is_valid_and_read_rightly_by_its_consumers(endpoint: Endpoint) -> None:
    whole = written(endpoint)
    OpenAPIV30SpecValidator(without_fals_words(whole)).validate()
    schemas = whole["components"]["schemas"]
    name = type_name(endpoint.id)
    # O-01: the last one that ends so is taken for the endpoint's own.
    ends = {word: [one for one in schemas if one.lower().endswith(word)] for word in ("input", "output")}
    assert (ends["input"][-1], ends["output"][-1]) == (f"{name}Input", f"{name}Output")
    assert not {one.lower() for one in schemas} & {"request", "response"}
    for schema in every_schema(schemas):
        assert "allOf" not in schema  # O-03
        assert schema.get("type") != "null"
        if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
            assert schema["x-fal-order-properties"] == list(schema["properties"])  # O-02
        if isinstance(schema.get("$ref"), str):
            assert schema["$ref"].removeprefix(REF) in schemas
    assert whole["x-fal-metadata"] == whole["info"]["x-fal-metadata"]  # O-04


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda one: one.id)
def test_every_example_is_an_input_by_its_own_schema(endpoint: Endpoint) -> None:
    assert endpoint.input.model_validate(endpoint.example)
    schemas = written(endpoint)["components"]["schemas"]
    fields = schemas[f"{type_name(endpoint.id)}Input"]
    assert set(fields.get("required", ())) <= set(endpoint.example)
    assert set(endpoint.example) <= set(fields["properties"])


def test_the_frame_is_the_one_that_clients_know() -> None:
    whole = written(ENDPOINTS["fal-ai/wan-i2v"])
    assert whole["openapi"] == "3.0.4"
    assert whole["info"]["title"] == "Queue OpenAPI for fal-ai/wan-i2v"
    assert whole["info"]["version"] == "1.0.0"
    assert whole["info"]["x-fal-metadata"]["documentationUrl"] == f"{SITE}/models/fal-ai/wan-i2v/api"
    assert whole["servers"] == [{"url": QUEUE}]
    assert whole["security"] == [{"apiKeyAuth": []}]
    status = whole["components"]["schemas"]["QueueStatus"]
    assert status["required"] == ["status", "request_id"]
    assert status["properties"]["status"]["enum"] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    request = "/fal-ai/wan-i2v/requests/{request_id}"
    assert {path: list(methods) for path, methods in whole["paths"].items()} == {
        "/fal-ai/wan-i2v": ["post"],
        f"{request}/status": ["get"],
        f"{request}/cancel": ["put"],
        request: ["get"],
    }


@pytest.mark.parametrize(
    ("endpoint_id", "name"),
    [
        ("fal-ai/bytedance/seedream/v4/text-to-image", "BytedanceSeedreamV4TextToImage"),
        ("fal-ai/wan-i2v", "WanI2v"),
        ("fal-ai/pixverse/v4.5/transition", "PixverseV45Transition"),
    ],
)
def test_types_are_named_after_the_id_without_its_owner(endpoint_id: str, name: str) -> None:
    assert type_name(endpoint_id) == name


class Tail(WireModel):
    """Its page name ends as the main type's."""

    wire_name: ClassVar[str] = "WanI2vInput"

    text: str


class Head(WireModel):
    """The main type."""

    tail: Tail


def test_a_nested_type_never_takes_the_main_ones_place() -> None:
    endpoint = replace(ENDPOINTS["fal-ai/wan-i2v"], input=Head)
    schemas = written(endpoint)["components"]["schemas"]
    assert list(schemas)[-2:] == ["WanI2vInput", "WanI2vOutput"]
    assert list(schemas["WanI2vInput"]["properties"]) == ["tail"]
    assert f'"{REF}WanI2vInput2"' in json.dumps(schemas["WanI2vInput"])
    assert "text" in schemas["WanI2vInput2"]["properties"]
