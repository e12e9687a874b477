"""Where the camera is at each moment of the clip: moves in, poses out.

Everything is a function of time, so that the same clip at another frame rate is the same motion. Whether a pose would
look past the picture's edge is not known here; `framing` sees to that.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import Protocol

from rushes.engines.animatic.camera import Kind, Move
from rushes.engines.animatic.easing import Wave, ease, sway, tremor

PIVOT = 0.62  # disparity of what an orbit keeps in its place (see `depth`: 1 is nearest)
_FULL_LENGTH_S = 5.0  # the clip length for which the sizes below are meant


@dataclass(frozen=True, slots=True)
class Pose:
    """Six degrees of freedom and the lens.

    `right` and `up`: by how many frame widths and heights the nearest plane is shifted; `forward`: in distances to that
    plane; `pan` (right) and `tilt` (up): by how many widths and heights the far view is shifted; `roll`: radians,
    clockwise; `zoom`: logarithm of the magnification.
    """

    right: float = 0.0
    up: float = 0.0
    forward: float = 0.0
    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    zoom: float = 0.0

    def plus(self, other: Pose, share: float = 1.0) -> Pose:
        """Add another pose's offsets, times `share`."""
        return Pose(
            self.right + share * other.right,
            self.up + share * other.up,
            self.forward + share * other.forward,
            self.pan + share * other.pan,
            self.tilt + share * other.tilt,
            self.roll + share * other.roll,
            self.zoom + share * other.zoom,
        )


# What one whole move of ordinary speed does in five seconds. Found by eye on landscapes, faces and still lifes: larger
# ones pull the picture's surface like rubber, smaller ones read as a photograph sliding.
_WHOLE: dict[Kind, Pose] = {
    "pan": Pose(pan=0.10),
    "tilt": Pose(tilt=0.10),
    "zoom": Pose(zoom=0.20),
    "dolly": Pose(forward=0.22),
    "truck": Pose(right=0.095),
    "pedestal": Pose(up=0.12),
    "orbit": Pose(right=0.14, pan=-0.14 * PIVOT),
    "roll": Pose(roll=math.radians(6.0)),
    "shake": Pose(),
}
# Beyond this a turn would only look at the enlarged rim, and a travel would bend what stands upright.
_MOST: dict[Kind, float] = {"pan": 1.2, "tilt": 1.2, "truck": 1.3, "pedestal": 1.3, "orbit": 1.3, "dolly": 1.6}
_MOST_AT_ONCE = 1.6
_SHAKE = Pose(pan=0.0045, tilt=0.0065, roll=math.radians(0.28), right=0.005, up=0.006)
_BREATH = Pose(pan=0.0006, tilt=0.0009, roll=math.radians(0.03))  # even a dolly on rails is not a computer


class Journey(Protocol):
    """Anything that has a pose at each moment."""

    def at(self, t: float) -> Pose:
        """Return the pose at `t` in 0..1."""
        ...


@dataclass(frozen=True, slots=True)
class Path:
    """The whole journey. `slack` widens pans over pictures that are wider (or taller) than the frame."""

    moves: tuple[Move, ...]
    seconds: float
    tremors: tuple[tuple[Wave, ...], ...]
    breaths: tuple[tuple[Wave, ...], ...]
    slack: tuple[float, float] = (0.0, 0.0)

    @property
    def still(self) -> bool:
        """Whether the camera does not move at all."""
        return not self.moves

    def at(self, t: float) -> Pose:
        """Return the pose at `t` in 0..1."""
        pose = Pose()
        if self.still:
            return pose
        for move in self.moves:
            pose = pose.plus(self._whole(move), self._travelled(move, t))
        shake = max((move.amount for move in self.moves if move.kind == "shake"), default=0.0)
        seconds = t * self.seconds
        pose = _swayed(pose, _SHAKE, self.tremors, seconds, shake) if shake else pose
        return _swayed(pose, _BREATH, self.breaths, seconds, 1.0)

    def _whole(self, move: Move) -> Pose:
        whole = _WHOLE[move.kind]
        # A wider picture has more to show: a pan across it goes most of the way to its end.
        across, upright = self.slack
        if move.kind == "pan" and across > 0.0:
            return replace(whole, pan=max(whole.pan, min(across * 0.9, 0.5)))
        if move.kind == "tilt" and upright > 0.0:
            return replace(whole, tilt=max(whole.tilt, min(upright * 0.9, 0.5)))
        return whole

    def _travelled(self, move: Move, t: float) -> float:
        if move.burst:
            return self._burst(move, t)
        length = (move.end - move.start) * self.seconds
        # Half the time, less than half the way: a short clip must not rush, a long one must not crawl.
        share = float(min(max(length / _FULL_LENGTH_S, 0.05), 2.0) ** 0.6)
        done = ease((t - move.start) / (move.end - move.start))
        amount = min(move.amount * share, _MOST.get(move.kind, math.inf))
        return move.sign * amount * done

    def _burst(self, move: Move, t: float) -> float:
        """Go all of the way in a fraction of a second around the middle of the move's time."""
        # Never longer than the part of the clip that the move has.
        half = min(move.burst / self.seconds, 0.9 * (move.end - move.start)) / 2
        done = ease((t - (move.start + move.end) / 2 + half) / (2 * half))
        return move.sign * min(move.amount, _MOST_AT_ONCE) * done


@dataclass(frozen=True, slots=True)
class Arrival:
    """The same journey seen from its end, where the camera comes to rest: 0 is the last moment, 1 the first."""

    path: Path
    share: float = 0.5  # of the way: what is still to come needs room beyond the picture on every side

    def at(self, t: float) -> Pose:
        """Return how far the camera still is from its rest, `t` before the end."""
        return Pose().plus(self.path.at(1.0 - t), self.share).plus(self.path.at(1.0), -self.share)


def _swayed(pose: Pose, size: Pose, waves: tuple[tuple[Wave, ...], ...], seconds: float, amount: float) -> Pose:
    pan, tilt, roll, right, up = (amount * sway(wave, seconds) for wave in waves)
    return pose.plus(
        Pose(right * size.right, up * size.up, 0.0, pan * size.pan, tilt * size.tilt, roll * size.roll, 0.0)
    )


def plan(moves: tuple[Move, ...], seconds: float, seed: int, slack: tuple[float, float] = (0.0, 0.0)) -> Path:
    """Lay the path for these moves over a clip of `seconds`; the seed decides how the hand trembles."""
    dice = random.Random(f"hand {seed}")
    tremors = tuple(tremor(dice, 0.35, 2.6) for _ in range(5))
    breaths = tuple(tremor(dice, 0.12, 0.4, waves=3) for _ in range(5))
    return Path(moves, max(seconds, 1e-6), tremors, breaths, slack)
