"""What a request becomes: stretches that the model was trained to make, joined and trimmed. Pure numbers.

The model makes 93 frames at once. A longer film goes on from the last 13 frames of a stretch, 80 new ones at a time. A
refined film is made with half of its frames and then doubled, in stretches of the same 93 (186 when doubled), of which
26 are known from the stretch before.
"""

from __future__ import annotations

from dataclasses import dataclass

from rushes.engines.longcat.autoencoder import TEMPORAL

STRETCH = 93  # frames that the model was trained on
KNOWN = 13  # frames that a film goes on from: 4 latent frames
NEW = STRETCH - KNOWN


@dataclass(frozen=True, slots=True)
class Stretch:
    """`frames` (4n + 1) are made at once, the first `known` of which are those before; `used` of the new ones count."""

    frames: int
    known: int
    used: int


@dataclass(frozen=True, slots=True)
class RefineStretch:
    """Frames `start` to `stop` of the first film are doubled at once; the first `known` of the doubled are there."""

    start: int
    stop: int
    known: int
    used: int


def on_grid(frames: int) -> int:
    """Return the next number of the form 4n + 1."""
    return -(-(frames - 1) // TEMPORAL) * TEMPORAL + 1


def stretches(frames: int) -> tuple[Stretch, ...]:
    """Return how a film of so many frames is made: 162 -> 93 and 93 with 13 known, of whose 80 new ones 69 are used."""
    if frames <= STRETCH:
        return (Stretch(on_grid(frames), 0, frames),)
    found, left = [Stretch(STRETCH, 0, STRETCH)], frames - STRETCH
    while left > 0:
        found.append(Stretch(STRETCH, KNOWN, min(left, NEW)))
        left -= NEW
    return tuple(found)


def first_frames(frames: int) -> int:
    """Return how many frames the first film of a refined one has: half, rounded up."""
    return (frames + 1) // 2


def refine_stretches(frames: int) -> tuple[RefineStretch, ...]:
    """Return how a first film is doubled to `frames`: 162 -> all of 81 at once."""
    first = first_frames(frames)
    stop = min(first, STRETCH)
    found, made = [RefineStretch(0, stop, 0, min(2 * stop, frames))], min(2 * stop, frames)
    start = 0
    while made < frames:
        start += NEW
        stop = min(first, start + STRETCH)
        used = min(2 * (stop - start - KNOWN), frames - made)
        found.append(RefineStretch(start, stop, 2 * KNOWN, used))
        made += used
    return tuple(found)
