"""The camera language as a table: one row for each way of saying a move, with what must or must not stand around it.

Ordinary nouns share these words (a frying pan, a roll of film, a truck on a road), so a row says whether the word
alone is enough, or whether the sentence must be about the camera. Reading prompts with it is `camera`'s job.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["pan", "tilt", "zoom", "dolly", "truck", "pedestal", "orbit", "roll", "shake", "static", "any"]


@dataclass(frozen=True, slots=True)
class Found:
    """A move named in a text; `refused` when the text says not to. Signs as in `camera.Move`.

    A row that reads a `refused` one has words which mean nothing unless the text does refuse them.
    """

    kind: Kind
    sign: int = 1
    amount: float = 1.0
    refused: bool = False
    burst: float = 0.0  # seconds, for what is done in one; 0 for an ordinary move


Reading = tuple[Found, ...] | None  # None: it is no camera talk after all
Reader = Callable[[re.Match[str], str], Reading]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A row: where `pattern` matches, `read` says which moves are meant, if any."""

    pattern: re.Pattern[str]
    read: Reader


LATER = re.compile(
    r"\b(?:and then|then|followed by|after that|afterwards|subsequently|before (?=\w+ing\b)|finally|next,)(?!\w)"
)
NEGATION = re.compile(
    r"\b(?:no|not|without|never|don't|dont|do not|doesn't|does not|didn't|isn't|avoid|avoiding|instead of|rather than|"
    r"nor|zero|free of)\b"
)
BOUNDARY = r"[,.;:!?]|\b(?:but|while|whilst|as|then|only|just|instead|when)\b"

SPEEDS = {
    **dict.fromkeys(("slow", "slowly", "gentle", "gently", "subtle", "subtly", "soft", "softly"), 0.6),
    **dict.fromkeys(("slight", "slightly", "gradual", "gradually", "calm", "calmly", "creeping", "lightly"), 0.6),
    **dict.fromkeys(("leisurely", "minimal", "faint", "barely", "delicate", "little"), 0.5),
    **dict.fromkeys(("fast", "quick", "quickly", "rapid", "rapidly", "swift", "swiftly", "sudden", "suddenly"), 1.5),
    **dict.fromkeys(("dramatic", "dramatically", "strong", "strongly", "whip", "crash", "extreme", "aggressive"), 1.6),
    **dict.fromkeys(("sweeping", "hard", "violent", "violently", "heavy", "intense", "big", "snap"), 1.5),
}

# What the default move must leave out when a kind is refused: moves that look like it.
RELATED: dict[Kind, tuple[Kind, ...]] = {
    "pan": ("pan", "truck", "orbit"),
    "truck": ("pan", "truck", "orbit"),
    "orbit": ("truck", "orbit"),
    "tilt": ("tilt", "pedestal"),
    "pedestal": ("tilt", "pedestal"),
    "zoom": ("zoom", "dolly"),
    "dolly": ("zoom", "dolly"),
    "roll": ("roll",),
    "shake": ("shake",),
    "static": (),
    "any": (),
}

