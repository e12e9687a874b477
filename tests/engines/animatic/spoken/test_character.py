import json

import pytest

from rushes.engines.animatic.spoken.character import Character, character_of, in_mood


def test_a_profile_survives_the_way_through_json() -> None:
    character = Character(200.5, 1.2, 0.3, 0.1, 1.1, 1.3, 0.9)
    assert Character.of_profile(character.profile()) == character


@pytest.mark.parametrize("text", ["{}", '{"pitch_hz": "high", "other": 1}', '{"tract": null}'])
def test_what_a_profile_does_not_say_is_as_usual(text: str) -> None:
    assert Character.of_profile(text) == Character()


def test_no_profile_leaves_what_a_voice_can_be() -> None:
    wild = Character.of_profile(json.dumps({"pitch_hz": 1e9, "tempo": -3, "tract": 0}))
    assert (wild.pitch_hz, wild.tempo, wild.tract) == (420.0, 0.6, 0.85)


@pytest.mark.parametrize("voices", [("Wise_Woman", "Calm_Woman"), ("a", "b"), ("", "x"), ("Deep_Voice_Man", "Man")])
def test_a_name_is_a_voice_of_its_own(voices: tuple[str, str]) -> None:
    one, other = (character_of(voice, None) for voice in voices)
    assert one == character_of(voices[0], None)
    assert one != other


@pytest.mark.parametrize(
    ("name", "low", "high"), [("CalmWoman", 150, 260), ("young_boy", 160, 230), ("BigBossMan", 90, 140)]
)
def test_words_in_a_name_say_what_kind_of_voice(name: str, low: float, high: float) -> None:
    assert low < character_of(name, None).pitch_hz < high


def test_an_unknown_emotion_is_neutral() -> None:
    assert in_mood(Character(), "puzzled") == in_mood(Character(), "neutral") == Character()
    assert in_mood(Character(), "Sad").tempo < 1.0
