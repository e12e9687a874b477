"""Text to phonemes by spelling: clauses, words, and the sounds that their letters usually stand for in English.

Wrong as often as a beginner reading aloud, which is near enough for a stand-in whose rhythm counts. Letters of other
scripts get a syllable of their own each, chosen from the letter, so that any text is spoken for as long as it would
take. What is spelled otherwise than said goes through `pronunciations`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rushes.engines.animatic.spoken.numbers import read_out

_ONSETS = ("M", "N", "D", "T", "K", "SH", "L", "R", "B", "G", "S", "Y")
_NUCLEI = ("AA", "IY", "UW", "EH", "OW", "AH", "AY")
_LONGEST = 90  # characters in a clause: who has no comma draws breath


@dataclass(frozen=True, slots=True)
class Clause:
    """What is said in one breath: words as phoneme names, and the sign it ends with (one of `,.?!` or nothing)."""

    words: tuple[tuple[str, ...], ...]
    letters: int
    ends: str


def clauses(text: str, pronunciations: Sequence[tuple[str, str]] = ()) -> Iterator[Clause]:
    """Read a text clause by clause; none for a text without anything to say."""
    text = "".join(part for part, _ in pronounced(text, pronunciations))
    text = _signs(read_out(text))
    for match in re.finditer(r"([^,.!?]+)([,.!?]*)", text):
        ends = next((sign for sign in "?!." if sign in match[2]), match[2][:1])
        pieces = list(_breaths(match[1].split()))
        for index, words in enumerate(pieces):
            spoken = tuple(sounds for word in words if (sounds := _word(word)))
            if spoken:
                yield Clause(spoken, len(" ".join(words)) + 1, ends if index == len(pieces) - 1 else ",")


def pronounced(text: str, pronunciations: Sequence[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """Yield the text in parts with how words are said put in (True), the longest words first.

    What was put in is not read again, or it could grow for ever.
    """
    said_as = {written.lower(): said for written, said in reversed(pronunciations) if written}
    if not said_as:
        yield text, False
        return
    words = "|".join(map(re.escape, sorted(said_as, key=len, reverse=True)))
    for part in re.split(f"({words})", text, flags=re.IGNORECASE):
        said = said_as.get(part.lower())
        yield (part, False) if said is None else (said, True)


def _signs(text: str) -> str:
    """Spell signs that are spoken, and bring every way to pause down to `,.!?`."""
    text = unicodedata.normalize("NFKC", text).replace("’", "'")
    for sign, word in (("&", " and "), ("%", " percent "), ("+", " plus "), ("=", " equals "), ("@", " at ")):
        text = text.replace(sign, word)
    text = re.sub(r"[。\n…؟]+|[;:](?=\s)|\s[-–—]+\s|—|[、]", lambda m: _PAUSES.get(m[0][0], ","), text)
    return re.sub(r"[\"()\[\]{}<>«»“”*#_/\\|~^`;:-]", " ", text)


_PAUSES = {"。": ".", "\n": ".", "…": ".", "؟": "?"}


def _breaths(words: list[str]) -> Iterator[list[str]]:
    """Cut a long run of words where a breath is due, and a word that is longer than a breath (or knows no spaces)."""
    part: list[str] = []
    for piece in (word[at : at + _LONGEST] for word in words for at in range(0, len(word), _LONGEST)):
        if part and sum(map(len, part)) + len(part) + len(piece) > _LONGEST:
            yield part
            part = []
        part.append(piece)
    if part:
        yield part


def _word(word: str) -> tuple[str, ...]:
    """Return a word's phonemes."""
    if known := _KNOWN.get(word.lower().strip("'")):
        return tuple(known.split())
    bare = "".join(char for char in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(char))
    found: list[str] = []
    for run in re.findall(r"[a-z']+|[^\W\d_]", bare):
        found += _spelled(run.replace("'", "")) if run[0] < "\x7f" else _syllable(run)
    return tuple(found)


def _syllable(letter: str) -> list[str]:
    """Return a consonant and a vowel for a letter of another script."""
    # Knuth's multiplicative hash: neighbouring letters get unlike syllables.
    code = ord(letter) * 2654435761 % 2**32
    return [_ONSETS[(code >> 8) % len(_ONSETS)], _NUCLEI[(code >> 20) % len(_NUCLEI)]]


def _spelled(word: str) -> list[str]:
    """Return the sounds of a word in Latin letters by the longest rule that fits at each place."""
    if len(word) > 1 and not re.search(r"[aeiouy]", word):
        return [sound for letter in word for sound in _NAMES[letter].split()]  # an abbreviation is spelled out
    sounds: list[str] = []
    at = 0
    while at < len(word):
        for pattern, said in _RULES:
            if match := pattern.match(word, at):
                if match.end() == at:
                    continue
                sounds += said.split()
                at = match.end()
                break
        else:
            at += 1
    # Double letters are one sound.
    return [sound for index, sound in enumerate(sounds) if index == 0 or sound != sounds[index - 1]]


