"""The official folder as it lies on the disk: whether all of it is there, fits together, and how large its parts are.

    FOLDER/tokenizer  text_encoder  vae  dit  lora/cfg_step_lora.safetensors  lora/refinement_lora.safetensors

Reads JSON and the heads of files only, so that the server can tell before it starts what is missing, in which file, and
the command that fetches it. Loading is `components`' business.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from rushes.engines.checkpoints import (
    Shapes,
    WeightsProblem,
    fetch_command,
    find,
    is_hub_id,
    named,
    read_json,
    shapes_in,
    weight_files,
)
from rushes.engines.deployed import FETCH
from rushes.engines.engine import Unable
from rushes.engines.longcat.config import NetworkConfig, read_config
from rushes.engines.longcat.parameters import parameters
from rushes.engines.weights.choosing import Read, part
from rushes.engines.weights.listing import HubFile, Listing

HUB_ID = "meituan-longcat/LongCat-Video"
LAYOUT = "LongCat-Video"
FOLDERS = ("tokenizer", "text_encoder", "vae", "dit")
DISTILLED, REFINING = "cfg_step_lora", "refinement_lora"
TOKENIZERS = ("tokenizer.json", "spiece.model")
SHOWN = 3  # names in a message

Remedy = Callable[[str], str]
"""What is missing or broken, as a path within the folder -> how it is fetched."""


@dataclass(frozen=True, slots=True)
class Official:
    """Weights that are whole. `parameters` counts those of text_encoder, vae, dit and of one of dit's `blocks`."""

    folder: Path
    name: str
    parameters: Mapping[str, int]


def inspect(model: str, revision: str | None, environment: Mapping[str, str]) -> Official:
    """Return what the weights are. Raises WeightsProblem where something is missing, broken or doesn't fit."""
    try:
        folder = find(model, revision, environment)
    except WeightsProblem as problem:
        if is_hub_id(model):
            raise
        raise WeightsProblem(f"{problem}; {_into(Path(model).expanduser())('')}") from None
    remedy = _into(folder) if folder == Path(model).expanduser() else lambda _what: FETCH
    for name in FOLDERS:
        if not (folder / name).is_dir():
            raise WeightsProblem(f"{folder / name} is missing, a part of the official weights; {remedy(f'{name}/*')}")
    _check_tokenizer(folder / "tokenizer", remedy("tokenizer/*"))
    config = _config(folder / "dit", remedy("dit/*"))
    counts = {"dit": _network(folder / "dit", config, remedy("dit/*"))}
    for name, member, fitting in (
        ("text_encoder", "d_model", config.caption_channels),
        ("vae", "z_dim", config.in_channels),
    ):
        counts[name] = _part(folder / name, member, fitting, remedy(f"{name}/*"))
    for lora in (DISTILLED, REFINING):
        _check_lora(folder / "lora" / f"{lora}.safetensors", remedy(f"lora/{lora}.safetensors"))
    counts["block"] = sum(prod(shape) for name, shape in parameters(config).items() if name.startswith("blocks.0."))
    return Official(folder, named(folder, model), counts)


def chosen(listing: Listing, read: Read) -> list[HubFile]:
    """Return which files of a repository are needed. Raises ValueError where it isn't this model's."""
    files = [file for name in FOLDERS for file in part(listing, name, read)]
    for lora in (DISTILLED, REFINING):
        file = listing.file(f"lora/{lora}.safetensors")
        if file is None:
            raise ValueError(f"it has no lora/{lora}.safetensors, a part of the official weights")
        files.append(file)
    return files


def _into(folder: Path) -> Remedy:
    """A folder of the operator's own, which the published weights go into."""

    def remedy(what: str) -> str:
        only = f" --include {shlex.quote(what)}" if what else ""
        return f"{fetch_command(HUB_ID, None)}{only} --local-dir {shlex.quote(str(folder))}"

    return remedy


def _check_tokenizer(folder: Path, remedy: str) -> None:
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise WeightsProblem(f"{folder} holds neither {' nor '.join(TOKENIZERS)}; {remedy}")


def _config(folder: Path, remedy: str) -> NetworkConfig:
    try:
        return read_config(folder)
    except Unable as unable:
        raise WeightsProblem(f"{unable.remedy}; {remedy}") from None


def _network(folder: Path, config: NetworkConfig, remedy: str) -> int:
    """Compare the files' tensors with what the network has, and return how many parameters that is."""
    list(weight_files(folder, remedy))  # an index may name more than there is
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise WeightsProblem(f"{folder} holds no weights (*.safetensors); {remedy}")
    found: dict[str, tuple[Path, tuple[int, ...]]] = {}
    for path in files:
        found |= {name: (path, shape) for name, shape in shapes_in(path, remedy).items()}
    wanted = parameters(config)
    _check_names(folder, list(wanted), list(found), remedy)
    for name, shape in wanted.items():
        path, saved = found[name]
        if saved != shape:
            raise WeightsProblem(f"{path}: {name} is {saved}, but config.json makes it {shape}; {remedy}")
    return sum(prod(shape) for shape in wanted.values())


def _check_names(folder: Path, wanted: list[str], found: list[str], remedy: str) -> None:
    missing, strange = sorted({*wanted} - {*found}), sorted({*found} - {*wanted})
    lacks = f"lacks {_some(missing)}" if missing else ""
    holds = f"holds {_some(strange)}, which the network does not have" if strange else ""
    if lacks or holds:
        raise WeightsProblem(f"{folder} {' and '.join(filter(None, (lacks, holds)))}; {remedy}")


def _part(folder: Path, member: str, fitting: int, remedy: str) -> int:
    """Check a part that isn't ours, and return how many parameters it has."""
    told = read_json(folder / "config.json", remedy).get(member)
    if told != fitting:
        raise WeightsProblem(f"{folder / 'config.json'}: {member} is {told}, but dit takes {fitting}; {remedy}")
    files = list(weight_files(folder, remedy))
    if not files:
        raise WeightsProblem(f"{folder} holds no weights (*.safetensors); {remedy}")
    return sum(prod(shape) for path in files for shape in shapes_in(path, remedy).values())


def _check_lora(path: Path, remedy: str) -> Shapes:
    if not path.is_file():
        raise WeightsProblem(f"{path} is missing, a part of the official weights; {remedy}")
    return shapes_in(path, remedy)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