_ADVERB = (
    r"(?:very|really|extremely|\w+ly|slow|fast|quick|a|an|the|bit|little|touch|camera|shot|lens|view|us|further|straight|"
    r"gentle|smooth|to|towards?|from|over|around|across|scene|all|way|motion|movement|move)"
)
_GAP = rf"(?:\s+{_ADVERB}){{0,4}}?\s+"
_SIDE = r"(?P<way>left[- ]to[- ]right|right[- ]to[- ]left|left(?:wards?)?|right(?:wards?)?)\b"
_RISE = r"(?P<way>up(?:wards?)?|down(?:wards?)?)\b"
_RETURN = r"(?P<back>,? and (?:then )?(?:back )?(?:left|right|up|down)\b)?"  # "pan left and right"
_DEEP = r"(?P<way>in(?:wards?)?|into|forwards?|closer|nearer|on|onto|towards?|out(?:wards?)?|back(?:wards?)?|away)\b"
_HOW = (
    r"slow|slowly|gentle|gently|smooth|smoothly|subtle|subtly|soft|softly|steady|steadily|gradual|gradually|quick|"
    r"quickly|fast|rapid|rapidly|sudden|suddenly|dramatic|dramatically|cinematic|crash|whip|slight|slightly|very|"
    r"sweeping|long|short|swift|swiftly|extreme|elegant|graceful|gracefully|big|strong|creeping|continuous|simple|low|"
    r"high|360|degrees?|360-degree|full|lightly|calm|calmly|aerial|parallax|wide|tight"
)
_WATCHER = re.compile(
    r"\b(?:camera|cam|shot|lens|drone|viewpoint|viewer|pov|view|perspective|we|footage|cinematography|filmed|recorded)\b"
)
# Without a way back into the words that were read: a word that stood here twice took two to the power of its number.
_OPENING = re.compile(
    rf"^(?:(?:a|an|the|with|and|in|of|while|whilst|to|also|please|make|do|add|use|using|plus|no|not|without|don't|"
    rf"never|or|nor|by|as|it|{_HOW})\s+|[\s\"'(\-–—*])*+$"
)
_CLAUSE = re.compile(r"[,.;:!?\[\]()\n–—]|\b(?:while|whilst|but)\b")
_OBJECT = re.compile(r"\s+(?:the|a|an|his|her|its|their|my|your|our|some|two|three|of)\b")
_PLACE = re.compile(
    r"\s+(?:on|in|at|behind|next|beside|near|after|before|by|over|alone|inside|home|unattended|there)\b"
)


def _clause_before(match: re.Match[str], text: str) -> str:
    return _CLAUSE.split(text[max(0, match.start() - 120) : match.start()])[-1]


def _about_camera(match: re.Match[str], text: str) -> bool:
    """Whether the clause names the camera, or opens with this phrase as an instruction does."""
    before = _clause_before(match, text)
    if _WATCHER.search(before) or _OPENING.match(before):
        return True
    # "the camera pans left and pushes in": the subject stands before the "and".
    joined = re.split(r"\band\b", before)
    return len(joined) > 1 and bool(_OPENING.match(joined[-1])) and _names_a_move(text[: match.start()])


def _names_a_move(before: str) -> bool:
    return bool(_WATCHER.search(before)) or bool(re.search(r"\b(?:pan|tilt|zoom|dolly|truck|push|pull|orbit)", before))


def _sign(word: str) -> int:
    if word.startswith(("left-to", "left to")):
        return 1
    if word.startswith(("right-to", "right to")):
        return -1
    return -1 if word.startswith(("left", "down", "out", "back", "away", "anti", "counter", "widdershins")) else 1


def _stands_alone(match: re.Match[str], text: str) -> bool:
    """Whether "left" or "right" at the end of a match is a direction, not "left on the stove" or "right next to"."""
    return not _PLACE.match(text, match.end()) and not _OBJECT.match(text, match.end())


def _strong(kind: Kind, *, lateral: bool = False) -> Reader:
    """Read phrases that are camera talk by themselves, unless a noun of that name is meant ("the truck left the …")."""

    def read(match: re.Match[str], text: str) -> Reading:
        if lateral and not _stands_alone(match, text) and not _WATCHER.search(_clause_before(match, text)):
            return None
        return _there_and_back(kind, match)

    return read


def _there_and_back(kind: Kind, match: re.Match[str]) -> tuple[Found, ...]:
    there = Found(kind, _sign(match["way"]))
    return (there, Found(kind, -there.sign)) if match.groupdict().get("back") else (there,)


def _weak(kind: Kind, *, sign: int | None = None, needs_freedom: bool = False) -> Reader:
    """Read phrases that people and things do too: only in a clause about the camera.

    With `needs_freedom` an object right behind it ("pull out a chair") must be the camera's business.
    """

    def read(match: re.Match[str], text: str) -> Reading:
        if not _about_camera(match, text):
            return None
        if needs_freedom and _OBJECT.match(text, match.end()) and not _WATCHER.search(_clause_before(match, text)):
            return None
        return _there_and_back(kind, match) if sign is None else (Found(kind, sign),)

    return read


