"""From `name=value` words to a request: parsed and checked against the endpoint's own types, before anything starts.

Strings stay as they are, "=" included. Media fields take a URL or `@file`; lists and objects are JSON, and a list may
also be given by repeating the name. What is wrong is said about all fields at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from rushes.cli.describe import unknown_field, wire_names
from rushes.cli.problem import CommandError
from rushes.endpoint import Endpoint
from rushes.fields import media_inputs

AT = "@"


def parse(endpoint: Endpoint, words: Sequence[str]) -> BaseModel:
    """Return the request; `@file` still stands where a file goes. CommandError (exit code 2) says what is wrong."""
    schema = endpoint.input.model_json_schema()
    known = wire_names(endpoint.input)
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise CommandError(f"{word!r} is not name=value; values with spaces need quotes around the word", 2)
        if name not in known:
            raise unknown_field(endpoint, name)
        _put(values, name, text, schema["properties"][name])
    return _checked(endpoint, values)


def _put(values: dict[str, Any], name: str, text: str, schema: dict[str, Any]) -> None:
    kinds = set(_kinds(schema))
    value = _value(text, kinds, name)
    if "array" not in kinds or isinstance(value, list | dict):
        values[name] = value
    else:
        values.setdefault(name, []).append(value)


def _kinds(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the JSON types that a field takes; a reference to a nested type counts as an object, no type as any."""
    for one in schema.get("anyOf", [schema]):
        if "$ref" in one:
            yield "object"
        elif "enum" in one or "const" in one:
            yield "string"
        else:
            yield one.get("type", "any")


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
    if one["type"] == "missing":
        return f"{name} is required: give {name}=…"
    return f"{name}: {one['msg']}, got {one['input']!r}"


def files_named(request: BaseModel) -> dict[str, Path]:
    """Return each `@file` of the request with its path; CommandError for one that is not there."""
    found = {one.url: Path(one.url[1:]).expanduser() for one in media_inputs(request) if one.url.startswith(AT)}
    for one in media_inputs(request):
        if one.url not in found and "://" not in one.url and not one.url.startswith("data:"):
            hint = f"write {one.key}=@{one.url} to upload that file" if Path(one.url).exists() else "or @file"
            raise CommandError(f"{one.key}: {one.url!r} is no URL; {hint}", 2)
    for path in found.values():
        if not path.is_file():
            raise CommandError(f"there is no file {str(path)!r}", 2)
    return found


def wire(request: BaseModel, upload: Callable[[Path], str]) -> dict[str, Any]:
    """Return the JSON object to submit: what was given and nothing else, with every `@file` uploaded once."""
    urls = {text: upload(path) for text, path in files_named(request).items()}
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
