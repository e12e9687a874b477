"""What a runner can hold: deployments by name, set up when the runner starts, and the routes that they lead.

Built-in engines stand here as import paths and not as classes, so that reading the table loads no engine; those that an
operator sets up are found by their folders (`engines.deployed`). What is wrong with the settings is found here too,
before anything starts.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from importlib import import_module

from rushes.endpoint import Endpoint
from rushes.engines.deployed import Place, deployed, lacking, with_name
from rushes.engines.engine import Engine
from rushes.engines.residence import Residence
from rushes.routing import is_remote, route_of
from rushes.settings import Settings
from rushes.work.tools import Deployment

ENGINES: Mapping[str, str] = {
    "animatic": "rushes.engines.animatic.engine:AnimaticEngine",
    "echo": "rushes.engines.echo:Echo",
}

KEYS_VARIABLE = "RUSHES_DEPLOYMENT_KEYS"
"""Holds a local process's keys as JSON; they were resolved where the server started."""

Keys = Mapping[str, tuple[str, ...]]
"""The keys of deployments that have some, by the deployments' names."""

Routes = Mapping[str, tuple[Deployment, ...]]
"""The deployments that serve an endpoint, in order, by the endpoint's id."""


LOG = logging.getLogger(__name__)


class UnknownDeployment(Exception):
    """A deployment was named that no engine stands behind."""


def keys_of(settings: Settings, environment: Mapping[str, str]) -> Keys:
    """Return all deployments' keys. Raises ValueError where a variable that should hold one is empty."""
    found = {name: one.secrets(environment) for name, one in settings.deployments.items()}
    return {name: keys for name, keys in found.items() if keys}


def take_keys(settings: Settings) -> Keys:
    """Take this process's keys out of its environment, so that nothing that is started here inherits them."""
    told = os.environ.pop(KEYS_VARIABLE, None)
    found = keys_of(settings, os.environ) if told is None else json.loads(told)
    for name in key_variables(settings):
        os.environ.pop(name, None)
    return {name: tuple(keys) for name, keys in found.items()}


def key_variables(settings: Settings) -> frozenset[str]:
    """Return the environment variables that hold keys."""
    return frozenset().union(*(one.key_variables for one in settings.deployments.values()))


def leaders(settings: Settings, endpoints: Mapping[str, Endpoint]) -> frozenset[str]:
    """Return the deployments that come first for some endpoint."""
    return frozenset(route[0] for route in _names(settings, endpoints).values() if route)


def remote_leaders(settings: Settings, endpoints: Mapping[str, Endpoint]) -> tuple[str, ...]:
    """Return those of them that have their work done elsewhere, in the order of the settings."""
    first = leaders(settings, endpoints)
    return tuple(name for name in settings.deployments if name in first and is_remote(name, settings.deployments))


def load(
    wanted: Collection[str], endpoints: Mapping[str, Endpoint], settings: Settings, keys: Keys | None = None
) -> Routes:
    """Set up every deployment on the routes that the wanted ones lead, and return those. Raises UnknownDeployment."""
    for name in wanted:
        _check_known(name, settings)
    led = {served: route for served, route in _names(settings, endpoints).items() if route and route[0] in wanted}
    # Those that follow on the routes too: where a leader can't, the next must be here. Each is loaded once.
    needed = dict.fromkeys(name for route in led.values() for name in route)
    for name in needed:
        for line in _unserved(name, endpoints.values(), settings, os.environ):
            LOG.warning(line)
    residence = Residence()  # of all weights in this process
    loaded = {name: _load(name, settings, keys or {}, residence) for name in needed}
    return {served: tuple(loaded[name] for name in route) for served, route in led.items()}


