"""What a runner can hold: kinds of engines by name, loaded when the runner starts.

The table has import paths and not classes, so that reading it loads no engine; the import happens in the runner's
process. A deployment without settings of its own is named like its kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module

from rushes.endpoint import Endpoint
from rushes.engines.engine import Engine
from rushes.work.tools import Deployment

ENGINES: Mapping[str, str] = {
    "animatic": "rushes.engines.animatic.engine:AnimaticEngine",
    "echo": "rushes.engines.echo:Echo",
}


class UnknownDeployment(Exception):
    """A deployment was named that no engine stands behind."""


def load(names: Iterable[str]) -> tuple[Deployment, ...]:
    """Import and load each engine, in the order given. Raises UnknownDeployment."""
    return tuple(_load(name) for name in names)


def _load(name: str) -> Deployment:
    path = ENGINES.get(name)
    if path is None:
        raise UnknownDeployment(f"no deployment is called {name!r}; there are: {', '.join(sorted(ENGINES))}")
    module, _, class_name = path.partition(":")
    engine: Engine = getattr(import_module(module), class_name)()
    return Deployment(name, name, engine, engine.load())


def serving(deployments: Iterable[Deployment], endpoints: Mapping[str, Endpoint]) -> Mapping[str, Deployment]:
    """Return, for each endpoint that one of them can serve, the first that can."""
    found: dict[str, Deployment] = {}
    for deployment in deployments:
        for endpoint in endpoints.values():
            if deployment.kind in endpoint.engines:
                found.setdefault(endpoint.id, deployment)
    return found
