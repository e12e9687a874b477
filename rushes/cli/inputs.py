"""From `name=value` words to a request: parsed and checked against the endpoint's own types, before anything starts.

Strings stay as they are, "=" included. Media fields take a URL or `@file`; lists and objects are JSON, which may hold
`@file` too; a list may be given by repeating the name, a nested field by its dotted name (voice_setting.speed=1.2,
dynamic_masks.0.mask_url=@mask.png). What is wrong is said about all fields at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from rushes.cli.describe import unknown_field
from rushes.cli.problem import CommandError
from rushes.endpoint import Endpoint
from rushes.fields import MediaInput, media_inputs

AT = "@"
_SHOWN_CHARS = 100

JsonSchema = dict[str, Any]


def parse(endpoint: Endpoint, words: Sequence[str]) -> BaseModel:
    """Return the request; `@file` still stands where a file goes. CommandError (exit code 2) says what is wrong."""
    root = endpoint.input.model_json_schema()
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise CommandError(f"{word!r} is not name=value; values with spaces need quotes around the word", 2)
        kinds = set(_kinds(_schema_at(endpoint, root, name), root))
        _put(values, name, _value(text, kinds, name), several="array" in kinds)
    return _checked(endpoint, values)


def _schema_at(endpoint: Endpoint, root: JsonSchema, name: str) -> JsonSchema:
    """Return what a dotted name leads to; CommandError names the nearest ones when it leads nowhere."""
    schema, above = root, ""
    for part in name.split("."):
        found = next(_members(schema, root, part), None)
        if found is None:
            known = [above + key for one in _alternatives(schema, root) for key in one.get("properties", {})]
            raise unknown_field(endpoint.id, above + part, known)
        schema, above = found, f"{above}{part}."
    return schema


def _members(schema: JsonSchema, root: JsonSchema, part: str) -> Iterator[JsonSchema]:
    for one in _alternatives(schema, root):
        if part in one.get("properties", {}):
            yield one["properties"][part]
        elif one.get("type") == "array" and part.isdecimal():
            yield one.get("items", {})


def _alternatives(schema: JsonSchema, root: JsonSchema) -> Iterator[JsonSchema]:
    """Yield what a value may be, with references followed."""
    if "$ref" in schema:
        yield from _alternatives(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _alternatives(one, root)
    else:
        yield schema


def _kinds(schema: JsonSchema, root: JsonSchema) -> Iterator[str]:
    """Yield the JSON types that a field takes; no type counts as any."""
    for one in _alternatives(schema, root):
        yield "string" if "enum" in one or "const" in one else one.get("type", "any")


def _put(values: dict[str, Any], name: str, value: Any, *, several: bool) -> None:
    """Put a value where its dotted name says; a list takes single values as its next items."""
    *above, last = name.split(".")
    inside: Any = values
    for part, following in pairwise((*above, last)):
        inside = _child(inside, part, [] if following.isdecimal() else {}, name)
    if several and not isinstance(value, list | dict):
        _child(inside, last, [], name).append(value)
    else:
        _child(inside, last, value, name)  # says what is wrong, and makes room in a list
        inside[int(last) if isinstance(inside, list) else last] = value


def _child(inside: Any, part: str, fresh: Any, name: str) -> Any:
    """Return what lies at `part`, `fresh` if nothing does yet; a list has no holes."""
    if isinstance(inside, list) and part.isdecimal():
        if int(part) > len(inside):
            raise CommandError(f"{name}: item {part} comes after {len(inside)} given; items are counted from 0", 2)
        if int(part) == len(inside):
            inside.append(fresh)
        return inside[int(part)]
    if isinstance(inside, dict):
        return inside.setdefault(part, fresh)
    raise CommandError(f"{name}: what holds it was given before, as {inside!r}; give it once", 2)


def _value(text: str, kinds: set[str], name: str) -> Any:
    """Read JSON where the field's type calls for it; numbers and booleans are left to the type itself."""
    structured = kinds & {"array", "object"} and text[:1] in ("[", "{")
    if "any" not in kinds and not structured:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if "any" in kinds:
            return text
        raise CommandError(f"{name}: not valid JSON at character {error.pos + 1}: {text}", 2) from error


def _checked(endpoint: Endpoint, values: dict[str, Any]) -> BaseModel:
    try:
        return endpoint.input.model_validate(values)
    except ValidationError as error:
        raise CommandError("; ".join(_complaint(one) for one in error.errors()), 2) from error


def _complaint(one: Any) -> str:
    name = ".".join(str(part) for part in one["loc"])
    if one["type"] == "missing" and one["msg"] == "Field required":
        return f"{name} is required: give {name}=…"
    if not name:  # the check of a whole input speaks for itself
        return str(one["msg"])
    given = repr(one["input"])
    return f"{name}: {one['msg']}, got {given if len(given) <= _SHOWN_CHARS else given[:_SHOWN_CHARS] + '…'}"


def files_named(request: BaseModel) -> dict[str, Path]:
    """Return each `@file` of the request with its path; CommandError for one that is not there."""
    files = [one for one in media_inputs(request) if one.field.kind != "voice"]  # a voice is named by its id
    found = {one.url: Path(os.path.expanduser(one.url[1:])) for one in files if one.url.startswith(AT)}
    for one in files:
        if one.url not in found and "://" not in one.url and not one.url.startswith("data:"):
            raise CommandError(_no_url(one), 2)
    for path in found.values():
        if not path.is_file():
            raise CommandError(f"there is no file {str(path)!r}", 2)
    return found


def _no_url(given: MediaInput) -> str:
    is_file = Path(given.url).is_file()
    hint = f"write {given.key}=@{given.url} to upload that file" if is_file else "give one, or @file"
    return f"{given.key}: {given.url!r} is no URL; {hint}"


def wire(request: BaseModel, upload: Callable[[Path], str]) -> dict[str, Any]:
    """Return the JSON object to submit: what was given and nothing else, with every `@file` uploaded once."""
    urls = {text: upload(path) for text, path in files_named(request).items()}
    # The server's own defaults shall hold, not those of this program's version.
    given = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: _replaced(value, urls) for name, value in given.items()}


def _replaced(value: Any, urls: dict[str, str]) -> Any:
    if isinstance(value, str):
        return urls.get(value, value)
    if isinstance(value, list):
        return [_replaced(one, urls) for one in value]
    if isinstance(value, dict):
        return {name: _replaced(one, urls) for name, one in value.items()}
    return value
