"""Open weights as they lie on the disk: where a model's folder is, and what the heads of its files say.

Shared by the engines that run open weights. Reads names, JSON and heads, so that the server can tell before it starts
what can't work. Nothing is downloaded here: what is missing is refused with the command that fetches it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rushes.engines.deployed import FETCH
from rushes.routing import SINGLE

_HEAD_MOST = 100_000_000  # bytes: the largest head that the safetensors format allows
_MARK = 8  # bytes before the head, its length

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of a file's tensors, by name."""


class WeightsProblem(ValueError):
    """The weights can't be used; the text names the file and the remedy."""


def find(model: str, revision: str | None, environment: Mapping[str, str]) -> Path:
    """Return the folder of a model, given as a folder or as a Hub id that was fetched. Raises WeightsProblem."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if not is_hub_id(model):
        raise WeightsProblem(f"there is no folder {model}; name one, or a Hub id as ORGANISATION/NAME")
    repository = cache(environment) / ("models--" + model.replace("/", "--"))
    wanted = revision or "main"
    ref = repository / "refs" / wanted
    commit = ref.read_text().strip() if ref.is_file() else wanted  # a commit has no ref: it is its folder's name
    snapshot = repository / "snapshots" / commit
    if not snapshot.is_dir():
        raise WeightsProblem(f"{model} {f'at {revision} ' if revision else ''}is not on this machine; {FETCH}")
    return snapshot


def find_file(model: str, revision: str | None, environment: Mapping[str, str]) -> Path:
    """Return a single file, given by its path or as ORGANISATION/NAME/FILE. Raises WeightsProblem."""
    path = Path(model).expanduser()
    if path.is_file():
        return path
    repository, name = in_repository(model)
    if not repository:
        raise WeightsProblem(f"there is no file {model}; name one, or ORGANISATION/NAME/FILE on the Hub")
    file = find(repository, revision, environment) / name
    if not file.is_file():
        raise WeightsProblem(f"{name} of {repository} is not on this machine; {FETCH}")
    return file


def find_lora(source: str, environment: Mapping[str, str]) -> Path:
    """Return a LoRA's folder or file, given by its path or as ORGANISATION/NAME/FILE. Raises WeightsProblem."""
    path = Path(source).expanduser()
    return path if path.is_dir() else find_file(source, None, environment)


def is_hub_id(model: str) -> bool:
    """Say whether it can be a model's id on the Hub: ORGANISATION/NAME."""
    return not model.startswith(("/", ".", "~")) and model.count("/") == 1


def in_repository(model: str) -> tuple[str, str]:
    """Split ORGANISATION/NAME/FILE into a Hub id and the file's path in it; both are "" where it is no such name."""
    organisation, _, rest = model.partition("/")
    name, _, path = rest.partition("/")
    if not model.endswith(SINGLE) or model.startswith(("/", ".", "~")) or not path:
        return "", ""
    return f"{organisation}/{name}", path


def cache(environment: Mapping[str, str]) -> Path:
    """Return where the Hub's own tools keep what they fetch, by the variables that they go by."""
    if given := environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE"):
        return Path(given).expanduser()
    return hub_home(environment) / "hub"


def hub_home(environment: Mapping[str, str]) -> Path:
    """Return the folder of the Hub's own tools, where they keep the token too."""
    home = environment.get("HF_HOME") or f"{environment.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    return Path(home).expanduser()


def named(folder: Path, model: str) -> str:
    """Return what weights are called in results: the folder's name, or the Hub id and the commit."""
    return f"{model}@{folder.name[:12]}" if folder.parent.name == "snapshots" else folder.resolve().name


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Return a file's object. Raises WeightsProblem."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsProblem(f"{path} can't be read ({error}); {remedy}") from None
    if not isinstance(found, dict):
        raise WeightsProblem(f"{path} holds no object; {remedy}")
    return found


def weight_files(folder: Path, remedy: str) -> Iterator[Path]:
    """Yield the files of a part: those that its index names, or the one there is. Raises WeightsProblem."""
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    if not indexes:
        yield from sorted(folder.glob("*.safetensors"))[:1]  # others are variants of the same
        return
    # What the index names, not what lies there: a shard that never came is seen only so.
    listed = read_json(indexes[0], remedy).get("weight_map", {})
    if not isinstance(listed, dict) or not all(isinstance(one, str) for one in listed.values()):
        raise WeightsProblem(f"{indexes[0]} names no files; {remedy}")
    for shard in sorted(set(listed.values())):
        if not (folder / shard).is_file():
            raise WeightsProblem(f"{folder / shard} is missing, which {indexes[0].name} names; {remedy}")
        yield folder / shard


def shapes_in(path: Path, remedy: str) -> Shapes:
    """Return a safetensors file's tensors from its head, and see that no byte of it is missing.

    Raises WeightsProblem.
    """
    return {name: shape for name, (shape, _) in tensors_in(path, remedy).items()}


def tensors_in(path: Path, remedy: str) -> Mapping[str, tuple[tuple[int, ...], str]]:
    """Return the shape of each tensor of a file, and its kind of numbers ("BF16"); else as `shapes_in`."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            mark = file.read(_MARK)
            length = struct.unpack("<Q", mark)[0] if len(mark) == _MARK else _HEAD_MOST + 1
            head = file.read(length) if length <= _HEAD_MOST else b""
    except OSError as error:
        raise WeightsProblem(f"{path} can't be read ({error}); {remedy}") from None
    try:
        tensors = json.loads(head)
        tensors.pop("__metadata__", None)
        whole = _MARK + length + max((one["data_offsets"][1] for one in tensors.values()), default=0)
        found = {name: (tuple(map(int, one["shape"])), str(one["dtype"])) for name, one in tensors.items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise WeightsProblem(f"{path} is no safetensors file, or its beginning is broken; {remedy}") from None
    if size != whole:
        raise WeightsProblem(f"{path} has {size:,} bytes where {whole:,} belong; {remedy}")
    return found