def _fixed(*found: Found) -> Reader:
    return lambda match, text: found


def _row(read: Reader, *patterns: str) -> Phrase:
    return Phrase(re.compile("|".join(patterns)), read)


_GO = (
    r"(?:moves?|moving|glid(?:es?|ing)|slid(?:es?|ing)|drift(?:s|ing)?|float(?:s|ing)?|travel(?:s|ling|ing)?|"
    r"creep(?:s|ing)?)"
)
_NEAR = r"(?P<way>in|into|forwards?|closer|nearer|towards?|back(?:wards?)?|away|out(?:wards?)?)\b"
_CAM = r"(?:camera|cam|shot|lens|view|frame|framing|drone)"
_WE = rf"\b(?:{_CAM}|we) (?:\w+ly )?"
_CLOCK = r"(?P<way>clockwise|counter[- ]?clockwise|anti[- ]?clockwise)\b"
_ALONE = r"(?=\s*(?:[,.;:!]|$))"
_STARTING = r"(?:^|(?<=[,.;:!] )|(?<=[,.;:!]))"


def _around_clockwise(match: re.Match[str], text: str) -> Reading:
    # Seen from above, a camera that circles clockwise goes to its own left.
    return (Found("orbit", -_sign(match["way"])),) if _about_camera(match, text) else None


def _trucking(match: re.Match[str], text: str) -> Reading:
    return _weak("truck")(match, text) if _stands_alone(match, text) else None


def _flying_back(match: re.Match[str], text: str) -> Reading:
    return (Found("dolly", -1, 1.2),) if _flying(match, text) else None


def _flying(match: re.Match[str], text: str) -> Reading:
    seen = _WATCHER.search(text[max(0, match.start() - 80) : match.end()])
    return (Found("dolly", 1, 1.2), Found("pedestal", 1, 0.4)) if seen else None


_TURNS = {"quarter": 1.0, "90": 1.0, "half": 1.3, "semi": 1.3, "180": 1.3, "full": 1.3, "360": 1.3}
_ORBITS = r"(?:orbits?|orbiting|arcs?|circles?|circling|rotations?|turns?)"


def _part_of_a_circle(match: re.Match[str], text: str) -> Reading:
    """Half a circle is as much as a picture bears; which way round, "clockwise" says as seen from above."""
    if match["what"].startswith(("circ", "rotat", "turn")) and not _about_camera(match, text):
        return None
    clock = match.groupdict().get("way") or ""
    sign = -_sign(clock) if clock else _sign(match["side"] or "right")
    return (Found("orbit", sign, _TURNS[match["part"]]),)


_ELSEWHERE = re.compile(
    r"\b(?:mov(?:es?|ing)|glid|push|pull|orbit|circl|ris(?:es|ing)|back|forward|pan(?:s|ning)?\b|tilt|orbit|zoom|truck|"
    r"static|still)"
)


def _steady(match: re.Match[str], text: str) -> Reading:
    """A steadicam that is told nothing else walks along with what it sees."""
    return None if _ELSEWHERE.search(text) else (Found("dolly", 1, 0.8), Found("truck", 1, 0.3))


def _spiralling(match: re.Match[str], text: str) -> Reading:
    return (Found("orbit"), Found("pedestal", _sign(match["way"] or "up"), 0.7))


def _diving(match: re.Match[str], text: str) -> Reading:
    return (Found("pedestal", -1, 1.2), Found("dolly", 1, 0.5)) if _about_camera(match, text) else None


def _straight(match: re.Match[str], text: str) -> Reading:
    """ "Camera left": a place told without a verb."""
    kind: Kind = {"u": "pedestal", "d": "pedestal", "l": "truck", "r": "truck"}.get(match["way"][0], "dolly")  # type: ignore[assignment]
    return (Found(kind, _sign(match["way"])),)


