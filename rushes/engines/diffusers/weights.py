"""Weights as they lie on the disk: where, of which kind, whether they are whole, how large each part is.

Reads names, JSON and the heads of files, so that the server can tell before it starts what can't work. Nothing is ever
downloaded here: what is missing is refused with the command that fetches it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from rushes.engines.diffusers.layouts import LAYOUTS, layout_of

INDEX = "model_index.json"
CONFIGS = ("config.json", "scheduler_config.json", "tokenizer_config.json", "preprocessor_config.json",
           "processor_config.json")  # fmt: skip
_HEAD_MOST = 100_000_000  # bytes: the largest head that the safetensors format allows
_MARK = 8  # bytes before the head, its length


class WeightsProblem(ValueError):
    """The weights can't be used; the text names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that are whole: `parameters` counts those of each part that has some."""

    folder: Path
    name: str
    layout: str
    parameters: Mapping[str, int]


def find(model: str, revision: str | None, environment: Mapping[str, str]) -> Path:
    """Return the folder of a model, given as a folder or as a Hub id that was fetched. Raises WeightsProblem."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if model.startswith(("/", ".", "~")) or model.count("/") != 1:
        raise WeightsProblem(f"there is no folder {model}; name one, or a Hub id as ORGANISATION/NAME")
    repository = _cache(environment) / ("models--" + model.replace("/", "--"))
    wanted = revision or "main"
    ref = repository / "refs" / wanted
    commit = ref.read_text().strip() if ref.is_file() else wanted
    snapshot = repository / "snapshots" / commit
    if not snapshot.is_dir():
        raise WeightsProblem(f"{model} is not on this machine; {_fetch(model, revision)}")
    return snapshot


def inspect(model: str, revision: str | None, environment: Mapping[str, str]) -> Weights:
    """Return what the weights are. Raises WeightsProblem where they are missing, broken, or of a kind we don't know."""
    folder = find(model, revision, environment)
    remedy = _fetch(model, revision) if folder != Path(model).expanduser() else "copy or convert the model again"
    if not (folder / INDEX).is_file():
        raise WeightsProblem(
            f"{folder} holds no {INDEX}: it isn't a pipeline's folder in diffusers' layout (on the Hub many such names "
            f"end in -Diffusers); {remedy}"
        )
    index = _json(folder / INDEX, remedy)
    layout = layout_of(index)
    if layout not in LAYOUTS:
        raise WeightsProblem(f"{folder / INDEX} names {layout or 'no class'}; this engine runs: {', '.join(LAYOUTS)}")
    parts = {name: entry for name, entry in index.items() if isinstance(entry, list) and entry and entry[0]}
    counts = {name: _part(folder / name, name, entry, remedy) for name, entry in parts.items()}
    commit = f"@{folder.name[:12]}" if folder.parent.name == "snapshots" else ""
    named = model if commit else folder.resolve().name
    return Weights(folder, named + commit, layout, {name: count for name, count in counts.items() if count})


def _cache(environment: Mapping[str, str]) -> Path:
    """Where the Hub's own tools keep what they fetch, by the variables that they go by."""
    if given := environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE"):
        return Path(given).expanduser()
    home = environment.get("HF_HOME") or f"{environment.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    return Path(home).expanduser() / "hub"


def _fetch(model: str, revision: str | None) -> str:
    return f"fetch it with: hf download {model}" + (f" --revision {revision}" if revision else "")


def _json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsProblem(f"{path} can't be read ({error}); {remedy}") from None
    if not isinstance(found, dict):
        raise WeightsProblem(f"{path} holds no object; {remedy}")
    return found


def _part(folder: Path, name: str, entry: list[str], remedy: str) -> int:
    """Check one part of a pipeline, and return how many parameters it has."""
    if not folder.is_dir():
        raise WeightsProblem(f"{folder} is missing: the part {name!r} ({entry[-1]}) isn't there; {remedy}")
    if not any((folder / config).is_file() for config in CONFIGS):
        raise WeightsProblem(f"{folder} holds none of {', '.join(CONFIGS)}; {remedy}")
    if not (folder / "config.json").is_file():
        return 0
    files = list(_weight_files(folder, remedy))
    if not files:
        raise WeightsProblem(f"{folder} holds no weights (*.safetensors); {remedy}")
    return sum(_count(path, remedy) for path in files)


def _weight_files(folder: Path, remedy: str) -> Iterator[Path]:
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    if not indexes:
        yield from sorted(folder.glob("*.safetensors"))[:1]  # others are variants of the same
        return
    for shard in sorted(set(_json(indexes[0], remedy).get("weight_map", {}).values())):
        if not (folder / shard).is_file():
            raise WeightsProblem(f"{folder / shard} is missing, which {indexes[0].name} names; {remedy}")
        yield folder / shard


def _count(path: Path, remedy: str) -> int:
    """Count a file's parameters from its head, and see that no byte of it is missing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        mark = file.read(_MARK)
        length = struct.unpack("<Q", mark)[0] if len(mark) == _MARK else _HEAD_MOST + 1
        head = file.read(length) if length <= _HEAD_MOST else b""
    try:
        tensors = json.loads(head)
        tensors.pop("__metadata__", None)
        end = max((one["data_offsets"][1] for one in tensors.values()), default=0)
        count = sum(prod(one["shape"]) for one in tensors.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WeightsProblem(f"{path} is no safetensors file, or its beginning is broken; {remedy}") from None
    if size != _MARK + length + end:
        raise WeightsProblem(f"{path} has {size:,} bytes where {_MARK + length + end:,} belong; {remedy}")
    return int(count)
