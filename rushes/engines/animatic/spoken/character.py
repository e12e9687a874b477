"""What makes a voice this voice: pitch, size of the mouth, brightness, breath, pace; from a name or from a profile.

A built-in voice is only a name, so its words count ("Woman", "Elder", "Deep") and the name's own hash tells two of the
same kind apart. A cloned one is what was measured (`voice`), as JSON. Emotions change how a voice speaks.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Character:
    """`tract` is the formants' scale against a man's; `slope` how fast harmonics fall off (1 dull, 0 bright).

    `tilt` is the same for a voice that is coloured afterwards: decibels per octave, 0 as it is, negative is darker.
    """

    pitch_hz: float = 118.0
    tract: float = 1.0
    slope: float = 0.5
    breath: float = 0.05
    tempo: float = 1.0
    liveliness: float = 1.0
    energy: float = 1.0
    tilt: float = 0.0

    def profile(self) -> str:
        """Return the voice as a JSON object."""
        return json.dumps({key: round(value, 4) for key, value in asdict(self).items()})

    @classmethod
    def of_profile(cls, text: str) -> Character:
        """Read a profile; members that are missing keep their usual value, and none leaves what a voice can be."""
        given = json.loads(text)
        known = {
            name: min(max(float(given[name]), low), high)
            for name, (low, high) in _LIMITS.items()
            if isinstance(given.get(name), int | float)
        }
        return cls(**known)


_LIMITS = {
    "pitch_hz": (60.0, 420.0),
    "tract": (0.85, 1.45),
    "slope": (0.0, 1.0),
    "breath": (0.0, 0.4),
    "tempo": (0.6, 1.6),
    "liveliness": (0.4, 2.0),
    "energy": (0.4, 1.6),
    "tilt": (-9.0, 9.0),
}

# Words in a voice's name → a kind of voice; the first that fits is taken.
_KINDS: tuple[tuple[str, Character], ...] = (
    (r"baby|child|kid|toddler|pig|mouse|elf|fairy", Character(310, 1.36, 0.35, 0.06, 1.02, 1.4)),
    (r"girl|princess|maiden|lolita", Character(248, 1.24, 0.42, 0.07, 1.02, 1.25)),
    (r"boy|youth|teen|junior", Character(188, 1.16, 0.42, 0.05, 1.05, 1.2)),
    (r"grandma|granny|old.?lady|elder.?woman", Character(186, 1.12, 0.62, 0.14, 0.86, 0.95)),
    (r"elder|grandpa|old.?man|wise|santa|grinch|wizard|king", Character(104, 0.96, 0.66, 0.12, 0.86, 0.9)),
    (r"woman|women|female|lady|queen|mother|sister|aunt|wife|abbess|she\b", Character(204, 1.17, 0.5, 0.07, 1, 1.1)),
    (r"deep|knight|giant|demon|bass|general|commander", Character(88, 0.92, 0.6, 0.05, 0.94, 0.8, 1.1)),
    (r"man|men|male|guy|gentleman|father|brother|uncle|boss|host|he\b", Character(116, 1.0, 0.5, 0.05, 1, 1)),
)

# emotion → pace, pitch, liveliness, energy
_EMOTIONS: dict[str, tuple[float, float, float, float]] = {
    "happy": (1.07, 1.08, 1.45, 1.10),
    "sad": (0.85, 0.93, 0.60, 0.78),
    "angry": (1.08, 1.06, 1.30, 1.35),
    "fearful": (1.14, 1.15, 1.15, 0.88),
    "disgusted": (0.92, 0.95, 0.95, 0.95),
    "surprised": (1.03, 1.15, 1.75, 1.12),
}


_TILT, _MIDDLE_SLOPE = 5.0, 0.5  # a dull voice is 2.5 dB darker per octave than a bright one


def character_of(voice: str, profile: str | None) -> Character:
    """Return the character of a voice by its profile's path, or else by its name."""
    if profile is not None:
        return Character.of_profile(Path(profile).read_text())
    dice = random.Random(hashlib.sha256(voice.encode()).digest())
    # "CalmWoman" and "Calm_Woman" are two words each.
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", voice).lower()
    kinds = (kind for pattern, kind in _KINDS if re.search(rf"(?:\b|_)(?:{pattern})s?(?:\b|_)", words))
    kind = next(kinds, None) or dice.choice([_KINDS[5][1], _KINDS[7][1]])
    return replace(
        kind,
        pitch_hz=kind.pitch_hz * 2 ** dice.uniform(-0.16, 0.16),
        tract=kind.tract * dice.uniform(0.96, 1.05),
        slope=(slope := min(max(kind.slope + dice.uniform(-0.14, 0.14), 0.0), 1.0)),
        tilt=_TILT * (_MIDDLE_SLOPE - slope),
        breath=kind.breath * dice.uniform(0.6, 1.7),
        liveliness=kind.liveliness * dice.uniform(0.85, 1.2),
    )


def in_mood(character: Character, emotion: str) -> Character:
    """Return how a character speaks in an emotion; one that is not known is neutral."""
    pace, pitch, liveliness, energy = _EMOTIONS.get(emotion.lower(), (1.0, 1.0, 1.0, 1.0))
    return replace(
        character,
        tempo=character.tempo * pace,
        pitch_hz=character.pitch_hz * pitch,
        liveliness=character.liveliness * liveliness,
        energy=character.energy * energy,
    )
