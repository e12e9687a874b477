"""Which prompts ask for what no checker lets pass: a local list of words and phrases, read through common disguises.

Conservative: a phrase counts only as it is written for that purpose, so that food, art, birds, places and lipstick stay
free, and so does what a prompt rules out ("no nudity"). Pure; whether to check at all, and the error, are `check`'s.
"""
# ruff: noqa: E501  the patterns are tables, a topic to a line

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from functools import partial
from typing import Literal

Kind = Literal["sexual content with minors", "explicit sexual content", "sexual violence", "graphic gore", "self-harm"]

_INVISIBLE = {"Cf", "Cc", "Mn", "Me"}  # zero-width marks, controls, accents that stand alone after decomposition
_LEET = str.maketrans("013457@$!€|+", "oieastasieit")
_LOOKALIKES = str.maketrans("асеоріхуѕԁһкмтвнαονρε", "aceopixysdhkmtbhaovpe")  # Cyrillic and Greek in Latin words
# Looked for in a word that was found before: one expression for both would begin anew at each letter of a long word.
_LETTER, _LEET_SIGN, _FOREIGN = re.compile(r"[a-z]"), re.compile(r"[0-9@$!€|+]"), re.compile(r"[\u0370-\u04ff]")
# A letter here is no underscore: what may be both letter and gap can be read in more ways than there is time for.
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_][ .\-_*/]{1,3}){2,}[^\W_](?![^\W_])")
_STARRED = re.compile(r"(?<=[a-z])[*#.\-_](?=[a-z])")
_REPEATED = re.compile(r"([a-z])\1{2,}")

# Taken out before anything is looked for: they hold a listed word and mean something else.
_INNOCENT = re.compile(
    r"\bnaked mole[ -]rats?|\bnaked (?:eye|flame|trees?|branch(?:es)?|truth|singularity|cake)|"
    r"\b(?:nude|naked)[ -](?:colou?r(?:s|ed)?|tones?|shades?|lipsticks?|palettes?|heels|pumps|nails?|polish|make-?up|"
    r"eye ?shadows?|beige|pink|leather|tights|stockings|bra|dress(?:es)?|fabrics?|mice|mouse)\b|"
    r"\b(?:pussy[ -]?(?:cats?|willows?|foot\w*)|pussy riot|sex education|sex and the city|essex|sussex|middlesex|"
    r"(?:oilseed|field of|fields of) rape|rape (?:seeds?|oil|fields?|blossoms?|plants?|flowers?)|"
    r"(?:statue|sculpture|painting|fresco|drawing|bust|figurine)s? of (?:\w+ ){0,2}(?:nude|naked)(?: \w+)?|"
    r"cum laude|gore[ -]?tex|al gore|cape gore|adult(?:s)? and child(?:ren)?|sexy? ?(?:pistols))\b"
)
_NO = r"(?<!\bno )(?<!\bnot )(?<!\bwithout )(?<!\bnever )(?<!\bavoid )(?<!\bnon-)(?<!\bnon )(?<!\banti-)(?<!\bno explicit )"
_ADULT = (
    r"(?:wom[ae]n|m[ae]n|lad(?:y|ies)|girls?|girlfriends?|boyfriends?|females?|males?|models?|guys?|couples?|wife|"
    r"wives|persons?|people|actress(?:es)?|nurses?|teachers?|milfs?|bod(?:y|ies)|she|her|he|him|teens?)"
)
_BARE = r"(?:naked|nude|undressed|topless|bottomless|unclothed)"
_ART = r"(?! (?:\w+ ){0,2}(?:statues?|sculptures?|paintings?|frescos?|marble|bronze|mannequins?|drawings?))"
_NEAR = r"(?: \w+){0,2} "

