"""Sounds made up from words: wind, rain, sea, fire, steps and the like, from shaped noise and simple tones.

Each layer is a short buffer that closes on itself without a seam (noise shaped in its spectrum is periodic by nature),
read round and round, with a slow swell over it; so any length costs the same memory. Buffers of different lengths keep
layers from repeating together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float32]
Make = Callable[[np.random.Generator, int], Wave]  # (dice, sample rate) -> one round of the layer

_MOST_LAYERS = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """One sound: its round, how strong it is, and its swell (period in seconds, depth 0..1, phase in turns)."""

    round: Wave
    level: float
    period_s: float
    depth: float
    phase: float

    def at(self, first: int, count: int, sample_rate: int) -> Wave:
        """Return `count` samples from the sample number `first` on."""
        samples = self.round[(first + np.arange(count)) % len(self.round)]
        turns = (first + np.arange(count)) / (sample_rate * self.period_s) + self.phase
        swell = 1.0 - self.depth * (0.5 + 0.5 * np.sin(2 * np.pi * turns))
        return np.asarray(samples * swell * self.level, dtype=np.float32)


def layers_of(words: str, seed: int, sample_rate: int) -> tuple[Layer, ...]:
    """Return the layers that a description asks for, most important first; the air of a room when it names no sound."""
    text = words.lower()
    hits = [(match.start(), row) for row in _SOUNDS if (match := re.search(rf"\b(?:{row[0]})", text))]
    rows = [row for _, row in sorted(hits, key=lambda hit: hit[0])][:_MOST_LAYERS] or [_ROOM]
    layers = []
    for number, (_, make, level, period_s, depth) in enumerate(rows):
        dice = np.random.default_rng([seed % 2**63, number])
        wave = make(dice, sample_rate)
        wave = wave / np.float32(max(float(np.abs(wave).max()), 1e-6))
        # What is named first is what is heard first.
        layers.append(Layer(wave, level * 0.85**number, period_s * dice.uniform(0.8, 1.2), depth, float(dice.random())))
    return tuple(layers)


def _noise(dice: np.random.Generator, rate: int, seconds: float, hz: float, octaves: float) -> Wave:
    """Return seamless noise around a frequency, `octaves` wide on each side."""
    count = int(seconds * rate)
    spectrum = np.fft.rfft(dice.standard_normal(count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1.0 / rate), 1.0)
    shaped = np.fft.irfft(spectrum * np.exp(-0.5 * (np.log2(hertz / hz) / octaves) ** 2) / np.sqrt(hertz), count)
    return np.asarray(shaped / (shaped.std() + 1e-12), dtype=np.float32)


def _strewn(wave: Wave, event: Wave, at: float, level: float) -> None:
    """Add an event at a place (0..1) of a round, going on at its beginning where it runs over the end."""
    first = int(at * len(wave))
    event = event[: len(wave)]
    room = min(len(event), len(wave) - first)
    wave[first : first + room] += event[:room] * np.float32(level)
    wave[: len(event) - room] += event[room:] * np.float32(level)


def _fading(rate: int, seconds: float, attack_s: float, decay_s: float) -> Wave:
    t = np.arange(max(8, int(seconds * rate))) / rate
    # The last fifth goes to nothing, or a cut-off tail would click.
    tail = np.clip((seconds - t) / (seconds * 0.2), 0.0, 1.0)
    return np.asarray(np.minimum(t / attack_s, 1.0) * np.exp(-t / decay_s) * tail, dtype=np.float32)


def _tone(rate: int, seconds: float, start_hz: float, end_hz: float) -> Wave:
    hz = np.linspace(start_hz, end_hz, max(8, int(seconds * rate)))
    return np.sin(2 * np.pi * np.cumsum(hz) / rate).astype(np.float32)


def _wind(dice: np.random.Generator, rate: int) -> Wave:
    whistle = _noise(dice, rate, 7.3, 620, 0.25)
    gusts = np.abs(_noise(dice, rate, 7.3, 0.4, 0.8))
    return _noise(dice, rate, 7.3, 260, 1.1) + 0.25 * whistle * gusts


def _rain(dice: np.random.Generator, rate: int) -> Wave:
    wave = _noise(dice, rate, 5.3, 5200, 1.0) * np.float32(0.5)
    fading = _fading(rate, 0.02, 0.0008, 0.004)
    drops = [fading * _noise(dice, rate, 0.02, dice.uniform(1500, 6000), 0.5) for _ in range(24)]
    for number in range(420):
        _strewn(wave, drops[number % len(drops)], dice.random(), dice.uniform(0.3, 1.6))
    return wave


def _sea(dice: np.random.Generator, rate: int) -> Wave:
    deep, foam = _noise(dice, rate, 9.1, 240, 1.3), _noise(dice, rate, 9.1, 3200, 1.1)
    t = np.linspace(0.0, 1.0, len(deep), endpoint=False)
    roll = (0.5 - 0.5 * np.cos(2 * np.pi * t)) ** 2
    return np.asarray(deep * (0.35 + 0.65 * roll) + 0.5 * foam * np.roll(roll, len(t) // 8), dtype=np.float32)


def _stream(dice: np.random.Generator, rate: int) -> Wave:
    wave = _noise(dice, rate, 6.1, 1500, 0.9) * np.float32(0.6)
    for _ in range(160):
        hz, length = dice.uniform(400, 1500), dice.uniform(0.02, 0.06)
        drop = _tone(rate, length, hz, hz * dice.uniform(1.1, 1.6))
        _strewn(wave, drop * _fading(rate, length, 0.004, 0.03)[: len(drop)], dice.random(), dice.uniform(0.3, 1.2))
    return wave


def _fire(dice: np.random.Generator, rate: int) -> Wave:
    wave = _noise(dice, rate, 6.7, 180, 1.2) * np.float32(0.5)
    for _ in range(110):
        crack = _fading(rate, 0.03, 0.0004, dice.uniform(0.001, 0.008)) * _noise(dice, rate, 0.03, 3000, 0.9)
        _strewn(wave, crack, dice.random(), float(dice.uniform(0.5, 1.0) ** 3 * 7))
    return wave


def _steps(dice: np.random.Generator, rate: int) -> Wave:
    wave = np.zeros(int(rate * 4.4), np.float32)
    for number in range(8):
        heel = _fading(rate, 0.16, 0.002, 0.03) * _noise(dice, rate, 0.16, 140 + 20 * (number % 2), 0.7)
        grit = _fading(rate, 0.16, 0.02, 0.04) * _noise(dice, rate, 0.16, 2600, 0.8)
        _strewn(wave, heel + 0.3 * grit, (number + dice.uniform(-0.03, 0.03)) / 8 + 0.05, dice.uniform(0.8, 1.0))
    return wave


def _city(dice: np.random.Generator, rate: int) -> Wave:
    wave = _noise(dice, rate, 11.3, 110, 1.2)
    for _ in range(3):
        passing = _noise(dice, rate, 3.2, 500, 1.0)
        swell = np.hanning(len(passing)).astype(np.float32) ** 2
        _strewn(wave, passing * swell, dice.random(), dice.uniform(0.6, 1.1))
    return wave


def _engine(dice: np.random.Generator, rate: int) -> Wave:
    seconds = 4.0
    t = np.arange(int(seconds * rate)) / rate
    base = round(dice.uniform(42, 58) * seconds) / seconds  # whole turns in a round
    wave = sum(np.sin(2 * np.pi * base * n * t + dice.uniform(0, 6.28)) / n**0.9 for n in (1, 2, 3, 4, 6, 8, 10))
    return np.asarray(wave + 0.25 * _noise(dice, rate, seconds, 700, 1.0), dtype=np.float32)


def _birds(dice: np.random.Generator, rate: int) -> Wave:
    wave = _noise(dice, rate, 8.9, 2400, 1.4) * np.float32(0.015)
    for _ in range(7):
        place, hz, level = dice.random(), dice.uniform(2300, 4800), dice.uniform(0.3, 1.0)
        for note in range(dice.integers(2, 6)):
            length = dice.uniform(0.05, 0.12)
            chirp = _tone(rate, length, hz * dice.uniform(0.9, 1.2), hz * dice.uniform(0.8, 1.3))
            _strewn(wave, chirp * np.hanning(len(chirp)).astype(np.float32), (place + note * 0.018) % 1.0, level)
    return wave


def _music(dice: np.random.Generator, rate: int) -> Wave:
    seconds = 8.0
    t = np.arange(int(seconds * rate)) / rate
    root = 110.0 * 2 ** (int(dice.integers(0, 8)) / 12)
    wave = np.zeros(len(t))
    for ratio, level in ((1.0, 1.0), (1.5, 0.6), (2.0, 0.5), (2.5, 0.35), (3.0, 0.25), (0.5, 0.6)):
        for detune in (-0.125, 0.125):  # an eighth of a hertz: the beating closes in the round
            hz = round(root * ratio * seconds) / seconds + detune
            wave += level * np.sin(2 * np.pi * hz * t + dice.uniform(0, 6.28))
    return wave.astype(np.float32)


def _thunder(dice: np.random.Generator, rate: int) -> Wave:
    wave = _noise(dice, rate, 10.0, 60, 1.0) * np.float32(0.04)
    clap = _noise(dice, rate, 4.5, 85, 1.3) * _fading(rate, 4.5, 0.05, 1.2)
    _strewn(wave, clap, 0.12, 1.0)
    return wave


def _crowd(dice: np.random.Generator, rate: int) -> Wave:
    wave = _noise(dice, rate, 6.5, 480, 0.9) * np.float32(0.4)
    for _ in range(60):
        length = dice.uniform(0.1, 0.3)
        _strewn(
            wave,
            _noise(dice, rate, length, dice.uniform(250, 1100), 0.35)
            * np.hanning(int(length * rate)).astype(np.float32),
            dice.random(),
            dice.uniform(0.3, 0.9),
        )
    return wave


def _bell(dice: np.random.Generator, rate: int) -> Wave:
    wave = np.zeros(int(rate * 6.0), np.float32)
    hz = dice.uniform(380, 720)
    for ratio, level, decay in ((0.5, 0.5, 2.0), (1.0, 1.0, 1.4), (1.2, 0.5, 1.0), (2.0, 0.5, 0.6), (2.7, 0.3, 0.4)):
        _strewn(wave, _tone(rate, 4.0, hz * ratio, hz * ratio) * _fading(rate, 4.0, 0.002, decay), 0.06, level)
    return wave


def _room_air(dice: np.random.Generator, rate: int) -> Wave:
    return _noise(dice, rate, 6.0, 220, 1.6)


_Sound = tuple[str, Make, float, float, float]  # words, maker, level, period of the swell in seconds, its depth
_ROOM: _Sound = ("", _room_air, 0.07, 9.0, 0.3)
_SOUNDS: tuple[_Sound, ...] = (
    (r"winds?\b|windy|breez|gust|storm|blizzard|howl|desert|mountain|sky|fly", _wind, 0.30, 6.0, 0.55),
    (r"rain|drizzle|downpour|shower", _rain, 0.32, 11.0, 0.2),
    (r"sea\b|seas\b|ocean|waves?\b|beach|surf|shore|coast", _sea, 0.38, 12.0, 0.15),
    (r"river|stream|brook|waterfall|water|fountain|splash|pour", _stream, 0.28, 8.0, 0.2),
    (r"fire|flame|campfire|burn|crackl|candle|torch", _fire, 0.36, 7.0, 0.2),
    (r"foot ?steps?|walk|steps\b|running|marching|hik", _steps, 0.42, 9.0, 0.1),
    (r"city|cities|street|traffic|urban|town|road", _city, 0.30, 10.0, 0.25),
    (
        r"engine|motor|cars?\b|truck|machine|train\b|plane|helicopter|drone\b|robot|spaceship|rocket",
        _engine,
        0.26,
        5.0,
        0.3,
    ),
    (r"birds?\b|chirp|forest|garden|meadow|morning|park\b|jungle|nature", _birds, 0.30, 14.0, 0.2),
    (
        r"music|song|melod|orchestra|piano|guitar|violin|synth|ambient|drone|danc|cinematic|epic",
        _music,
        0.24,
        8.0,
        0.35,
    ),
    (r"thunder|lightning|explo|earthquake|rumbl", _thunder, 0.55, 10.0, 0.1),
    (r"crowd|people|chatter|market|cheer|applau|audience|party|cafe|restaurant", _crowd, 0.30, 7.0, 0.3),
    (r"bells?\b|chime|church|clock", _bell, 0.35, 9.0, 0.1),
)
