"""Weights as they lie on the disk: where, of which kind, whether they are whole, how large each part is.

Reads names, JSON and the heads of files, so that the server can tell before it starts what can't work. Nothing is ever
downloaded here: what is missing is refused with the command that fetches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from rushes.engines.checkpoints import (
    WeightsProblem,
    find,
    named,
    read_json,
    shapes_in,
    weight_files,
)
from rushes.engines.deployed import FETCH
from rushes.engines.diffusers.layouts import LAYOUTS, layout_of, paired_layout

__all__ = ["INDEX", "Weights", "WeightsProblem", "find", "inspect"]

INDEX = "model_index.json"
NETWORK = "transformer/config.json"
CONFIGS = ("config.json", "scheduler_config.json", "tokenizer_config.json", "preprocessor_config.json",
           "processor_config.json")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that are whole: `parameters` counts those of each part that has some."""

    folder: Path
    name: str
    layout: str
    parameters: Mapping[str, int]


def inspect(model: str, revision: str | None, environment: Mapping[str, str]) -> Weights:
    """Return what the weights are. Raises WeightsProblem where they are missing, broken, or of a kind we don't know."""
    folder = find(model, revision, environment)
    remedy = FETCH if folder != Path(model).expanduser() else "copy or convert the model again"
    if not (folder / INDEX).is_file():
        raise WeightsProblem(
            f"{folder} holds no {INDEX}: it isn't a pipeline's folder in diffusers' layout (on the Hub many such names "
            f"end in -Diffusers); {remedy}"
        )
    index = read_json(folder / INDEX, remedy)
    layout = layout_of(index)
    if layout not in LAYOUTS:
        raise WeightsProblem(f"{folder / INDEX} names {layout or 'no class'}; this engine runs: {', '.join(LAYOUTS)}")
    parts = {name: entry for name, entry in index.items() if isinstance(entry, list) and entry and entry[0]}
    counts = {name: _part(folder / name, name, entry, remedy) for name, entry in parts.items()}
    layout = paired_layout(layout, read_json(folder / NETWORK, remedy) if (folder / NETWORK).is_file() else {})
    return Weights(folder, named(folder, model), layout, {name: count for name, count in counts.items() if count})


def _part(folder: Path, name: str, entry: list[str], remedy: str) -> int:
    """Check one part of a pipeline, and return how many parameters it has."""
    if not folder.is_dir():
        raise WeightsProblem(f"{folder} is missing: the part {name!r} ({entry[-1]}) isn't there; {remedy}")
    if not any((folder / config).is_file() for config in CONFIGS):
        raise WeightsProblem(f"{folder} holds none of {', '.join(CONFIGS)}; {remedy}")
    if not (folder / "config.json").is_file():
        return 0
    files = list(weight_files(folder, remedy))
    if not files:
        raise WeightsProblem(f"{folder} holds no weights (*.safetensors); {remedy}")
    return sum(prod(shape) for path in files for shape in shapes_in(path, remedy).values())
