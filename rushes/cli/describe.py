"""An endpoint's fields as rows of text, and which endpoint or field a mistyped name may have meant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from rushes import families
from rushes.cli.problem import CommandError
from rushes.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One input field: `default` is "required", the default as JSON, or empty for none."""

    name: str
    type: str
    default: str
    about: str


def endpoint_named(endpoint_id: str, *, test_endpoints: bool) -> Endpoint:
    """Return the endpoint; CommandError names the nearest ids when there is none."""
    among = families.served(test_endpoints=test_endpoints)
    if endpoint_id in among:
        return among[endpoint_id]
    near = families.nearest(endpoint_id, among)
    hint = f"did you mean {' or '.join(near)}?" if near else "`rushes endpoints` lists those there are"
    raise CommandError(f"there is no endpoint {endpoint_id!r}; {hint}", exit_code=2)


def unknown_field(endpoint: Endpoint, name: str) -> CommandError:
    """Return the complaint about a field that the endpoint has not, with the nearest names."""
    known = list(wire_names(endpoint.input))
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}"
    return CommandError(f"{endpoint.id} has no field {name!r}; {hint}", exit_code=2)


def wire_names(model: type[BaseModel]) -> dict[str, str]:
    """Map each field's name on the wire to its name in the class."""
    return {info.alias or name: name for name, info in model.model_fields.items()}


def rows(model: type[BaseModel]) -> list[FieldRow]:
    """Return the fields in the order of the class."""
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        FieldRow(name, type_words(one, schema), _default(one, name in required), one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    ]


def _default(schema: dict[str, Any], required: bool) -> str:
    if required:
        return "required"
    return "" if schema.get("default") is None else json.dumps(schema["default"], ensure_ascii=False)


def type_words(schema: dict[str, Any], root: dict[str, Any]) -> str:
    """Say in a few words what a JSON schema allows: `integer 81–100`, `"480p" | "720p"`, `list of string`."""
    if "$ref" in schema:
        return type_words(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "anyOf" in schema:
        words = [type_words(one, root) for one in schema["anyOf"] if one.get("type") != "null"]
        return " | ".join(dict.fromkeys(words))
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}), root)}"
    return f"{schema.get('type', 'any')}{_range(schema)}"


def _range(schema: dict[str, Any]) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None and high is None:
        return ""
    if high is None:
        return f" from {low}"
    return f" up to {high}" if low is None else f" {low}–{high}"
