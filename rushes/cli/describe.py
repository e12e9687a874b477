"""An endpoint in words: its fields as rows of text, and which endpoint or field a mistyped name may have meant.

What is said of a field is what its page says, from the same records (`web.pages`). Nested fields are named as they are
given on the command line: voice_setting.speed, dynamic_masks.0.mask_url.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from rushes import families
from rushes.cli.problem import CommandError
from rushes.endpoint import Endpoint
from rushes.gateway.openapi import types_of
from rushes.gateway.schema import Schema, WireTypes
from rushes.web.pages import Row, table

_FILES = {"image": "a picture", "video": "a video", "audio": "a sound"}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: its dotted name, what it takes in a few words ("integer, 81 to 100, default 81"), what it means."""

    name: str
    words: str
    about: str


def endpoint_named(endpoint_id: str, *, test_endpoints: bool) -> Endpoint:
    """Return the endpoint; CommandError names the nearest ids when there is none."""
    among = families.served(test_endpoints=test_endpoints)
    if endpoint_id in among:
        return among[endpoint_id]
    near = families.nearest(endpoint_id, among)
    hint = f"did you mean {' or '.join(near)}?" if near else "`rushes endpoints` lists those there are"
    raise CommandError(f"there is no endpoint {endpoint_id!r}; {hint}", exit_code=2)


def unknown_field(where: str, name: str, known: Iterable[str]) -> CommandError:
    """Return the complaint about a field that `where` has not, with the nearest names."""
    by_last = {one.rpartition(".")[2]: one for one in known}  # what holds them is the same for all
    # Names are short: a laxer measure than usual still means a mistyped one.
    near = [by_last[one] for one in get_close_matches(name.rpartition(".")[2], by_last, n=3, cutoff=0.5)]
    has = f"it has {', '.join(by_last.values())}" if by_last else "it has no fields of its own"
    hint = f"did you mean {' or '.join(near)}?" if near else has
    return CommandError(f"{where} has no field {name!r}; {hint}", exit_code=2)


def input_rows(endpoint: Endpoint) -> list[FieldRow]:
    """Return the input's fields in the order of the page, each nested type's fields below the field that holds it."""
    types = types_of(endpoint)
    return list(_input_rows(types, types.input, "", ()))


def output_rows(endpoint: Endpoint) -> list[FieldRow]:
    """Return the output's fields; of nested types only the names of their fields."""
    types = types_of(endpoint)
    return [FieldRow(row.name, words(row, _members(types, row)), row.about) for row in table("", types.output).rows]


def _input_rows(types: WireTypes, schema: Schema, prefix: str, above: tuple[str, ...]) -> Iterator[FieldRow]:
    for row in table("", schema).rows:
        name = prefix + row.name
        yield FieldRow(name, words(row), row.about)
        inner = types.nested.get(row.refers, {})
        # A type that holds itself is told once.
        if "properties" in inner and row.refers not in above:
            several = schema["properties"][row.name].get("type") == "array"
            below = f"{name}.0." if several else f"{name}."
            yield from _input_rows(types, inner, below, (*above, row.refers))


def _members(types: WireTypes, row: Row) -> str:
    return ", ".join(types.nested.get(row.refers, {}).get("properties", ()))


def words(row: Row, members: str = "") -> str:
    """Say what a field takes: type or choices, limits, whether it is a file, default."""
    kind = " | ".join(str(json.loads(one)) for one in row.choices) if row.choices else row.type
    if row.choices and row.type.startswith("list"):
        kind = f"list of {kind}"
    default = f"default {_short(row.default)}" if row.default else ""
    parts = (
        f"{kind} of {members}" if members else kind,
        _FILES.get(row.media, ""),
        row.limits,
        "required" if row.required else default,
    )
    return ", ".join(filter(None, parts))


def _short(default: str) -> str:
    return default if len(default) <= 40 else default[:37] + "…"
