"""Sounds made up from words: which ones a description asks for, and each as a layer that can be read for any length.

Each layer is a short buffer that closes on itself without a seam (noise shaped in its spectrum is periodic by nature),
read round and round, with a slow swell over it; so any length costs the same memory. Buffers of different lengths keep
layers from repeating together. What each sound is made of is in the `sounds_` files; mixing is `soundtrack`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import log2
from typing import NamedTuple

import numpy as np

from rushes.engines.animatic import sounds_machines as machines
from rushes.engines.animatic import sounds_outdoors as outdoors
from rushes.engines.animatic import sounds_people as people
from rushes.engines.animatic.camera import is_refused
from rushes.engines.animatic.sounding import Wave

Make = Callable[..., Wave]  # (dice, sample rate), and beats a second where the sound has a pace -> one round

_MOST_LAYERS = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """One sound: its round, how strong it is, and its swell (period in seconds, depth 0..1, phase in turns).

    `pan` is how far it wanders between the sides (negative on the other one); `follows`, 0..1, how much of it is heard
    only while something moves.
    """

    round: Wave
    level: float
    period_s: float
    depth: float
    phase: float
    pan: float = 0.0
    follows: float = 0.0

    def at(self, first: int, count: int, sample_rate: int) -> Wave:
        """Return `count` samples from the sample number `first` on."""
        samples = self.round[(first + np.arange(count)) % len(self.round)]
        turns = (first + np.arange(count)) / (sample_rate * self.period_s) + self.phase
        swell = 1.0 - self.depth * (0.5 + 0.5 * np.sin(2 * np.pi * turns))
        side = 1.0 + self.pan * np.sin(np.pi * turns)
        return np.asarray(samples * swell * side * self.level, dtype=np.float32)


class _Sound(NamedTuple):
    """A row of the table; `wide` sounds differ from side to side, the others come from one place that wanders.

    `beats` a second are those of a sound that can keep another pace.
    """

    words: str
    make: Make
    level: float
    period_s: float
    depth: float
    wide: bool = True
    follows: float = 0.0
    beats: float = 0.0


def layers_of(words: str, seed: int, sample_rate: int, side: int = 0, pace: float | None = None) -> tuple[Layer, ...]:
    """Return the layers that a description asks for, most important first; the air of a room when it names no sound.

    `side` is 0 for the left channel and 1 for the right one; steps keep the `pace` of a picture, in beats a second.
    """
    text = words.lower()
    hits = [(at, row) for row in _SOUNDS if (at := _named(row.words, text)) is not None]
    # By place alone: rows can't be compared.
    rows = [row for _, row in sorted(hits, key=lambda hit: hit[0])][:_MOST_LAYERS] or [_ROOM]
    # What is named first is what is heard first.
    return tuple(
        _layer(row, 0.85**number, [seed % 2**63, number], sample_rate, side, pace) for number, row in enumerate(rows)
    )


def _named(words: str, text: str) -> int | None:
    """Return where a text first asks for what these words say; None where it does not, or refuses it ("no music")."""
    matches = re.finditer(rf"\b(?:{words})", text)
    return next((match.start() for match in matches if not is_refused(text, match.start())), None)


def rush_of(seed: int, sample_rate: int, side: int = 0) -> Layer:
    """Return the air that moving things push aside, wholly driven by what is seen."""
    return _layer(_RUSH, 1.0, [seed % 2**63, 99], sample_rate, side)


def _layer(  # noqa: PLR0917
    row: _Sound, share: float, seed: list[int], sample_rate: int, side: int, pace: float | None = None
) -> Layer:
    # Its swell is the same on both sides, or a sound would wander; what is wide differs in its samples.
    place = np.random.default_rng(seed)
    period_s, phase = row.period_s * place.uniform(0.8, 1.2), float(place.random())
    dice = np.random.default_rng([*seed, side if row.wide else 0, 1])
    at_pace = (_nearest(pace, row.beats),) if row.beats and pace is not None else ()
    wave = row.make(dice, sample_rate, *at_pace)
    # All alike before their level counts; a round of silence stays one.
    wave = wave / np.float32(max(float(np.abs(wave).max()), 1e-6))
    pan = 0.0 if row.wide else 0.35 * (1 - 2 * side)
    return Layer(wave, row.level * share, period_s, row.depth, phase, pan, row.follows)


def _nearest(pace: float, usual: float) -> float:
    """Return the pace, or its half or double if that is clearly likelier: what bobs up and down moves twice a step."""
    octaves = {0.5: 0.15, 1.0: 0.0, 2.0: 0.15}
    return pace * min(octaves, key=lambda octave: abs(log2(pace * octave / usual)) + octaves[octave])


_ROOM = _Sound("", people.room, 0.07, 9.0, 0.3)
_RUSH = _Sound("", machines.rush, 0.22, 5.0, 0.2, follows=1.0)
_SOUNDS: tuple[_Sound, ...] = (
    _Sound(
        r"winds?\b|windy|breez|gust|storm|blizzard|howl|desert|mountain|sky|fly",
        outdoors.wind, 0.30, 6.0, 0.55, follows=0.4,
    ),
    _Sound(r"rain|drizzle|downpour|shower", outdoors.rain, 0.32, 11.0, 0.2),
    _Sound(r"sea\b|seas\b|ocean|waves?\b|beach|surf|shore|coast", outdoors.sea, 0.38, 12.0, 0.15, follows=0.3),
    _Sound(r"river|stream|brook|waterfall|water|fountain|splash|pour", outdoors.stream, 0.28, 8.0, 0.2, follows=0.3),
    _Sound(r"bubbl|underwater|aquarium|div(?:er|ing)|boil|fish", outdoors.bubbles, 0.34, 8.0, 0.2),
    _Sound(r"fire\b|fires\b|fireplace|flame|campfire|bonfire|burn|crackl|candle|torch", outdoors.fire, 0.36, 7.0, 0.2),
    _Sound(
        r"foot ?steps?|walk|steps\b|strid|marching|hik",
        people.steps, 0.42, 9.0, 0.1, wide=False, beats=people.WALK,
    ),
    _Sound(r"running|runs?\b|jog|sprint", people.running, 0.42, 9.0, 0.1, wide=False, beats=people.RUN),
    _Sound(r"horse|hoof|hooves|gallop|cavalry|pony", outdoors.horse, 0.42, 11.0, 0.25, wide=False),
    _Sound(r"dogs?\b|pupp|bark(?:s|ing)?\b", outdoors.dog, 0.36, 9.0, 0.1, wide=False),
    _Sound(r"city|cities|streets?\b|traffic|urban|town|roads?\b|highway", machines.city, 0.30, 10.0, 0.25, follows=0.3),
    _Sound(
        r"engine|motor|cars?\b|truck|machine|planes?\b|airplane|drones?\b|robot|spaceship|rocket",
        machines.engine, 0.26, 5.0, 0.3, follows=0.4,
    ),
    _Sound(r"helicopter|chopper|rotor", machines.rotor, 0.36, 9.0, 0.2),
    _Sound(r"trains?\b|railway|railroad|locomotive|subway|tram\b", machines.train, 0.36, 9.0, 0.2),
    _Sound(r"siren|ambulance|police", machines.siren, 0.24, 9.0, 0.3, wide=False),
    _Sound(
        r"birds?\b|gulls?\b|seagulls?\b|birdsong|chirp|forest|garden|meadow|morning|park\b|jungle",
        outdoors.birds, 0.30, 14.0, 0.2,
    ),
    _Sound(r"crickets?\b|cicada|insects?\b|night\b|summer evening", outdoors.crickets, 0.22, 12.0, 0.2),
    _Sound(
        r"music|song|melod|orchestra|piano|guitar|violin|synth|ambient|danc|cinematic|epic",
        people.music, 0.24, 8.0, 0.35,
    ),
    _Sound(r"thunder|lightning|earthquake|rumbl", outdoors.thunder, 0.55, 10.0, 0.1),
    _Sound(r"explo|blast|bombs?\b|detonat|fireworks?", machines.explosion, 0.60, 10.0, 0.1, wide=False),
    _Sound(r"gun|shots?\b|shooting|rifle|pistol", machines.gun, 0.50, 10.0, 0.1, wide=False),
    _Sound(
        r"crowd|people|chatter|murmur|market|audience|party|cafe|café|restaurant|cheer",
        people.crowd, 0.30, 7.0, 0.3,
    ),
    _Sound(r"applau|clap|ovation|audience|cheer", people.applause, 0.36, 9.0, 0.25),
    _Sound(r"bells?\b|chime|church|cathedral", people.bell, 0.35, 9.0, 0.1, wide=False),
    _Sound(r"clock|tick(?:s|ing)?\b|watch\b", people.clock, 0.34, 9.0, 0.05, wide=False),
    _Sound(r"door|gate\b|knock", people.door, 0.45, 9.0, 0.1, wide=False),
    _Sound(r"sword|blade|duel|fenc|samurai|knight", people.sword, 0.36, 9.0, 0.1, wide=False),
    _Sound(r"glass|shatter|window break", people.glass, 0.40, 9.0, 0.1, wide=False),
    _Sound(r"typing|keyboard|typewriter|office", people.typing, 0.30, 9.0, 0.1, wide=False),
    _Sound(r"phone|alarm|ringing|ringtone", machines.ringing, 0.24, 9.0, 0.1, wide=False),
    _Sound(r"heart ?beat|heart beat|pulse|suspense|tense", people.heartbeat, 0.50, 9.0, 0.1, wide=False),
    _Sound(r"whoosh|swoosh|swish|rush|zoom|pass(?:es|ing) by", machines.whoosh, 0.38, 9.0, 0.1, follows=0.6),
)  # fmt: skip
