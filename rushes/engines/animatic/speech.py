"""Text spoken aloud, clause by clause while it is asked for; deterministic, offline, without weights.

Two speakers: espeak-ng where the extra `speech` is installed (`spoken.tongue`), and our own, which spells its way
through English (`spoken.letters`, `score`, `formants`). This file chooses, and sees to loudness, pauses and channels.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from rushes.calls import SpeechCall
from rushes.engines.animatic.spoken.character import Character, character_of, in_mood
from rushes.engines.animatic.spoken.formants import Samples, sing
from rushes.engines.animatic.spoken.letters import clauses
from rushes.engines.animatic.spoken.room import Room
from rushes.engines.animatic.spoken.score import score
from rushes.engines.animatic.spoken.tongue import PAUSE, Tongue, TongueLost, pause_s
from rushes.engines.engine import Cancelled, Progress, SoundChunk, SoundTrack

_SIGNS = re.compile(r"[,.;:!?…。、，；：！？\n]+(?=\s*\w)")  # what ends a phrase that is not the last
_NOTHING_S = 0.5  # how long nothing lasts, when there is nothing to say
_LOUDEST, _KNEE = 0.98, 0.7
_PLAIN = "phrases (our own simple voice, in English spelling: rushes[speech] is not installed)"
_LOST = "phrases (our own simple voice, in English spelling: espeak-ng did not start)"

Say = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Breath:
    """A stretch of speech, (N, channels), and when phonemes of espeak-ng's begin, in seconds since the very start."""

    sound: SoundChunk
    phonemes: tuple[tuple[float, str], ...] = ()


def speech(call: SpeechCall, progress: Say, cancelled: Callable[[], bool]) -> SoundTrack:
    """Begin to speak; each chunk is a clause and the pause after it."""
    if cancelled():
        raise Cancelled
    character = character_of(call.voice, call.profile)
    chunks = (breath.sound for breath in spoken(call, character, progress, cancelled))
    return SoundTrack(chunks, call.sample_rate, call.channels)


def spoken(call: SpeechCall, character: Character, progress: Say, cancelled: Callable[[], bool]) -> Iterator[Breath]:
    """Yield the text as this character says it, at least half a second of it."""
    tongue = None if call.plain else _tongue()
    said = False
    if tongue is not None:
        try:
            for breath in _by_tongue(call, character, tongue, progress, cancelled):
                said = True
                yield breath
        # With nothing said yet our own voice can take over; in mid-sentence that would be two people.
        except TongueLost:
            if said:
                raise
            tongue = None
    if tongue is None:
        noun = "phrases" if call.plain else _PLAIN if _tongue() is None else _LOST
        for breath in _by_ourselves(call, character, noun, progress, cancelled):
            said = True
            yield breath
    if not said:
        yield Breath(np.zeros((max(1, round(_NOTHING_S * call.sample_rate)), call.channels), np.float32))


@cache
def _tongue() -> Tongue | None:
    return Tongue.found()


def _by_tongue(
    call: SpeechCall, character: Character, tongue: Tongue, progress: Say, cancelled: Callable[[], bool]
) -> Iterator[Breath]:
    mood = in_mood(character, call.emotion)
    if not re.search(r"\w", PAUSE.sub("", call.text)):
        return
    heard = tongue.say(
        call.text,
        mood,
        language=call.language,
        speed=call.speed,
        semitones=call.pitch,
        pronunciations=call.pronunciations,
    )
    room: Room | None = None
    phrases = len(_SIGNS.findall(call.text)) + 1
    for number, stretch in enumerate(heard, 1):
        if cancelled():
            raise Cancelled
        room = room or Room(stretch.rate, call.sample_rate, mood.tilt)
        samples = room.put(stretch.samples / 32768.0, level=mood.energy)
        progress(Progress(min(number, phrases), phrases, "phrases"))
        if len(samples):
            yield Breath(_delivered(samples, call), stretch.phonemes)
    if room is not None and len(rest := room.put(np.zeros(0), last=True)):
        yield Breath(_delivered(rest, call))


def _by_ourselves(
    call: SpeechCall, character: Character, noun: str, progress: Say, cancelled: Callable[[], bool]
) -> Iterator[Breath]:
    # Dice from voice and text, since speech has no seed: the same words sound the same.
    key = hashlib.sha256(f"{call.voice} {call.text}".encode()).digest()
    dice, grains = random.Random(key), np.random.default_rng(list(key))
    mood = in_mood(character, call.emotion)
    stretches = PAUSE.split(call.text)
    said = [list(clauses(stretch, call.pronunciations)) for stretch in stretches[::2]]
    number, total = 0, sum(map(len, said))
    for index, part in enumerate(said):
        for clause in part:
            if cancelled():
                raise Cancelled
            number += 1
            sheet = score(clause, mood, speed=call.speed, semitones=call.pitch, dice=dice)
            samples = sing(sheet, mood, call.sample_rate, grains)
            progress(Progress(number, total, noun))
            yield Breath(_delivered(samples, call))
        if 2 * index + 1 < len(stretches):
            silent = max(1, round(pause_s(stretches[2 * index + 1]) * call.sample_rate))
            yield Breath(np.zeros((silent, call.channels), np.float32))


def _delivered(samples: Samples, call: SpeechCall) -> SoundChunk:
    """Set the loudness, without ever clipping hard, and copy to all channels."""
    gain = max(call.volume, 0.0)
    loud = samples * np.float32(gain)
    bent = np.abs(loud) > _KNEE  # only peaks are bent: a soft voice stays as it is
    over = (np.abs(loud[bent]) - _KNEE) / (_LOUDEST - _KNEE)
    loud[bent] = np.sign(loud[bent]) * (_KNEE + (_LOUDEST - _KNEE) * np.tanh(over))
    return np.ascontiguousarray(np.repeat(loud[:, None], call.channels, axis=1), dtype=np.float32)
