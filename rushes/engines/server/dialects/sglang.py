"""SGLang Diffusion 0.5: video jobs, the picture as a file of the form, the noise shift and TeaCache by request.

Kinds of weights that it has no pipeline of its own for run by its diffusers backend, whose arguments a request may set.
"""

from __future__ import annotations

from typing import Any

from rushes.engines.server.contract import COMMON_OPTIONS, Dialect, Way
from rushes.engines.server.jobs import video_jobs
from rushes.engines.server.members import members, sampling, teacache
from rushes.engines.server.wish import SIDES, Wish

NAME, TITLE, PICTURE = "sglang", "SGLang", "input_reference"


def body(wish: Wish) -> dict[str, Any]:
    """Return the members but for the picture."""
    return {**members(wish), **teacache(wish), **sampling(wish, decoding="diffusers_kwargs")}


DIALECT = Dialect(
    name=NAME,
    title=TITLE,
    # Text alone goes as JSON: there are versions whose form must have a file.
    ways=(
        Way(video_jobs(NAME, TITLE, form=lambda body: PICTURE in body), body, PICTURE, "bytes"),
        # For what answers 415 to a form: a version, or a proxy before it, that takes JSON alone.
        Way(video_jobs(NAME, TITLE, form=lambda _: False), body, "reference_url", "data_uri"),
    ),
    weights=frozenset(SIDES),
    options=COMMON_OPTIONS,
)
