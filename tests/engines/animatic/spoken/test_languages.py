"""Tests of which language a text is taken for where nobody says it."""

import pytest

from rushes.engines.animatic.spoken.languages import USUAL, guessed


@pytest.mark.parametrize(
    "text",
    ["A dog barks.", "I love dogs", "He said no", "I am here", "A kind old man", "She can go", "Hello", "", "42"],
)
def test_the_shortest_english_sentences_are_english(text: str) -> None:
    assert guessed(text) == USUAL


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("O gato dorme", "roa/pt-BR"),
        ("ein Kind", "gmw/de"),
        ("un perro rojo corre por la playa", "roa/es"),
        ("Il gatto e il cane", "roa/it"),
        ("en hund i huset", "gmq/sv"),
        ("Ala ma kota i psa, to jest dom", "zlw/pl"),
        ("A kutya és a macska", "urj/hu"),
        ("je suis ici", "roa/fr"),
    ],
)
def test_short_sentences_of_others_stay_theirs(text: str, language: str) -> None:
    assert guessed(text) == language
