"""How the surface of a picture moves by itself: leaves and hair in the wind, waves, drifting clouds, running water.

Works on the coarse grid of picture coordinates that `render` reads from, so that it costs next to nothing and goes with
the camera. Everything is a function of time that is at rest at zero; with a period it comes back to where it began.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from rushes.engines.animatic.depth import Plane
from rushes.engines.animatic.easing import smoothstep
from rushes.engines.animatic.elements import Element, Kind
from rushes.engines.animatic.regions import Regions

# By eye, in shares of the geometric mean of the frame's sides: more looks like jelly, less like a fault.
_SWAY: dict[Kind, float] = {"foliage": 0.0055, "hair": 0.0060, "cloth": 0.0070}
_WAVE = 0.0075
_DRIFT = 0.016  # a second
# Of what would fold the sides of a region over, and of what slants its upper and lower edges by 45 degrees.
_FOLDED, _SLANTED = 0.6, 1.0
_SIXTH = 6.0  # of a loop is how long clouds go one way at full speed; they swing back
_FLOW = 0.055  # a second
_CYCLE_S = 1.0  # of running water: two copies run and take turns, each starting over while it is not seen
_GUSTS = ((0.31, 1.0, 1.7, 0.9), (0.83, 0.5, 4.1, 2.3), (1.9, 0.22, 9.7, 6.1))  # hertz, size, waves across, and down


Move = Callable[[Plane, Plane, float], tuple[Plane, Plane]]


@dataclass(frozen=True, slots=True)
class Stirred:
    """Picture coordinates of one frame. `second`, where water runs, is mixed in by `share`."""

    x: Plane
    y: Plane
    second: tuple[Plane, Plane] | None = None
    share: float = 0.0


class Stir:
    """The moving surface of one picture (wide x tall pixels), seen by frames whose sides' geometric mean is `unit`."""

    def __init__(
        self,
        elements: tuple[Element, ...],
        regions: Regions,
        picture: tuple[int, int],
        *,
        unit: float,
        seed: int,
        seconds: float,
        period: float | None,
    ) -> None:
        """`seconds` is the clip's length.

        `period`: seconds after which everything is as at the beginning; None when it need not come back.
        """
        self._unit, self._period, self._regions = unit, period, regions
        self._wide, self._tall = picture
        self._phase = np.random.default_rng(seed % 2**63).uniform(0.0, math.tau, 8)
        strength = {element.kind: element.strength for element in elements}
        still = np.zeros_like(regions.foliage)
        self._wind = still
        swaying: tuple[tuple[Kind, Plane], ...]
        swaying = (("foliage", regions.foliage), ("hair", regions.hair), ("cloth", regions.cloth))
        for kind, plane in swaying:
            if kind in strength:
                self._wind = np.maximum(self._wind, plane * np.float32(_SWAY[kind] * unit * strength[kind]))
        self._water = regions.water * np.float32(_WAVE * unit * strength.get("waves", 0.0))
        drift = _DRIFT * unit * strength.get("clouds", 0.0)
        # Slower in a long clip: clouds that went on would tear at the ridge behind which they should come forth.
        far = drift * (seconds if period is None else period / _SIXTH)
        drift *= min(1.0, _room(regions.sky, picture) / max(far, 1e-6))
        self._sky = regions.sky * np.float32(drift)
        self._stream = regions.water * np.float32(_FLOW * unit * strength.get("flow", 0.0))

    @property
    def still(self) -> bool:
        """Whether nothing moves: nothing was asked for, or the picture has nothing of the kind."""
        return not any(float(plane.max()) > 0.1 for plane in (self._wind, self._water, self._sky, self._stream))

    def at(self, x: Plane, y: Plane, seconds: float) -> Stirred:
        """Return where the picture is read at a time instead of at (x, y)."""
        across, down = np.zeros_like(x), np.zeros_like(y)
        for plane, move in ((self._wind, self._gust), (self._water, self._wave), (self._sky, self._drift)):
            if float(plane.max()) > 0.1:
                size, way = self._sampled(plane, x, y), move(x / self._unit, y / self._unit, seconds)
                across, down = across + size * way[0], down + size * way[1]
        x, y = (x + across).astype(np.float32), (y + down).astype(np.float32)
        if float(self._stream.max()) <= 0.1:
            return Stirred(x, y)
        return self._running(x, y, seconds)

    def _sampled(self, plane: Plane, x: Plane, y: Plane) -> Plane:
        tall, wide = plane.shape
        columns = (x + 0.5) * np.float32(wide / self._wide) - 0.5
        rows = (y + 0.5) * np.float32(tall / self._tall) - 0.5
        return np.asarray(cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)

    def _hertz(self, hertz: float) -> float:
        return hertz if self._period is None else max(1, round(hertz * self._period)) / self._period

    def _rise(self, seconds: float) -> float:
        return 1.0 if self._period is not None else smoothstep(seconds / 0.9)

    def _wavy(self, place: Plane, hertz: float, seconds: float) -> Plane:
        """Return a sine of place and time that is 0 at the beginning."""
        turned = place + math.tau * self._hertz(hertz) * seconds
        wave = np.sin(turned) if self._period is None else np.sin(turned) - np.sin(place)
        return np.asarray(wave, dtype=np.float32)

    def _gust(self, x: Plane, y: Plane, seconds: float) -> tuple[Plane, Plane]:
        total, lifted = np.zeros_like(x), np.zeros_like(x)
        for index, (hertz, size, across, down) in enumerate(_GUSTS):
            place = (across * x + down * y + self._phase[index]).astype(np.float32)
            total += np.float32(size) * self._wavy(place, hertz, seconds)
            # Up and down as well, out of step: what only went sideways would look like a sliding print.
            lifted += np.float32(0.3 * size) * self._wavy(place + np.float32(1.3), 1.2 * hertz, seconds)
        rise = np.float32(self._rise(seconds))
        return total * rise, lifted * rise

    def _wave(self, x: Plane, y: Plane, seconds: float) -> tuple[Plane, Plane]:
        """Return ripples that are smaller and closer together towards the horizon."""
        top = self._regions.horizon * self._tall / self._unit
        near = np.clip((y - top) / max(self._tall / self._unit - top, 0.1), 0.0, 1.0)
        depth = np.log(near + 0.10)
        swell = self._wavy((13.0 * depth + 2.6 * x + self._phase[3]).astype(np.float32), 0.42, seconds)
        chop = self._wavy((24.0 * depth - 7.0 * x + self._phase[4]).astype(np.float32), 0.85, seconds)
        rise = np.float32(self._rise(seconds)) * (0.15 + 0.85 * near)
        return 0.45 * chop * rise, (0.8 * swell + 0.4 * chop) * rise

    def _drift(self, x: Plane, y: Plane, seconds: float) -> tuple[Plane, Plane]:
        direction = -1.0 if self._phase[5] < math.pi else 1.0
        way = seconds if self._period is None else self._period / _SIXTH * math.sin(math.tau * seconds / self._period)
        way *= self._rise(seconds)
        return np.full_like(x, direction * way), np.zeros_like(x)

    def _running(self, x: Plane, y: Plane, seconds: float) -> Stirred:
        # A whole number of cycles, so that a loop closes.
        cycle = _CYCLE_S if self._period is None else self._period / max(1, round(self._period / _CYCLE_S))
        speed = self._sampled(self._stream, x, y) * np.float32(cycle)
        turn = seconds / cycle
        first, second = (turn + 0.5) % 1.0, turn % 1.0

        def shifted(part: float) -> tuple[Plane, Plane]:
            # From half a cycle before its place to half a cycle behind: least bent where it is seen most.
            back = speed * np.float32(0.5 - part)
            return (x + 0.25 * back).astype(np.float32), (y + back).astype(np.float32)

        share = smoothstep(1.0 - abs(2.0 * second - 1.0))
        if share <= 0.0:
            return Stirred(*shifted(first))
        return Stirred(*shifted(first), second=shifted(second), share=share)


def _room(region: Plane, picture: tuple[int, int]) -> float:
    """Return how many of the picture's pixels a region may go sideways before its edges show it."""
    (tall, wide), (across, down) = region.shape, picture
    steep = float(np.abs(np.diff(region, axis=1)).max()) * wide / across
    upright = float(np.abs(np.diff(region, axis=0)).max()) * tall / down
    return float(min(_FOLDED / max(steep, 1e-6), _SLANTED / max(upright, 1e-6)))
