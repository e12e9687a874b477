"""What a prompt asks to see: place, light, weather, framing, subjects with their number, colour and action, lettering.

Pure and total: any text gives a brief, the same text the same one; what is refused ("no people") is left out. The
words are `lexicon`'s; what a camera does with the scene is read in `camera`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rushes.engines.animatic.lexicon import (
    ACTIONS,
    COLOURS,
    COUNTS,
    FRAMINGS,
    HAIRS,
    MOODS,
    PLACES,
    SEASONS,
    SUBJECTS,
    TIMES,
    WEATHERS,
)
from rushes.engines.animatic.spoken.languages import USUAL, guessed

Colour = tuple[int, int, int]
Entry = tuple[str, str]  # which table, which row

MOST_SUBJECTS = 4  # kinds; more would be clutter
MOST_ALIKE = 9
_LONGEST = 4_000  # characters that are read
_REFUSING = {"no", "not", "without", "never", "nor", "don't", "avoid", "sin", "sans", "ohne", "kein", "keine"}
_REFUSED_WORDS = 3  # after such a word, unless a comma comes first
_BEFORE, _AFTER = 3, 5  # words around a subject in which its number, colour and action stand
_HAIR = {"hair", "haired", "beard", "bearded", "braids", "curls", "ponytail", "pigtails", "bob"}
_HAIRY = {word: colour for colour, words in HAIRS.values() for word in words.split()}
_JOINING = {"and", "with", "y", "et", "und", "con", "avec", "mit"}
# Words of other languages that say something else in English: "dimly lit" has no bed, "a kind old man" no child.
_FALSE_FRIENDS = {"kind", "lit", "bank", "chat", "boot", "champ", "handy", "strand", "chute", "rot"}
_ACTING = {
    *("man", "woman", "child", "couple", "crowd", "family", "astronaut", "robot", "dog", "cat", "fox", "wolf", "bear"),
    *("lion", "horse", "deer", "cow", "sheep", "elephant", "giraffe", "rabbit", "penguin", "bird", "dragon"),
}
_ENDS = re.compile(r"[,.;:!?()\n，。、；]")
_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[,.;:!?()\n，。、；]")
_QUOTED = re.compile(
    r"\"([^\"\n]{1,80})\"|“([^”\n]{1,80})”|«([^»\n]{1,80})»|「([^」\n]{1,80})」|(?<!\w)'([^'\n]{1,80})'(?!\w)"
)
_SIGN = r"sign|signs|billboard|poster|banner|label|neon|letrero|cartel|schild|enseigne|招牌|看板|plaque|placard|screen"
_TITLE = r"title|titled|title card|titles|text|words?|letters|lettering|logo|título|titel|titre|标题|タイトル"
_CAPTION = r"caption|captioned|subtitle|subtitles|subtítulo|untertitel|legend|字幕"
_LETTERING = re.compile(
    rf"(?:\b|(?<=\W))(?:(?P<sign>{_SIGN})|(?P<title>{_TITLE})|(?P<caption>{_CAPTION}))", re.IGNORECASE
)
# Words that name the camera and its moves, or an idiom, not something to be seen.
_TALK = re.compile(
    r"\[[^\[\]]{0,200}\]|\btruck(?:s|ing)? (?:left|right|in|out)\b|\b(?:drone|crane|tracking|dolly|truck|static|long|"
    r"wide|establishing)[- ]shots?\b|\bcamera \w+|\bbird'?s[- ]eye(?: view)?|\bfish[- ]?eye\b|"
    r"\bin the style of [^,.;]{0,60}|"
    r"\bwalks? of life\b|\bdepth of field\b|\bfield of view\b|\bslow motion\b|\btime[- ]?lapse\b|\bstop motion\b|"
    r"\bhot dogs?\b|\bstar wars\b|\bno one\b|\bbackground music\b|\bgolden ratio\b|\bspring (?:roll|water)s?\b",
    re.IGNORECASE,
)
# "A crowd of penguins" is many penguins and nobody else.
_HOST = re.compile(
    r"\b(?:crowd|audience|team|gang)s? of "
    r"(?!(?:\w+ )?(?:people|persons?|pedestrians|fans|onlookers|spectators|tourists)\b)"
)
# Whoever waves is no sea: "the astronauts wave".
_GREETING = re.compile(
    r"\b(?:(?P<who>\w+s|people|children|men|women|they|we) wave\b(?! of)|wave(?= (?:at|to|back|hello|goodbye)\b))"
)
_TOGETHER = {
    "golden hour": "sunset", "blue hour": "twilight", "hot air balloon": "balloon", "hot-air balloon": "balloon",
    "outer space": "space", "living room": "bedroom", "dining room": "bedroom", "cherry blossom": "blossom",
    "black and white": "black-and-white", "black & white": "black-and-white", "street lamp": "lantern",
    "light house": "lighthouse", "window sill": "bedroom", "wooden table": "table", "dinner table": "table",
    "dining table": "table",
    "oil painting": "artwork", "watercolor painting": "artwork", "ice cream": "icecream", "polar bear": "white bear",
    "starry sky": "starry", "night sky": "night", "rice field": "field", "rain forest": "jungle",
    "sky scraper": "skyscraper",
    "fall leaves": "foliage", "tea cup": "cup", "fire truck": "red truck", "pick-up truck": "truck",
    "coffee shop": "cafe",
    "busy street": "crowded street", "busy market": "crowded market", "busy tokyo": "crowded tokyo",
    "busy city": "crowded city", "new york": "manhattan", "hong kong": "skyline", "steam train": "train",
    "polaroid": "vintage", "chat room": "room", "stop sign": "sign", "film noir": "noir", "out of a window": "window",
    "golden retriever": "retriever", "space man": "astronaut", "motorcycle helmet": "helmet",
    "fly a kite": "stand", "flying a kite": "standing", "flies a kite": "stands",
    "on fire": "ablaze", "in flames": "ablaze", "on the moon": "on moon-surface",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to be seen: a row of `SUBJECTS`, how many of it, and what it does ("" when nothing is said)."""

    kind: str
    count: int = 1
    colour: Colour | None = None
    action: str = ""
    word: str = ""  # as the prompt names it, in the singular
    hair: Colour | None = None


