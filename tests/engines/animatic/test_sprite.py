"""Figures of a scene: without empty margins they stand where they stood, and are lit as the light says."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from rushes.engines.animatic.brief import read_brief
from rushes.engines.animatic.cast import ROLES
from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.palette import Light, light_of
from rushes.engines.animatic.sprite import Actor, Sprite, lay

TALL = 200


def light(words: str = "a field at noon") -> Light:
    return light_of(read_brief(words), Random(1))


def actor(kind: str, facing: int = 1) -> Actor:
    return Actor(ROLES[kind], Look(None, 5), kind, 0.8, 0.9, 0.6, 0.6, facing=facing)


def laid(sprite: Sprite, phase: float = 0.0) -> np.ndarray:
    frame = np.zeros((TALL, round(1.6 * TALL), 3), np.uint8)
    lay(frame, sprite.image(phase), sprite.corners(sprite.actor.x, sprite.actor.y, phase) * TALL)
    return frame


@pytest.mark.parametrize("kind", ["dog", "tree", "woman", "car"])
def test_a_figure_has_no_empty_margins(kind: str) -> None:
    cover = Sprite(actor(kind), light(), TALL).image(0.0)[..., 3]
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    assert rows[0] <= 1
    assert columns[0] <= 1
    assert len(cover) - 1 - rows[-1] <= 1
    assert cover.shape[1] - 1 - columns[-1] <= 1


@pytest.mark.parametrize("kind", ["dog", "tree", "car"])
def test_a_figure_that_turns_round_is_its_own_mirror_image_about_its_foot(kind: str) -> None:
    evenly = replace(light(), side=0.0)
    right, left = (laid(Sprite(actor(kind, facing), evenly, TALL)).max(axis=2) > 90 for facing in (1, -1))
    middle = 0.8 * TALL
    columns = np.flatnonzero(right.any(axis=0)), np.flatnonzero(left.any(axis=0))
    assert columns[0][0] - middle == pytest.approx(middle - 1 - columns[1][-1], abs=2)


def test_colour_never_exceeds_coverage() -> None:
    image = Sprite(actor("dog"), light("a field at sunset"), TALL).image(0.3)
    assert (image[..., :3] <= image[..., 3:].astype(np.int16) + 1).all()


def test_the_side_towards_the_light_is_brighter() -> None:
    figure = Sprite(actor("tower"), replace(light(), side=-1.0), TALL).image(0.0)
    other = Sprite(actor("tower"), replace(light(), side=1.0), TALL).image(0.0)
    half = figure.shape[1] // 2
    gained = figure[..., :3].astype(float) - other[..., :3]
    assert gained[:, :half].mean() * gained[:, half:].mean() < 0


def test_distance_fades_a_figure_towards_the_haze() -> None:
    near, far = (Sprite(replace(actor("dog"), haze=haze), light(), TALL).image(0.0) for haze in (0.0, 0.9))
    solid = near[..., 3] == 255
    haze = np.array(light().haze, float)
    assert np.abs(far[solid][:, :3] - haze).mean() < np.abs(near[solid][:, :3] - haze).mean()


def test_the_same_figure_is_drawn_alike_twice() -> None:
    first, second = (laid(Sprite(actor("woman"), light(), TALL), 0.4) for _ in range(2))
    assert (first == second).all()
