import pytest

from rushes.engines.animatic.brief import Brief, Lettering, read_brief
from rushes.engines.animatic.lexicon import COLOURS, HAIRS


def test_place_time_subject_colour_and_action_are_read() -> None:
    brief = read_brief("A red car drives down a desert road at sunset, wide shot")
    assert (brief.place, brief.features, brief.time, brief.framing) == ("desert", ("road",), "dusk", "wide")
    (car,) = brief.subjects
    assert (car.kind, car.count, car.colour, car.action) == ("car", 1, COLOURS["red"][0], "drive")


@pytest.mark.parametrize(
    ("prompt", "count"), [("three birds", 3), ("a bird", 1), ("birds", 3), ("5 birds", 5), ("a flock of birds", 7)]
)
def test_a_number_of_subjects_is_read(prompt: str, count: int) -> None:
    assert [(one.kind, one.count) for one in read_brief(prompt).subjects] == [("bird", count)]


def test_what_is_refused_is_left_out() -> None:
    brief = read_brief("a street without cars or people, no rain, a dog")
    assert [one.kind for one in brief.subjects] == ["dog"]
    assert not brief.weather


@pytest.mark.parametrize(
    ("prompt", "kind", "place"),
    [
        ("un perro rojo corre por la playa", "dog", "beach"),
        ("ein rotes Auto auf der Straße", "car", "street"),
        ("un chat noir dans la forêt", "cat", "forest"),
        ("一只红色的猫在雪地里走", "cat", "snow"),
        ("夕焼けの海の船", "boat", "sea"),
    ],
)
def test_common_words_of_other_languages_are_known(prompt: str, kind: str, place: str) -> None:
    brief = read_brief(prompt)
    assert [one.kind for one in brief.subjects] == [kind]
    assert brief.place == place


def test_quoted_words_are_lettering_only_where_lettering_is_asked_for() -> None:
    assert read_brief('a shop with a sign that says "OPEN"').lettering == Lettering("OPEN", "sign")
    assert read_brief('title card "The End"').lettering == Lettering("The End", "title")
    assert read_brief('a man says "hello"').lettering is None


def test_camera_words_are_no_subjects() -> None:
    assert not read_brief("truck left, crane shot, bird's eye view, orbit right").subjects


@pytest.mark.parametrize("prompt", ["", "   ", "asdf qwer", "\x00\ud7ff🙂🙂", "no no no", '""', "ق" * 5000])
def test_any_text_gives_a_brief(prompt: str) -> None:
    assert isinstance(read_brief(prompt), Brief)


@pytest.mark.parametrize(
    ("prompt", "actions"),
    [
        ("A man and a woman dance", ("dance", "dance")),
        ("She runs with her dog", ("run", "run")),
        ("A dog barks, a man walks", ("", "walk")),
    ],
)
def test_who_is_named_together_acts_together(prompt: str, actions: tuple[str, str]) -> None:
    assert tuple(subject.action for subject in read_brief(prompt).subjects) == actions


def test_a_herd_is_counted_after_its_animal() -> None:
    assert read_brief("An elephant herd crossing the savanna").subjects[0].count == 6


def test_mars_is_a_desert_of_another_colour() -> None:
    brief = read_brief("an astronaut walks on Mars")
    assert (brief.place, brief.mood) == ("desert", "mars")
    assert not read_brief("an astronaut walks in the desert").mood


def test_windows_that_are_lit_make_no_room_of_a_village() -> None:
    assert read_brief("a snowy village at night, warm windows").place == "village"
    assert read_brief("a cat sleeps on a windowsill while it rains").place == "room"


def test_a_crowd_of_animals_is_many_of_them_and_a_crowd_of_people_a_crowd() -> None:
    assert [(one.kind, one.count) for one in read_brief("a crowd of penguins").subjects] == [("penguin", 5)]
    assert [one.kind for one in read_brief("a crowd of excited people").subjects] == ["crowd"]


def test_only_what_should_not_burn_sets_the_scene_on_fire() -> None:
    assert read_brief("a castle on fire").mood == "burning"
    assert read_brief("a castle on fire").subjects[0].kind == "castle"
    assert read_brief("a burning candle on a table").mood == "warm"


@pytest.mark.parametrize(
    ("prompt", "hair", "colour"),
    [
        ("a woman with long red hair", "red", None),
        ("a red-haired woman", "red", None),
        ("a man in a red coat with white hair", "white", "red"),
        ("a blonde girl in a green dress", "yellow", "green"),
        ("an old man", "white", None),
        ("a red car", None, "red"),
        ("a woman with a red scarf", None, "red"),
    ],
)
def test_the_colour_of_hair_is_not_that_of_clothes(prompt: str, hair: str | None, colour: str | None) -> None:
    (one,) = read_brief(prompt).subjects
    assert one.hair == (HAIRS[hair][0] if hair else None)
    assert one.colour == (COLOURS[colour][0] if colour else None)


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("a spaceship lands on the moon, the astronauts wave", "space"),
        ("people wave from a bridge", ""),
        ("a huge wave of the ocean", "sea"),
        ("make her smile and wave at the camera", ""),
        ("一位宇航员骑着马在月球上", "space"),
        ("a wolf howls at the moon", ""),
    ],
)
def test_a_wave_of_the_hand_is_no_sea_and_the_moon_a_place(prompt: str, place: str) -> None:
    brief = read_brief(prompt)
    assert brief.place == place
    assert "ball" not in [one.kind for one in brief.subjects]


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        ("a dimly lit alley", []),
        ("a kind old man", ["man"]),
        ("some kind of spaceship", ["rocket"]),
        ("a fisherman on the river bank", ["man"]),
        ("two friends chat in a cafe", ["couple"]),
        ("a worn leather boot", []),
        ("a pair of sneakers", ["shoe"]),
        ("ein Kind spielt mit dem Hund", ["child", "dog"]),
        ("un chat dort sur le lit", ["cat", "sofa"]),
        ("ein Mann sitzt auf der Bank", ["man", "bench"]),
    ],
)
def test_words_that_mean_something_else_in_english_count_in_their_own_language(prompt: str, kinds: list[str]) -> None:
    assert [one.kind for one in read_brief(prompt).subjects] == kinds


def test_words_that_belong_together_are_read_as_one() -> None:
    assert read_brief("golden retriever puppies in the snow").time == ""
    assert [one.kind for one in read_brief("a space man in a motorcycle helmet").subjects] == ["astronaut"]
    assert [one.action for one in read_brief("kids fly a kite").subjects] == ["stand"]
