"""vLLM-Omni 0.30: video jobs, always as a form, with diffusers' names and the noise shift by request.

Caching is chosen where the server starts. The model may be named, and another than the server's is refused there.
"""

from __future__ import annotations

from typing import Any

from rushes.engines.server.contract import COMMON_OPTIONS, Dialect, Way
from rushes.engines.server.jobs import video_jobs
from rushes.engines.server.members import members, sampling
from rushes.engines.server.wish import SIDES, Wish

NAME, TITLE = "vllm-omni", "vLLM-Omni"


def body(wish: Wish) -> dict[str, Any]:
    """Return the members but for the picture."""
    return {**members(wish), **sampling(wish, decoding="extra_params")}


DIALECT = Dialect(
    name=NAME,
    title=TITLE,
    ways=(Way(video_jobs(NAME, TITLE, named=True), body, "input_reference", "bytes"),),
    weights=frozenset(SIDES),
    options=COMMON_OPTIONS,
    fixed=frozenset({"caching"}),
)