@dataclass(frozen=True, slots=True)
class Lettering:
    """Words to be seen in the picture, and on what."""

    words: str
    on: str  # "sign", "title" or "caption"


@dataclass(frozen=True, slots=True)
class Brief:
    """All that was understood; "" where nothing is said. `features` are further places that the prompt names."""

    place: str = ""
    features: tuple[str, ...] = ()
    time: str = ""
    weather: str = ""
    season: str = ""
    mood: str = ""
    framing: str = ""
    subjects: tuple[Subject, ...] = ()
    lettering: Lettering | None = None


def _index(*tables: tuple[str, Mapping[str, str]]) -> dict[str, tuple[Entry, ...]]:
    index: dict[str, tuple[Entry, ...]] = {}
    for name, table in tables:
        for row, words in table.items():
            for word in words.split():
                index[word] = (*index.get(word, ()), (name, row))
    return index


_INDEX = _index(
    ("place", PLACES),
    ("time", TIMES),
    ("weather", WEATHERS),
    ("season", SEASONS),
    ("mood", MOODS),
    ("subject", SUBJECTS),
    ("action", ACTIONS),
    ("colour", {name: words for name, (_, words) in COLOURS.items()}),
)
_ASIAN_WORDS = sorted((word for word in _INDEX if _ASIAN.search(word)), key=len, reverse=True)
_ODD = {"men": "man", "women": "woman", "children": "child", "people": "people", "wolves": "wolf", "feet": "foot"}


def read_brief(prompt: str) -> Brief:
    """Return what the prompt asks to see."""
    text = prompt[:_LONGEST]
    lettering, text = _lettering(text)
    # Before camera talk is taken out, some of which names the framing too.
    framing = _framing(text.lower())
    plain = _GREETING.sub(
        lambda found: f"{found['who'] or ''} waving", _HOST.sub("group of ", _TALK.sub(" , ", text).lower())
    )
    words = list(_kept(_words(plain)))
    meant = set() if guessed(text) != USUAL else _FALSE_FRIENDS
    found = [() if _singular(word) in meant else _entries(word) for word in words]
    places = _rows(found, "place")
    subjects = _subjects(words, found)
    return Brief(
        place=_base(places, words),
        features=tuple(place for place in places if place != _base(places, words)),
        time=next(iter(_rows(found, "time")), ""),
        weather=_weather(_rows(found, "weather")),
        season=next(iter(_rows(found, "season")), ""),
        mood=_mood(_rows(found, "mood"), subjects),
        framing=framing,
        subjects=subjects,
        lettering=lettering,
    )


