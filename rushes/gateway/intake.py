"""From body bytes to a checked input: parse, validate against the endpoint's input type, explain every problem at once.

Problems carry fal's error types (protocol 8.2), those that a family's own validators raise included. Unknown members
are left to `unknown`. What becomes of a failed check is the caller's matter: the queue stores it as the job's end, a
direct run answers it.
"""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from rushes.endpoint import Endpoint
from rushes.errors import Failure, Loc, ModelError, Problem
from rushes.gateway.unknown import Unknown, nearest, unknown_members, warnings

SHOWN_CHARS = 1_000  # of a string in `input`: enough to recognise it, and a data URI can have millions
SHOWN_ITEMS = 50  # of a list or an object in `input`
SHOWN_DEPTH = 6
MOST_PROBLEMS = 100
MOST_MARKS = 500_000  # of a body's commas and opening brackets, more than which it has no values
MOST_SEARCHED = 10_000  # of unknown members, for one that was meant to be a missing one

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
    """A body that holds a JSON object: the bytes to store, why it can't be run (if so), and what to warn of.

    `private` when it asks for results that are kept nowhere, so that nothing else of it shall be kept either.
    """

    input: bytes
    failure: Failure | None
    warnings: tuple[str, ...]
    private: bool = False
    request: BaseModel | None = None  # the checked input; None when it failed


def take(endpoint: Endpoint, body: bytes) -> Intake:
    """Check a body; an empty one is {} (R-14). Raises ModelError where it is no JSON object at all."""
    value = _parse(body or b"{}")
    unknown = unknown_members(endpoint.input, value)
    request, failure = _check(endpoint.input, value, unknown)
    private = request is not None and endpoint.delivery(request).form == "data_uri"
    return Intake(body or b"{}", failure, warnings(unknown), private, request)


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
    """Strict JSON: no NaN, no lone surrogates, at most 200 levels. Of repeated members the last one counts.

    Parsing holds up everybody, and 64 MB of empty lists become more than a gigabyte: such bodies are refused unread.
    """
    if len(body) > MOST_MARKS and sum(map(body.count, (b",", b"[", b"{"))) > MOST_MARKS:
        raise ModelError("json_invalid", f"The body has more values than the {MOST_MARKS} that are read")
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise ModelError("json_invalid", f"Invalid JSON: {error}", ctx={"error": str(error)}) from None
    if not isinstance(value, dict):
        raise ModelError("dict_type", f"The body should be a JSON object, not {_json_word(value)}")
    return value


def _check(
    model: type[BaseModel], value: dict[str, Any], unknown: Sequence[Unknown]
) -> tuple[BaseModel | None, Failure | None]:
    """Return the request, or why it is none."""
    try:
        return model.model_validate(value), None
    except ValidationError as error:
        details = error.errors(include_url=False)[:MOST_PROBLEMS]
        beside = _by_place(unknown)
        return None, ModelError.of([_problem(detail, beside) for detail in details]).failure()
    except ModelError as error:
        return None, error.failure()


def _by_place(unknown: Sequence[Unknown]) -> Mapping[Loc, Mapping[str, str]]:
    """Map each object that has unknown members to their names and paths; once, since there may be very many."""
    found: dict[Loc, dict[str, str]] = {}
    for one in unknown[:MOST_SEARCHED]:
        found.setdefault(("body", *one.parent), {})[one.name] = one.path
    return found


def _problem(detail: ErrorDetails, beside: Mapping[Loc, Mapping[str, str]]) -> Problem:
    kind = _RENAMED.get(detail["type"], detail["type"])
    loc: Loc = ("body", *detail["loc"])
    msg, ctx = _wording(kind, detail)
    if kind == "missing" and (near := _misspelt(loc, beside)):
        msg = f"{msg}; the input has {near!r}, did you mean that?"
    return Problem(kind, msg, loc, ctx, shorten(detail["input"]), has_input=True)


def _misspelt(missing: Loc, beside: Mapping[Loc, Mapping[str, str]]) -> str | None:
    """Return the unknown member beside a missing one that may have been meant to be it."""
    members = beside.get(missing[:-1], {})
    near = nearest(str(missing[-1]), members)
    return members[near] if near else None


def _wording(kind: str, detail: ErrorDetails) -> tuple[str, Mapping[str, Any] | None]:
    ctx = {name: _plain(value) for name, value in detail.get("ctx", {}).items()}
    if kind == "one_of":
        return detail["msg"], {**ctx, "expected": _choices(ctx.get("expected", ""))}
    if "field_type" in ctx:  # Pydantic's own words on a length; a family's validator that complains of one has no such
        least, most = ctx.get("min_length"), ctx.get("max_length")
        if kind == "sequence_too_short":
            return f"Sequence should have at least {least} items", {"min_length": least}
        return f"Sequence should have at most {most} items", {"max_length": most}
    return detail["msg"], ctx or None


def _plain(value: Any) -> Any:
    """Leave alone what JSON has a word for; what else a validator put into its context becomes text."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _choices(expected: Any) -> list[Any]:
    """Take apart the validator's "'a', 'b' or 3"; a list is one already."""
    if not isinstance(expected, str):
        return expected if isinstance(expected, list) else [expected]
    try:
        return [literal_eval(choice) for choice in _EXPECTED.findall(expected) if choice != "or"]
    except (ValueError, SyntaxError):  # a family's own words
        return [expected]


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


def _json_word(value: Any) -> str:
    words: Mapping[type, str] = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return words.get(type(value), "a number")
