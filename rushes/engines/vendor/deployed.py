"""A vendor's deployment: what is wrong with it, and its engine. See `engines.deployed`."""

from __future__ import annotations

from collections.abc import Mapping

from rushes.engines.deployed import Place
from rushes.engines.engine import Engine
from rushes.engines.vendor.contract import Vendor
from rushes.engines.vendor.vendors import names, vendor
from rushes.routing import VendorDeployment


def complaint(setting: VendorDeployment, environment: Mapping[str, str]) -> str:
    """Return why it can't work: no such vendor, no key or one of another form, an option that it doesn't know."""
    if setting.vendor not in names():
        return f"no vendor is called {setting.vendor!r}; there are: {', '.join(names())}"
    made = vendor(setting.vendor)
    try:
        secrets = setting.secrets(environment)
    except ValueError as error:
        return str(error)
    for number, secret in enumerate(secrets, 1):
        parts = secret.split(":", made.key_form.count(":"))  # the last one may hold colons of its own
        if made.key_form and not (len(parts) == len(made.key_form.split(":")) and all(parts)):
            return f"key {number} is not of the form {made.key_form}"
    return next((line for name, word in setting.options.items() if (line := _wrong(name, word, made))), "")


def layout(_setting: VendorDeployment, _environment: Mapping[str, str]) -> str:
    """No weights of ours."""
    return ""


def engine(setting: VendorDeployment, place: Place) -> Engine:
    """Set it up. Raises UnknownVendor."""
    # HTTP and picture code that a server, which only looks for complaints, need not load.
    from rushes.engines.vendor.engine import VendorEngine  # noqa: PLC0415

    made = vendor(setting.vendor)
    return VendorEngine(place.name, made, setting, place.secrets, allowed=place.allowed_networks)


def _wrong(name: str, word: str, made: Vendor) -> str:
    """Say what is wrong with an option, "" where nothing is."""
    if name not in made.options:
        return f"options: {made.name} has no option {name!r}; there are: {', '.join(made.options) or 'none'}"
    allowed = made.options[name]
    return f"options.{name}: it may be {' or '.join(allowed)}, got {word!r}" if allowed and word not in allowed else ""
