"""A wire type as fal's documents print it: JSON schemas of OpenAPI 3.0, in the order and with the names of the pages.

Pydantic writes JSON Schema 2020-12; here it becomes what the generated clients and no-code tools of fal's users read
(protocol 10.3): optional fields without `null`, no `const`, limits in 3.0's form, types under their page's name.
Paths, servers and metadata are `openapi`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from rushes.fields import forms

Schema = dict[str, Any]

REF = "#/components/schemas/"
_PAGE_NAME = "x-page-name"  # only between the generator and here
_MEDIA_WITH_A_PICKER = frozenset({"image", "video", "audio"})


@dataclass(frozen=True, slots=True)
class WireTypes:
    """An endpoint's types: the two main ones, and those that they use, by page name. References start with REF."""

    input: Schema
    output: Schema
    nested: Mapping[str, Schema]

    def resolve(self, schema: Schema) -> Schema:
        """Follow a reference to a nested type; any other schema is returned as it is."""
        reference = schema.get("$ref")
        return self.nested[reference.removeprefix(REF)] if reference else schema


def wire_types(
    input_type: type[BaseModel], output_type: type[BaseModel], *, input_name: str, output_name: str
) -> WireTypes:
    """Describe both types of an endpoint, which references call by these names; types they share are described once."""
    # Both as they are read: what a writer may leave out is optional to a reader too, so "required" is the class's own.
    wanted: list[tuple[type[BaseModel], Any]] = [(input_type, "validation"), (output_type, "validation")]
    found, document = models_json_schema(wanted, ref_template=REF + "{model}", schema_generator=_Generator)
    definitions: dict[str, Schema] = document.get("$defs", {})
    takes, gives = (found[one]["$ref"].removeprefix(REF) for one in wanted)
    names = _page_names(definitions, {takes: input_name, gives: output_name})
    clean = {key: _object(schema, names) for key, schema in definitions.items()}
    nested = {names[key]: clean[key] for key in definitions if key not in (takes, gives)}
    return WireTypes(clean[takes], clean[gives], nested)


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, which also notes each class's page name and which fields are files to be picked."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        written: Schema = super().model_schema(schema)
        cls = schema["cls"]
        # In the schema itself: by its key, Pydantic's own name for it, a definition leads back to no class.
        written[_PAGE_NAME] = cls.page_name() if hasattr(cls, "page_name") else cls.__name__
        for form in forms(cls):
            # Properties go by the names on the wire, forms by those of the class.
            field = written.get("properties", {}).get(cls.model_fields[form.name].alias or form.name)
            if field is not None and form.media in _MEDIA_WITH_A_PICKER:
                field["ui"] = {"field": form.media}
        return written


def _page_names(definitions: Mapping[str, Schema], main: Mapping[str, str]) -> Mapping[str, str]:
    """Name every definition as its page does, the main ones as given; a name that is taken gets a number."""
    names = dict(main)
    for key, schema in definitions.items():
        if key not in names:
            wanted = schema.get(_PAGE_NAME) or key
            possible = (wanted, *(f"{wanted}{number}" for number in range(2, len(definitions) + 2)))
            names[key] = next(name for name in possible if name not in names.values())
    return names


def _object(schema: Schema, names: Mapping[str, str]) -> Schema:
    """Write a type: its own docstring is for readers of the code and stays there."""
    if "properties" not in schema:
        return _value(schema, names)
    properties = {name: _value(one, names) for name, one in schema["properties"].items()}
    written: Schema = {
        "x-fal-order-properties": list(properties),
        "type": "object",
        "properties": properties,
        "title": schema.get(_PAGE_NAME) or schema.get("title", ""),
    }
    required = [name for name in properties if name in schema.get("required", ())]
    # OpenAPI 3.0 wants at least one name in `required`.
    return {**written, "required": required} if required else written


def _value(schema: Schema, names: Mapping[str, str]) -> Schema:
    """Write what one property, item or alternative may be, in 3.0's words."""
    if "properties" in schema:
        return _object(schema, names)
    written: Schema = {}
    for word, value in schema.items():
        match word:
            case "$ref":
                written["$ref"] = REF + names[value.removeprefix(REF)]
            case "anyOf" | "oneOf":
                written.update(_alternatives(value, names))
            case "const":
                written["enum"] = [value]
            case "exclusiveMinimum":
                written.update(minimum=value, exclusiveMinimum=True)
            case "exclusiveMaximum":
                written.update(maximum=value, exclusiveMaximum=True)
            case "items" | "additionalProperties" if isinstance(value, dict):
                written[word] = _value(value, names)
            case "default" if value is None:  # which 3.0 allows for nullable types alone
                continue
            case _ if word != _PAGE_NAME:
                written[word] = value
    return written


def _alternatives(schemas: list[Schema], names: Mapping[str, str]) -> Schema:
    """`X | None` is X: a field that may be left out needs no null (members that are null count as absent)."""
    real = [_value(one, names) for one in schemas if one.get("type") != "null"]
    return real[0] if len(real) == 1 else {"anyOf": real}
