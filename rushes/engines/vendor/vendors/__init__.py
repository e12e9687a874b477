"""The vendors: a file for each, named as settings name it, with a `VENDOR` in it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rushes.engines.vendor.contract import Vendor


class UnknownVendor(ValueError):
    """No file is called so."""


def names() -> tuple[str, ...]:
    """Return the names of all vendors."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def vendor(name: str) -> Vendor:
    """Import one. Raises UnknownVendor."""
    if name not in names():
        raise UnknownVendor(f"no vendor is called {name!r}; there are: {', '.join(names())}")
    found: Vendor = import_module(f"{__name__}.{name}").VENDOR
    return found
