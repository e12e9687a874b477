"""What a family gives for each endpoint, and the records that travel with a job through the work on it.

Everything here is frozen and free of I/O. Shared code reads an input only through an Endpoint's functions and `Roles`,
never by a field's name, since each family calls the same switch something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from inspect import cleandoc
from typing import Any, Literal

from pydantic import BaseModel

from rushes.calls import Attachment, Call, Form
from rushes.errors import Loc
from rushes.fields import File, MediaKind


@dataclass(frozen=True, slots=True)
class Media:
    """One input file after it was fetched and probed. Sizes are of the upright picture, in pixels.

    `path` is local, decoded and safe to open anywhere: a picture is a `.npy`, (H, W, 3) uint8 RGB; a video is a file
    that our own decoder wrote (H.264 in mp4, no sound, upright, every frame once at a constant rate of at most 60 per
    second); sound is a `.npy`, (N, channels) int16 at 48 kHz; a voice is its JSON profile. `sound` is a video's sound
    in that form, `source` the file as it came.

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
    sound: str | None = None
    source: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height); LookupError for a file that has no picture, which a probed picture or video never is."""
        if self.width is None or self.height is None:
            raise LookupError(f"{self.path} ({self.content_type}) has no picture size")
        return self.width, self.height

    def attached(self, form: Form, loc: Loc, shape: float | None = None) -> Attachment:
        """Return it as it stands in a vendor's request: a picture cropped to the shape (width / height), if given.

        `loc` is its place in the caller's request, "body" first.
        """
        # What a picture or sound was decoded to can stand in for it; a video's is silent, so the file goes as it came.
        decoded = self.kind == "image" or (self.kind == "audio" and self.source is not None)
        return Attachment(
            kind=self.kind,
            path=self.source or self.path,
            content_type=self.content_type,
            form=form,
            loc=loc,
            pixels=self.path if decoded else None,
            width=self.width,
            height=self.height,
            duration_s=self.duration_s,
            shape=shape,
        )


@dataclass(frozen=True, slots=True)
class Clip:
    """A film is to be made: size in pixels, number of frames, frames per second, and whether it has sound."""

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
class Stills:
    """Pictures are to be made: so many, of this size in pixels."""

    width: int
    height: int
    count: int


@dataclass(frozen=True, slots=True)
class Sound:
    """Sound is to be made: about so long (the speaker decides), at this rate in Hz, with so many channels."""

    duration_s: float
    sample_rate: int
    channels: int


StillType = Literal["image/png", "image/jpeg"]

Plan = Clip | Stills | Sound
"""What is to be made, known once inputs are fetched."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How a video is written. `quality` and `write_mode` (speed against size) are the pages' words."""

    container: Literal["mp4", "webm", "mov", "gif"] = "mp4"
    quality: Literal["low", "medium", "high", "maximum"] = "high"
    write_mode: Literal["fast", "balanced", "small"] = "balanced"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How sound alone is written; `bitrate` (bits per second) counts for mp3; pcm is raw, 16 bit, little-endian."""

    container: Literal["mp3", "pcm", "flac", "wav"] = "mp3"
    sample_rate: int = 32_000
    bitrate: int = 128_000
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """How results reach the caller: formats, and whether as stored files, as data URIs, or stored and in hex as well.

    Data URIs are what sync_mode asks for: nothing is stored, and the request stays out of the history.
    """

    video: VideoFormat = VideoFormat()
    audio: AudioFormat = AudioFormat()
    still: StillType = "image/png"
    form: Literal["url", "data_uri", "hex"] = "url"

    @property
    def stored(self) -> bool:
        """Whether the files are stored."""
        return self.form != "data_uri"


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

    `seed` is the one in use, 0 where the endpoint has none; `prompt` the one in use, after expansion; `duration_s` of
    sound or video as it came out; `voice_id` of a voice that was made.
    """

    files: tuple[File, ...] = ()
    seed: int = 0
    prompt: str = ""
    value: Any = None
    plan: Plan | None = None
    duration_s: float | None = None
    voice_id: str | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """Which input field plays which part; None where the endpoint has no such field.

    `safety` is the switch of the checks of prompt, pictures and result, or True where they are always on.
    """

    prompt: str | None = "prompt"
    seed: str | None = None
    safety: str | Literal[True] | None = None
    expansion: str | None = None
    forgets_voice: str | None = None  # the id of a voice that is to be deleted


MediaMap = Mapping[str, Media]

SESSION = "realtime"
"""The word after an endpoint's id under which its sessions are reached, and counted as jobs."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture made within a session: its encoded bytes, their type, and its size in pixels."""

    content: bytes
    content_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Realtime:
    """How an endpoint answers the inputs of a session, each with one output.

    An input may leave out the members named in `kept` once an earlier one of the session had them. `reply` builds the
    output; bytes in it stay bytes. A session without an input for `idle_s` ends; of inputs that come faster than they
    are answered the newest `buffering` wait, unless the caller says otherwise. It costs what its answers cost as jobs.
    """

    kept: tuple[str, ...]
    reply: Callable[[Any, tuple[Frame, ...]], Mapping[str, Any]]
    idle_s: float = 60.0
    buffering: int = 60  # the most that a caller's max_buffering may ask for


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that can be asked for.

    `clip(input, media)` says what is to be made once the inputs are fetched, None where nothing is;
    `units(input, clip)` what it costs, in `unit`s; `engines` holds, per kind of engine that can serve it, the function
    `(input, media, clip) -> Call`; `delivery(input)` how results are written; `reply(input, made)` builds the output.
    `media` is keyed by `MediaInput.key`. Inputs come to these functions with their seed already chosen.
    `example` is a complete input, its files named by URLs of no host (https://example.com/…).
    `voices` are the voice ids that every caller has; any other id in a voice field is that of a voice they cloned.
    `own` is True where the name promises nobody's model: whoever serves it is no stand-in.
    `weights` are the kinds of open weights that can serve it, each with whether it stands in for what is promised;
    `needs` are parts of them that other endpoints do without, by the names that the engine has for them; `variants` are
    what its requests may ask for where a deployment has several networks.
    """

    id: str
    title: str
    category: str
    about: str
    input: type[BaseModel]
    output: type[BaseModel]
    units: Callable[[Any, Any], float]
    unit: str
    engines: Mapping[str, Callable[[Any, MediaMap, Any], Call]]
    reply: Callable[[Any, Made], BaseModel]
    clip: Callable[[Any, MediaMap], Plan] | None = None
    delivery: Callable[[Any], Delivery] = lambda _: Delivery()
    roles: Roles = field(default_factory=Roles)
    example: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    test_only: bool = False
    realtime: Realtime | None = None
    own: bool = False
    weights: Mapping[str, bool] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()

    @property
    def session_id(self) -> str:
        """What the jobs are called that its sessions are."""
        return f"{self.id}/{SESSION}"

    @property
    def price_rule(self) -> str:
        """The price in words: the first paragraph of the docstring of the function that applies it."""
        rule: Any = self.units
        while isinstance(rule, partial):  # one function may serve several endpoints, with a rate of each
            rule = rule.func
        return " ".join(cleandoc(rule.__doc__ or "").partition("\n\n")[0].split())
