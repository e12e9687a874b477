"""The reference schemas beside the checkout, and our types in the same words, so that tests can compare them."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from rushes.fields import forms

SCHEMAS = Path(__file__).parent.parent.parent.parent / "shared" / "reference" / "schemas.json"


def reference_type(endpoint: str, name: str) -> list[dict[str, Any]]:
    """Fields of one type as the reference lists them: name, type, enum, default."""
    if not SCHEMAS.exists():
        pytest.skip("the reference schemas are not beside this checkout")
    fields = json.loads(SCHEMAS.read_text())[endpoint]["types"][name]
    return [{key: field.get(key) for key in ("name", "type", "enum", "default")} for field in fields]


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
