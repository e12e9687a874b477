"""Which camera moves a prompt asks for: text in, a tuple of moves out; an empty tuple is a locked-off camera.

Pure and total: any text gives an answer, the same text and seed the same one. The camera language itself is the table
in `phrases`; how far a move goes is `path`'s business.

    "[Truck left, Pan right], [Zoom in]"     in one bracket together, several brackets one after the other
    "slow push in while panning left"        together;  "pan left, then tilt up"  one after the other
    "no camera movement", "without zoom"     what is refused is not done
    a prompt without camera words            a gentle move chosen by the seed
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rushes.engines.animatic.phrases import (
    BOUNDARY,
    LATER,
    NEGATION,
    PHRASES,
    RELATED,
    SPEEDS,
    Found,
    Kind,
    corrected,
    in_brackets,
)

__all__ = ["Kind", "Move", "is_refused", "read_camera"]

_OVERLAP = 0.12  # of a part's length: moves in sequence blend, or each join would be a stop
_LONGEST = 4_000  # characters that are read; nobody describes a camera at greater length
_MOST_PARTS = 6
_BRACKET = re.compile(r"\[([^\[\]]{1,200})\]")


@dataclass(frozen=True, slots=True)
class Move:
    """One move. `sign`: right, up, in, clockwise are +1. `amount`: 1 is an ordinary move. Times in 0..1 of the clip."""

    kind: Kind
    sign: int
    amount: float
    start: float = 0.0
    end: float = 1.0
    burst: float = 0.0  # seconds in which all of it happens, in the middle of its time; 0: it takes all of its time


def read_camera(prompt: str, seed: int) -> tuple[Move, ...]:
    """Return the moves that a prompt asks for; a default one, drawn with `seed`, if it says nothing of the camera."""
    text = corrected(" ".join(prompt[:_LONGEST].lower().replace("’", "'").split()))
    bracketed = [part for part in (list(in_brackets(inside)) for inside in _BRACKET.findall(text)) if part]
    parts = bracketed or _parts(text)
    # Of the whole text: "no zoom" counts wherever it stands.
    refused = {found.kind for part in parts for found in part if found.refused}
    wanted = [[found for found in part if not found.refused] for part in parts]
    wanted = [part for part in wanted if part][:_MOST_PARTS]
    if wanted:
        return _in_time(wanted)
    return _default(random.Random(f"camera {seed}"), refused)


def _in_time(parts: list[list[Found]]) -> tuple[Move, ...]:
    """Give each part an equal share of the clip, blending at the joins."""
    share = 1.0 / len(parts)
    moves = []
    for index, part in enumerate(parts):
        start = max(0.0, (index - _OVERLAP) * share)
        end = min(1.0, (index + 1 + _OVERLAP) * share)
        still = any(found.kind == "static" for found in part)
        for found in part:
            # A locked-off camera may still be held by a hand, but "static" beside a travelling move is a safer reading.
            if found.kind != "static" and not (still and found.kind != "shake"):
                moves.append(Move(found.kind, found.sign, found.amount, start, end, found.burst))
    return tuple(moves)


def _default(dice: random.Random, refused: set[Kind]) -> tuple[Move, ...]:
    """Choose a gentle move: a slow push in with a slight drift, without what was refused."""
    if "static" in refused:  # "no static shot": anything but standing still
        refused = set()
    elif "any" in refused:
        return ()
    unwanted = {kind for name in refused for kind in RELATED[name]}
    drift: Kind = dice.choice(("truck", "truck", "orbit", "pedestal"))
    amount = dice.uniform(0.30, 0.45)
    sign = dice.choice((-1, 1)) if drift != "pedestal" else 1
    choices = [Move("dolly", 1, dice.uniform(0.55, 0.75)), Move(drift, sign, amount)]
    # Nothing may be left: who refuses both has said "stand still" in other words.
    return tuple(move for move in choices if move.kind not in unwanted)


def _parts(text: str) -> list[list[Found]]:
    """Split running text where it says "then", or where a move is followed by its own opposite."""
    parts: list[list[Found]] = []
    for piece in LATER.split(text):
        part: list[Found] = []
        for found in _found(piece):
            if any(found.kind == other.kind and found.sign != other.sign for other in part):
                parts.append(part)
                part = []
            if not any(found.kind == other.kind and found.refused == other.refused for other in part):
                part.append(found)
        parts.append(part)
    return [part for part in parts if part]


def _found(piece: str) -> Iterator[Found]:
    """Yield the moves of one piece of text in the order in which they stand, each character read once."""
    taken: list[tuple[int, int]] = []
    hits: list[tuple[int, Found]] = []
    for phrase in PHRASES:
        for match in phrase.pattern.finditer(piece):
            start, end = match.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            found = phrase.read(match, piece)
            if not found:
                continue
            refused = found[0].kind == "any" or is_refused(piece, start)
            if found[0].refused and not refused:
                continue
            taken.append((start, end))
            amount = _speed(piece, start, end)
            hits.extend((start, replace(one, amount=one.amount * amount, refused=refused)) for one in found)
    for _, found_one in sorted(hits, key=lambda hit: hit[0]):
        yield found_one


def is_refused(piece: str, at: int) -> bool:
    """Whether a "no", "without" or "don't" governs what stands at a place."""
    before = piece[max(0, at - 60) : at]
    negations = list(NEGATION.finditer(before))
    if not negations:
        return False
    last = negations[-1]
    between = before[last.end() :]
    listed = re.match(r"[^.;:,]*,[^.;:]*\b(?:or|nor)\b", piece[max(0, at - 60) + last.end() :])
    breaks = r"[.;:]|\b(?:but|while|then|only|just|instead)\b" if listed else BOUNDARY
    return re.search(breaks, between) is None


def _speed(piece: str, start: int, end: int) -> float:
    """Return the amount that the words right around a match ask for."""
    before = re.split(BOUNDARY, piece[:start])[-1].split()[-4:]
    after = re.split(BOUNDARY, piece[end:])[0].split()[:3]
    for word in [*re.findall(r"[a-z]+", piece[start:end]), *reversed(before), *after]:
        if word.strip("-\"'()") in SPEEDS:
            very = "very" in before or "extremely" in before
            amount = SPEEDS[word.strip("-\"'()")]
            return float(amount ** (1.5 if very else 1.0))
    return 1.0
