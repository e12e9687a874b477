"""From body bytes to a checked input: parse, validate against the endpoint's input type, explain every problem at once.

Problems carry fal's error types (protocol 8.2). Unknown members are ignored but named in a warning, since a misspelt
option that silently does nothing is the costliest mistake a caller can make. What becomes of a failed check is the
caller's matter: the queue stores it as the job's end, a direct run answers it.
"""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from math import isfinite
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from rushes.endpoint import Endpoint
from rushes.errors import Failure, Loc, ModelError, Problem

SHOWN_CHARS = 1_000  # of a string in `input`: enough to recognise it, and a data URI can have millions
SHOWN_ITEMS = 50  # of a list or an object in `input`
SHOWN_DEPTH = 6
MOST_PROBLEMS = 100
MOST_WARNINGS = 20

# Pydantic's words that fal calls something else. Types not named here go out as they are.
_RENAMED: Mapping[str, str] = {
    "literal_error": "one_of",
    "enum": "one_of",
    "too_short": "sequence_too_short",
    "too_long": "sequence_too_long",
}
_EXPECTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,]+""")


@dataclass(frozen=True, slots=True)
class Intake:
    """A body that holds a JSON object: the bytes to store, why it can't be run (if so), and what to warn of."""

    input: bytes
    failure: Failure | None
    warnings: tuple[str, ...]


def take(endpoint: Endpoint, body: bytes) -> Intake:
    """Check a body; an empty one is {} (R-14). Raises ModelError where it is no JSON object at all."""
    value = _parse(body or b"{}")
    known = _names(endpoint.input)
    unknown = [name for name in value if name not in known]
    return Intake(body or b"{}", _check(endpoint.input, value, unknown), _warnings(unknown, known))


def from_query(members: Iterable[tuple[str, str]]) -> bytes:
    """Turn a query string's members into a body, for runs by GET; a name given twice is a list."""
    values: dict[str, Any] = {}
    for name, text in members:
        if name in values:
            before = values[name]
            values[name] = [*before, text] if isinstance(before, list) else [before, text]
        else:
            values[name] = text
    return json.dumps(values).encode()


def _parse(body: bytes) -> dict[str, Any]:
    """Strict JSON: no NaN, no lone surrogates, at most 200 levels. Of repeated members the last one counts."""
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise ModelError("json_invalid", f"Invalid JSON: {error}", ctx={"error": str(error)}) from None
    if not isinstance(value, dict):
        raise ModelError("dict_type", f"The body should be a JSON object, not {_json_word(value)}")
    return value


def _check(model: type[BaseModel], value: dict[str, Any], unknown: list[str]) -> Failure | None:
    try:
        model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False)[:MOST_PROBLEMS]
        return ModelError.of([_problem(detail, unknown) for detail in details]).failure()
    except ModelError as error:
        return error.failure()
    return None


def _problem(detail: ErrorDetails, unknown: list[str]) -> Problem:
    kind = _RENAMED.get(detail["type"], detail["type"])
    loc: Loc = ("body", *detail["loc"])
    msg, ctx = _wording(kind, detail)
    if kind == "missing" and len(loc) == 2 and (near := _near(str(loc[1]), unknown)):
        msg = f"{msg}; the input has {near!r}, did you mean that?"
    return Problem(kind, msg, loc, ctx, shorten(detail["input"]), has_input=True)


def _wording(kind: str, detail: ErrorDetails) -> tuple[str, Mapping[str, Any] | None]:
    ctx = detail.get("ctx", {})
    if kind == "one_of":
        return detail["msg"], {"expected": _choices(ctx.get("expected", ""))}
    if kind == "sequence_too_short":
        return f"Sequence should have at least {ctx['min_length']} items", {"min_length": ctx["min_length"]}
    if kind == "sequence_too_long":
        return f"Sequence should have at most {ctx['max_length']} items", {"max_length": ctx["max_length"]}
    plain = {name: value if isinstance(value, str | int | float) else str(value) for name, value in ctx.items()}
    return detail["msg"], plain or None


def _choices(expected: str) -> list[Any]:
    """Take apart the validator's "'a', 'b' or 3"."""
    return [literal_eval(choice) for choice in _EXPECTED.findall(expected) if choice != "or"]


def shorten(value: Any, depth: int = 0) -> Any:
    """Cut a value down to something that can be shown: a data URI alone may have millions of characters."""
    if isinstance(value, str):
        return value if len(value) <= SHOWN_CHARS else value[:SHOWN_CHARS]
    if isinstance(value, dict | list) and depth >= SHOWN_DEPTH:
        return "…"
    if isinstance(value, dict):
        pairs = list(value.items())[:SHOWN_ITEMS]
        return {shorten(str(name)): shorten(item, depth + 1) for name, item in pairs}
    if isinstance(value, list):
        return [shorten(item, depth + 1) for item in value[:SHOWN_ITEMS]]
    if isinstance(value, int) and value.bit_length() > 1_024:  # the json module refuses to write very long ones
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, float) and not isfinite(value):  # JSON has no word for it
        return str(value)
    return value


def _warnings(unknown: list[str], known: frozenset[str]) -> tuple[str, ...]:
    lines = []
    for name in unknown[:MOST_WARNINGS]:
        near = _near(name, known)
        lines.append(f"Unknown field {name[:100]!r} was ignored" + (f"; did you mean {near!r}?" if near else ""))
    if len(unknown) > MOST_WARNINGS:
        lines.append(f"{len(unknown) - MOST_WARNINGS} more unknown fields were ignored")
    return tuple(lines)


def _near(name: str, among: Iterable[str]) -> str | None:
    candidates = [other for other in among if len(other) <= 100]
    found = get_close_matches(name[:100], candidates[:100], n=1, cutoff=0.7)
    return found[0] if found else None


@lru_cache(maxsize=1024)
def _names(model: type[BaseModel]) -> frozenset[str]:
    fields = model.model_fields
    return frozenset(fields) | {info.alias for info in fields.values() if info.alias}


def _json_word(value: Any) -> str:
    words: Mapping[type, str] = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return words.get(type(value), "a number")
