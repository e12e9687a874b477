"""Which files of a repository in diffusers' layout are needed: those of the parts that its index names. Pure."""

from __future__ import annotations

import json

from rushes.engines.diffusers.layouts import LAYOUTS, layout_of
from rushes.engines.diffusers.weights import INDEX
from rushes.engines.weights.choosing import Read, part
from rushes.engines.weights.listing import HubFile, Listing


def chosen(listing: Listing, read: Read) -> list[HubFile]:
    """Return the files, the index first. Raises ValueError where these are no weights that the engine can run."""
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
    parts = [name for name, entry in told.items() if isinstance(entry, list) and entry and entry[0]]
    return [index, *(file for name in parts for file in part(listing, name, read))]