_MINOR = re.compile(
    r"\b(?:child(?:ren)?|kids?|toddlers?|infants?|bab(?:y|ies)|preteens?|pre-teens?|tweens?|underaged?|minors?|"
    r"school ?(?:girls?|boys?|kids?)|(?:little|young|small|tiny) (?:girls?|boys?)|adolescents?|teenagers?|teenaged?|"
    r"kindergart\w+|pupils?|lolis?|lolita|shotas?|(?:[1-9]|1[0-7])[ -]?(?:years?|yrs?|yr)[ -]?old|"
    r"(?:[1-9]|1[0-7]) ?y/?o|nin[oa]s?|menor(?:es)? de edad|colegialas?|fillettes?|enfants?|mineure?s?|"
    r"kleine[sn]? madchen|kinder|minderjahrig\w*|criancas?|menin[ao]s?|bambin[aeio]|minorenn[ei])\b|"
    r"儿童|兒童|小女孩|小男孩|幼女|幼童|未成年|小学生|小學生|子供|こども|女児|児童|девочк|мальчик|ребен|детск|несовершеннолетн|아동|어린이|미성년"
)
_SEXUAL = re.compile(
    rf"{_NO}\b(?:{_BARE}|nudity|sexy|sexual(?:ly|i[sz]ed)?|sex|erotic\w*|seductive\w*|lewd\w*|lingerie|striptease|"
    r"horny|aroused|orgasm\w*|porn\w*|hentai|nsfw|masturbat\w*|molest\w*|fondl\w*|genitals?|penis|vagina|"
    r"desnud[oa]s?|nues?|nackte?[rnsm]?|nuas?|nud[aeio]|erotique|erotisch\w*|sexuel\w*|sexuell\w*)\b|"
    r"裸|色情|性感|性爱|性愛|性交|做爱|ヌード|エロ|セックス|ポルノ|голы|голая|обнаж|эротич|порно|секс|알몸|야한|포르노|섹스"
)
_LISTED: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "sexual content with minors",
        re.compile(r"\b(?:lolicon|shotacon|child (?:porn\w*|erotica)|kiddie porn|cp porn|pedo(?:philia|porn)|jailbait)\b|"
                   r"儿童色情|児童ポルノ|детское порно|아동 ?포르노|ロリコン"),
    ),
    (
        "sexual violence",
        re.compile(rf"{_NO}\b(?:rap(?:e|ed|ing) (?:a|an|her|him|the|of|scene|victim)|gang ?rap\w+|(?:being|gets|is|was) raped|"
                   r"rape scene|sexual assault scene|molest(?:s|ed|ing)|bestiality|zoophil\w+|necrophil\w+|incest porn)\b|"
                   r"强奸|強姦|レイプ|изнасил|강간"),
    ),
    (
        "explicit sexual content",
        re.compile(
            rf"{_NO}\b(?:porn(?:o|os|s|hub|ographic|ography|ografia|ografico|ographique|ografie|star)?|pron|hentai|nsfw|xxx|"
            r"blow ?jobs?|hand ?jobs?|deep ?throat\w*|cum ?shots?|cumming|cream ?pies? porn|gang ?bang\w*|masturbat\w*|"
            r"orgasm\w*|dildos?|ejaculat\w*|fellatio|cunnilingus|"
            r"(?:having|have|has|hardcore|anal|oral|explicit|group|rough) sex|sex (?:scene|tape|act|orgy)s?|sexual intercourse|"
            r"sexually explicit|fucking (?:a|an|her|him|the|each|hard)|fucks (?:her|him)|fuck (?:her|him)|"
            r"erect(?:ed)? (?:penis|cock|dick)|(?:penis|vagina|vulva|genitals?|pussy|clitoris) (?:close-?up|visible|exposed|showing)|"
            r"(?:wet|exposed|visible|bare|spread|showing|her|hairy|shaved|close-?up of(?: (?:a|her|his|the))?)"
            r" (?:pussy|vagina|vulva|genitals?|penis)|"
            r"suck(?:s|ing)? (?:\w+ )?(?:cock|dick)|(?:hard|big|huge|his) cock|(?:big|bare|huge|her|naked) tits|"
            r"(?:bare|naked|exposed|nude)(?: \w+)? (?:breasts?|boobs|nipples?|buttocks|tits)|"
            rf"{_BARE}{_NEAR}{_ADULT}{_ART}|{_BARE} {_ADULT}{_ART}|{_ADULT} (?:(?:is|are|was|standing|lying|fully|"
            rf"completely|totally|posing|dancing|walking|sitting) ){{1,3}}{_BARE}|(?:fully|completely|totally|stark|butt) (?:nude|naked)|"
            r"full(?: frontal)? nudity|strips? naked|tak(?:es?|ing) off (?:all )?(?:her|his) (?:clothes|bra|panties|underwear)|"
            r"sexo (?:explicito|oral|anal)|follando|(?:mujer|chica|hombre)(?:es|s)? desnud[oa]s?|"
            r"(?:femme|fille|homme)s? nue?s?|(?:baise|baisent)|nackte[rnsm]? (?:frau|mann|madchen|frauen)|"
            r"(?:mulher|garota|homem)(?:es)? n[ua]{1,2}s?|(?:donna|donne|ragazza|uomo) nud[aeo])\b|"
            r"色情|性交|做爱|做愛|裸女|全裸|裸体女|口交|ポルノ|セックス|порно|голая женщин|голые женщин|обнаженная женщин|"
            r"포르노|야동|알몸 ?여"
        ),
    ),
    (
        "graphic gore",
        re.compile(
            rf"{_NO}\b(?:disembowel\w*|dismember\w*|eviscerat\w*|decapitat\w*|behead(?:s|ed|ing)|mutilat(?:ed|ing|ion|es)|"
            r"(?:blood and|extreme|graphic|realistic) gore|gore (?:scene|porn|fest)|gory|"
            r"(?:guts|entrails|intestines|organs|brains?)(?: \w+){0,2} (?:spill\w*|hanging|splatter\w*|out|everywhere)|"
            r"severed (?:heads?|limbs?|arms?|legs?|hands?|fingers?)|flay(?:ed|ing) (?:alive|a|him|her)|skinned alive|"
            r"snuff (?:film|video|movie)|tortur(?:ed|ing) to death|descuartiza\w*|decapitad\w*|desmembrad\w*|decapite\w*|"
            r"enthaupte\w*|zerstuckel\w*)\b|斩首|斬首|肢解|分尸|バラバラ死体|обезглав|расчлен|참수"
        ),
    ),
    (
        "self-harm",
        re.compile(rf"{_NO}\b(?:(?:cut(?:s|ting)?|slit(?:s|ting)?) (?:her|his|my|their|own) (?:own )?wrists?|slit wrists|"
                   r"(?:hangs?|hanging) (?:herself|himself|myself|themselves)|(?:commits?|committing) suicide)\b|自残|自殺する|割腕"),
    ),
)  # fmt: skip