_WHIP_S, _CRASH_S = 0.5, 0.7


def _whipped(match: re.Match[str], text: str) -> Reading:
    way = match["way"] or match["before"] or "right"
    return (Found("pan", _sign(way), 1.0, burst=_WHIP_S),)


def _crashed(match: re.Match[str], text: str) -> Reading:
    return (Found("zoom", _sign(match["way"] or "in"), 1.2, burst=_CRASH_S),)


_WAYS = r"(?:in|out|left|right|up|down|forwards?|backwards?|closer|away|clockwise|counter[- ]?clockwise)"
_CORRECTED = re.compile(
    r"(?P<verb>\b(?:zoom|pan|tilt|dolly|push|pull|truck|orbit|crane|roll|mov|go|glid|slid|track|boom|turn)(?:\w*))?,?\s*"
    rf"(?:^|\b|(?<=\s))not (?:to the )?{_WAYS},? but (?:rather |instead )?(?:to the )?(?P<way>{_WAYS})\b"
)


def corrected(text: str) -> str:
    """Return the text with "zoom, not in but out" said as "zoom out"."""
    return _CORRECTED.sub(_as_meant, text)


def _as_meant(match: re.Match[str]) -> str:
    way, verb = match["way"], match["verb"] or ""
    deep = way.startswith(("in", "out", "for", "back", "clos", "away"))
    if (deep and verb.startswith(("push", "pull", "pan", "tilt"))) or not verb:
        verb = ("pull" if _sign(way) < 0 else "push") if deep else "tilt" if way in {"up", "down"} else "pan"
    return f"{verb} {way}"


