"""The contract of every engine: load once, generate many times, unload.

An engine gets a frozen call (see `rushes.calls`) and gives what was asked for: frames in chunks, pictures, sound, a
voice, a finished file, or a plain value. It never sees a request, a job or a URL. `generate` is called from one thread
at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from rushes.calls import Call
from rushes.errors import CallerError

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
    """How far a generation is: `done` of `total` steps, and a word for what a step is ("frames", "steps").

    `look` makes a small picture of how far it is; it is called only where somebody watches. `note` is something else
    that the job's log must say.
    """

    done: int
    total: int
    noun: str
    look: Callable[[], Picture] | None = None
    note: str = ""


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


@dataclass(frozen=True, slots=True)
class FinishedFiles:
    """Files that a vendor encoded itself, in the output's order; `profile` is that of a voice it made, as in Voice."""

    files: tuple[FinishedFile, ...]
    profile: str | None = None


Output = Frames | Pictures | SoundTrack | Voice | FinishedFile | FinishedFiles | Value


@dataclass(frozen=True, slots=True)
class FilmFile:
    """A film made elsewhere whose frames are wanted, not the file: it is decoded as a stranger's file is.

    It has to be `width` x `height` pixels large with `frames` frames or more; `then` makes what the call asked for of
    all that are there, and is called once the file is needed no more. The film gets `sound`; its own is left out.
    `remedy` is for the operator's log where it is another film.
    """

    path: str
    width: int
    height: int
    frames: int
    then: Callable[[Iterator[FrameChunk]], Iterator[FrameChunk]]
    sound: SoundTrack | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Maker:
    """What really makes the results: the engine's name, the model (weights or vendor model) and its version.

    `stand_in` is True when an endpoint served by it does not get the model that the endpoint's name promises.
    `trained` is False for what is drawn by rule, with no training data behind it; results say so in their manifest.
    `layout` names the kind of weights; an endpoint says for which of them it stands in (`Endpoint.weights`).
    """

    engine: str
    model: str
    version: str
    stand_in: bool
    trained: bool = True
    layout: str = ""


class Engine(Protocol):
    """One kind of engine, set up for one deployment."""

    def load(self) -> Maker:
        """Get ready (weights, warm-up) and say who you are. Called once, before the first `generate`."""
        ...

    def generate(
        self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Output | FilmFile:
        """Start making what was asked. `progress` is called between steps (it also keeps the job's lease alive);

        `cancelled` is looked at between steps and answered by raising Cancelled, at the latest after one chunk of
        frames. Raises rushes.errors.ModelError for what the caller should know.
        """
        ...

    def unload(self) -> None:
        """Give the memory back; `load` may follow."""
        ...


@runtime_checkable
class Chooses(Protocol):
    """An engine that holds several weights, and says of a call which of them make its result."""

    def maker_of(self, call: Call) -> Maker:
        """Say who makes it; known before it is made."""
        ...


Blame = Literal["key", "balance", "access", "busy", "server", "gone", "retired", "lost", "slow", "unknown", "here"]
"""Why an engine could not do a job that is itself in order: its key is dead, its account empty, it may not use what is

asked of it, it takes no more for now, it failed, it forgot the task, the model is no longer offered, it may have taken
a task that we can't find again, it takes too long, it answered what nobody understands, or the fault is this machine's.
"""


class Unable(Exception):
    """The engine could not do it, through no fault of the request: another deployment may.

    `error` is what the caller gets where nobody else can, without secrets; `remedy` is for the operator's log. Where a
    task was `taken` it may have been paid, and no other is to be asked for the same.
    """

    def __init__(self, blame: Blame, error: CallerError, remedy: str, *, taken: bool = False) -> None:
        self.blame, self.error, self.remedy, self.taken = blame, error, remedy, taken
        super().__init__(remedy)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an engine that works elsewhere brought: the output, who made it, and what it says that it used.

    `usage` counts by unit ("seconds", "tokens", "pictures"); `cost_usd` is that at the operator's list price, None
    where there is none. `seed` and `prompt` are the ones that were in use there, where it tells. `value`
    is the endpoint's whole output from an engine that speaks its schema.
    """

    output: Output | FilmFile
    maker: Maker
    usage: Mapping[str, float] = field(default_factory=dict)
    cost_usd: float | None = None
    seed: int | None = None
    prompt: str | None = None
    value: Any = None


class Errand(Protocol):
    """What an engine that works elsewhere is sent out with: the job it is for, and the way back."""

    @property
    def name(self) -> str:
        """The job's id: the same in every try."""
        ...

    @property
    def saved(self) -> str | None:
        """What an earlier try kept last, None in the first."""
        ...

    @property
    def stale(self) -> bool:
        """Whether the job is another runner's by now, who goes on with what was kept."""
        ...

    def keep(self, note: str) -> None:
        """Store this with the job, for a try after this one; it is on the disk when this returns.

        Raises Cancelled when the job is no longer this runner's, and then nothing must be asked of a vendor any more.
        """
        ...

    def folder(self) -> Path:
        """A folder for files, removed with the job."""
        ...

    def share(self, path: Path, content_type: str) -> str:
        """Make a file fetchable for an hour and return its address. Raises Unable where nobody can reach us."""
        ...

    def say(
        self,
        message: str,
        level: Literal["INFO", "WARN", "ERROR"] = "INFO",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Add a line to the job's log, which its caller reads; the label "progress" is a share of the way."""
        ...

    def tick(self) -> None:
        """Give a sign of life, at least every few seconds. Raises Cancelled when the job is no longer wanted."""
        ...


@runtime_checkable
class RemoteEngine(Protocol):
    """An engine that has the work done elsewhere: one process can wait for many jobs at once, in a thread for each."""

    @property
    def places(self) -> int:
        """How many jobs can be under way at once."""
        ...

    def run_errand(self, call: Call, errand: Errand) -> Receipt:
        """Have it made. Raises CallerError for what the caller did wrong, Unable, and Cancelled."""
        ...
