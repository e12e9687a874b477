"""Weights that are one file in their makers' own layout: which parts it has, and whether these suit a configuration.

Looks at the file's head only: at the sides of the first layer, and that all blocks are there with the same tensors.
Each single tensor is compared when the file is read (`single_reading`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from rushes.engines.checkpoints import find, find_file, in_repository, read_json, tensors_in
from rushes.engines.deployed import FETCH
from rushes.engines.diffusers.layouts import NETWORKS
from rushes.engines.diffusers.weights import Single, Weights, WeightsProblem, index_of, pipeline, remedy_for
from rushes.routing import DiffusersDeployment

NUMBERS = ("F32", "F16", "BF16")
"""What files of these layouts are read in. Those of 8 bits have scales beside them, without which films are noise."""

PREFIX = "model.diffusion_model."  # before a network's tensors in files for other programs
AUTOENCODER = "vae."
Tensors = Mapping[str, tuple[tuple[int, ...], str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a part of diffusers' class is known in its makers' layout.

    By its `first` layer's tensor, whose sides follow from the configuration; `prefixes` are what its tensors' names may
    begin with, `blocks` what a network's repeated ones are called.
    """

    first: str
    sides: Callable[[Mapping[str, Any]], tuple[int, ...]]
    prefixes: tuple[str, ...]
    blocks: str = ""


def _width_and_channels(config: Mapping[str, Any]) -> tuple[int, ...]:
    return config["num_attention_heads"] * config["attention_head_dim"], config["in_channels"]


KINDS: Mapping[str, Kind] = {
    "LTXVideoTransformer3DModel": Kind("patchify_proj.weight", _width_and_channels, (PREFIX, ""), "transformer_blocks"),
    "WanTransformer3DModel": Kind("patch_embedding.weight", _width_and_channels, (PREFIX, ""), "blocks"),
    "AutoencoderKLLTXVideo": Kind(
        "encoder.conv_in.conv.weight", lambda config: (config["block_out_channels"][0],), (AUTOENCODER,)
    ),
}
"""The classes whose makers' layout is understood, as far as diffusers can convert it."""


def weights_of_file(setting: DiffusersDeployment, environment: Mapping[str, str]) -> Weights:
    """Return what a single file is together with its base. Raises WeightsProblem."""
    path = find_file(setting.model, setting.revision, environment)
    base = setting.base or ""
    folder = find(base, setting.base_revision, environment)
    remedy = remedy_for(folder, base)
    _, parts = index_of(folder, remedy)
    configured = [part for part in parts if (folder / part / "config.json").is_file()]
    single = read_single(path, folder, configured, file_remedy(path, setting.model))
    whole = pipeline(folder, name_of(path, setting.model), remedy, single.parameters)
    return replace(whole, single=single, parameters={**whole.parameters, **single.parameters})


def parts_of(path: Path) -> tuple[str, ...]:
    """Return which parts a file seems to have, without their configurations. Raises WeightsProblem."""
    has_autoencoder = any(name.startswith(AUTOENCODER) for name in tensors_in(path, "fetch or copy the file again"))
    return (*NETWORKS, "vae") if has_autoencoder else NETWORKS


def name_of(path: Path, model: str) -> str:
    """Return what a file is called in results: its name, or the one on the Hub with the commit."""
    repository, name = in_repository(model)
    if not repository or path == Path(model).expanduser():
        return path.stem
    commit = path.parents[len(Path(name).parts) - 1].name  # of the snapshot that it lies in
    return f"{repository}/{Path(name).with_suffix('')}@{commit[:12]}"


def file_remedy(path: Path, model: str) -> str:
    """Return what helps where a file is broken."""
    return FETCH if path != Path(model).expanduser() else "copy the file again"


def read_single(path: Path, folder: Path, parts: Iterable[str], remedy: str) -> Single:
    """Return which of a folder's parts a file has. Raises WeightsProblem where it has no network, or another's."""
    tensors = tensors_in(path, remedy)
    found = {}
    for part in parts:
        config = read_json(folder / part / "config.json", remedy)
        kind = KINDS.get(str(config.get("_class_name", "")))
        own = _own(tensors, kind) if kind is not None else {}
        if kind is not None and own:
            _check(path, folder / part, own, kind, config)
            found[part] = sum(prod(shape) for shape, _ in own.values())
    networks = [part for part in found if part in NETWORKS]
    if not networks:
        raise WeightsProblem(_no_network(path, folder))
    if len(networks) > 1:
        raise WeightsProblem(f"{folder} has two networks, and a single file one; name the weights' folder in model")
    return Single(path, found)


def _own(tensors: Tensors, kind: Kind) -> Tensors:
    """Return the tensors of one kind of part, without what their names begin with; none where its first is missing."""
    prefix = next((one for one in kind.prefixes if one + kind.first in tensors), None)
    if prefix is None:
        return {}
    # Without a prefix of its own a network's part of the file is all but what another part's names begin with.
    beside = () if prefix else (AUTOENCODER,)
    return {
        name.removeprefix(prefix): one
        for name, one in tensors.items()
        if name.startswith(prefix) and not name.startswith(beside)
    }


def _check(path: Path, folder: Path, own: Tensors, kind: Kind, config: Mapping[str, Any]) -> None:
    """Raises WeightsProblem where a part's tensors can't be those of its configuration."""
    try:
        sides = kind.sides(config)
    except (KeyError, TypeError, IndexError):
        raise WeightsProblem(f"{folder / 'config.json'} lacks the sizes of its layers") from None
    shape, _ = own[kind.first]
    if shape[: len(sides)] != sides:
        raise WeightsProblem(
            f"{path}: {kind.first} is {_by(shape)} large, and {folder / 'config.json'} asks for {_by(sides)}; "
            "name in base the weights that it was derived from"
        )
    if strange := sorted({numbers for _, numbers in own.values()} - set(NUMBERS)):
        raise WeightsProblem(
            f"{path} holds numbers in {strange[0]}, which are read in {', '.join(NUMBERS)} only; take the file in BF16 "
            'and set quantisation = "fp8" where memory is short'
        )
    if kind.blocks:
        _check_blocks(path, own, kind.blocks, int(config.get("num_layers", 0)))


def _check_blocks(path: Path, own: Tensors, blocks: str, wanted: int) -> None:
    """Raises WeightsProblem where blocks are missing, or one lacks what others have."""
    held: dict[int, set[str]] = {}
    for name in own:
        if match := re.fullmatch(rf"{blocks}\.(\d+)\.(.+)", name):
            held.setdefault(int(match[1]), set()).add(match[2])
    if len(held) != wanted:
        raise WeightsProblem(
            f"{path} has {len(held)} {blocks}, and its configuration asks for {wanted}; name in base the weights that "
            "it was derived from"
        )
    whole = set().union(*held.values())
    for number in range(wanted):
        if lacking := sorted(whole - held.get(number, set())):
            raise WeightsProblem(f"{path} lacks {blocks}.{number}.{lacking[0]}; fetch or copy the file again")


def _no_network(path: Path, folder: Path) -> str:
    known = ", ".join(name for name, kind in KINDS.items() if kind.blocks)
    return (
        f"{path} holds no network that {folder} has a configuration for, in its makers' own layout; networks that can "
        f"be read from one file: {known}"
    )


def _by(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))
