"""Tests of all that can be drawn: each kind in each action, at any phase, inside its span."""

import pytest

from rushes.engines.animatic.cast import ROLES
from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.ink import Sketch
from rushes.engines.animatic.lexicon import ACTIONS, SUBJECTS


def test_every_subject_of_the_lexicon_can_be_drawn() -> None:
    assert set(SUBJECTS) <= set(ROLES)


@pytest.mark.parametrize("kind", sorted(ROLES))
def test_each_is_drawn_in_every_action(kind: str) -> None:
    role = ROLES[kind]
    for action in ("", *ACTIONS):
        sketch = Sketch(role.span, 24)
        role.draw(sketch, 0.3, action, Look(None, 5))
        cover = sketch.finished()[..., 3]
        assert 0.02 < (cover > 0).mean() < 0.98


@pytest.mark.parametrize("kind", ["dog", "cat", "wolf", "sheep", "lion"])
def test_an_animal_sits_and_lies_lower_than_it_stands(kind: str) -> None:
    tops = {}
    for action in ("stand", "lie"):
        sketch = Sketch(ROLES[kind].span, 60)
        ROLES[kind].draw(sketch, 0.0, action, Look(None, 5))
        tops[action] = int((sketch.finished()[..., 3].max(axis=1) > 0).argmax())
    assert tops["lie"] > tops["stand"] + 6
