"""How much memory and time a film takes by a way of holding the weights. Pure; each figure is an estimate.

Peak: the largest of encoding the text, sampling and decoding, a tenth more for what the allocator can't use again, and
what a process of the driver takes. Against published peaks of 71, 81, 40 and 24 GB it is within 15 %. Time: the work of
all passes by the device's rate; where layers come over the bus in every pass, whichever takes longer.
"""

from __future__ import annotations

from dataclasses import dataclass

from rushes.engines.fit.table import Film, Published, Stage

SLACK = 1.10
CONTEXT_BYTES = 0.6e9
TEXT_BYTES = 0.5e9  # that encoding a text works in
TILE_PIXELS = 256 * 256
KEPT_BYTES = 4  # a number of a key and one of a value, in bfloat16
COLOUR_BYTES = 3 * 4  # a pixel of the decoded film, in float32


@dataclass(frozen=True, slots=True)
class Way:
    """A way of holding weights: what of them is on the device in each phase, and what comes over the bus; bytes.

    `words` are for people, `settings` what a deployment sets to begin so.

    `streamed` comes in each pass of the network, `moved` once for each film; `waiting` stays in the machine's memory
    besides. `batched` is whether passes that can run
    together do; `share` the part of an accelerated film's passes that are computed; `passes` are all that
    there are, where the weights fix it.
    """

    words: str
    settings: str
    encoding: float
    sampling: float
    decoding: float
    streamed: float = 0.0
    moved: float = 0.0
    waiting: float = 0.0
    tiling: bool = False
    batched: bool = True
    share: float = 1.0
    passes: int | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """What a device does in a second: operations, from and to, and bytes over its bus."""

    slow: float
    fast: float
    bus: float


def peak_bytes(weights: Published, film: Film, way: Way) -> float:
    """Return the most that a film takes on the device."""
    return max(
        _padded(way.encoding + TEXT_BYTES),
        _padded(way.sampling + max(_stage_bytes(weights, film, one, way) for one in film.stages)),
        _padded(way.decoding + _decode_bytes(weights, film, way)),
    )


def seconds(weights: Published, film: Film, way: Way, pace: Pace) -> tuple[float, float]:
    """Return how long sampling takes, at least and at most."""
    return _seconds(weights, film, way, pace.fast, pace.bus), _seconds(weights, film, way, pace.slow, pace.bus)


def pass_work(weights: Published, stage: Stage) -> float:
    """Return the operations of one pass."""
    attended = (stage.attended or stage.tokens) * stage.density
    # A product and a sum for each weight and token; attention has two products, of scores and of values.
    return 2 * stage.tokens * weights.worked + 4 * stage.tokens * attended * weights.width * weights.layers


def _seconds(weights: Published, film: Film, way: Way, rate: float, bus: float) -> float:
    share = way.share if film.accelerated and way.passes is None else 1.0  # few steps have none that change little
    each = (max(pass_work(weights, one) / rate, way.streamed / bus) * (way.passes or one.passes) for one in film.stages)
    return sum(each) * share + way.moved / bus


def _stage_bytes(weights: Published, film: Film, stage: Stage, way: Way) -> float:
    """Return what a stage works in, and the keys and values of tokens that it attends to without running them."""
    kept = (stage.attended or stage.tokens) - stage.tokens
    return weights.token_bytes * _at_once(film, stage, way) + kept * KEPT_BYTES * weights.width * weights.layers


def _at_once(film: Film, stage: Stage, way: Way) -> int:
    return stage.tokens * (film.together if way.batched and not stage.alone else 1)


def _decode_bytes(weights: Published, film: Film, way: Way) -> float:
    pixels = film.size[0] * film.size[1]
    # Most autoencoders go through the film a few frames at a time; what they have made stays until the end.
    at_once = min(pixels, TILE_PIXELS) if way.tiling else pixels
    return at_once * weights.pixel_bytes * (film.frames if weights.whole else 1) + pixels * film.frames * COLOUR_BYTES


def _padded(count: float) -> float:
    return count * SLACK + CONTEXT_BYTES


def way_words(numbers: str, offload: str, *, tiling: bool) -> str:
    """Write a way in at most 26 characters."""
    short = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}.get(numbers, numbers)
    return f"{short}, {f'offload {offload}' if offload != 'none' else 'no offload'}{', tiled' if tiling else ''}"


def way_settings(offload: str, *, tiling: bool) -> str:
    """Write what a deployment sets to hold its weights so from the start."""
    return f'offload = "{offload}"' + (", tiling = true" if tiling else "")
