"""What a family gives for each endpoint, and the records that travel with a job through the work on it.

Everything here is frozen and free of I/O. Shared code reads an input only through an Endpoint's functions and `Roles`,
never by a field's name, since each family calls the same switch something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from rushes.calls import Call
from rushes.fields import File, MediaKind


@dataclass(frozen=True, slots=True)
class Media:
    """One input file after it was fetched and probed. Sizes are of the upright picture, in pixels.

    `path` is local: for a picture the decoded `.npy`, (H, W, 3) uint8 RGB; for video and audio the file as it came.

    `frames`, `fps` and `duration_s` are None where the kind has none (a picture) or the container doesn't say.
    """

    kind: MediaKind
    path: str
    content_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    fps: float | None = None
    duration_s: float | None = None
    has_audio: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(width, height); LookupError for a file that has no picture, which a probed picture or video never is."""
        if self.width is None or self.height is None:
            raise LookupError(f"{self.path} ({self.content_type}) has no picture size")
        return self.width, self.height


@dataclass(frozen=True, slots=True)
class Clip:
    """What is to be made: size in pixels, number of frames, frames per second, and whether there is sound."""

    width: int
    height: int
    frames: int
    fps: float
    audio: bool = False

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.fps


@dataclass(frozen=True, slots=True)
class ServedBy:
    """Who really made a result. `stand_in` is True when it isn't what the endpoint's name promises."""

    engine: str
    deployment: str
    model: str
    version: str
    stand_in: bool
    seed: int | None = None

    def header(self) -> str:
        """The one-line form for the x-rushes-served-by header: `animatic/0.1.0; model=…; stand-in; seed=7`."""
        parts = [f"{self.engine}/{self.version}", f"model={self.model}", f"deployment={self.deployment}"]
        if self.stand_in:
            parts.append("stand-in")
        if self.seed is not None:
            parts.append(f"seed={self.seed}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Made:
    """What came out of the engine and was stored, for the family to put into its output type.

    `seed` is the one in use, 0 where the endpoint has none; `prompt` the one in use, after expansion.
    """

    files: tuple[File, ...] = ()
    seed: int = 0
    prompt: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Roles:
    """Which input field plays which part; None where the endpoint has no such field."""

    prompt: str | None = "prompt"
    negative_prompt: str | None = None
    seed: str | None = None
    safety: str | None = None
    expansion: str | None = None


MediaMap = Mapping[str, Media]
ToCall = Callable[[Any, MediaMap, Clip], Call]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that can be asked for.

    `clip(input, media)` says what is to be made once the inputs are fetched, None where nothing with frames is;
    `units(input, clip)` what it costs, in `unit`s; `engines` holds, per kind of engine that can serve it, the function
    `(input, media, clip) -> Call`; `reply(input, made)` builds the output. `media` is keyed by `MediaInput.key`.
    Inputs come to these functions with their seed already chosen.
    """

    id: str
    title: str
    category: str
    about: str
    input: type[BaseModel]
    output: type[BaseModel]
    units: Callable[[Any, Clip | None], float]
    unit: str
    engines: Mapping[str, Callable[[Any, MediaMap, Any], Call]]
    reply: Callable[[Any, Made], BaseModel]
    clip: Callable[[Any, MediaMap], Clip] | None = None
    roles: Roles = field(default_factory=Roles)
    example: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    test_only: bool = False
