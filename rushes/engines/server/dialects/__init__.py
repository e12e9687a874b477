"""The dialects: a file for each, named as settings name it but for its dashes, with a `DIALECT` in it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rushes.engines.server.contract import Dialect


class UnknownDialect(ValueError):
    """No file is called so."""


def names() -> tuple[str, ...]:
    """Return the names of all dialects."""
    return tuple(sorted(module.name.replace("_", "-") for module in iter_modules(__path__)))


def dialect(name: str) -> Dialect:
    """Import one. Raises UnknownDialect."""
    if name not in names():
        raise UnknownDialect(f"no dialect is called {name!r}; there are: {', '.join(names())}")
    found: Dialect = import_module(f"{__name__}.{name.replace('-', '_')}").DIALECT
    return found
