"""A deployment of weights in diffusers' layout: what is wrong with it, and its engine. See `engines.deployed`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from rushes.engines.checkpoints import find_file, find_lora, in_repository, is_hub_id
from rushes.engines.deployed import CannotPrepare, Place, Say
from rushes.engines.diffusers.choosing import chosen, chosen_file, chosen_network
from rushes.engines.diffusers.demands import unmet
from rushes.engines.diffusers.layouts import LAYOUTS, NETWORKS
from rushes.engines.diffusers.single import parts_of
from rushes.engines.diffusers.variants import weights_of
from rushes.engines.diffusers.weights import WeightsProblem
from rushes.engines.engine import Engine
from rushes.engines.weights.fetch import Choose, Fetching, Wanted, fetch
from rushes.routing import DiffusersDeployment

INSTALL = "pip install 'rushes[diffusers]'"
PACKAGES = (
    "torch", "diffusers", "transformers", "accelerate", "ftfy", "peft", "safetensors", "sentencepiece", "tokenizers",
)  # fmt: skip
"""What the extra brings, by the names that are imported. Some pipelines fail without one only amid a film."""


def complaint(setting: DiffusersDeployment, environment: Mapping[str, str]) -> str:
    """Return why it can't work: the extra is not installed, weights that are missing, broken or of no known kind."""
    if lacking := [package for package in PACKAGES if find_spec(package) is None]:
        return f"the engine isn't installed ({', '.join(lacking)} missing); install it with: {INSTALL}"
    try:
        found = weights_of(setting, environment)
    except WeightsProblem as problem:
        return str(problem)
    return _without_lora(setting, environment) or unmet(setting, LAYOUTS[found.layout])


def layout(setting: DiffusersDeployment, environment: Mapping[str, str]) -> str:
    """Return the pipeline's class."""
    with suppress(WeightsProblem):
        return weights_of(setting, environment).layout
    return ""


def engine(setting: DiffusersDeployment, place: Place) -> Engine:
    """Set it up."""
    # torch and diffusers, which take seconds and come with an extra.
    from rushes.engines.diffusers.engine import DiffusersEngine  # noqa: PLC0415
    from rushes.engines.diffusers.shared import SharedEngine  # noqa: PLC0415

    if len(setting.devices) > 1:
        return SharedEngine(place.name, setting, place.residence)
    if setting.devices:
        setting = setting.model_copy(update={"device": setting.devices[0], "devices": ()})
    return DiffusersEngine(place.name, setting, place.residence)


def prepare(setting: DiffusersDeployment, folder: Path, say: Say, *, dry_run: bool = False) -> None:
    """Fetch the weights into the Hub's cache, unless they lie in a folder; nothing of ours goes into `folder`."""
    fetched = [_fetch(setting.model, setting.revision, chosen, say, dry_run=dry_run)]
    if setting.base is not None:  # after the file, which tells what is not needed of it
        rest = partial(chosen, without=_parts_of_file(setting))
        fetched.append(_fetch(setting.base, setting.base_revision, rest, say, dry_run=dry_run))
    for one in setting.variants.values():
        fetched.append(_fetch(one.model, one.revision, chosen_network, say, dry_run=dry_run))
    for source in setting.loras:
        if in_repository(source)[0]:  # a folder or file of the operator's own is told of where it is missing
            fetched.append(_fetch(source, None, chosen, say, dry_run=dry_run))
    if dry_run and any(fetched):
        return
    try:
        found = weights_of(setting, os.environ)
    except WeightsProblem as problem:
        raise CannotPrepare(str(problem)) from None
    if missing := _without_lora(setting, os.environ):
        raise CannotPrepare(missing)
    for weights in (found, *found.variants.values()):
        count = sum(weights.parameters.values()) / 1e9
        say(f"  ready      {weights.name}, {weights.layout}, {count:.2f} billion parameters")


def _fetch(model: str, revision: str | None, choose: Choose, say: Say, *, dry_run: bool) -> bool:
    """Fetch what is needed of a repository, or one file of it; say whether that is where it comes from."""
    repository, path = in_repository(model)
    if Path(model).expanduser().exists() or not (repository or is_hub_id(model)):
        return False
    wanted = Wanted(model, revision, choose)
    if repository:
        wanted = Wanted(repository, revision, lambda listing, _: chosen_file(path, listing))
    fetch(wanted, Fetching(os.environ, say), dry_run=dry_run)
    return True


def _without_lora(setting: DiffusersDeployment, environment: Mapping[str, str]) -> str:
    """Return why one of its LoRAs can't be used; "" where all are here."""
    try:
        for source in setting.loras:
            find_lora(source, environment)
    except WeightsProblem as problem:
        return f"loras: {problem}"
    return ""


def _parts_of_file(setting: DiffusersDeployment) -> tuple[str, ...]:
    """Return what the file has; before it was fetched, that it has a network is all that is known."""
    try:
        return parts_of(find_file(setting.model, setting.revision, os.environ))
    except WeightsProblem:
        return NETWORKS
