"""Text spoken aloud, clause by clause while it is asked for; deterministic, offline, without weights.

The parts stand in `spoken`: letters to sounds, sounds to a score, the score to samples. This file puts them in a row
and sees to length, loudness and channels.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator

import numpy as np

from rushes.calls import SpeechCall
from rushes.engines.animatic.spoken.character import Character, character_of, in_mood
from rushes.engines.animatic.spoken.formants import Samples, sing
from rushes.engines.animatic.spoken.letters import clauses
from rushes.engines.animatic.spoken.score import score
from rushes.engines.engine import Cancelled, Progress, SoundChunk, SoundTrack

_NOTHING_S = 0.5  # how long nothing lasts, when there is nothing to say
_LOUDEST = 0.98

Say = Callable[[Progress], None]


def speech(call: SpeechCall, progress: Say, cancelled: Callable[[], bool]) -> SoundTrack:
    """Begin to speak; each chunk is a clause and the pause after it."""
    if cancelled():
        raise Cancelled
    character = character_of(call.voice, call.profile)
    return SoundTrack(spoken(call, character, progress, cancelled), call.sample_rate, call.channels)


def spoken(
    call: SpeechCall, character: Character, progress: Say, cancelled: Callable[[], bool]
) -> Iterator[SoundChunk]:
    """Yield the text as this character says it."""
    key = hashlib.sha256(f"{call.voice} {call.text}".encode()).digest()
    dice, grains = random.Random(key), np.random.default_rng(list(key))
    mood = in_mood(character, call.emotion)
    said = list(clauses(call.text, call.pronunciations))
    for number, clause in enumerate(said, 1):
        if cancelled():
            raise Cancelled
        sheet = score(clause, mood, speed=call.speed, semitones=call.pitch, dice=dice)
        samples = sing(sheet, mood, call.sample_rate, grains)
        progress(Progress(number, len(said), "phrases"))
        yield _delivered(samples, call)
    if not said:
        yield np.zeros((max(1, round(_NOTHING_S * call.sample_rate)), call.channels), np.float32)


def _delivered(samples: Samples, call: SpeechCall) -> SoundChunk:
    """Set the loudness, without ever clipping hard, and copy to all channels."""
    gain = max(call.volume, 0.0)
    loud = samples * np.float32(gain)
    if gain > 1.0:
        loud = np.tanh(loud) * np.float32(_LOUDEST)
    return np.ascontiguousarray(np.repeat(loud[:, None], call.channels, axis=1), dtype=np.float32)
