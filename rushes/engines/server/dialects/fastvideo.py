"""FastVideo 0.2: video jobs, or one long request where the server's version has only that; TeaCache by request.

The noise shift belongs to the pipeline's configuration, so that it is what the server was started with.
"""

from __future__ import annotations

from typing import Any

from rushes.engines.server.contract import COMMON_OPTIONS, Dialect, Way
from rushes.engines.server.jobs import ROOT, video_jobs
from rushes.engines.server.members import members, teacache
from rushes.engines.server.wish import FIXED_SHIFT, NATIVE, Wish

NAME, TITLE, PICTURE = "fastvideo", "FastVideo", "input_reference"
BLOCKING = f"{ROOT}/generations"


def body(wish: Wish) -> dict[str, Any]:
    """Return the members but for the picture."""
    return {**members(wish), **teacache(wish)}


DIALECT = Dialect(
    name=NAME,
    title=TITLE,
    # Jobs first: in the long request a film that a broken line or a restart loses is begun anew.
    ways=(
        Way(video_jobs(NAME, TITLE, form=lambda body: PICTURE in body), body, PICTURE, "bytes"),
        Way(video_jobs(NAME, TITLE, create=BLOCKING, form=lambda _: False, blocking=True), body, PICTURE, "data_uri"),
    ),
    weights=frozenset(NATIVE),
    networks=True,
    options={**COMMON_OPTIONS, "shift": (FIXED_SHIFT,), "distilled": ("no", "yes")},
    fixed=frozenset({"shift"}),
)
