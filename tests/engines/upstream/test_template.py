"""Templates keep types, leave out what is absent, and never become another word than one was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.engines.upstream.template import TemplateProblem, filled, names_in, text, words


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_stays_one_word(prompt: str) -> None:
    assert words(["--prompt={prompt}"], {"prompt": prompt}) == [f"--prompt={prompt}"]


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.text(), st.lists(st.integers())))
def test_a_placeholder_alone_keeps_its_type(value: object) -> None:
    found = filled({"a": {"b": ["{x}"]}}, {"x": value})["a"]["b"][0]
    assert found == value
    assert type(found) is type(value)


def test_what_is_absent_is_left_out() -> None:
    values = {"picture": None, "seed": 0}
    assert words(["run", ["--image", "{picture}"], "--seed={seed}"], values) == ["run", "--seed=0"]
    assert filled({"image": "{picture}", "list": ["{picture}", 1]}, values) == {"list": [1]}
    assert text("a {picture}", values) is None


def test_numbers_are_spelled_as_programs_read_them() -> None:
    assert words(["{a}", "{b}", "{c}"], {"a": 4.0, "b": 3.5, "c": True}) == ["4", "3.5", "true"]


def test_braces_are_signs_when_doubled() -> None:
    assert text("{{{x}}}", {"x": 1}) == "{1}"


@pytest.mark.parametrize("template", ["{", "a}", "{1}", "{a b}"])
def test_a_lone_brace_is_the_recipes_mistake(template: str) -> None:
    with pytest.raises(TemplateProblem, match="lone"):
        list(names_in(template))


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(TemplateProblem, match="there are: seed"):
        text("{sed}", {"seed": 1})
