"""Members of an input that its type doesn't know, at any depth, and what they may have meant.

They are ignored (protocol E-03), but a misspelt option that silently does nothing is the costliest mistake a caller can
make; hence a warning for each. Whether the input is valid is judged in `intake`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from rushes.errors import Loc
from rushes.fields import nested_types

MOST_WARNINGS = 20
_SHOWN_CHARS = 100
_MOST_COMPARED = 100  # difflib is slow, and a caller may send any number of names


class Unknown(NamedTuple):
    """A member that no type knows: where it stands, below the input, and which names its neighbours could have had.

    A tuple, since a body may have a million of them and frozen dataclasses take several times as long to make.
    """

    parent: Loc
    name: str
    known: frozenset[str]

    @property
    def path(self) -> str:
        """Its name with those above it: voice_setting.sped."""
        return dotted(self.parent, self.name)


def unknown_members(model: type[BaseModel], value: Mapping[str, Any]) -> list[Unknown]:
    """Find all of them, outermost first."""
    found: list[Unknown] = []
    _collect((model,), value, (), found)
    return found


def warnings(unknown: Sequence[Unknown]) -> tuple[str, ...]:
    """Put each into a line of the job's log; of very many, the first ones and their number."""
    lines = []
    for one in unknown[:MOST_WARNINGS]:
        near = nearest(one.name, one.known)
        hint = f"; did you mean {dotted(one.parent, near)!r}?" if near else ""
        lines.append(f"Unknown field {dotted(one.parent, one.name[:_SHOWN_CHARS])!r} was ignored{hint}")
    if len(unknown) > MOST_WARNINGS:
        lines.append(f"{len(unknown) - MOST_WARNINGS} more unknown fields were ignored")
    return tuple(lines)


def nearest(name: str, among: Iterable[str]) -> str | None:
    """Return the name that a mistyped one may have meant; None where none is near."""
    # Both cut: the time that a comparison takes grows with the product of the lengths.
    candidates = [other for other in among if len(other) <= _SHOWN_CHARS]
    found = get_close_matches(name[:_SHOWN_CHARS], candidates[:_MOST_COMPARED], n=1, cutoff=0.7)
    return found[0] if found else None


def dotted(parent: Loc, name: str) -> str:
    """Write a place as callers write it: image_urls.0, voice_setting.speed."""
    return ".".join(str(part) for part in (*parent, name))


def _collect(models: tuple[type[BaseModel], ...], value: Mapping[str, Any], at: Loc, found: list[Unknown]) -> None:
    known = _names(models)  # of all alternatives of a union: which one was meant is not known here
    found += [Unknown(at, name, known) for name in value if name not in known]
    for name, inner in _nested(models).items():
        if name in value:
            for place, item in _objects(value[name], (*at, name)):
                _collect(inner, item, place, found)


def _objects(value: Any, at: Loc) -> Iterator[tuple[Loc, Mapping[str, Any]]]:
    """Yield the object, or the list's objects; what is of another type is the validation's to complain about."""
    if isinstance(value, dict):
        yield at, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects(item, (*at, index))


@lru_cache(maxsize=1024)
def _names(models: tuple[type[BaseModel], ...]) -> frozenset[str]:
    fields = [(name, info) for model in models for name, info in model.model_fields.items()]
    return frozenset(name for name, _ in fields) | {info.alias for _, info in fields if info.alias}


@lru_cache(maxsize=1024)
def _nested(models: tuple[type[BaseModel], ...]) -> Mapping[str, tuple[type[BaseModel], ...]]:
    """Map each member that holds objects of known types to these types."""
    found: dict[str, tuple[type[BaseModel], ...]] = {}
    for model in models:
        for name, info in model.model_fields.items():
            if inner := nested_types(info.annotation):
                found |= dict.fromkeys((name, info.alias or name), inner)
    return found