# Order matters: a character is read once, by the first row that takes it.
PHRASES: tuple[Phrase, ...] = (
    # nothing moves
    _row(
        _fixed(Found("any")),
        rf"\b(?:no|without|zero|minimal)\s+(?:any\s+)?{_CAM}(?:'s)?[- ](?:movements?|motion|moves?|moving)\b",
        rf"\b(?:(?:don't|do not|never)\s+move|without\s+moving)\s+the\s+{_CAM}\b",
        rf"\b{_CAM}\s+(?:does not|doesn't|must not|should not|never|is not|isn't|not)\s+mov(?:e|ing)\b",
        rf"{_STARTING}(?:no|without any|zero)\s+(?:movement|motion|camera){_ALONE}",
    ),
    _row(
        _fixed(Found("static")),
        r"\b(?:static|stationary|fixed|motionless|unmoving|still|immobile|locked)[- ]+"
        rf"(?:wide |medium |close-up |tripod )?(?:{_CAM}|angle|composition|perspective|viewpoint)\b"
        r"(?! (?:on|in|at) (?:a|the) )",
        r"\block(?:ed)?[- ](?:off|down)\b(?! (?:door|room|house|box|building|city|area))",
        rf"\b{_CAM}\s+(?:is\s+|remains?\s+|stays?\s+|holds?\s+|stands?\s+|kept\s+|being\s+|completely\s+|perfectly\s+|"
        r"totally\s+)+(?:static|still|fixed|stationary|motionless|put|locked|in place|steady)\b",
        rf"\b(?:keep|keeping|hold|holding)\s+the\s+{_CAM}\s+(?:static|still|fixed|steady|locked|in place)\b",
        rf"{_STARTING}(?:static|tripod){_ALONE}",
    ),
    _row(_weak("static", sign=1), r"\b(?:on|from|using) a tripod\b", r"\btripod (?:shot|mounted|footage|view)\b"),
    # bare words, which say nothing unless they are refused
    _row(
        lambda match, text: (Found(_STEMS[match["stem"]], refused=True),),
        r"(?:(?<=\bno )|(?<=\bor )|(?<=\bany )|(?<=without )|(?<=don't )|(?<=do not )|(?<=never )|(?<=avoid )|(?<=, ))"
        r"(?P<stem>pan|zoom|tilt|roll|shak|dolly|truck|orbit)(?:n?ing|e|s|ies)?\b"
        r"(?! (?:\w+ )?(?:left|right|up|down|in|out|forward|back|clock|counter))",
    ),
    # both at once
    _row(
        _fixed(Found("dolly", -1, 1.3), Found("zoom", 1, 0.7)),
        r"\b(?:(?:reverse|inverse|inverted) (?:dolly[- ]zoom|vertigo(?: effect| shot)?|zolly)|dolly[- ]zoom out|"
        r"dolly out (?:and|while|with) (?:a )?zoom(?:s|ing)? in)\b",
    ),
    _row(
        _fixed(Found("dolly", 1, 1.3), Found("zoom", -1, 0.7)),
        r"\b(?:dolly[- ]zoom|vertigo (?:effect|shot)|zolly|contra[- ]zoom|trombone shot|hitchcock zoom)\b",
    ),
    # the lens
    _row(_crashed, rf"\b(?:crash|snap|whip)[- ]zoom(?:s|ed|ing)?\b(?:{_GAP}{_DEEP})?"),
    _row(
        _weak("zoom", sign=-1),
        r"\b(?:view|shot|frame|framing|camera) (?:\w+ly )?(?:widens|opens (?:up|out)|widening)\b",
    ),
    _row(_strong("zoom"), rf"\bzoom(?:s|ed|ing)?(?! lens| call| meeting)(?:-|{_GAP}){_DEEP}"),
    _row(
        _fixed(Found("zoom")),
        r"\b(?:crash|slow|gentle|smooth|subtle|dramatic|fast|quick|gradual|snap|slight|steady|camera)[- ]zoom\b"
        r"(?! (?:lens|call|meeting))",
        rf"{_WE}zooms\b",
    ),
    _row(
        _weak("zoom", sign=1),
        r"\bzoom(?:ing)?(?: effect| shot| motion| movement)?\b"
        r"(?!\s*(?:lens|call|meeting|past|by|through|around|along|down|up))",
    ),
    # turning
    _row(
        _whipped,
        r"\b(?:(?P<before>left|right)(?:ward)?[- ])?(?:whip|swish|snap|flash)[- ]pan(?:s|ned|ning)?\b"
        rf"(?:{_GAP}{_SIDE})?",
    ),
    _row(_strong("pan", lateral=True), rf"\bpan(?:s|ned|ning)?(?:-|{_GAP}){_SIDE}{_RETURN}"),
    _row(_strong("tilt"), rf"\bpan(?:s|ned|ning)?(?:-|{_GAP}){_RISE}{_RETURN}"),
    _row(_strong("pan"), r"\b(?P<way>left|right)(?:ward)?[- ]pan(?:ning)?\b"),
    _row(
        _fixed(Found("pan")),
        r"\bpanning (?:shot|camera|view|motion|movement)\b",
        rf"{_WE}pans?\b",
        r"\bpans? (?:across|over|along)\b(?! (?:the|a|an|low|medium|high) (?:fire|flame|heat|stove))",
        r"\b(?:whip|slow|gentle|smooth|camera|quick)[- ]pan\b(?! of )",
    ),
    _row(_weak("pan", sign=1), r"\bpanning\b", rf"{_STARTING}pan{_ALONE}"),
    _row(_fixed(Found("roll")), r"\b(?:dutch|canted) (?:angle|tilt|shot|roll)\b"),
    _row(_weak("tilt", needs_freedom=True), rf"\btilt(?:s|ed|ing)?(?:-|{_GAP}){_RISE}{_RETURN}"),
    _row(_strong("tilt"), r"\b(?P<way>up|down)(?:ward)?[- ]tilt\b"),
    _row(
        _weak("pan", needs_freedom=True),
        r"\b(?:turns?|turning|swings?|swinging|sweeps?|sweeping|swivels?|rotates?|rotating|"
        r"pivots?|pivoting)"
        rf"{_GAP}(?P<way>left|right)\b",
    ),
    # around the view's axis
    _row(
        _weak("roll", needs_freedom=True),
        rf"\broll(?:s|ed|ing)?(?:-|{_GAP})(?P<way>clockwise|counter[- ]?clockwise|anti[- ]?clockwise|left|right)\b",
    ),
    _row(_weak("roll"), rf"\b(?:rotat(?:es?|ing|ion)|spins?|spinning|twists?|twisting)(?:-|{_GAP}){_CLOCK}"),
    _row(_fixed(Found("roll")), r"\b(?:camera|barrel)[- ]roll\b", rf"{_WE}(?:spins?|spinning|twists?)\b"),
    # around the subject
    _row(
        _part_of_a_circle,
        rf"\b(?P<part>{'|'.join(_TURNS)})(?:[- ]?(?:degrees?|°))?[- ]*(?P<what>{_ORBITS})\b(?! of )"
        rf"(?:(?:\s+(?:around|round|about))?(?:{_GAP}(?:{_SIDE.replace('way', 'side')}|{_CLOCK})))?",
    ),
    _row(
        _spiralling,
        rf"{_WE}(?:spirals?|spiralling|spiraling|corkscrews?)\b(?:{_GAP}{_RISE})?",
    ),
    _row(
        _fixed(Found("orbit")),
        r"\bturn-?table (?:shot|rotation|view|spin|video|move)\b",
        r"\brotat(?:es|ing) (?:slowly |gently )?(?:on (?:a|its) (?:turn-?table|axis|stand|pedestal)|360)\b",
    ),
    _row(_weak("orbit"), rf"\b(?:orbit|arc|circl|revolv)(?:s|e|es|ed|ing)?(?:-|{_GAP}){_SIDE}"),
    _row(_strong("orbit"), r"\b(?P<way>left|right)(?:ward)?[- ](?:orbit|arc)\b"),
    _row(_around_clockwise, rf"\b(?:orbit|arc|circle)(?:s|ed|ing)?\s+{_CLOCK}"),
    _row(_fixed(Found("orbit")), rf"{_WE}(?:orbits?|arcs|circles?|circling|orbiting|revolves?)\b"),
    _row(
        _weak("orbit", sign=1),
        r"\b(?:orbit(?:s|ing)?|arc(?:s|ing)|circl(?:es?|ing)|revolv(?:es?|ing)|rotat(?:es?|ing)) "
        r"(?:slowly |gently |smoothly )*(?:around|round|about)\b",
        r"\b(?:orbit(?:ing|al)?|arc|360)(?:[- ]degree)? (?:shot|camera|move(?:ment)?|view)\b",
        r"\borbit(?:s|ing)?\b(?! of)",
    ),
    # travelling
    _row(_strong("dolly"), rf"\bdoll(?:y|ies|ying|ied)(?:-|{_GAP}){_DEEP}"),
    _row(_strong("truck", lateral=True), rf"\bdoll(?:y|ies|ying|ied)(?:-|{_GAP}){_SIDE}"),
    _row(_fixed(Found("dolly", -1)), r"\bpull-?back (?:shot|move|movement|reveal)\b", r"\bpullback\b"),
    _row(_fixed(Found("dolly")), r"\bdolly (?:shot|move|movement)\b"),
    _row(
        _weak("dolly", needs_freedom=True),
        rf"\bpush(?:es|ed|ing)?(?:-|{_GAP})(?P<way>in|into|forwards?|closer|nearer|towards?)\b",
    ),
    _row(
        _weak("dolly", needs_freedom=True),
        rf"\bpull(?:s|ed|ing)?(?:-|{_GAP})(?P<way>out(?:wards?)?|back(?:wards?)?|away)\b",
    ),
    _row(_trucking, rf"\btruck(?:s|ed|ing)?(?:-|{_GAP}){_SIDE}{_RETURN}"),
    _row(_weak("truck"), rf"\btrack(?:s|ed|ing)?(?:-|{_GAP}){_SIDE}"),
    _row(_weak("dolly"), rf"\btrack(?:s|ing)?(?:-|{_GAP}){_NEAR}"),
    _row(_weak("truck"), rf"\b{_GO}{_GAP}{_SIDE}"),
    _row(
        _strong("truck"),
        r"\b(?:lateral|sideways|slider|tracking|trucking|parallax)(?: shot| move| movement| motion)?"
        rf"(?: to the)? {_SIDE}",
    ),
    _row(_weak("pedestal"), rf"\b{_GO}{_GAP}{_RISE}"),
    _row(_weak("pedestal"), rf"\b(?:goes|going|comes|coming) (?:\w+ly )?{_RISE}"),
    _row(_weak("dolly"), rf"\b{_GO}{_GAP}{_NEAR}"),
    _row(
        _fixed(Found("truck", 1, 0.8)),
        r"\b(?:tracking|trucking|slider|lateral|sideways) (?:shot|move|movement|camera)\b",
    ),
    _row(_fixed(Found("dolly", 1, 0.5), Found("truck", 1, 0.5)), rf"{_WE}(?:follows?|following|tracks?|tracking)\b"),
    _row(
        _fixed(Found("dolly", 1, 0.7), Found("truck", 1, 0.3)),
        r"(?:(?<=handheld )|(?<=hand-held )|(?<=gimbal )|(?<=drone ))follow(?:s|ing)?\b",
        r"\bfollow(?:ing)?[- ](?:shot|cam)\b",
    ),
    _row(_steady, r"\bsteadi-?cam\b(?:(?:\s+\w+){0,2}?\s+(?:follow|track)(?:s|ing)?\b)?"),
    _row(
        _fixed(Found("dolly", 1, 1.0), Found("shake", 1, 0.6)),
        r"\b(?:pov|first[- ]person)(?: (?:shot|view|camera))?(?: of)? (?:walk|runn?)(?:s|ing)?\b(?: forwards?)?",
        r"\b(?:walking|running) (?:pov|first[- ]person)\b",
    ),
    _row(_fixed(Found("zoom", 1, 0.6), Found("truck", 1, 0.3)), r"\bken burns\b"),
    _row(_fixed(Found("dolly", -1, 0.9)), r"\breveal(?:ing)? (?:shot|move|movement)\b"),
    _row(_fixed(Found("dolly", 1, 1.4)), r"\bhyper-?lapse\b(?: forwards?)?"),
    _row(_diving, r"\b(?:div(?:es?|ing)|swoop(?:s|ing)?|plung(?:es?|ing)) (?:\w+ly )?down\b"),
    _row(_weak("dolly", sign=1), r"\bswoop(?:s|ing)? (?:\w+ly )?in\b", r"\b(?:slow|gentle|steady|dramatic)[- ]push\b"),
    _row(_weak("dolly"), rf"\b(?:eas(?:es?|ing)|inch(?:es|ing)?|edg(?:es?|ing)|flies|fly(?:ing)?){_GAP}{_NEAR}"),
    _row(
        _straight,
        r"\bcamera (?P<way>up|down|left|right|in|out|forwards?|back)(?=\s*(?:[,.;:!]|$|\b(?:not|and|then)\b))",
    ),
    _row(_fixed(Found("dolly")), rf"{_WE}(?:approach(?:es|ing)?|clos(?:es|ing) in|near(?:s|ing))\b"),
    _row(_fixed(Found("dolly", -1)), rf"{_WE}(?:retreats?|retreating|recedes?|backs? (?:away|up|off))\b"),
    _row(_flying_back, r"\b(?:fly|flying|flies)[- ](?:back(?:wards?)?|away)\b"),
    _row(
        _flying,
        r"\bflythrough\b",
        r"\bfly(?:ing|ies)?[- ](?:through|forwards?|over|towards?|by)\b",
        r"\bflies (?:through|over)\b",
    ),
    _row(
        _fixed(Found("dolly", 1, 0.6), Found("truck", 1, 0.3)),
        rf"{_WE}(?:travels?|travelling|glides?|gliding|drifts?|drifting|floats?|floating|wanders?|walks?)\b",
        r"\b(?:floating|gliding|drifting) camera\b",
    ),
    # up and down
    _row(_weak("pedestal", sign=1), rf"\b(?:rise|ascend)(?: up|{_ALONE})"),
    _row(_weak("pedestal", sign=-1), rf"\bdescend{_ALONE}"),
    _row(
        _weak("pedestal", needs_freedom=True),
        r"\b(?:pedestals?|crane[sd]?|craning|booms?|booming|jibs?|lifts?|lifting|elevat(?:es?|ing))"
        rf"(?:-|{_GAP}){_RISE}{_RETURN}",
    ),
    _row(
        _fixed(Found("pedestal", -1)),
        r"\b(?:crane|jib|boom|drone|aerial) (?:shot|move|movement) (?:\w+ly )?"
        r"(?:descending|lowering|descends|going down|down)\b",
    ),
    _row(_fixed(Found("pedestal")), r"\b(?:crane|jib|boom) (?:shot|move|movement)\b"),
    _row(_fixed(Found("pedestal")), rf"{_WE}(?:rises?|rising|ascends?|ascending|lifts?|climbs?)\b"),
    _row(_fixed(Found("pedestal", -1)), rf"{_WE}(?:descends?|descending|lowers?|lowering|sinks?|drops?)\b"),
    # the hand
    _row(
        _fixed(Found("shake")),
        r"\bhand[- ]?held\b(?= (?:\w+ )?(?:camera|shot|footage|style|feel|look|movement|motion|shake|camerawork|video|"
        r"effect|documentary|wobble|sway))",
        rf"\bhand[- ]?held\b(?:{_ALONE}|(?= (?:and|with|while|then|follow|following|tracking|push|pan|tilt)\b))",
        rf"\b{_CAM} sways?\b",
    ),
    _row(
        _fixed(Found("shake", 1, 1.2)),
        r"\bshak(?:y|ing|es|e)[- ](?:camera|cam|footage|shot|lens)\b",
        r"\b(?:camera|cam|screen)[- ](?:\w+ly )?(?:shake|shakes|shaking|wobbles?|trembles?|jitters?)\b(?! hands)",
        rf"{_STARTING}(?:shake|shaky){_ALONE}",
    ),
)

