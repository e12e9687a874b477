"""The contract of every engine: load once, generate many times, unload.

An engine gets a frozen call (see `rushes.calls`) and gives what was asked for: frames in chunks, pictures, sound, a
voice, a finished file, or a plain value. It never sees a request, a job or a URL. `generate` is called from one thread
at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from rushes.calls import Call

if TYPE_CHECKING:  # an engine that makes no pictures, and the process that holds it, shall start without NumPy
    import numpy as np
    import numpy.typing as npt

FrameChunk: TypeAlias = "npt.NDArray[np.uint8]"
"""(T, H, W, 3) uint8 RGB, sRGB values, T at least 1; the consumer owns the array once it is yielded."""

Picture: TypeAlias = "npt.NDArray[np.uint8]"
"""(H, W, 3) uint8 RGB, sRGB values."""

SoundChunk: TypeAlias = "npt.NDArray[np.float32]"
"""(N, channels) float32 from -1 to 1, N at least 1."""


class Cancelled(Exception):
    """Raised by an engine from within `generate` when it saw that the job was cancelled; weights stay loaded."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a generation is: `done` of `total` steps, and a word for what a step is ("frames", "steps")."""

    done: int
    total: int
    noun: str


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """Sound in chunks, to be encoded while they come; `sample_rate` in Hz."""

    chunks: Iterator[SoundChunk]
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames to be encoded while they come; exactly as many as the call asked for, over all chunks.

    `sound` is as long as the film to within a video frame.
    """

    chunks: Iterator[FrameChunk]
    sound: SoundTrack | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """Stills, (H, W, 3) uint8 RGB each; exactly as many as the call asked for."""

    pictures: Iterator[Picture]


@dataclass(frozen=True, slots=True)
class Voice:
    """A cloned voice: its profile (a JSON object as text), and a sample of how it speaks."""

    profile: str
    preview: SoundTrack


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A file that the engine (or a vendor) encoded itself."""

    path: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Value:
    """A plain JSON value, for endpoints that make no media."""

    value: Any


Output = Frames | Pictures | SoundTrack | Voice | FinishedFile | Value


@dataclass(frozen=True, slots=True)
class Maker:
    """What really makes the results: the engine's name, the model (weights or vendor model) and its version.

    `stand_in` is True when an endpoint served by it does not get the model that the endpoint's name promises.
    """

    engine: str
    model: str
    version: str
    stand_in: bool


class Engine(Protocol):
    """One kind of engine, set up for one deployment."""

    def load(self) -> Maker:
        """Get ready (weights, warm-up) and say who you are. Called once, before the first `generate`."""
        ...

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Output:
        """Start making what was asked. `progress` is called between steps (it also keeps the job's lease alive);

        `cancelled` is looked at between steps and answered by raising Cancelled, at the latest after one chunk of
        frames. Raises rushes.errors.ModelError for what the caller should know.
        """
        ...

    def unload(self) -> None:
        """Give the memory back; `load` may follow."""
        ...
