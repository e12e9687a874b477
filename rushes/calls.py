"""What an engine is asked: one frozen record for each kind of thing to be made, in that engine's own words.

A family turns a request into one of these; an engine reads nothing else. Inputs come as local files, fetched and
decoded before, in the forms that `endpoint.Media` names. Nothing of ours is imported here, so that both sides can be
loaded alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class SpeechCall:
    """Text to be spoken. `voice` is a built-in voice's name, or the id of a cloned one whose profile lies at `profile`.

    `speed` 1 is natural; `volume` 1 is normal, 0 silent; `pitch` in semitones; `language` an English name of one;
    `pronunciations` are (text, how it is said). A text may hold pauses in seconds, `<#0.5#>`. `plain` asks for the
    simplest speaker that an engine has.
    """

    text: str
    voice: str = ""
    profile: str | None = None
    speed: float = 1.0
    volume: float = 1.0
    pitch: float = 0.0
    emotion: str = "neutral"
    language: str | None = None
    sample_rate: int = 32_000
    channels: int = 1
    pronunciations: tuple[tuple[str, str], ...] = ()
    plain: bool = False


@dataclass(frozen=True, slots=True)
class CloneCall:
    """A voice to be taken from the `sample`, and a text to try it on; `voice` is the id it will have."""

    voice: str
    sample: str
    text: str
    noise_reduction: bool = False
    normalise_volume: bool = False


@dataclass(frozen=True, slots=True)
class StillsCall:
    """`count` pictures of `width` x `height` pixels from a prompt, with the subject of `image` if there is one."""

    prompt: str
    width: int
    height: int
    count: int
    seed: int
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A camera move asked for by parameter, not in the prompt; `amount` from -1 to 1, positive is right, up or in."""

    kind: Literal["truck", "pedestal", "pan", "tilt", "roll", "zoom", "dolly"]
    amount: float


@dataclass(frozen=True, slots=True)
class Mask:
    """A region of the opening picture, painted in white or in colour in a picture of any size, laid over all of it.

    It travels along `path`, (x, y) from the left and the top in shares of the picture; without one it stays as it is.
    """

    image: str
    path: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class AnimaticCall:
    """A moving storyboard: `frames` pictures of `width` x `height` (both even) at `fps`; the same call, same frames.

    It begins on `image` and ends on `end_image`, or loops, by way of `end_image` if both are asked for; `pictures` are
    subjects to be composed in. With a `video`, its first `keep` frames come untouched and the film goes on from the
    last of them; with `keep` None the whole of it is filmed anew: `strength` (0 to 1) says how far it may leave the
    original, `window` which part of it is seen, as left, top, right, bottom from 0 to 1. All inputs are scaled to cover
    the frame and cropped at the centre.
    `masks` say which parts of `image` travel, and which stay still.
    `sound` (a decoded sound) or `speech` is the film's sound, and moves the lips of who is seen where `lipsync` is set;
    `foley` is a description of sounds to be made up, mixed with `sound` if there is one.
    """

    prompt: str
    width: int
    height: int
    frames: int
    fps: float
    seed: int
    image: str | None = None
    end_image: str | None = None
    pictures: tuple[str, ...] = ()
    loop: bool = False
    camera: tuple[Move, ...] = ()
    camera_fixed: bool = False
    masks: tuple[Mask, ...] = ()
    style: str | None = None
    effect: str | None = None
    video: str | None = None
    keep: int | None = None
    strength: float = 0.0
    window: tuple[float, float, float, float] | None = None
    sound: str | None = None
    speech: SpeechCall | None = None
    lipsync: bool = False
    foley: str | None = None


@dataclass(frozen=True, slots=True)
class ViewCall:
    """One picture of `width` x `height` pixels: what a camera in this place sees of the space in a picture.

    `x` (right), `y` (up) and `z` (in) from -1 to 1 move it; `yaw` (right) and `pitch` (up) turn it and `roll`
    (clockwise) rolls it, in degrees; each whole `zoom` doubles the magnification. All at 0 is the picture as it is.
    """

    image: str
    width: int
    height: int
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    zoom: float = 0.0


@dataclass(frozen=True, slots=True)
class ForgetCall:
    """Nothing is to be made: the voice is deleted when the job ends well."""

    voice: str


@dataclass(frozen=True, slots=True)
class EchoCall:
    """The test engine's call: wait `sleep_s` in `steps` equal parts, then return `payload`, fail, or die."""

    payload: object
    sleep_s: float
    steps: int
    fail: str | None
    exit_code: int | None


