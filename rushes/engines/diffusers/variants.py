"""A deployment's weights with their variants: other weights whose network takes the place of the first ones'.

What else a variant has must be configured alike, since it isn't loaded; as far as its configurations are there to be
compared. Reads names, JSON and the heads of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rushes.engines.checkpoints import find, find_file, named, read_json
from rushes.engines.diffusers.layouts import NETWORKS
from rushes.engines.diffusers.single import file_remedy, name_of, read_single, weights_of_file
from rushes.engines.diffusers.weights import (
    INDEX,
    Weights,
    WeightsProblem,
    index_of,
    inspect,
    parameters_in,
    remedy_for,
)
from rushes.routing import SINGLE, DiffusersDeployment, Variant

CONFIG = "config.json"
NOT_COMPARED = ("torch_dtype", "dtype", "transformers_version", "architectures")
"""Members of configurations that say how they were written, and nothing of what is computed."""


def weights_of(setting: DiffusersDeployment, environment: Mapping[str, str]) -> Weights:
    """Return what a deployment's weights are, variants included. Raises WeightsProblem."""
    if setting.model.endswith(SINGLE):
        own = weights_of_file(setting, environment)
    else:
        own = inspect(setting.model, setting.revision, environment)
    found = {name: _variant(own, name, one, environment) for name, one in setting.variants.items()}
    return replace(own, variants=found)


def network_parts(weights: Weights) -> list[str]:
    """Return which parts a variant takes the place of."""
    return [part for part in NETWORKS if part in weights.parameters]


def _variant(own: Weights, name: str, wanted: Variant, environment: Mapping[str, str]) -> Weights:
    try:
        if wanted.model.endswith(SINGLE):
            return _of_file(own, wanted, environment)
        return _of_folder(own, wanted, environment)
    except WeightsProblem as problem:
        raise WeightsProblem(f"variants.{name}: {problem}") from None


def _of_file(own: Weights, wanted: Variant, environment: Mapping[str, str]) -> Weights:
    path = find_file(wanted.model, wanted.revision, environment)
    single = read_single(path, own.folder, network_parts(own), file_remedy(path, wanted.model))
    return Weights(own.folder, name_of(path, wanted.model), own.layout, single.parameters, single)


def _of_folder(own: Weights, wanted: Variant, environment: Mapping[str, str]) -> Weights:
    folder = find(wanted.model, wanted.revision, environment)
    remedy = remedy_for(folder, wanted.model)
    if (folder / INDEX).is_file():
        _check_kind(own, folder, remedy)
    networks = network_parts(own)
    for part in networks:
        if not (folder / part / CONFIG).is_file():
            raise WeightsProblem(f"{folder} holds no {part}/{CONFIG}; {remedy}")
    for part in own.parameters:
        if (folder / part / CONFIG).is_file():
            _check_alike(own.folder / part / CONFIG, folder / part / CONFIG, remedy)
    counts = {part: parameters_in(folder / part, remedy) for part in networks}
    return Weights(folder, named(folder, wanted.model), own.layout, counts)


def _check_kind(own: Weights, folder: Path, remedy: str) -> None:
    layout, parts = index_of(folder, remedy)
    if layout != own.layout.removesuffix("+last_image"):  # which an index doesn't tell, but the network's configuration
        raise WeightsProblem(f"{folder / INDEX} names {layout}, and model is {own.layout}; both have to be of one kind")
    if set(network_parts(own)) != {part for part in NETWORKS if part in parts}:
        raise WeightsProblem(f"{folder / INDEX} names other networks than model has; both have to be of one kind")


def _check_alike(ours: Path, theirs: Path, remedy: str) -> None:
    """Compare what both configurations have: a newer library writes members that an older one knew by default."""
    here, there = read_json(ours, remedy), read_json(theirs, remedy)
    for member in here.keys() & there.keys():
        counts = member == "_class_name" or not (member.startswith("_") or member in NOT_COMPARED)
        if counts and here[member] != there[member]:
            raise WeightsProblem(
                f"{theirs} has {member} = {_short(there[member])}, and {ours} has {_short(here[member])}; a variant "
                "may differ in its network's numbers only; give these weights a deployment of their own"
            )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
