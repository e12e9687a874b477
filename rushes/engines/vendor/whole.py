"""Outputs that a vendor gives whole, in the endpoint's own schema: where files stand, and what replaces them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ADDRESS = "url"
"""The member by which an output's object is a file."""


def addresses(value: Any) -> Iterator[str]:
    """Yield the addresses of the files in an output, in its order."""
    if isinstance(value, Mapping):
        if isinstance(value.get(ADDRESS), str):
            yield value[ADDRESS]
        else:
            for item in value.values():
                yield from addresses(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from addresses(item)


def with_files(value: Any, files: Sequence[Mapping[str, Any]]) -> Any:
    """Return an output in which the files are these, in the order of `addresses`; other members of a file stay."""
    rest = iter(files)

    def changed(item: Any) -> Any:
        if isinstance(item, Mapping):
            if isinstance(item.get(ADDRESS), str):
                return {**item, **next(rest)}
            return {name: changed(inner) for name, inner in item.items()}
        if isinstance(item, list | tuple):
            return [changed(inner) for inner in item]
        return item

    return changed(value)
