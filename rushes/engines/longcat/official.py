"""The official folder as it lies on the disk: whether all of it is there, fits together, and how large its parts are.

    FOLDER/tokenizer  text_encoder  vae  dit  lora/cfg_step_lora.safetensors  lora/refinement_lora.safetensors

Reads JSON and the heads of files only, so that the server can tell before it starts what is missing, in which file, and
the command that fetches it. Without a LoRA all else works: who needs it is told apart. Loading is `components`'
business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path

from rushes.engines.checkpoints import (
    WeightsProblem,
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
LORAS = (DISTILLED, REFINING)
SHOWN = 3  # names in a message


@dataclass(frozen=True, slots=True)
class Official:
    """Weights that can be loaded. `parameters` counts those of text_encoder, vae, dit and of one of dit's `blocks`.

    `lacking` are the LoRAs that can't be used, each with what is wrong and the remedy.
    """

    folder: Path
    name: str
    parameters: Mapping[str, int]
    lacking: Mapping[str, str]


def inspect(model: str, revision: str | None, environment: Mapping[str, str]) -> Official:
    """Return what the weights are. Raises WeightsProblem where something is missing, broken or doesn't fit."""
    try:
        folder = find(model, revision, environment)
    except WeightsProblem as problem:
        if is_hub_id(model):
            raise
        raise WeightsProblem(f"{problem}; {FETCH}") from None
    for name in FOLDERS:
        if not (folder / name).is_dir():
            raise WeightsProblem(f"{folder / name} is missing, a part of the official weights; {FETCH}")
    _check_tokenizer(folder)
    config = _config(folder)
    counts = {"dit": _network(folder, config), "text_encoder": _encoder(folder, config), "vae": _vae(folder, config)}
    counts["block"] = sum(prod(shape) for name, shape in parameters(config).items() if name.startswith("blocks.0."))
    lacking = {name: told for name in LORAS if (told := lora_trouble(folder, name))}
    return Official(folder, named(folder, model), counts, lacking)


def lora_trouble(folder: Path, name: str) -> str:
    """Return why one of the LoRAs can't be used, with the remedy; "" where it can."""
    path = folder / lora_file(name)
    if not path.is_file():
        return f"{path} is missing, a part of the official weights; {FETCH}"
    try:
        shapes_in(path, FETCH)
    except WeightsProblem as problem:
        return str(problem)
    return ""


def lora_file(name: str) -> str:
    """Return where a LoRA lies in the folder."""
    return f"lora/{name}.safetensors"


def in_trouble(folder: Path) -> tuple[str, ...]:
    """Return which parts of a folder are missing or broken: some of FOLDERS, and files of LoRAs."""
    config = None  # while it can't be read, nothing is known of what fits the network
    with suppress(WeightsProblem):
        config = _config(folder)
    checks: Mapping[str, Callable[[], object]] = {
        "tokenizer": partial(_check_tokenizer, folder),
        "dit": lambda: _network(folder, _config(folder)),
        "text_encoder": partial(_encoder, folder, config),
        "vae": partial(_vae, folder, config),
    }
    loras = [lora_file(name) for name in LORAS if lora_trouble(folder, name)]
    return *(name for name, check in checks.items() if _fails(check)), *loras


def _fails(check: Callable[[], object]) -> bool:
    try:
        check()
    except WeightsProblem:
        return True
    return False


def chosen(listing: Listing, read: Read) -> list[HubFile]:
    """Return which files of a repository are needed. Raises ValueError where it isn't this model's."""
    files = [file for name in FOLDERS for file in part(listing, name, read)]
    for lora in LORAS:
        file = listing.file(lora_file(lora))
        if file is None:
            raise ValueError(f"it has no {lora_file(lora)}, a part of the official weights")
        files.append(file)
    return files


def _check_tokenizer(folder: Path) -> None:
    place = folder / "tokenizer"
    if not any((place / name).is_file() for name in TOKENIZERS):
        raise WeightsProblem(f"{place} holds neither {' nor '.join(TOKENIZERS)}; {FETCH}")


def _config(folder: Path) -> NetworkConfig:
    try:
        return read_config(folder / "dit")
    except Unable as unable:
        raise WeightsProblem(f"{unable.remedy}; {FETCH}") from None


def _network(folder: Path, config: NetworkConfig) -> int:
    """Compare the files' tensors with what the network has, and return how many parameters that is."""
    place = folder / "dit"
    list(weight_files(place, FETCH))  # an index may name more than there is
    files = sorted(place.glob("*.safetensors"))
    if not files:
        raise WeightsProblem(f"{place} holds no weights (*.safetensors); {FETCH}")
    found: dict[str, tuple[Path, tuple[int, ...]]] = {}
    for path in files:
        found |= {name: (path, shape) for name, shape in shapes_in(path, FETCH).items()}
    wanted = parameters(config)
    _check_names(place, list(wanted), list(found))
    for name, shape in wanted.items():
        path, saved = found[name]
        if saved != shape:
            raise WeightsProblem(f"{path}: {name} is {saved}, but config.json makes it {shape}; {FETCH}")
    return sum(prod(shape) for shape in wanted.values())


def _check_names(folder: Path, wanted: list[str], found: list[str]) -> None:
    missing, strange = sorted({*wanted} - {*found}), sorted({*found} - {*wanted})
    lacks = f"lacks {_some(missing)}" if missing else ""
    holds = f"holds {_some(strange)}, which the network does not have" if strange else ""
    if lacks or holds:
        raise WeightsProblem(f"{folder} {' and '.join(filter(None, (lacks, holds)))}; {FETCH}")


def _encoder(folder: Path, config: NetworkConfig | None) -> int:
    return _part(folder / "text_encoder", "d_model", config.caption_channels if config else None)


def _vae(folder: Path, config: NetworkConfig | None) -> int:
    return _part(folder / "vae", "z_dim", config.in_channels if config else None)


def _part(folder: Path, member: str, fitting: int | None) -> int:
    """Check a part that isn't ours, and return how many parameters it has."""
    told = read_json(folder / "config.json", FETCH).get(member)
    if fitting is not None and told != fitting:
        raise WeightsProblem(f"{folder / 'config.json'}: {member} is {told}, but dit takes {fitting}; {FETCH}")
    files = list(weight_files(folder, FETCH))
    if not files:
        raise WeightsProblem(f"{folder} holds no weights (*.safetensors); {FETCH}")
    return sum(prod(shape) for path in files for shape in shapes_in(path, FETCH).values())


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