def _words(text: str) -> Iterator[str]:
    for phrase, word in _TOGETHER.items():
        text = text.replace(phrase, word)
    for match in _WORD.finditer(text.replace("’", "'")):
        word = match.group()
        yield from _asian(word) if _ASIAN.search(word) else (word,)


def _asian(text: str) -> Iterator[str]:
    """Cut known words out of writing without spaces, the longest first; the rest is passed over."""
    at = 0
    while at < len(text):
        known = next((word for word in _ASIAN_WORDS if text.startswith(word, at)), None)
        known = known or (text[at] if text[at] in COUNTS else None)
        if known:
            yield known
        at += len(known or " ")


def _kept(words: Iterator[str]) -> Iterator[str]:
    """Leave out what is refused: the words after a "no" or "without", up to a comma."""
    refused = 0
    for word in words:
        if word in _REFUSING:
            refused = _REFUSED_WORDS
        elif _ENDS.match(word) or word in ("but", "only", "just", "except"):
            refused = 0
            yield word
        elif refused and word in ("or", "and", "any", "the", "a", "other"):
            refused = max(refused, 2)
        elif refused:
            refused -= 1
        else:
            yield word


def _entries(word: str) -> tuple[Entry, ...]:
    return _INDEX.get(word) or _INDEX.get(_singular(word)) or ()


def _singular(word: str) -> str:
    word = word.removesuffix("'s")
    if word in _ODD:
        return _ODD[word]
    for ending, instead in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("s", "")):
        if word.endswith(ending) and word.removesuffix(ending) + instead in _INDEX:
            return word.removesuffix(ending) + instead
    return word


def _rows(found: list[tuple[Entry, ...]], table: str) -> list[str]:
    return list(dict.fromkeys(row for entries in found for name, row in entries if name == table))


def _base(places: list[str], words: list[str]) -> str:
    """Return the place that gives the ground: the most particular one, else the first named."""
    for first in ("underwater", "space", "stage", "kitchen", "office", "room"):
        if first in places and not (first == "room" and places[0] != "room" and {"window", "windows"} & set(words)):
            return first
    solid = [place for place in places if place not in ("sky", "mountains", "road")]
    if len(solid) > 1:
        solid = [place for place in solid if place != "snow"]  # a snowy village is a village
    # Both words are there, and the street is where somebody can stand.
    if "street" in solid and solid[0] == "skyline":
        return "street"  # a city street
    return next(iter(solid or places), "")


def _weather(named: list[str]) -> str:
    return next((one for one in ("storm", "rain", "snow", "fog", "cloud") if one in named), "")


def _mood(named: list[str], subjects: tuple[Subject, ...]) -> str:
    """Return the first mood; what burns in a hearth or on a candle is no conflagration."""
    mood = next(iter(named), "")
    kept_fire = any(one.kind in ("fire", "lantern", "cake") for one in subjects)
    return "warm" if mood == "burning" and kept_fire else mood


def _framing(text: str) -> str:
    return next((name for name, pattern in FRAMINGS.items() if re.search(rf"(?:\b|(?<=\W))(?:{pattern})", text)), "")


def _subjects(words: list[str], found: list[tuple[Entry, ...]]) -> tuple[Subject, ...]:
    at = [index for index, entries in enumerate(found) if any(name == "subject" for name, _ in entries)]
    named: list[Subject] = []
    for number, index in enumerate(at):
        kind = next(row for name, row in found[index] if name == "subject")
        since = at[number - 1] + 1 if number else 0
        until = at[number + 1] if number + 1 < len(at) else len(words)
        subject = Subject(
            kind,
            _count(words, since, index),
            _colour(words, found, since, index, until),
            _action(found, since, index, until),
            _word(words, index),
            _hair(words, since, index, until),
        )
        named.append(subject)
    subjects: list[Subject] = []
    for subject in _together(named, [words[a:b] for a, b in itertools.pairwise(at)]):
        _gather(subjects, subject)
    return tuple(subjects[:MOST_SUBJECTS])


def _word(words: list[str], index: int) -> str:
    """Return what a subject is called; who wears a dress is drawn in one."""
    called = _singular(words[index])
    return f"{called} dress" if "dress" in words[index + 1 : index + 7] and called != "dress" else called


