"""How a clause is said: for each five milliseconds the pitch, the resonances, the voice's and the noise's strength.

Timing and melody: a clause lasts as long as its letters ask for, stressed vowels are longer and higher, pitch falls
towards a full stop and rises towards a question mark. Samples are made from it in `formants`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.spoken.character import Character
from rushes.engines.animatic.spoken.letters import Clause
from rushes.engines.animatic.spoken.phonemes import PHONEMES, Phoneme

Curve = npt.NDArray[np.float64]

STEP_S = 0.005
LETTERS_PER_S = 13.0  # a calm narrator; pauses included
_PAUSES_S = {",": 0.16, ".": 0.36, "!": 0.34, "?": 0.38, "": 0.10}
_SPOKEN = 0.92  # of the time that the letters are given; the rest goes into pauses
_GLIDE_S = 0.045  # how long the mouth takes from one sound to the next


@dataclass(frozen=True, slots=True)
class Burst:
    """Noise of one sound: from, length (in seconds), strength, and where it lies in the spectrum."""

    start_s: float
    length_s: float
    level: float
    hz: float
    width_hz: float
    sharp: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Curves over the clause, one value per STEP_S; `formants` is (3, steps); `bursts` the noises."""

    seconds: float
    pitch: Curve
    voice: Curve
    formants: Curve
    bursts: tuple[Burst, ...]


@dataclass(frozen=True, slots=True)
class _Timed:
    sound: Phoneme
    start_s: float
    length_s: float
    stressed: bool


def score(clause: Clause, character: Character, *, speed: float, semitones: float, dice: random.Random) -> Score:
    """Write the curves of one clause, with the pause that follows it."""
    pace = max(speed, 0.05) * character.tempo
    # By letters and not by sounds: a wrong spelling rule must not change how long a text lasts.
    spoken_s = _SPOKEN * clause.letters / LETTERS_PER_S / pace
    seconds = spoken_s + _PAUSES_S[clause.ends] / pace
    timed = _timed(clause, spoken_s)
    steps = max(4, round(seconds / STEP_S))
    voice = np.zeros(steps)
    formants = np.tile(np.array([[500.0], [1500.0], [2500.0]]), (1, steps))
    for item in timed:
        _shape(item, voice, formants)
    width = max(3, round(_GLIDE_S / pace / STEP_S) | 1)
    return Score(
        seconds,
        _melody(clause, timed, character, steps, transposed=2 ** (semitones / 12), dice=dice),
        _blurred(voice, 5) * character.energy,
        np.stack([_blurred(row, width) for row in formants]) * character.tract,
        tuple(_bursts(timed, character)),
    )


def _timed(clause: Clause, spoken_s: float) -> list[_Timed]:
    """Give each sound its share of the time; the first vowel of a longer word is stressed."""
    rows: list[tuple[Phoneme, float, bool]] = []
    for word in clause.words:
        waiting = len(word) > 2
        for name in word:
            sound = PHONEMES[name]
            stressed = waiting and sound.vowel
            waiting = waiting and not stressed
            rows.append((sound, sound.length_s * (1.3 if stressed else 1.0), stressed))
    last = max((index for index, row in enumerate(rows) if row[0].vowel), default=-1)
    if last >= 0:  # the last syllable of a breath is drawn out
        rows[last] = (rows[last][0], rows[last][1] * 1.35, rows[last][2])
    scale = spoken_s / sum(length for _, length, _ in rows)
    timed, start = [], 0.0
    for sound, length, stressed in rows:
        timed.append(_Timed(sound, start, length * scale, stressed))
        start += length * scale
    return timed


def _shape(item: _Timed, voice: Curve, formants: Curve) -> None:
    first = round(item.start_s / STEP_S)
    end = max(first + 1, round((item.start_s + item.length_s) / STEP_S))
    count = len(voice[first:end])
    level = item.sound.voiced * (1.12 if item.stressed else 1.0)
    voice[first:end] = level
    if item.sound.stop:  # closed at first: only a murmur, if that
        # The burst comes after it (`_bursts`).
        voice[first : first + max(1, count * 2 // 3)] = level * 0.25
    goal = item.sound.glide or item.sound.formants
    along = np.linspace(0.0, 1.0, count)[None, :]
    begin, until = np.array(item.sound.formants)[:, None], np.array(goal)[:, None]
    formants[:, first:end] = begin + (until - begin) * along
    formants[:, end:] = until  # the mouth stays where it was until there is something else to say


def _melody(
    clause: Clause, timed: list[_Timed], character: Character, steps: int, *, transposed: float, dice: random.Random
) -> Curve:
    """Return the pitch in hertz: declination, accents, the ending, and a human's slight unsteadiness."""
    t = np.linspace(0.0, 1.0, steps)
    octaves = 0.10 - 0.22 * t
    if clause.ends == "?":
        octaves = 0.0 * t + 0.42 * np.clip((t - 0.72) / 0.25, 0.0, 1.0) ** 1.5
    elif clause.ends == ",":
        octaves = 0.08 - 0.12 * t + 0.10 * np.clip((t - 0.8) / 0.2, 0.0, 1.0)
    elif clause.ends == "!":
        octaves = 0.20 - 0.30 * t
    seconds = np.arange(steps) * STEP_S
    for item in timed:
        if item.stressed:
            peak = item.start_s + item.length_s * 0.4
            octaves = octaves + dice.uniform(0.08, 0.20) * np.exp(-(((seconds - peak) / 0.09) ** 2))
    waver = 0.012 * np.sin(2 * np.pi * (4.7 * seconds + dice.random())) + 0.008 * np.sin(2 * np.pi * 1.9 * seconds)
    return np.asarray(character.pitch_hz * transposed * 2 ** (octaves * character.liveliness + waver))


def _bursts(timed: list[_Timed], character: Character) -> list[Burst]:
    found = []
    for item in timed:
        sound = item.sound
        if not sound.noise:
            continue
        start, length = item.start_s, item.length_s
        if sound.stop:
            start, length = start + length * 0.6, length * (0.4 if sound.length_s < 0.1 else 0.6)
        # Noise is made at the teeth, whose distance to the lips differs less than the mouth's length.
        shift = character.tract**0.5
        found.append(
            Burst(start, length, sound.noise * character.energy, sound.noise_hz * shift, sound.width_hz, sound.stop)
        )
    return found


def _blurred(values: Curve, width: int) -> Curve:
    kernel = np.hanning(width + 2)
    padded = np.pad(values, width, mode="edge")
    # Padded with its ends, or each clause would begin and end with a glide from nothing.
    return np.convolve(padded, kernel / kernel.sum(), mode="same")[width:-width]
