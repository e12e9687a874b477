"""How a move starts, travels and stops, and how a hand trembles: smooth functions of time, nothing else."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

_RAMP = 0.36  # part of a move spent getting up to speed, and again slowing down
_VISIT = 0.12  # part of the time that is spent at the other end
_ROUNDED = 0.97  # 1 would be a triangle, whose corners are felt as jolts


def smoothstep(t: float) -> float:
    """Return 0 before 0, 1 after 1, and the cubic with flat ends in between."""
    t = min(max(t, 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


def ease(t: float) -> float:
    """Travel from 0 to 1 as an operated camera does: a soft start, an even middle, a soft stop.

    The speed rises and falls as a smoothstep, so that the acceleration is continuous too; a plain smoothstep of the
    position starts with a jolt.
    """
    t = min(max(t, 0.0), 1.0)
    if t > 0.5:
        return 1.0 - ease(1.0 - t)
    if t < _RAMP:
        u = t / _RAMP
        return _RAMP * (u**3 - u**4 / 2.0) / (1.0 - _RAMP)
    return (t - _RAMP / 2.0) / (1.0 - _RAMP)


@dataclass(frozen=True, slots=True)
class Wave:
    """One sine of a tremor: frequency in hertz, phase in radians, size relative to the whole."""

    hertz: float
    phase: float
    size: float

    def at(self, seconds: float) -> float:
        """Return the wave's value, relative to where it is at zero seconds."""
        return self.size * (math.sin(math.tau * self.hertz * seconds + self.phase) - math.sin(self.phase))


def tremor(dice: random.Random, low_hertz: float, high_hertz: float, waves: int = 6) -> tuple[Wave, ...]:
    """Draw band-limited noise: slow waves large, quick ones small, as a hand's weight makes them."""
    ratio = high_hertz / low_hertz
    drawn = []
    for index in range(waves):
        hertz = low_hertz * ratio ** ((index + dice.random()) / waves)
        drawn.append(Wave(hertz, dice.uniform(0.0, math.tau), (low_hertz / hertz) ** 0.9))
    total = math.sqrt(sum(wave.size**2 for wave in drawn))
    return tuple(Wave(wave.hertz, wave.phase, wave.size / total) for wave in drawn)


def sway(waves: tuple[Wave, ...], seconds: float) -> float:
    """Return the tremor at a time, about -1 to 1; 0 with no speed at zero seconds, so that a clip starts at rest."""
    return smoothstep(seconds / 0.6) * sum(wave.at(seconds) for wave in waves)


def visiting(t: float) -> float:
    """Travel evenly from 0 to 1, stay there for a moment in the middle, and come home while `t` goes from 0 to 1."""
    return min(max((1.0 - abs(2.0 * t - 1.0)) / (1.0 - _VISIT), 0.0), 1.0)


def there_and_back(t: float) -> float:
    """Travel from 0 to 1 and home again while `t` goes from 0 to 1: even on the way, rounded where it turns."""
    return 0.5 + 0.5 * math.asin(-_ROUNDED * math.cos(math.tau * t)) / math.asin(_ROUNDED)
