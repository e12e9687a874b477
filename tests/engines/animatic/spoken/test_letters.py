import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.engines.animatic.spoken.letters import clauses
from rushes.engines.animatic.spoken.phonemes import PHONEMES


def said(word: str) -> str:
    (clause,) = clauses(word)
    return " ".join(" ".join(sounds) for sounds in clause.words)


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("cat", "K AE T"),
        ("ship", "SH IH P"),
        ("thing", "TH IH NG"),
        ("make", "M EY K"),
        ("time", "T AY M"),
        ("home", "HH OW M"),
        ("night", "N AY T"),
        ("nation", "N AE SH AH N"),
        ("queen", "K W IY N"),
        ("book", "B UH K"),
        ("moon", "M UW N"),
        ("city", "S IH T IY"),
        ("walked", "W AO K T"),
        ("phone", "F OW N"),
        ("knee", "N IY"),
        ("car", "K AA R"),
        ("bird", "B ER D"),
        ("the", "DH AH"),
        ("BBC", "B IY B IY S IY"),
    ],
)
def test_spelling_is_read_as_english(word: str, sounds: str) -> None:
    assert said(word) == sounds


def test_signs_end_clauses() -> None:
    found = list(clauses("Yes, I will! Do you? Well"))
    assert [clause.ends for clause in found] == [",", "!", "?", ""]


def test_numbers_and_signs_are_words() -> None:
    assert said("2 & 3") == said("two and three")


def test_a_run_without_commas_is_broken_for_breath() -> None:
    found = list(clauses("and so on " * 60))
    assert len(found) > 5
    assert all(clause.letters < 120 for clause in found)


@pytest.mark.parametrize("text", ["a" * 5_000, "山" * 5_000, "short " + "long" * 500, "x-y" * 900])
def test_what_has_no_spaces_is_broken_for_breath_too(text: str) -> None:
    found = list(clauses(text))
    assert max(clause.letters for clause in found) <= 92
    assert sum(clause.letters for clause in found) >= len(text)


def test_the_longest_pronunciation_is_taken_first_and_case_does_not_count() -> None:
    (clause,) = clauses("SQLite", (("sql", "sequel"), ("sqlite", "sequel light")))
    assert clause.words == next(clauses("sequel light")).words


def test_what_a_pronunciation_put_in_is_not_read_again() -> None:
    (clause,) = clauses("tom", (("tom", "ann"), ("ann", "bob")))
    assert clause.words == next(clauses("ann")).words


def test_accents_are_read_as_their_letters() -> None:
    assert said("café") == said("cafe")


def test_letters_of_other_scripts_are_syllables() -> None:
    assert len(said("你好").split()) == 4
    assert said("你") != said("好")


@given(st.text(max_size=200))
def test_any_text_is_made_of_known_sounds(text: str) -> None:
    for clause in clauses(text):
        assert clause.words
        assert clause.letters > 0
        assert all(sound in PHONEMES for word in clause.words for sound in word)
