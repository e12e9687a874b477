"""A deployment of a model's own repository: what is wrong with it, its engine, and what it needs.

See `engines.deployed`. The recipe is read and folders are looked into; nothing is run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rushes.engines.deployed import CannotPrepare, Place, Say
from rushes.engines.engine import Engine
from rushes.engines.upstream.recipe import RecipeProblem
from rushes.engines.upstream.setup import Setup
from rushes.routing import UpstreamDeployment


def complaint(setting: UpstreamDeployment, environment: Mapping[str, str]) -> str:
    """Return why it can't work: a recipe or variant that isn't there, a wrong folder, or what is not prepared."""
    try:
        return Setup.of(setting).missing(environment)
    except RecipeProblem as problem:
        return str(problem)


def layout(setting: UpstreamDeployment, _environment: Mapping[str, str]) -> str:
    """Return the kind of weights that the recipe names."""
    with suppress(RecipeProblem):
        return Setup.of(setting).recipe.layout
    return ""


def engine(setting: UpstreamDeployment, place: Place) -> Engine:
    """Set it up."""
    # OpenCV, NumPy and PyAV, which the server's own process does without.
    from rushes.engines.upstream.engine import UpstreamEngine  # noqa: PLC0415

    return UpstreamEngine(place.name, Setup.of(setting), place.residence)


def prepare(setting: UpstreamDeployment, _folder: Path, say: Say, *, dry_run: bool = False) -> None:
    """Fetch the source and the weights, and make the environment."""
    # HTTP and TLS, of which a server that only looks at its settings needs none.
    from rushes.engines.upstream.prepare import prepare as prepared  # noqa: PLC0415

    try:
        prepared(Setup.of(setting), os.environ, say, dry_run=dry_run)
    except RecipeProblem as problem:
        raise CannotPrepare(str(problem)) from None
