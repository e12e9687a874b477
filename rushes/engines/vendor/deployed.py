"""A vendor's deployment: what is wrong with it, and its engine. See `engines.deployed`."""

from __future__ import annotations

from collections.abc import Mapping

from rushes.engines.deployed import Place
from rushes.engines.engine import Engine
from rushes.engines.vendor.vendors import names, vendor
from rushes.routing import VendorDeployment


def complaint(setting: VendorDeployment, environment: Mapping[str, str]) -> str:
    """Return why it can't work: no such vendor, no key."""
    if setting.vendor not in names():
        return f"no vendor is called {setting.vendor!r}; there are: {', '.join(names())}"
    try:
        setting.secrets(environment)
    except ValueError as error:
        return str(error)
    return ""


def layout(_setting: VendorDeployment, _environment: Mapping[str, str]) -> str:
    """No weights of ours."""
    return ""


def engine(setting: VendorDeployment, place: Place) -> Engine:
    """Set it up. Raises UnknownVendor."""
    # HTTP and picture code that a server, which only looks for complaints, need not load.
    from rushes.engines.vendor.engine import VendorEngine  # noqa: PLC0415

    made = vendor(setting.vendor)
    return VendorEngine(place.name, made, setting, place.secrets, allowed=place.allowed_networks)
