"""What the pages show, as records for the templates: rows of fields, price, who serves it, what is related; pure.

How it looks is in `templates`; code samples are written by `examples`, the text for machines by `llms`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rushes.endpoint import Endpoint
from rushes.gateway.schema import REF, Schema, WireTypes
from rushes.routing import kind_of, route_of
from rushes.settings import Settings

MOST_RELATED = 8
_PAGE_WORDS = {"number": "float"}
STAND_INS = frozenset({"animatic"})
"""Engines that make something of the promised kind, size and length, but not with the model that the name promises."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a type. `default`, `choices` and `examples` are JSON text.

    `refers` is the page name of the type it holds, `media` the kind of file that its value leads to; "" says none.
    """

    name: str
    type: str
    required: bool
    default: str
    choices: tuple[str, ...]
    limits: str
    about: str
    refers: str
    media: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeTable:
    """A type of the page: its name, the id of its heading, and its fields."""

    name: str
    anchor: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """A deployment that makes results here, and the kind of engine behind it (of a vendor: whose API).

    `stand_in` when that is not what the endpoint's name promises; `successors` when it asks for other models in place
    of some, so that only a result says whether it is a stand-in.
    """

    deployment: str
    engine: str
    stand_in: bool = False
    successors: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """The rule in words, the unit, and what a unit costs here, as text; None when no price is set."""

    rule: str
    unit: str
    unit_price: str | None


def table(name: str, schema: Schema) -> TypeTable:
    """Return a type's fields in the order of the page."""
    required = schema.get("required", ())
    rows = tuple(
        _row(field, schema["properties"][field], field in required)
        for field in schema.get("x-fal-order-properties", ())
    )
    return TypeTable(name, f"type-{name}", rows)


def nested_tables(types: WireTypes) -> tuple[TypeTable, ...]:
    """Return the types that input and output use; enums have no fields and stand with the field itself."""
    return tuple(table(name, schema) for name, schema in types.nested.items() if "properties" in schema)


def takes_files(*tables: TypeTable) -> bool:
    """Say whether any field of these types is a file."""
    return any(row.media for one in tables for row in one.rows)


def served_by(endpoint: Endpoint, settings: Settings) -> tuple[Server, ...]:
    """Return who serves an endpoint by the operator's routes, in the order in which they are asked."""
    mine = settings.deployments
    return tuple(
        Server(
            name,
            kind := kind_of(name, mine),
            # An endpoint of our own promises nobody else's model.
            (kind in STAND_INS or _all_stand_in(endpoint, kind)) and not endpoint.own,
            bool(getattr(mine.get(name), "models", None)),  # successors named by the operator; few kinds have any
        )
        for name in route_of(endpoint.id, endpoint.engines, settings.routes, mine)
    )


def _all_stand_in(endpoint: Endpoint, kind: str) -> bool:
    """Say whether whatever open weights serve it stand in for what its name promises."""
    return kind == "diffusers" and bool(endpoint.weights) and all(endpoint.weights.values())


def price(endpoint: Endpoint, unit_prices: Mapping[str, float]) -> Price:
    """Return what a request costs: the rule in the endpoint's own words, and the operator's price of a unit."""
    set_here = unit_prices.get(endpoint.id)
    dollars = None if set_here is None else f"${set_here:.6f}".rstrip("0").rstrip(".")
    return Price(endpoint.price_rule, endpoint.unit, dollars)


def related(endpoint: Endpoint, among: Mapping[str, Endpoint]) -> tuple[Endpoint, ...]:
    """Return others of the same family (one file describes a family), then others of the same category."""
    others = [one for one in among.values() if one.id != endpoint.id and not one.test_only]
    family = endpoint.input.__module__
    kin = [one for one in others if one.input.__module__ == family]
    alike = [one for one in others if one.category == endpoint.category and one not in kin]
    return tuple(islice((*kin, *alike), MOST_RELATED))


def matching(endpoints: Mapping[str, Endpoint], wanted: str, category: str) -> tuple[Endpoint, ...]:
    """Return the endpoints that have every wanted word somewhere in what their card says."""
    words = wanted.lower().split()
    return tuple(
        one
        for one in endpoints.values()
        if category in ("", one.category) and all(word in search_text(one) for word in words)
    )


def search_text(endpoint: Endpoint) -> str:
    """Return the text that a search looks into, in lower case."""
    return " ".join((endpoint.id, endpoint.title, endpoint.category, endpoint.about, *endpoint.tags)).lower()