Form = Literal["base64", "data_uri", "bytes", "upload", "url", "voice"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """An input file where it stands in a vendor's request; `form` is how it travels there.

    base64 without a prefix; a data URI; bytes, as a part of a multipart body; an upload of its own, whose id stands in
    its place; an address that the vendor can fetch; or, of a cloned voice's profile, the vendor's own id of it. `path`
    is the file as it came and `pixels` a picture's or sound's decoded form (as `endpoint.Media` has it), used where the
    vendor can't take the file as it is, or where the picture is to be cropped at its centre to the `shape` (width /
    height) first. `loc` is the input's place in the request.
    """

    kind: Literal["image", "video", "audio", "voice"]
    path: str
    content_type: str
    form: Form
    loc: tuple[str | int, ...]
    pixels: str | None = None
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    shape: float | None = None
    size: tuple[int, int] | None = None  # (width, height) that it is stretched to after the crop, instead of the limits
    lossless: bool = False  # as a mask must travel


@dataclass(frozen=True, slots=True)
class Course:
    """The path of a region, where it stands in a vendor's request as [{x, y}] in pixels from the bottom left.

    `points` are (x, y) from the left and the top in shares of the opening picture, of which only the `window` (left,
    top, right, bottom in the same shares) is sent, `size` (width, height) pixels large. They are taken to count from
    the bottom where only so the path begins on the region that is painted in `mask`, a decoded picture laid over the
    whole.
    """

    points: tuple[tuple[float, float], ...]
    mask: str
    window: tuple[float, float, float, float]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Named:
    """Something of a vendor's own that a caller chooses by its name, where its id stands in the vendor's request.

    The vendor is asked for the id before the task is sent. `loc` is the name's place in the caller's request.
    """

    kind: Literal["voice"]
    name: str
    loc: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class VendorCall:
    """What a vendor is asked: an `operation` in its own words, of one of its models, and the request's body.

    `body` is JSON but for its attachments, at any depth; `model` stands apart, so that the operator may map it to
    another. `fields` tells our field's place for a member of the body, for when the vendor refuses it: {"cfg_scale":
    ("body", "guidance")}; members of our own name need not be told. Nothing in it is secret. `voice` is not None where
    a voice is to be made: its id with us, which `perform` fills in, and which a vendor that lets one choose gets too.
    """

    vendor: str
    operation: str
    model: str
    body: Mapping[str, Any]
    fields: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class RefinePass:
    """A second pass over a film: to `width` x `height` pixels and twice as many frames, in so many `steps`."""

    width: int
    height: int
    steps: int


@dataclass(frozen=True, slots=True)
class LongCatCall:
    """A film of `frames` at `width` x `height` (multiples of 16) by that model, from `image` or from the prompt alone.

    With `refine` these are the size of the first pass, and the film that is asked for comes from the second.
    `guidance` and `negative_prompt` are not used by the `distilled` model; `accelerated` lets steps be skipped that
    change little. The picture is scaled to cover the size and cropped at its centre.
    """

    prompt: str
    width: int
    height: int
    frames: int
    seed: int
    steps: int
    guidance: float = 1.0
    negative_prompt: str = ""
    distilled: bool = False
    accelerated: bool = False
    image: str | None = None
    refine: RefinePass | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """What becomes of a film after it was made: its rate and size are raised, `frames` are kept."""

    width: int
    height: int
    frames: int
    fps: float


@dataclass(frozen=True, slots=True)
class Lora:
    """A change to the weights: the folder or file that it lies in, and how strong it is."""

    source: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class DiffusersCall:
    """A film of `width` x `height` by a diffusers pipeline: `made` frames are generated, the first `frames` are kept.

    `made` is the next number that the model's grid has. Pictures (`image` first, `last_image` last) are scaled to cover
    the film and cropped at their centre. `fps` is the film's rate, and what a model that is told a rate is told.
    `shift` moves the noise levels towards the noisy end, None leaves the weights' own. `acceleration` "regular" skips
    passes that would change little. `decode_timestep` and `decode_noise` are for autoencoders that are told a noise
    level. `finish` is what becomes of the film afterwards. `variant` names the weights that suit the film best, where a
    deployment has several.
    """

    prompt: str
    negative_prompt: str
    width: int
    height: int
    frames: int
    made: int
    fps: float
    steps: int
    guidance: float
    seed: int
    image: str | None = None
    last_image: str | None = None
    shift: float | None = None
    loras: tuple[Lora, ...] = ()
    acceleration: Literal["none", "regular"] = "none"
    decode_timestep: float = 0.0
    decode_noise: float | None = None
    finish: Finish | None = None
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Continuation:
    """A video that is gone on from: its first `kept` frames come untouched, at `fps`, before what is made.

    The model is shown the `prefix` frames before the cut, at its own rate.
    """

    video: str
    fps: float
    kept: int
    prefix: int


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """A film of `width` x `height` by a model's own program: `made` frames at `fps`, of which the first are kept.

    `frames` are those of the whole film. `task` is the program's word for what it is given. The picture is scaled to
    cover the size and cropped at its centre. `sound` (a decoded one) moves the lips, and is the film's sound. `prompt`
    and what follows `seed` are the program's own dials; None is a dial that it has not. With `continued` the film has
    that video's rate, so that new frames are taken from the made ones by their time.
    """

    task: str
    prompt: str
    width: int
    height: int
    frames: int
    made: int
    fps: float
    seed: int
    steps: int
    negative_prompt: str | None = None
    segments: int | None = None
    resolution: str | None = None
    text_guidance: float | None = None
    audio_guidance: float | None = None
    image: str | None = None
    sound: str | None = None
    continued: Continuation | None = None


Call = (
    DiffusersCall
    | AnimaticCall
    | StillsCall
    | ViewCall
    | SpeechCall
    | CloneCall
    | ForgetCall
    | EchoCall
    | VendorCall
    | LongCatCall
    | UpstreamCall
)
