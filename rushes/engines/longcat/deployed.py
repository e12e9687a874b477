"""A deployment of this network: what is wrong with it, and its engine. See `engines.deployed`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from rushes.engines.checkpoints import WeightsProblem, find_file, in_repository, is_hub_id, shapes_in
from rushes.engines.deployed import CannotPrepare, Place, Say
from rushes.engines.diffusers.choosing import chosen_file
from rushes.engines.engine import Engine
from rushes.engines.longcat.filling import fill
from rushes.engines.longcat.official import LAYOUT, chosen, inspect
from rushes.engines.weights.fetch import Fetching, Wanted, fetch
from rushes.routing import NetworkDeployment

NETWORK = True
_DEVICE = re.compile(r"cpu|mps|cuda(:\d+)?")


def complaint(setting: NetworkDeployment, environment: Mapping[str, str]) -> str:
    """Return why it can't work: the extra is not installed, weights or LoRAs that are missing, broken or don't fit."""
    if any(find_spec(module) is None for module in ("torch", "diffusers", "transformers")):
        return "the engine isn't installed; install it with: pip install 'rushes[diffusers]'"
    if setting.device is not None and not _DEVICE.fullmatch(setting.device):
        return f"device: {setting.device!r} is none; name cuda, cuda:NUMBER, mps or cpu"
    if setting.compile and setting.offload == "group":
        return 'compile: blocks that wait in ordinary memory can\'t be compiled; set offload to "none" or "model"'
    try:
        inspect(setting.model, setting.revision, environment)
        _check_loras(setting, environment)
    except WeightsProblem as problem:
        return str(problem)
    return ""


def layout(setting: NetworkDeployment, environment: Mapping[str, str]) -> str:
    """Return the weights' name; there is one kind."""
    with suppress(WeightsProblem):
        inspect(setting.model, setting.revision, environment)
        return LAYOUT
    return ""


def lacking(setting: NetworkDeployment, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the official LoRAs that can't be used, each with why."""
    with suppress(WeightsProblem):
        return inspect(setting.model, setting.revision, environment).lacking
    return {}


def engine(setting: NetworkDeployment, place: Place) -> Engine:
    """Set it up."""
    # torch and diffusers, which take seconds and come with an extra.
    from rushes.engines.longcat.engine import LongCatEngine  # noqa: PLC0415

    return LongCatEngine(place.name, setting, place.residence)


def prepare(setting: NetworkDeployment, folder: Path, say: Say, *, dry_run: bool = False) -> None:
    """Fetch the weights into the Hub's cache, or what a folder of the operator's lacks into that.

    Nothing of ours goes into `folder`.
    """
    own = Path(setting.model).expanduser()
    if own.is_dir() or not is_hub_id(setting.model):
        is_incomplete = fill(own, os.environ, say, dry_run=dry_run)
    else:
        fetch(Wanted(setting.model, setting.revision, chosen), Fetching(os.environ, say), dry_run=dry_run)
        is_incomplete = True
    for source in setting.loras:
        is_incomplete |= _fetch_lora(source, say, dry_run=dry_run)
    if dry_run and is_incomplete:
        return
    try:
        found = inspect(setting.model, setting.revision, os.environ)
        _check_loras(setting, os.environ)
    except WeightsProblem as problem:
        raise CannotPrepare(str(problem)) from None
    say(f"  ready      {found.name}, {LAYOUT}, {found.parameters['dit'] / 1e9:.2f} billion parameters in the network")


def _fetch_lora(source: str, say: Say, *, dry_run: bool) -> bool:
    """Fetch a LoRA that is named as ORGANISATION/NAME/FILE; say whether it is."""
    repository, path = in_repository(source)
    if not repository or Path(source).expanduser().is_file():
        return False
    wanted = Wanted(repository, None, lambda listing, _: chosen_file(path, listing))
    fetch(wanted, Fetching(os.environ, say), dry_run=dry_run)
    return True


def _check_loras(setting: NetworkDeployment, environment: Mapping[str, str]) -> None:
    """Raise WeightsProblem for one that isn't there, or of which bytes are missing."""
    for source in setting.loras:
        try:
            path = find_file(source, None, environment)
        except WeightsProblem as problem:
            raise WeightsProblem(f"loras: {problem}") from None
        shapes_in(path, "fetch it again")
