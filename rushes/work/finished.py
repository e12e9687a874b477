"""Files that a vendor encoded itself: what they really are, whatever was claimed of them.

A vendor is no stranger, but what comes from it goes to our callers under our name: a file that isn't what was asked for
ends the job instead.
"""

from __future__ import annotations

from pathlib import Path

from rushes.endpoint import Clip, Plan, Sound, Stills
from rushes.engines.engine import FinishedFile, Unable
from rushes.errors import ModelError
from rushes.media.sniff import HEAD_BYTES, Looks, looks_like

_SORTS = {Clip: "video", Stills: "picture", Sound: "audio"}
RAW = "audio/pcm"  # has no first bytes to be known by


def looked_at(file: FinishedFile, plan: Plan | None) -> FinishedFile:
    """Return the file with the type that its bytes say. Raises Unable where that isn't what was to be made."""
    with Path(file.path).open("rb") as opened:
        looks = looks_like(opened.read(HEAD_BYTES))
    if file.content_type == RAW and looks.sort in ("unknown", "other"):
        return file
    if plan is not None and not _fits(looks, plan):
        words = "The service behind this endpoint gave something else than was asked for"
        error = ModelError("downstream_service_unavailable", words)
        raise Unable("unknown", error, f"it gave {looks.name} ({file.content_type} by its own word)")
    known = looks.content_type if looks.sort in ("picture", "video", "audio") else file.content_type
    return FinishedFile(file.path, known)


def _fits(looks: Looks, plan: Plan) -> bool:
    wanted = _SORTS[type(plan)]
    return looks.sort == wanted or (wanted == "video" and looks.content_type == "image/gif")
