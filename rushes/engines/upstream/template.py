"""Templates with typed placeholders: words of a command, JSON and variables, filled in without any shell. Pure.

    "--seed={seed}"          text with a value in it
    "{seed}"                 alone, the value itself with its type: a number stays a number in JSON
    ["--image", "{picture}"] words that are left out together where one of their values is absent
    "{{"                     a brace

A value that is absent (None) leaves out the word, the member or the element that consists of it; a name that is
unknown is the recipe's mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Values = Mapping[str, Any]
"""What placeholders may name; None is absent."""

Word = str | tuple[str, ...]

_PIECE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]")
_ALONE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class TemplateProblem(ValueError):
    """A template can't be filled in; the text says which and why."""


def names_in(template: Any) -> Iterator[str]:
    """Yield the names of all placeholders in a template of any depth. Raises TemplateProblem for a lone brace."""
    if isinstance(template, str):
        for piece in _PIECE.finditer(template):
            if piece[0] in ("{", "}"):
                raise TemplateProblem(f"{template!r} has a lone {piece[0]}; write {piece[0] * 2} for the sign itself")
            if piece[1]:
                yield piece[1]
    elif isinstance(template, Mapping):
        for one in template.values():
            yield from names_in(one)
    elif isinstance(template, list | tuple):
        for one in template:
            yield from names_in(one)


def text(template: str, values: Values) -> str | None:
    """Fill in a text; None where a value in it is absent."""
    if any(_value(name, template, values) is None for name in names_in(template)):
        return None

    def fill(piece: re.Match[str]) -> str:  # what is filled in is not looked at again: a prompt may hold braces
        return piece[0][0] if piece[1] is None else _spelled(values[piece[1]])

    return _PIECE.sub(fill, template)


def filled(template: Any, values: Values) -> Any:
    """Fill in JSON; a placeholder that stands alone keeps its value's type. None where all of it is absent."""
    if isinstance(template, str):
        alone = _ALONE.fullmatch(template)
        return _value(alone[1], template, values) if alone else text(template, values)
    if isinstance(template, Mapping):
        members = ((name, filled(one, values)) for name, one in template.items())
        return {name: one for name, one in members if one is not None}
    if isinstance(template, list | tuple):
        return [one for one in (filled(one, values) for one in template) if one is not None]
    return template


def words(template: Iterable[Word], values: Values) -> list[str]:
    """Fill in a command; a group of words is left out as a whole."""
    command: list[str] = []
    for one in template:
        group = [text(word, values) for word in ((one,) if isinstance(one, str) else one)]
        if None not in group:
            command += [word for word in group if word is not None]
    return command


def _value(name: str, template: str, values: Values) -> Any:
    if name not in values:
        raise TemplateProblem(f"{template!r} names {name!r}; there are: {', '.join(sorted(values))}")
    return values[name]


def _spelled(value: Any) -> str:
    """Write a value as programs read it on their command line: 4 and not 4.0, true and not True."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
