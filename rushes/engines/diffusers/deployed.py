"""A deployment of weights in diffusers' layout: what is wrong with it, and its engine. See `engines.deployed`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec

from rushes.engines.deployed import Place
from rushes.engines.diffusers.weights import WeightsProblem, inspect
from rushes.engines.engine import Engine
from rushes.routing import DiffusersDeployment


def complaint(setting: DiffusersDeployment, environment: Mapping[str, str]) -> str:
    """Return why it can't work: the extra is not installed, weights that are missing, broken or of no known kind."""
    if any(find_spec(module) is None for module in ("torch", "diffusers")):
        return "the engine isn't installed; install it with: pip install 'rushes[diffusers]'"
    try:
        inspect(setting.model, setting.revision, environment)
    except WeightsProblem as problem:
        return str(problem)
    return ""


def layout(setting: DiffusersDeployment, environment: Mapping[str, str]) -> str:
    """Return the pipeline's class."""
    with suppress(WeightsProblem):
        return inspect(setting.model, setting.revision, environment).layout
    return ""


def engine(setting: DiffusersDeployment, place: Place) -> Engine:
    """Set it up."""
    # torch and diffusers, which take seconds and come with an extra.
    from rushes.engines.diffusers.engine import DiffusersEngine  # noqa: PLC0415

    return DiffusersEngine(place.name, setting, place.residence)
