"""How a deployment of the operator's becomes an engine: by the module `deployed` in the folder of its engine.

Such a module has the functions of `Deployed`. It is read where the server starts and where runners do, so it loads
nothing heavy before an engine is really set up. A new engine is a folder with that module and a table in `routing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol, cast

from rushes import engines
from rushes.engines.engine import Engine
from rushes.engines.residence import Residence
from rushes.outbound.addresses import Network
from rushes.routing import DeploymentBase, NetworkDeployment


@dataclass(frozen=True, slots=True)
class Place:
    """What a deployment is set up with: its name and keys, and what it shares with the others of its process."""

    name: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    residence: Residence = field(default_factory=Residence)
    allowed_networks: tuple[Network, ...] = ()


FETCH = "fetch it with: rushes runner prepare NAME"
"""How a complaint says that something is yet to be fetched; `with_name` puts the deployment's name in."""


class CannotPrepare(ValueError):
    """What a deployment needs could not be fetched; the text says why, and the step that helps."""


class Say(Protocol):
    """How preparing tells what it does: a line at a time; a `passing` one may be overwritten by the next."""

    def __call__(self, line: str, *, passing: bool = False) -> None:
        """Say it."""
        ...


class Deployed(Protocol):
    """What the module `deployed` of an engine's folder has. `setting` is of the class that its table is read into.

    A folder whose deployments need something fetched or installed has `prepare` too (`Prepares`); one whose weights
    have parts that only some endpoints need has `lacking` (`Lacks`).
    """

    def complaint(self, setting: Any, environment: Mapping[str, str]) -> str:
        """Return why the deployment can't work, in a line without its name; "" where nothing is known against it."""
        ...

    def layout(self, setting: Any, environment: Mapping[str, str]) -> str:
        """Return the kind of its weights as `Endpoint.weights` has it; "" where it is unknown or does not matter."""
        ...

    def engine(self, setting: Any, place: Place) -> Engine:
        """Set it up, without loading weights yet. Raises ValueError where it can't be."""
        ...


class Prepares(Protocol):
    """The part of such a module that fetches, only ever when the operator asks for it."""

    def prepare(self, setting: Any, folder: Path, say: Say, *, dry_run: bool = False) -> None:
        """Fetch and install what the deployment needs, going on where an earlier try was cut off.

        `folder` is the data folder. With `dry_run` only say what would be done. Raises CannotPrepare.
        """
        ...


def preparing(setting: DeploymentBase) -> Prepares | None:
    """Return what fetches for a deployment's engine; None where nothing is ever to be fetched."""
    module = deployed(setting)
    return cast(Prepares, module) if hasattr(module, "prepare") else None


class Lacks(Protocol):
    """The part of such a module that knows of weights which serve some endpoints and not others."""

    def lacking(self, setting: Any, environment: Mapping[str, str]) -> Mapping[str, str]:
        """Return the parts (`Endpoint.needs`) that can't be used here, each with why, in a line."""
        ...


def lacking(setting: DeploymentBase, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a deployment lacks that only some endpoints need, each with why; `with_name` puts its name in."""
    module = deployed(setting)
    return cast(Lacks, module).lacking(setting, environment) if hasattr(module, "lacking") else {}


def with_name(complaint: str, name: str) -> str:
    """Put a deployment's name into what is said of it."""
    return complaint.replace(FETCH, FETCH.replace("NAME", name))


def deployed(setting: DeploymentBase) -> Deployed:
    """Import the module of a deployment's engine."""
    # The name is the operator's word, and must not lead to any other module of ours.
    if isinstance(setting, NetworkDeployment) and setting.network not in networks():
        return _NoNetwork()
    return cast(Deployed, import_module(f"rushes.engines.{setting.package}.deployed"))


def networks() -> tuple[str, ...]:
    """Return the networks that there are: the folders whose module `deployed` says that it is one, by `NETWORK`."""
    # Asked of the folders themselves: shared code names no model, and a new one is a new folder.
    folders = [one.name for one in iter_modules(engines.__path__) if one.ispkg]
    modules = {name: f"{engines.__name__}.{name}.deployed" for name in folders}
    return tuple(
        name
        for name, module in modules.items()
        if find_spec(module) is not None and getattr(import_module(module), "NETWORK", False)
    )


class _NoNetwork:
    """Stands in for a network that isn't there, and says so."""

    def complaint(self, setting: NetworkDeployment, _environment: Mapping[str, str]) -> str:
        return f"network: there is no network {setting.network!r}; there are: {', '.join(networks())}"

    def layout(self, _setting: NetworkDeployment, _environment: Mapping[str, str]) -> str:
        return ""

    def engine(self, setting: NetworkDeployment, place: Place) -> Engine:
        raise ValueError(f"deployments.{place.name}: {self.complaint(setting, {})}")
