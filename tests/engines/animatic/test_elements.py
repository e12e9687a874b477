import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.engines.animatic.elements import KINDS, read_elements


def kinds(prompt: str) -> set[str]:
    return {element.kind for element in read_elements(prompt)}


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("trees sway in the wind", {"foliage", "hair"}),
        ("the grass ripples", {"foliage"}),
        ("her hair flutters", {"hair"}),
        ("a red flag waving on a tower", {"cloth"}),
        ("waves crash on the beach", {"waves"}),
        ("a river flows through the valley", {"flow"}),
        ("clouds drift across the sky", {"clouds"}),
        ("snow falls softly", {"snow"}),
        ("slow dolly in, it snows heavily", {"snow"}),
        ("rain on a street at night", {"rain"}),
        ("autumn leaves fall", {"leaves"}),
        ("cherry blossoms drift by", {"petals"}),
        ("steam rises from the cup", {"smoke"}),
        ("a foggy morning", {"fog"}),
        ("a campfire with embers", {"fire", "embers"}),
        ("the stars twinkle", {"stars"}),
        ("a thunderstorm over the city", {"rain", "lightning"}),
        ("dust motes float in the light", {"dust"}),
    ],
)
def test_what_moves_by_itself_is_read_from_the_prompt(prompt: str, wanted: set[str]) -> None:
    assert kinds(prompt) == wanted


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a cat on a sofa",
        "she waves at the camera",
        "a fire truck",
        "a rainbow over the hills",
        "a smoke-free room",
        "no rain, no snow",
        "a street without fog or smoke",
        "push in, no wind",
    ],
)
def test_other_words_and_refusals_move_nothing(prompt: str) -> None:
    assert kinds(prompt) == set()


def test_adverbs_make_it_more_or_less() -> None:
    light, plain, heavy = (read_elements(prompt)[0].strength for prompt in ("light snow", "snowing", "heavy snow"))
    assert light < plain < heavy


@given(st.text(max_size=300))
def test_any_text_gives_each_kind_at_most_once(prompt: str) -> None:
    found = [element.kind for element in read_elements(prompt)]
    assert len(found) == len(set(found))
    assert set(found) <= set(KINDS)


@pytest.mark.timeout(5)
def test_a_very_long_prompt_is_read_quickly() -> None:
    read_elements("water " * 100_000)
    read_elements("leaves waves snow wind " * 20_000)


def test_a_row_of_hyphens_is_read_in_no_time() -> None:
    began = time.perf_counter()
    for end in ("", " sways", "-x"):
        read_elements("tree" + "-" * 30 + end)
        read_elements("tree" + " -" * 30 + end)
    assert time.perf_counter() - began < 2.0


def test_hyphens_part_words_between_two_that_belong_together() -> None:
    assert kinds("the wind-swept old tree, and a well-kept willow-tree slowly swaying") >= {"foliage"}