def categories(endpoints: Mapping[str, Endpoint]) -> Mapping[str, int]:
    """Count the endpoints of each category, in alphabetical order."""
    names = sorted(one.category for one in endpoints.values())
    return {name: names.count(name) for name in names}


def example_output(types: WireTypes, category: str, site: str) -> dict[str, Any]:
    """Make up an output: every field that is always there, of the right type, files with an address of this server."""
    return {name: _example(types, one, category, site) for name, one in _present(types.output)}


def _present(schema: Schema) -> Iterator[tuple[str, Schema]]:
    # An output without required fields would be an empty example.
    required = schema.get("required") or list(schema.get("properties", {}))
    return ((name, one) for name, one in schema.get("properties", {}).items() if name in required)


def _example(types: WireTypes, schema: Schema, category: str, site: str) -> Any:
    reference = schema.get("$ref", "")
    target = types.resolve(schema)
    # A file: fal's file types need their `url` at most (10.3), whatever else they have.
    if "properties" in target and "url" in target["properties"] and len(target.get("required", ())) <= 1:
        return _example_file(category if reference != f"{REF}Image" else "image", site)
    if "properties" in target:
        return {name: _example(types, one, category, site) for name, one in _present(target)}
    if "enum" in target:
        return target["enum"][0]
    if target.get("type") == "array":
        return [_example(types, target.get("items", {}), category, site)]
    return {"integer": 42, "number": 5.0, "boolean": True, "string": "…"}.get(target.get("type", ""))


def _example_file(category: str, site: str) -> dict[str, Any]:
    kind = category.rpartition("-")[2]  # categories end in what comes out: text-to-video, text-to-speech
    name, content_type = {
        "image": ("picture.png", "image/png"),
        "audio": ("sound.mp3", "audio/mpeg"),
        "speech": ("sound.mp3", "audio/mpeg"),
    }.get(kind, ("video.mp4", "video/mp4"))
    return {
        "url": f"{site}/files/b/9f1c2e7a/{name}",
        "content_type": content_type,
        "file_name": name,
        "file_size": 1_048_576,
    }


def _row(name: str, schema: Schema, required: bool) -> Row:
    inner = schema.get("items", schema)
    return Row(
        name=name,
        type=_type_words(schema),
        required=required,
        default=json.dumps(schema["default"], ensure_ascii=False) if "default" in schema else "",
        choices=tuple(json.dumps(one, ensure_ascii=False) for one in _choices(inner)),
        limits=limits(schema),
        about=schema.get("description", ""),
        refers=_reference(schema),
        media=schema.get("ui", {}).get("field", ""),
        examples=tuple(json.dumps(one, ensure_ascii=False) for one in schema.get("examples", ())),
    )


def _choices(schema: Schema) -> tuple[Any, ...]:
    nested = [choice for one in schema.get("anyOf", ()) for choice in _choices(one)]
    return (*schema.get("enum", ()), *nested)


def _reference(schema: Schema) -> str:
    inner = schema.get("items", schema)
    every = [inner, *inner.get("anyOf", ())]
    return next((one["$ref"].removeprefix(REF) for one in every if "$ref" in one), "")


def _type_words(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type_words(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list<{_type_words(schema.get('items', {}))}>"
    word = str(schema.get("type", "any"))
    return "enum" if "enum" in schema and word == "string" else _PAGE_WORDS.get(word, word)


def limits(schema: Schema) -> str:
    """Say in words what a value may be: `81 to 100`, `more than 0, at most 100`, `1 to 9 items`."""
    low, high = schema.get("minimum"), schema.get("maximum")
    # Booleans beside the limit itself, as OpenAPI 3.0 has them.
    if schema.get("exclusiveMinimum") or schema.get("exclusiveMaximum"):
        words = [
            f"{'more than' if schema.get('exclusiveMinimum') else 'at least'} {low:g}" if low is not None else "",
            f"{'less than' if schema.get('exclusiveMaximum') else 'at most'} {high:g}" if high is not None else "",
        ]
        return ", ".join(filter(None, words))
    ranges = (
        _range(low, high, ""),
        _range(schema.get("minItems"), schema.get("maxItems"), " items"),
        _range(schema.get("minLength"), schema.get("maxLength"), " characters"),
        f"in steps of {schema['multipleOf']:g}" if "multipleOf" in schema else "",
    )
    return ", ".join(filter(None, ranges))


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}{unit}"
    if high is not None:
        return f"at most {_number(high)}{unit}"
    return f"at least {_number(low)}{unit}" if low is not None else ""


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"
