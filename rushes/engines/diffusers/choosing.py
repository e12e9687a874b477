"""Which files of a repository are needed: of one in diffusers' layout those of the parts that its index names. Pure.

Of a variant only the network, and the small files that it is compared by; of a base all but what a single file has.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from rushes.engines.diffusers.layouts import LAYOUTS, NETWORKS, layout_of
from rushes.engines.diffusers.weights import INDEX
from rushes.engines.weights.choosing import Read, part
from rushes.engines.weights.listing import HubFile, Listing
from rushes.routing import SINGLE

CONFIGURED = (*NETWORKS, "scheduler")
"""The parts of a variant that are used."""


def chosen(listing: Listing, read: Read, without: Collection[str] = ()) -> list[HubFile]:
    """Return the files, the index first; of the parts `without` weights just the configuration.

    Raises ValueError where these are no weights that the engine can run.
    """
    index, parts = _index(listing, read)
    found = [_config(listing, name) if name in without else part(listing, name, read) for name in parts]
    return [index, *(file for files in found for file in files)]


def chosen_network(listing: Listing, read: Read) -> list[HubFile]:
    """Return what a variant needs. Raises ValueError as `chosen` does."""
    index, parts = _index(listing, read)
    found = [part(listing, name, read) if name in CONFIGURED else _config(listing, name) for name in parts]
    return [index, *(file for files in found for file in files)]


def chosen_file(path: str, listing: Listing) -> list[HubFile]:
    """Return the one file. Raises ValueError where it isn't there, with those that are."""
    file = listing.file(path)
    if file is None:
        there = ", ".join(one.path for one in listing.files if one.path.endswith(SINGLE) and "/" not in one.path)
        raise ValueError(f"it holds no {path}" + (f"; there are: {there}" if there else ""))
    return [file]


def _config(listing: Listing, folder: str) -> list[HubFile]:
    file = listing.file(f"{folder}/config.json")
    return [file] if file is not None else []


def _index(listing: Listing, read: Read) -> tuple[HubFile, list[str]]:
    """Return a pipeline's index and the parts that it names. Raises ValueError."""
    index = listing.file(INDEX)
    if index is None:
        raise ValueError(
            f"it holds no {INDEX}, so it isn't in diffusers' layout (many names of such repositories end in -Diffusers)"
        )
    content = read(index)
    try:
        told = dict(json.loads(content))
    except (ValueError, TypeError):
        raise ValueError(f"{INDEX} holds no object") from None
    layout = layout_of(told)
    if layout not in LAYOUTS:
        raise ValueError(f"{INDEX} names {layout or 'no class'}; this engine runs: {', '.join(LAYOUTS)}")
    return index, [name for name, entry in told.items() if isinstance(entry, list) and entry and entry[0]]
