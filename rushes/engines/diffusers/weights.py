"""Weights as they lie on the disk: where, of which kind, whether they are whole, how large each part is.

Reads names, JSON and the heads of files, so that the server can tell before it starts what can't work. Nothing is ever
downloaded here: what is missing is refused with the command that fetches it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
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

__all__ = ["INDEX", "Single", "Weights", "WeightsProblem", "find", "inspect"]

INDEX = "model_index.json"
NETWORK = "transformer/config.json"
CONFIGS = ("config.json", "scheduler_config.json", "tokenizer_config.json", "preprocessor_config.json",
           "processor_config.json")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Single:
    """One file in its makers' own layout, and how many parameters it has of each part that comes from it."""

    path: Path
    parameters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that are whole: `parameters` counts those of each part that has some.

    Parts of a `single` file have only their configurations in the folder. `variants` are other weights by the name that
    they are asked for by; only their network and scheduler are used, and their `parameters` count just the network.
    """

    folder: Path
    name: str
    layout: str
    parameters: Mapping[str, int]
    single: Single | None = None
    variants: Mapping[str, Weights] = field(default_factory=dict)


def inspect(model: str, revision: str | None, environment: Mapping[str, str]) -> Weights:
    """Return what the weights are. Raises WeightsProblem where they are missing, broken, or of a kind we don't know."""
    folder = find(model, revision, environment)
    return pipeline(folder, named(folder, model), remedy_for(folder, model))


def remedy_for(folder: Path, model: str) -> str:
    """Return what helps where something of a folder is missing or broken."""
    return FETCH if folder != Path(model).expanduser() else "copy or convert the model again"


def pipeline(folder: Path, name: str, remedy: str, elsewhere: Collection[str] = ()) -> Weights:
    """Return what a pipeline's folder holds; of parts that lie `elsewhere` it has to have the configuration.

    Raises WeightsProblem.
    """
    layout, parts = index_of(folder, remedy)
    counts = {part: _part(folder / part, part, entry, remedy, empty=part in elsewhere) for part, entry in parts.items()}
    # An index doesn't tell weights for a first and a last picture from others; their network's configuration does.
    layout = paired_layout(layout, read_json(folder / NETWORK, remedy) if (folder / NETWORK).is_file() else {})
    return Weights(folder, name, layout, {part: count for part, count in counts.items() if count})


def index_of(folder: Path, remedy: str) -> tuple[str, Mapping[str, list[str]]]:
    """Return the layout that a pipeline's index tells, and the library and class of each of its parts.

    Raises WeightsProblem.
    """
    if not (folder / INDEX).is_file():
        raise WeightsProblem(
            f"{folder} holds no {INDEX}: it isn't a pipeline's folder in diffusers' layout (on the Hub many such names "
            f"end in -Diffusers); {remedy}"
        )
    index = read_json(folder / INDEX, remedy)
    layout = layout_of(index)
    if layout not in LAYOUTS:
        raise WeightsProblem(f"{folder / INDEX} names {layout or 'no class'}; this engine runs: {', '.join(LAYOUTS)}")
    return layout, {name: entry for name, entry in index.items() if isinstance(entry, list) and entry and entry[0]}


def _part(folder: Path, name: str, entry: list[str], remedy: str, *, empty: bool = False) -> int:
    """Check one part of a pipeline, and return how many parameters it has; an `empty` one has none here."""
    if not folder.is_dir():
        raise WeightsProblem(f"{folder} is missing: the part {name!r} ({entry[-1]}) isn't there; {remedy}")
    if not any((folder / config).is_file() for config in CONFIGS):
        raise WeightsProblem(f"{folder} holds none of {', '.join(CONFIGS)}; {remedy}")
    if empty or not (folder / "config.json").is_file():  # a scheduler or a tokenizer
        return 0
    return parameters_in(folder, remedy)


def parameters_in(folder: Path, remedy: str) -> int:
    """Return how many parameters a part's files have. Raises WeightsProblem where one isn't whole."""
    files = list(weight_files(folder, remedy))
    if not files:
        raise WeightsProblem(f"{folder} holds no weights (*.safetensors); {remedy}")
    return sum(prod(shape) for path in files for shape in shapes_in(path, remedy).values())