def _together(named: list[Subject], between: list[list[str]]) -> list[Subject]:
    """Let two who are named in one breath ("a man and a woman dance", "she runs with her dog") do the same."""
    for k, words in enumerate(between):
        joined = any(word in _JOINING for word in words) and not any(_ENDS.match(word) for word in words)
        one, other = named[k], named[k + 1]
        if joined and one.kind in _ACTING and other.kind in _ACTING:
            shared = one.action or other.action
            named[k], named[k + 1] = (replace(each, action=each.action or shared) for each in (one, other))
    return named


def _gather(subjects: list[Subject], new: Subject) -> None:
    """Add a subject, unless it is one that was named before, by another word or as a pronoun."""
    people = ("man", "woman", "child")
    for index, old in enumerate(subjects):
        same = old.kind == new.kind or (
            new.word in ("he", "she", "figure", "person", "someone", "dress") and old.kind in people
        )
        if same:
            merged = replace(
                old, count=max(old.count, new.count), colour=old.colour or new.colour, hair=old.hair or new.hair
            )
            subjects[index] = replace(merged, action=old.action or new.action)
            return
    subjects.append(new)


def _count(words: list[str], since: int, index: int) -> int:
    group = COUNTS.get(words[index + 1], 0) if index + 1 < len(words) else 0
    if group > 3:
        return group  # an elephant herd
    nearby = [word for word in words[max(since, index - _BEFORE) : index] if not _ENDS.match(word)]
    for word in reversed(nearby):
        if word in COUNTS and (COUNTS[word] != 1 or _singular(words[index]) == words[index]):
            return COUNTS[word]
        if word.isascii() and word.isdigit() and word != "0":
            return min(int(word[:3]), MOST_ALIKE)
    plural = _singular(words[index]) != words[index] and not words[index].endswith("'s")
    return 3 if plural else 1


def _colour(words: list[str], found: list[tuple[Entry, ...]], since: int, index: int, until: int) -> Colour | None:
    before = range(index - 1, max(since, index - _BEFORE) - 1, -1)
    after = range(index + 1, min(until, index + _AFTER + 1))
    wears = any(
        word in ("in", "wearing", "with", "wears", "dressed", "painted") for word in words[index + 1 : until][:4]
    )
    for place in (*before, *(after if wears else after[:1])):
        if _ENDS.match(words[place]):
            break
        if _HAIR & set(words[place + 1 : place + 3]):
            continue  # not what is worn
        for name, row in found[place]:
            if name == "colour":
                return COLOURS[row][0]
    return None


def _hair(words: list[str], since: int, index: int, until: int) -> Colour | None:
    """Return the colour of a subject's hair, where the words right around it tell one, or an age."""
    near = words[max(since, index - _BEFORE) : min(until, index + _AFTER + 3)]
    for place, word in enumerate(near):
        name, _, rest = word.partition("-")
        told = rest in _HAIR or bool(_HAIR & set(near[place + 1 : place + 3]))
        row = next((row for table, row in _entries(name) if table == "colour"), None) if told else None
        if row is not None:
            return HAIRS[row][0] if row in HAIRS else COLOURS[row][0]
        if word in _HAIRY:
            return _HAIRY[word]
    return None


def _action(found: list[tuple[Entry, ...]], since: int, index: int, until: int) -> str:
    after = (row for entries in found[index + 1 : min(until, index + 9)] for name, row in entries if name == "action")
    before = (row for entries in found[max(since, index - 2) : index] for name, row in entries if name == "action")
    return next(after, "") or next(before, "")


def _lettering(text: str) -> tuple[Lettering | None, str]:
    """Return the quoted words that shall be seen, and the text without its quotations."""
    wanted: Lettering | None = None
    for match in _QUOTED.finditer(text):
        words = next(group for group in match.groups() if group).strip()
        cues = list(_LETTERING.finditer(text, max(0, match.start() - 48), match.start()))
        before = text[max(0, match.start() - 60) : match.start()].lower()
        if cues and words and wanted is None and not re.search(r"\b(?:no|without|sin|ohne|sans) \w* ?\w*$", before):
            wanted = Lettering(words, str(cues[-1].lastgroup))
    return wanted, _QUOTED.sub(" ", text)
