import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rushes.engines.animatic.spoken.character import Character
from rushes.engines.animatic.spoken.languages import guessed, language_of
from rushes.engines.animatic.spoken.tongue import Spoken, Tongue, TongueLost
from rushes.engines.animatic.spoken.tongue_child import plain

FOUND = Tongue.found()
pytestmark = pytest.mark.skipif(FOUND is None, reason="the extra 'speech' is not installed")

# fmt: off
LANGUAGES = [
    "Chinese", "Chinese,Yue", "Cantonese", "English", "Arabic", "Russian", "Spanish", "French", "Portuguese",
    "German", "Turkish", "Dutch", "Ukrainian", "Vietnamese", "Indonesian", "Japanese", "Italian", "Korean", "Thai",
    "Polish", "Romanian", "Greek", "Czech", "Finnish", "Hindi", "Swedish", "Danish", "Hungarian", "Bulgarian",
    "Hebrew", "Persian", "Urdu", "Tamil", "Telugu", "Bengali", "Malay", "Swahili", "Norwegian", "Slovak", "Catalan",
]
# fmt: on


def said(text: str, character: Character | None = None, **asked: Any) -> list[Spoken]:
    assert FOUND is not None
    return list(FOUND.say(text, character or Character(), **asked))


def seconds(text: str, **asked: Any) -> float:
    return sum(len(part.samples) / part.rate for part in said(text, **asked))


def phonemes(text: str, **asked: Any) -> list[str]:
    names = [name for part in said(text, **asked) for _, name in part.phonemes if not name.startswith("_")]
    return [name.strip("',") for name in names]  # stress differs between a word and the same said in parts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_known_by_its_english_name(language: str) -> None:
    assert FOUND is not None
    file = language_of("1 2 3", language, FOUND.data)
    assert (FOUND.data / "lang" / file).is_file()
    assert language.startswith("English") or not file.startswith("gmw/en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The boats lie on the sand.", "gmw/en-US"),
        ("你好，世界", "sit/cmn"),
        ("今日は天気がいいですね", "jpx/ja"),
        ("안녕하세요", "ko"),
        ("Привет, мир", "zle/ru"),
        ("Привіт, світе, її ім'я", "zle/uk"),
        ("مرحبا بالعالم", "sem/ar"),
        ("Das Wetter ist schön und wir gehen", "gmw/de"),
        ("El perro no está en la casa", "roa/es"),
        ("Le chat est sur la table avec nous", "roa/fr"),
        ("Tôi là người Việt Nam", "aav/vi"),
        ("xyzzy", "gmw/en-US"),
        ("", "gmw/en-US"),
    ],
)
def test_a_language_is_told_by_its_script_and_its_commonest_words(text: str, language: str) -> None:
    assert guessed(text) == language


def test_numbers_are_read_in_the_language() -> None:
    assert phonemes("25", language="German") == phonemes("fünfundzwanzig", language="German")
    assert phonemes("25", language="German") != phonemes("25", language="English")


def test_a_pause_mark_is_as_long_as_it_says() -> None:
    assert seconds("One.<#2.5#>Two.") - seconds("One.<#0.5#>Two.") == pytest.approx(2.0, abs=0.01)


def test_pinyin_with_tones_and_respellings_are_said_as_given() -> None:
    written = phonemes("燕少飞来了", pronunciations=(("燕少飞", "yan4 shao3 fei1"),), language="Chinese")
    assert written == phonemes("燕少飞来了", language="Chinese")
    changed = phonemes("燕少飞来了", pronunciations=(("燕少飞", "ma1 ma1 ma1"),), language="Chinese")
    assert changed != written
    assert phonemes("omg", pronunciations=(("OMG", "oh my god"),)) == phonemes("oh my god")


def test_phonemes_come_in_order_with_the_time_at_which_they_are_heard() -> None:
    parts = said("One day.<#1#>Far away from home.")
    times = [at for part in parts for at, _ in part.phonemes]
    assert times == sorted(times)
    assert times[-1] <= sum(len(part.samples) / part.rate for part in parts)


def test_a_long_text_comes_in_parts_and_much_faster_than_it_is_heard() -> None:
    begin = time.perf_counter()
    parts = said("The tide is out, and the boats lie on the sand. " * 104)
    heard_s = sum(len(part.samples) / part.rate for part in parts)
    assert heard_s > 240
    assert max(len(part.samples) / part.rate for part in parts) < 25
    assert time.perf_counter() - begin < heard_s / 4


def test_text_that_looks_like_markup_is_only_text() -> None:
    assert len(phonemes("[[h@]] <voice name='x'> &amp; \x00 \x1b ]]")) > 3


def test_a_process_that_does_not_start_is_told(tmp_path: Path) -> None:
    assert FOUND is not None
    (tmp_path / "lang" / "gmw").mkdir(parents=True)
    (tmp_path / "lang" / "gmw" / "en-US").write_text("name English\nlanguage en-us\n")
    with pytest.raises(TongueLost):
        list(Tongue(FOUND.library, tmp_path).say("Hello", Character()))


def test_a_listener_may_stop_early() -> None:
    assert FOUND is not None
    speech = FOUND.say("The tide is out. " * 200, Character())
    assert len(next(speech).samples)
    speech.close()  # type: ignore[attr-defined]


def test_a_profile_s_character_is_heard() -> None:
    low, high = (said("Good evening.", Character(**json.loads(f'{{"pitch_hz": {hz}}}'))) for hz in (90, 230))
    assert not np.array_equal(low[0].samples[:8000], high[0].samples[:8000])


@pytest.mark.parametrize("text", ["[[[h@l'oU]]] stays", "one\0two"])
def test_text_is_only_text_to_espeak_ng(text: str) -> None:
    assert "[[" not in plain(text)
    assert "\0" not in plain(text)


def test_nothing_after_a_null_is_lost() -> None:
    assert seconds("one two three\0four five six") > 1.6 * seconds("one two three")