_STEMS: dict[str, Kind] = {
    **{"pan": "pan", "zoom": "zoom", "tilt": "tilt", "roll": "roll", "shak": "shake"},
    **{"dolly": "dolly", "truck": "truck", "orbit": "orbit"},
}

_BRACKET_WORDS: tuple[tuple[str, Found], ...] = (
    (r"shake|handheld|hand-held|camera shake", Found("shake", 1, 1.2)),
    (r"tracking shot|tracking|follow", Found("truck", 1, 0.8)),
    (r"static|static shot|still|locked[- ]off|tripod|fixed", Found("static")),
    (r"zoom", Found("zoom")),
    (r"orbit|arc|circle", Found("orbit")),
)


def in_brackets(inside: str) -> Iterator[Found]:
    """Yield the moves of one bracket: director's words between commas, where nothing else is expected."""
    for word in (word.strip() for word in re.split(r"[,;+&/]|\band\b", inside)):
        plain = re.sub(rf"^(?:(?:{_HOW})\s+)+|\s+(?:{_HOW})$", "", word)
        amounts = [SPEEDS[part] for part in word.split() if part in SPEEDS]
        for found in _bracket_word(plain):
            amount = found.amount * (amounts[0] if amounts else 1.0)
            yield Found(found.kind, found.sign, amount)


def _bracket_word(word: str) -> tuple[Found, ...]:
    for pattern, found in _BRACKET_WORDS:
        if re.fullmatch(pattern, word):
            return (found,)
    for phrase in PHRASES:
        match = phrase.pattern.match(word)
        if match and match.end() == len(word) and (read := phrase.read(match, word)):
            return read
    return ()
