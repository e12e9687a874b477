"""A server's deployment: what is wrong with it, as far as can be told without asking, and its engine."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from math import isfinite

from rushes.engines.deployed import Place
from rushes.engines.engine import Engine
from rushes.engines.server.contract import NUMBERS, Dialect
from rushes.engines.server.dialects import dialect
from rushes.engines.server.wish import Wish
from rushes.routing import ServerDeployment

_SAMPLE = Wish("", "", 16, 16, (16, 16), 1, 1, 1.0, 1, 1.0, 0, shift=1.0, decoding={"decode_timestep": 0.0})
"""A wish with all that a request may hold."""


def complaint(setting: ServerDeployment, environment: Mapping[str, str]) -> str:
    """Return why it can't work: no such dialect or weights, an option that it has not, no key where one is named."""
    try:
        spoken = dialect(setting.dialect)
        setting.secrets(environment)
    except ValueError as error:
        return str(error)
    return _wrong(setting, spoken)


def layout(setting: ServerDeployment, _environment: Mapping[str, str]) -> str:
    """Return what the operator says that it runs."""
    return setting.weights or ""


def engine(setting: ServerDeployment, place: Place) -> Engine:
    """Set it up. Raises ValueError for what `complaint` tells of, which a runner elsewhere may not have heard."""
    # HTTP and picture code that a server, which only looks for complaints, need not load.
    from rushes.engines.server.engine import ServerEngine  # noqa: PLC0415

    spoken = dialect(setting.dialect)
    if found := _wrong(setting, spoken):
        raise ValueError(found)
    return ServerEngine(place.name, spoken, setting, place.secrets, allowed=place.allowed_networks)


def _wrong(setting: ServerDeployment, spoken: Dialect) -> str:
    """Return what of the settings themselves can't be; "" where nothing is."""
    options = (_option(name, word, spoken) for name, word in setting.options.items())
    found = (_what_it_runs(setting, spoken), _renamed(setting, spoken), *options)
    return next((line for line in found if line), "")


def _what_it_runs(setting: ServerDeployment, spoken: Dialect) -> str:
    if setting.network is not None:
        if not spoken.networks:
            return f"network: {spoken.title} runs no model that has a network of our own; give weights"
        folder = f"rushes.engines.{setting.network}"
        known = find_spec(folder) is not None and find_spec(f"{folder}.network") is not None
        return "" if known else f"network: no engine of ours is called {setting.network!r}"
    choice = ", ".join(sorted(spoken.weights))
    if setting.weights is None:
        return f"weights is missing: say what the server runs, one of {choice}"
    if setting.weights not in spoken.weights:
        return f"weights: {spoken.title} is not known to run {setting.weights!r}; it runs {choice}"
    return ""


def _renamed(setting: ServerDeployment, spoken: Dialect) -> str:
    # Of all ways, since which of them the server has is not known before it is asked.
    members = {member for way in spoken.ways for member in (*way.body(_SAMPLE), way.picture)}
    unknown = next((name for name in setting.rename if name not in members), None)
    if unknown is None:
        return ""
    return f"rename: {spoken.title} is sent no member {unknown!r}; there are: {', '.join(sorted(members))}"


def _option(name: str, word: str, spoken: Dialect) -> str:
    if name not in spoken.options:
        return f"options: {spoken.title} has no option {name!r}; there are: {', '.join(sorted(spoken.options))}"
    if name in NUMBERS:
        return "" if _is_number(name, word) else f"options.{name}: {word!r} is no number that it may be"
    allowed = spoken.options[name]
    return "" if word in allowed else f"options.{name}: it may be {' or '.join(allowed)}, got {word!r}"


def _is_number(name: str, word: str) -> bool:
    try:
        number = float(word)
    except ValueError:
        return False
    if name == "steps":
        return word.isascii() and word.isdecimal() and 1 <= number <= 200
    return isfinite(number) and number >= 0
