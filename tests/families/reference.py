"""The reference schemas beside the checkout, and our types in the same words, so that tests can compare them."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from rushes.fields import WireModel, forms

SCHEMAS = Path(__file__).parent.parent.parent.parent / "shared" / "reference" / "schemas.json"


@cache
def _schemas() -> dict[str, Any]:
    if not SCHEMAS.exists():
        pytest.skip("the reference schemas are not beside this checkout")
    schemas: dict[str, Any] = json.loads(SCHEMAS.read_text())
    return schemas


def reference_type(page: str, name: str) -> list[dict[str, Any]]:
    """Fields of one type as the reference lists them: name, type, enum, default."""
    fields = _schemas()[page]["types"][name]
    return [{key: field.get(key) for key in ("name", "type", "enum", "default")} for field in fields]


def reference_types(page: str) -> dict[str, Any]:
    """All types of a page by name."""
    types: dict[str, Any] = _schemas()[page]["types"]
    return types


def required(page: str, name: str) -> set[str]:
    """The fields that the page marks as required; most pages mark none."""
    return {field["name"] for field in _schemas()[page]["types"][name] if field.get("required")}


def our_type(model: type[BaseModel], reference: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Our fields in the same form; an enum's type has a name of its own on the pages, which we take over."""
    named = {field["name"]: field["type"] for field in reference}
    return [
        {
            "name": form.name,
            "type": named.get(form.name) if form.choices else form.type,
            "enum": list(form.choices) or None,
            "default": form.default,
        }
        for form in forms(model)
    ]


def nested_types(model: type[BaseModel]) -> Iterator[type[WireModel]]:
    """Every wire type that a type's fields hold, at any depth."""
    for info in model.model_fields.values():
        for inner in _models_in(info.annotation):
            yield inner
            yield from nested_types(inner)


def _models_in(annotation: Any) -> Iterator[type[WireModel]]:
    if isinstance(annotation, type) and issubclass(annotation, WireModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def page_example(page: str) -> dict[str, Any]:
    """The page's own example input of its main endpoint; its files are hosted elsewhere."""
    example: dict[str, Any] = _schemas()[page]["examples"]["Input"]
    return example