def complaints(settings: Settings, endpoints: Mapping[str, Endpoint], environment: Mapping[str, str]) -> list[str]:
    """Return what is wrong with deployments and routes, a line each; nothing is loaded or asked."""
    # Without runners of its own a server needs no weights: they are on the machine where its runners are.
    here = [name for name, one in settings.deployments.items() if one.remote or settings.runners]
    found = [_complaint(name, settings, environment) for name in here]
    for pattern in settings.routes:
        if not any(fnmatchcase(name, pattern) for name in endpoints):
            found.append(f"routes: no endpoint is called {pattern!r}")
    for one in endpoints.values():
        if not _route(one, settings):
            found.append(f"routes: none of the deployments that are named for {one.id} can serve it")
    for name in here:
        led = [one for one in endpoints.values() if name in _route(one, settings)]
        found.extend(_unserved(name, led, settings, environment))
    found += _unasked(settings, endpoints)
    return [line for line in (*found, *_misfits(settings, endpoints, environment)) if line]


def _complaint(name: str, settings: Settings, environment: Mapping[str, str]) -> str:
    setting = settings.deployments[name]
    found = deployed(setting).complaint(setting, environment)
    return f"deployments.{name}: {with_name(found, name)}" if found else ""


def _unasked(settings: Settings, endpoints: Mapping[str, Endpoint]) -> list[str]:
    """Say of variants which no request will ever ask for: a name that is mistyped would change nothing, silently."""
    routes = _names(settings, endpoints)
    asked = {
        name: {one for served, route in routes.items() if name in route for one in endpoints[served].variants}
        for name in settings.deployments
    }
    return [
        f"deployments.{name}: variants: no endpoint that is led here asks for {variant!r}; "
        + (f"they ask for: {', '.join(sorted(asked[name]))}" if asked[name] else "none of them asks for any")
        for name, setting in settings.deployments.items()
        for variant in sorted(setting.named_variants - asked[name])
        if any(name in route for route in routes.values())
    ]


def _misfits(settings: Settings, endpoints: Mapping[str, Endpoint], environment: Mapping[str, str]) -> list[str]:
    """Say of every route which of its weights can't serve the endpoint; those that can't be read are told of before."""
    layouts = {name: deployed(one).layout(one, environment) for name, one in settings.deployments.items()}
    return [
        f"routes: {served} is led to the deployment {name!r}, whose weights are {layouts[name]}; it takes: "
        + ", ".join(endpoints[served].weights)
        for served, route in _names(settings, endpoints).items()
        for name in route
        if layouts.get(name) and layouts[name] not in endpoints[served].weights
    ]


def _unserved(
    name: str, endpoints: Iterable[Endpoint], settings: Settings, environment: Mapping[str, str]
) -> Iterator[str]:
    """Say which of these a deployment can't serve since its weights lack a part that others do without."""
    setting = settings.deployments.get(name)
    missing = lacking(setting, environment) if setting is not None else {}
    for part, why in missing.items():
        cut = [one.id for one in endpoints if part in one.needs]
        if cut:
            yield f"deployments.{name}: {', '.join(cut)} can't be served: {with_name(why, name)}"


def _names(settings: Settings, endpoints: Mapping[str, Endpoint]) -> dict[str, tuple[str, ...]]:
    return {one.id: _route(one, settings) for one in endpoints.values()}


def _route(endpoint: Endpoint, settings: Settings) -> tuple[str, ...]:
    return route_of(endpoint.id, endpoint.engines, settings.routes, settings.deployments)


def _check_known(name: str, settings: Settings) -> None:
    known: Iterable[str] = sorted({*ENGINES, *settings.deployments})
    if name not in known:
        raise UnknownDeployment(f"no deployment is called {name!r}; there are: {', '.join(known)}")


def _load(name: str, settings: Settings, keys: Keys, residence: Residence) -> Deployment:
    setting = settings.deployments.get(name)
    if setting is not None:
        place = Place(name, keys.get(name, ()), residence, tuple(settings.allowed_networks))
        try:
            made = deployed(setting).engine(setting, place)
        except ValueError as error:
            raise UnknownDeployment(str(error)) from None
        return Deployment(name, setting.kind, made, made.load())
    module, _, class_name = ENGINES[name].partition(":")
    engine: Engine = getattr(import_module(module), class_name)()
    return Deployment(name, name, engine, engine.load())
