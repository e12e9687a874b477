"""Which language a text is in: by the name that was given, or else by its script and its commonest words.

Languages are those of espeak-ng's data, known by their files (`gmw/de`) and by the English names in them. How they
sound is espeak-ng's knowledge.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

USUAL = "gmw/en-US"
PINYIN = "sit/cmn-Latn-pinyin"  # reads syllables with tones, as in pronunciations

_NAMED = {
    **{"chinese": "sit/cmn", "mandarin": "sit/cmn", "cantonese": "sit/yue", "chinese,yue": "sit/yue"},
    **{"english": USUAL, "american": USUAL, "british": "gmw/en-GB-x-rp", "norwegian": "gmq/nb", "filipino": "poz/id"},
    **{"portuguese": "roa/pt-BR", "spanish": "roa/es", "vietnamese": "aav/vi", "french": "roa/fr", "zh": "sit/cmn"},
    **{"ja": "jpx/ja", "farsi": "ira/fa", "burmese": "sit/my", "armenian": "ine/hy", "kiswahili": "bnt/sw"},
}

# The first range with enough of a text's letters decides; those that could be of several languages come last.
_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("぀-ヿ", "jpx/ja"),
    ("가-힣ᄀ-ᇿ", "ko"),
    ("一-鿿㐀-䶿", "sit/cmn"),
    ("іїєґІЇЄҐ", "zle/uk"),
    ("ўЎ", "zle/be"),
    ("ђћџљњЂЋЏЉЊ", "zls/sr"),
    ("Ѐ-ӿ", "zle/ru"),
    ("ٹڈڑےں", "inc/ur"),
    ("پچژگ", "ira/fa"),
    ("؀-ۿ", "sem/ar"),
    ("֐-׿", "sem/he"),
    ("Ͱ-Ͽ", "grk/el"),
    ("ऀ-ॿ", "inc/hi"),
    ("ঀ-৿", "inc/bn"),
    ("਀-੿", "inc/pa"),
    ("઀-૿", "inc/gu"),
    ("଀-୿", "inc/or"),
    ("஀-௿", "dra/ta"),
    ("ఀ-౿", "dra/te"),
    ("ಀ-೿", "dra/kn"),
    ("ഀ-ൿ", "dra/ml"),
    ("඀-෿", "inc/si"),
    ("฀-๿", "tai/th"),
    ("က-႟", "sit/my"),
    ("Ⴀ-ჿ", "ccs/ka"),
    ("ሀ-፿", "sem/am"),
    ("԰-֏", "ine/hy"),
)
_ENOUGH = {"jpx/ja": 0.08, "zle/uk": 0.02, "zle/be": 0.01, "zls/sr": 0.02, "inc/ur": 0.02, "ira/fa": 0.02}

_WORDS: tuple[tuple[str, str], ...] = (
    # With "a" and "I", which are words of others too: a short English sentence may have no other word that tells.
    (
        USUAL,
        "the and of to is in that it you for with was are this have not on be at we will what a an i my your he she "
        "they his her our their but from by can has had been were am there when how who out about just like",
    ),
    ("roa/es", "el la los las de que y en un una es por con para no su al lo como más está pero"),
    ("roa/fr", "le la les de des et est un une que qui dans pour pas ne je vous il elle sur avec ce au du nous"),
    ("gmw/de", "der die das und ist ein eine nicht zu den mit von ich sie es auf dem wir im auch war sich"),
    ("roa/pt-BR", "o a os as de que e em um uma é não para com por do da no na se mais você está"),
    ("roa/it", "il lo la gli le di che e è un una non per con del della sono si in ma come più questo"),
    ("gmw/nl", "de het een en is van ik niet dat je in op te zijn met voor die we maar hij ook er"),
    ("zlw/pl", "i w na z się nie to jest do że jak o ale co po tak za czy przez dla jestem"),
    ("trk/tr", "ve bir bu da de için ile çok ne o ben sen var gibi daha mi kadar ama değil olan"),
    ("poz/id", "yang dan di ini itu dengan untuk dari tidak saya akan pada adalah ke bisa kami ada kamu"),
    ("roa/ro", "și de la în cu este un o nu pe din care să mai ce pentru sunt am fost acest"),
    ("zlw/cs", "a se je na v to že s z do o ale jak už když by jsem který pro tak není"),
    ("urj/fi", "ja on ei se että hän mutta oli minä sinä tämä kun niin ovat myös kuin joka mitä"),
    ("gmq/sv", "och det att i en jag är som på de av för inte den med till ett har om men var"),
    ("gmq/da", "og i det at en er til af på jeg de ikke den med for som der et har men var"),
    ("urj/hu", "a az és hogy nem is egy van ez de meg csak már volt én te ha mint lesz"),
    ("aav/vi", "và là của có không được một những cho tôi này trong người đã với bạn các để"),
)
_MARKS = {"aav/vi": "ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ", "trk/tr": "ğşı", "zlw/pl": "łąęśżźć"}
_MARKS |= {"gmw/de": "äöüß", "roa/es": "ñ¿¡", "roa/pt-BR": "ãõ", "zlw/cs": "řěů", "roa/ro": "țșă", "urj/hu": "őű"}


def language_of(text: str, named: str | None, data: Path) -> str:
    """Return the file of the language that is named in English (or by its code), or else the text's own."""
    wanted = (named or "").strip().lower()
    if not wanted or wanted == "auto":
        return guessed(text)
    return _NAMED.get(wanted) or _names(data).get(wanted) or guessed(text)


def guessed(text: str) -> str:
    """Return the file of the language that a text is probably in; English where nothing tells."""
    letters = re.findall(r"[^\W\d_]", text)
    for script, language in _SCRIPTS:
        found = len(re.findall(f"[{script}]", text))
        # Few suffice where a script says it alone: Japanese is mostly Chinese characters between kana.
        if found and found >= _ENOUGH.get(language, 0.4) * len(letters):
            return language
    words = re.findall(r"[^\W\d_]+", text.lower())
    scores = {language: float(sum(word in common.split() for word in words)) for language, common in _WORDS}
    for language, marks in _MARKS.items():
        scores[language] += 1.5 * sum(text.lower().count(mark) for mark in marks)
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] > scores[USUAL] else USUAL


@cache
def _names(data: Path) -> dict[str, str]:
    """Return the languages' names and codes in small letters, and their files; a plain name before a regional one."""
    found: dict[str, str] = {}
    for path in sorted((data / "lang").rglob("*")):
        if not path.is_file():
            continue
        text, file = path.read_text("utf-8", "replace"), path.relative_to(data / "lang").as_posix()
        name = re.search(r"^name\s+(.+)$", text, re.MULTILINE)
        codes = re.findall(r"^language\s+(\S+)", text, re.MULTILINE)
        if name:
            full = name[1].strip().lower()
            found[full] = file
            found.setdefault(full.partition(" (")[0], file)
        for code in codes[:1]:
            found.setdefault(code.lower(), file)
    return found