_KNOWN = {
    **dict.fromkeys(("the",), "DH AH"),
    **dict.fromkeys(("a",), "AH"),
    **{"i": "AY", "of": "AH V", "to": "T UW", "do": "D UW", "you": "Y UW", "your": "Y AO R", "was": "W AH Z"},
    **{"is": "IH Z", "are": "AA R", "one": "W AH N", "two": "T UW", "said": "S EH D", "have": "HH AE V"},
    **{"what": "W AH T", "who": "HH UW", "they": "DH EY", "this": "DH IH S", "that": "DH AE T", "there": "DH EH R"},
    **{"their": "DH EH R", "with": "W IH DH", "hello": "HH EH L OW", "world": "W ER L D", "people": "P IY P AH L"},
    **{"we": "W IY", "he": "HH IY", "she": "SH IY", "be": "B IY", "me": "M IY", "his": "HH IH Z", "has": "HH AE Z"},
    **{"as": "AE Z", "some": "S AH M", "come": "K AH M", "love": "L AH V", "eight": "EY T", "four": "F AO R"},
    **{"could": "K UH D", "would": "W UH D", "should": "SH UH D", "does": "D AH Z", "eye": "AY", "eyes": "AY Z"},
}

_NAMES = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip

# Spelling → sounds; the first row that fits at a place is taken, so longer and rarer spellings stand first.
_TABLE: tuple[tuple[str, str], ...] = (
    ("tions?\\b", "SH AH N"), ("tion", "SH AH N"), ("sions?\\b", "ZH AH N"), ("cious", "SH AH S"), ("ture\\b", "CH ER"),
    ("ough\\b", "OW"), ("ought", "AO T"), ("augh", "AO"), ("eigh", "EY"), ("igh", "AY"), ("tch", "CH"), ("dge", "JH"),
    ("sch", "S K"), ("\\bkn", "N"), ("\\bwr", "R"), ("wh", "W"), ("ph", "F"), ("sh", "SH"), ("ch", "CH"), ("th", "TH"),
    ("ck", "K"), ("ng\\b", "NG"), ("ng(?=[^aeiou])", "NG"), ("nk", "NG K"), ("qu", "K W"), ("mb\\b", "M"), ("gh", "G"),
    ("air|are\\b", "EH R"), ("ear|eer|ere\\b", "IY R"), ("ore\\b|oar|oor|or", "AO R"), ("our", "AW R"), ("ar", "AA R"),
    ("(?:er|ir|ur)(?![aeiou])|er\\b", "ER"), ("all\\b", "AO L"), ("al(?=k)", "AO"),
    ("ee|ea", "IY"), ("oo(?=k)", "UH"), ("oo", "UW"), ("ou", "AW"), ("ow\\b", "OW"), ("ow", "AW"), ("oa", "OW"),
    ("ai|ay|ei|ey(?=.)", "EY"), ("ey\\b|ie(?=.)", "IY"), ("ie\\b", "AY"), ("oi|oy", "OY"), ("au|aw", "AO"),
    ("ew|ue\\b|ui", "UW"),
    ("a(?=[bcdfgklmnpstvz]e(?:s|d)?\\b)", "EY"), ("i(?=[bcdfgklmnpstvz]e(?:s|d)?\\b)", "AY"),
    ("o(?=[bcdfgklmnpstvz]e(?:s|d)?\\b)", "OW"), ("u(?=[bcdfgklmnpstvz]e(?:s|d)?\\b)", "UW"),
    ("(?<=[td])ed\\b", "IH D"), ("(?<=[kpsfx])ed\\b", "T"), ("(?<=[a-z][a-z])ed\\b", "D"),
    ("(?<=[sxz])es\\b", "IH Z"), ("(?<=[a-z][a-z])es\\b", "Z"), ("(?<=[a-z][a-z])e\\b", ""),
    ("(?<=\\w)y\\b", "IY"), ("\\by(?=[aeiou])", "Y"), ("y", "IH"),
    ("c(?=[eiy])", "S"), ("g(?=[ei])", "JH"), ("x", "K S"), ("(?<=[aeioubdglmnrvw])s\\b", "Z"),
    ("a\\b", "AH"), ("o\\b", "OW"), ("e\\b", "IY"), ("i\\b", "IY"), ("u\\b", "UW"),
    ("a", "AE"), ("e", "EH"), ("i", "IH"), ("o", "AA"), ("u", "AH"), ("b", "B"), ("c", "K"), ("d", "D"), ("f", "F"),
    ("g", "G"), ("h", "HH"), ("j", "JH"), ("k", "K"), ("l", "L"), ("m", "M"), ("n", "N"), ("p", "P"), ("q", "K"),
    ("r", "R"), ("s", "S"), ("t", "T"), ("v", "V"), ("w", "W"), ("z", "Z"),
)  # fmt: skip
_RULES = tuple((re.compile(pattern), said) for pattern, said in _TABLE)
