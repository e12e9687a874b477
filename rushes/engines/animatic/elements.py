"""What moves by itself in a picture according to its prompt: text in, elements and their strength out.

Pure and total, and read as `camera` reads its moves: a row of words for each element, what is refused ("no rain") is
left out, adverbs make it more or less. How an element looks is the business of `stir`, `particles` and `veil`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from rushes.engines.animatic.camera import is_refused

Kind = Literal[
    "foliage", "hair", "cloth", "waves", "flow", "clouds", "rain", "snow", "leaves", "petals", "dust", "embers",
    "bubbles", "confetti", "fireflies", "fog", "smoke", "fire", "neon", "lightning", "stars",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
_LONGEST = 4_000  # characters that are read

_MOVING = (
    r"(?:sway\w*|swing\w*|wav(?:e|es|ed|ing)\b|rustl\w*|flutter\w*|blow\w*|mov(?:e|es|ing)\b|danc\w+|rippl\w+|"
    r"billow\w*|flow\w*|bend\w*|shak(?:e|es|ing)\b|stir\w*|quiver\w*|trembl\w+|whip\w*|drift\w*|sweep\w*)"
)
_PLANT = (
    r"(?:foliage|lea(?:f|ves)|trees?|branch(?:es)?|grass(?:es)?|meadow|wheat|reeds?|crops?|corn|bush(?:es)?|flowers?|"
    r"plants?|palms?|ferns?|willows?|forest|field|barley|canopy)"
)
_HAIR = r"(?:hair|fur|mane|beard|locks|feathers|ponytail)"
_CLOTH = (
    r"(?:cloth\w*|dress|skirt|cape|cloak|scar(?:f|ves)|flags?|curtains?|sails?|robes?|veil|fabric|shirt|coat|banners?|"
    r"laundry)"
)
_SEA = r"(?:sea|ocean|waves?|water|lake|pond|pool|surf|tide|bay|puddles?)"
_STREAM = r"(?:rivers?|streams?|brooks?|creeks?|waterfalls?|cascades?|rapids|fountains?|torrents?)"

_RUNNING = r"(?:flow|run|rush|fall|cascad|pour|mov|tumbl|roar)(?:s|es|ning|ing)?"
_FLYING = r"(?:fall|drift|swirl|float|fly|flies|flutter|blow)(?:s|ing)?"
_WIND = r"\b(?:wind|winds|windy|breeze|breezy|gusts?|gale)\b"


def _near(one: str, other: str) -> str:
    """Return a pattern for two words with at most six between them, in either order, in one clause."""
    # A hyphen parts words and is in none, or a row of hyphens could be read in more ways than there is time for.
    gap = r"(?:[\s-]+[^\s,.;:!?-]+){0,6}?[\s-]+"
    return rf"\b{one}\b{gap}{other}|\b{other}{gap}{one}\b"


# An element appears where any of its patterns is found.
_ROWS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("foliage", (_near(_PLANT, _MOVING), _WIND)),
    ("hair", (_near(_HAIR, _MOVING), _WIND, r"\bwindswept\b")),
    ("cloth", (_near(_CLOTH, _MOVING), _near(_CLOTH, r"wind"))),
    (
        "waves",
        (
            _near(_SEA, _MOVING),
            _near(r"water", r"(?:shimmer|sparkl|glitter|glisten)\w*"),
            r"\b(?:ripples?|rippling|waves) (?:on|across|over|lap|crash|roll|break|move)\w*",
            r"\bwaves\b(?! (?:at|to|her|his|goodbye|hello))",
        ),
    ),
    ("flow", (_near(_STREAM, _RUNNING), r"\b(?:flowing|running|rushing|falling) water\b", r"\bwaterfalls?\b")),
    (
        "clouds",
        (
            _near(r"clouds?", r"(?:drift|mov|roll|pass|float|rac|scud|sweep|glid|swirl|fly)(?:e|es|ed|ing|s)?"),
            r"\bfast clouds\b",
            _near(r"clouds?", r"time-?lapse"),
        ),
    ),
    (
        "rain",
        (
            r"\b(?:rain|rains|raining|rainy|rainfall|raindrops?|drizzl\w+|downpour|rainstorm|thunderstorm)\b"
            r"(?![ -]?(?:coat|bow|forest|boots))",
        ),
    ),
    (
        "snow",
        (
            r"\b(?:snowing|snowfall|snowflakes?|blizzard|snowstorm|flurr(?:y|ies)|it snows)\b",
            r"\b(?:light|heavy|gentle) snow\b",
            _near("snow", r"(?:fall|drift|swirl|blow|float|com)(?:s|es|ing)?"),
        ),
    ),
    (
        "leaves",
        (
            rf"\bleaves (?:are |is |slowly |gently )*{_FLYING}",
            rf"\b{_FLYING} (?:\w+ )?lea(?:f|ves)\b",
        ),
    ),
    ("petals", (_near(r"(?:petals?|blossoms?|sakura)", _FLYING),)),
    (
        "dust",
        (
            _near(r"(?:dust|pollen|particles|motes)", r"(?:float|drift|swirl|fly|hang|ris|danc)(?:s|es|ing|e)?"),
            r"\b(?:dust motes?|(?:sand|dust)storm)\b",
        ),
    ),
    ("embers", (r"\b(?:embers?|sparks)\b(?! (?:plugs?|joy))",)),
    ("bubbles", (r"\bbubbles\b",)),
    ("confetti", (r"\bconfetti\b",)),
    ("fireflies", (r"\b(?:firefl(?:y|ies)|glow-?worms?)\b",)),
    ("fog", (r"\b(?:fog|foggy|mist|misty|haze)\b",)),
    (
        "smoke",
        (
            r"\b(?:smok(?:e|es|y)|smoking|steam|steaming|steams|fumes|vapou?r)\b"
            r"(?![ -]?(?:free|detector|alarm|engine|train|punk))",
        ),
    ),
    (
        "fire",
        (
            r"\b(?:fires?|flames?|flaming|bonfire|campfire|fireplace|candles?|candlelight|torch(?:es|light)?|burning|"
            r"lanterns?)\b(?![ -]?(?:truck|fighter|man|men|engine|works?|station|escape|red))",
            r"\bflicker\w*",
        ),
    ),
    ("neon", (_near(r"(?:neon|signs?)", r"(?:flicker|buzz|blink|puls|flash)\w*"),)),
    ("lightning", (r"\b(?:lightning|thunderstorms?|thunderbolts?)\b",)),
    (
        "stars",
        (_near(r"stars?", r"(?:twinkl|sparkl|shimmer|glitter|blink)\w*"), r"\b(?:starlit|starry) (?:sky|night)\b"),
    ),
)
_PATTERNS = tuple((kind, re.compile("|".join(patterns))) for kind, patterns in _ROWS)

_MORE = re.compile(
    r"\b(?:heavy|heavily|strong|strongly|fierce|hard|violent\w*|intense\w*|thick|dense|torrential|wild\w*|raging|huge|big|"
    r"stormy|storm|blizzard|downpour|gale|pouring|crash\w*|roaring|fast|rapid\w*)\b"
)
_LESS = re.compile(
    r"\b(?:light|lightly|gentle|gently|soft|softly|slight|slightly|subtle|subtly|faint|thin|calm|calmly|slow|slowly|little|"
    r"a few|drizzl\w+|breeze|delicate|barely)\b"
)


@dataclass(frozen=True, slots=True)
class Element:
    """One thing that moves by itself; `strength` 1 is ordinary, 0.6 little, 1.6 much."""

    kind: Kind
    strength: float


def read_elements(prompt: str) -> tuple[Element, ...]:
    """Return what a prompt wishes to see moving, each kind once, in a fixed order."""
    text = " ".join(prompt[:_LONGEST].lower().replace("’", "'").split())
    found = []
    for kind, pattern in _PATTERNS:
        match = next((match for match in pattern.finditer(text) if not is_refused(text, match.start())), None)
        if match is not None:
            around = text[max(0, match.start() - 24) : match.end() + 24]
            strength = 1.6 if _MORE.search(around) else 0.6 if _LESS.search(around) else 1.0
            found.append(Element(kind, strength))
    kinds = {element.kind for element in found}
    # Leaves that fall are no reason for the trees to sway, and a moving brook makes no sea.
    return tuple(one for one in found if not (one.kind == "waves" and "flow" in kinds))