def what_is_wrong(prompt: str) -> Kind | None:
    """Return what a prompt asks for that is not made, None where nothing is wrong with it."""
    for reading in _readings(prompt):
        text = _INNOCENT.sub(" , ", reading)
        if _close(text):
            return "sexual content with minors"
        for kind, pattern in _LISTED:
            if pattern.search(text):
                return kind
    return None


_CLOSE = 80  # characters between a minor and a sexual word, from which on they are likely to be about different things


def _close(text: str) -> bool:
    """Whether a minor and something sexual stand near each other."""
    minors = [match.span() for match in _MINOR.finditer(text)]
    for hit in _SEXUAL.finditer(text):
        # Of those that don't begin too far behind it the last one ends nearest to it; the others need no look.
        before = bisect_left(minors, (hit.end() + _CLOSE, 0)) - 1
        if before >= 0 and hit.start() - minors[before][1] < _CLOSE:
            return True
    return False


def _readings(prompt: str) -> tuple[str, ...]:
    """Return the prompt in plain small letters, and as it reads with digits for letters, stars and spaces undone."""
    plain = _plain(prompt)
    undone = re.sub(r"\w+", partial(_told, _FOREIGN, _LOOKALIKES), plain)
    undone = re.sub(r"\S+", partial(_told, _LEET_SIGN, _LEET), undone)
    undone = _SPACED.sub(lambda run: re.sub(r"[\W_]", "", run.group()), undone)
    undone = _REPEATED.sub(r"\1", _STARRED.sub(_unstar, undone))
    return tuple(dict.fromkeys((plain, undone)))


def _told(disguise: re.Pattern[str], meant: dict[int, int], found: re.Match[str]) -> str:
    """Undo a disguise in a word that has both Latin letters and signs of it."""
    word = found.group()
    return word.translate(meant) if disguise.search(word) and _LETTER.search(word) else word


def _unstar(match: re.Match[str]) -> str:
    """A star stands for a letter (p*rn) or for none (p.o.r.n); hyphens and stops between words mean a space."""
    return "o" if match.group() in "*#" else " "


def _plain(prompt: str) -> str:
    text = unicodedata.normalize("NFKC", prompt).casefold()
    shown = (c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) not in _INVISIBLE or c.isspace())
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", "".join(shown)))
