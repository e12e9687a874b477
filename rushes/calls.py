"""What an engine is asked: one frozen record for each kind of engine, in that engine's own words.

A family turns a request into one of these; an engine reads nothing else. Pictures come as local NumPy files (`.npy`,
(H, W, 3) uint8 RGB, upright), decoded before. Nothing of ours is imported here, so that both sides can be loaded alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnimaticCall:
    """A moving storyboard: `frames` pictures of `width` x `height` (both even) at `fps`, from `image` if there is one.

    The same call gives the same frames. `image` is the path of a decoded picture; it is scaled to cover the frame and
    cropped at the centre.
    """

    prompt: str
    width: int
    height: int
    frames: int
    fps: float
    seed: int
    image: str | None = None


@dataclass(frozen=True, slots=True)
class EchoCall:
    """The test engine's call: wait `sleep_s` in `steps` equal parts, then return `payload`, fail, or die."""

    payload: object
    sleep_s: float
    steps: int
    fail: str | None
    exit_code: int | None


Call = AnimaticCall | EchoCall
