"""A deployment of weights in diffusers' layout: what is wrong with it, and its engine. See `engines.deployed`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from rushes.engines.checkpoints import is_hub_id
from rushes.engines.deployed import CannotPrepare, Place, Say
from rushes.engines.diffusers.choosing import chosen
from rushes.engines.diffusers.demands import unmet
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.weights import WeightsProblem, inspect
from rushes.engines.engine import Engine
from rushes.engines.weights.fetch import Fetching, Wanted, fetch
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
        found = inspect(setting.model, setting.revision, environment)
    except WeightsProblem as problem:
        return str(problem)
    if missing := [source for source in setting.loras if not Path(source).expanduser().exists()]:
        return f"loras: there is no folder or .safetensors file {missing[0]}"
    return unmet(setting, LAYOUTS[found.layout])


def layout(setting: DiffusersDeployment, environment: Mapping[str, str]) -> str:
    """Return the pipeline's class."""
    with suppress(WeightsProblem):
        return inspect(setting.model, setting.revision, environment).layout
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
    if not Path(setting.model).expanduser().is_dir() and is_hub_id(setting.model):
        fetch(Wanted(setting.model, setting.revision, chosen), Fetching(os.environ, say), dry_run=dry_run)
        if dry_run:
            return
    try:
        found = inspect(setting.model, setting.revision, os.environ)
    except WeightsProblem as problem:
        raise CannotPrepare(str(problem)) from None
    say(f"  ready      {found.name}, {found.layout}, {sum(found.parameters.values()) / 1e9:.2f} billion parameters")
