"""Which files of a repository an engine needs: of each part its small files and one set of safetensors. Pure.

Repositories often hold the same weights several times: as pickles, in half precision beside full, in the layout of the
model's own code. None of those is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from rushes.engines.weights.listing import HubFile, Listing

SMALL = (".json", ".txt", ".model", ".jinja", ".tiktoken")
INDEX = ".safetensors.index.json"
STEMS = (
    "diffusion_pytorch_model",
    "model",
    "pytorch_model",
)  # as libraries call the weights of a part, without variant

Read = Callable[[HubFile], bytes]
"""Gets a small file's content."""


def part(listing: Listing, folder: str, read: Read) -> list[HubFile]:
    """Return what a part's folder needs, sorted by path. Raises ValueError where its weights are no safetensors."""
    here = [one for one in listing.files if PurePosixPath(one.path).parent == PurePosixPath(folder)]
    if not here:
        raise ValueError(f"it has no folder {folder}")
    weights = _weights(here, read)
    small = [one for one in here if one.path.endswith(SMALL) and not _is_index(one.path)]
    if not weights and any(one.path.endswith((".bin", ".pt", ".pth", ".ckpt")) for one in here):
        raise ValueError(f"{folder} holds pickles and no safetensors, which are the only weights that are read")
    return sorted({*weights, *small}, key=lambda one: one.path)


def _weights(here: Iterable[HubFile], read: Read) -> list[HubFile]:
    """Return one set: the shards of the plain index with it, else the plain file, else the first."""
    files = {PurePosixPath(one.path).name: one for one in here}
    indexes = [name for name in files if name.endswith(INDEX)]
    chosen = _first([f"{stem}{INDEX}" for stem in STEMS], indexes)
    single = _first([f"{stem}.safetensors" for stem in STEMS], [n for n in files if n.endswith(".safetensors")])
    # A whole file under the plain name is all of it; beside an index, any other name is a shard or a variant.
    if chosen is None or (single is not None and single.removesuffix(".safetensors") in STEMS):
        return [files[single]] if single is not None else []
    told = read(files[chosen])
    try:
        shards = sorted(set(json.loads(told)["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{files[chosen].path} is no index of shards") from None
    if missing := [name for name in shards if name not in files]:
        raise ValueError(f"{files[chosen].path} names {missing[0]}, which isn't there")
    return [files[chosen], *(files[name] for name in shards)]


def _first(preferred: list[str], there: list[str]) -> str | None:
    return next((name for name in preferred if name in there), min(there, default=None))


def _is_index(path: str) -> bool:
    """Say whether it lists shards, of whatever variant: an index without its shards would be taken for broken."""
    return ".index." in PurePosixPath(path).name
