import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from tests.engines.animatic.asking import apart, call
from tests.engines.animatic.pictures import film, saved, textured

SIZE: dict[str, Any] = {"width": 320, "height": 180}


def person(colour: tuple[int, int, int], side: int = 300, broad: int = 60) -> Picture:
    """A plain figure before an even wall, whose shoulders reach `broad` to each side."""
    picture = np.full((300, 300, 3), (200, 206, 210), np.uint8)
    cv2.ellipse(picture, (150, 120), (50, 65), 0, 0, 360, colour, -1)
    cv2.rectangle(picture, (150 - broad, 190), (150 + broad, 300), colour, -1)
    return cv2.resize(picture, (side, side)).astype(np.uint8)


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    return saved(person((190, 40, 40)), tmp_path), saved(person((40, 60, 180), 320), tmp_path)


def between(frame: Picture) -> float:
    """Return how far the red figure's middle is from the blue one's, in widths of the frame."""
    levels = frame.astype(int)
    red, blue = (levels[..., one] - levels[..., other] > 60 for one, other in ((0, 2), (2, 0)))
    return (float(np.nonzero(blue)[1].mean()) - float(np.nonzero(red)[1].mean())) / int(frame.shape[1])


@pytest.mark.parametrize("effect", ["hug", "kiss", "heart_gesture"])
def test_two_who_can_be_cut_out_come_together(effect: str, two: tuple[str, str]) -> None:
    frames = film(call("", pictures=two, effect=effect, **SIZE))
    assert between(frames[0]) == pytest.approx(0.5, abs=0.03)
    assert between(frames[13]) < 0.42
    changes = [apart(a, b) for a, b in itertools.pairwise(frames)]
    assert max(changes) < 8.0


def test_a_kiss_and_a_heart_bring_hearts_and_a_hug_none(two: tuple[str, str]) -> None:
    pink = []
    for effect in ("hug", "kiss", "heart_gesture"):
        last = film(call("", pictures=two, effect=effect, **SIZE))[18].astype(int)
        pink.append(int(((last[..., 0] > 225) & (last[..., 1] < 130)).sum()))
    assert pink[0] == 0 < pink[1] < pink[2]


def test_pictures_without_an_even_ground_are_drawn_together_whole(two: tuple[str, str], tmp_path: Path) -> None:
    scenery = saved(textured(300, 200), tmp_path)
    frames = film(call("", pictures=(two[0], scenery), effect="hug"))
    assert apart(frames[0], frames[-1]) > 2.0


def test_a_hug_that_loops_closes(two: tuple[str, str]) -> None:
    frames = film(call("", pictures=two, effect="hug", loop=True, frames=48, **SIZE))
    changes = [apart(a, b) for a, b in itertools.pairwise(frames)]
    assert apart(frames[-1], frames[0]) <= 1.05 * max(changes)


@pytest.mark.parametrize("effect", ["hug", "kiss"])
def test_heads_meet_however_broad_the_shoulders(effect: str, tmp_path: Path) -> None:
    two = tuple(
        saved(person(colour, 300 + side, 130), tmp_path) for side, colour in enumerate(((190, 40, 40), (40, 60, 180)))
    )
    last = film(call("", pictures=two, effect=effect, **SIZE))[20].astype(int)
    heads = last[70:90]  # below the hearts' middle, above the shoulders
    red, blue = (
        np.nonzero((heads[..., one] - heads[..., other] > 60).any(axis=0))[0] for one, other in ((0, 2), (2, 0))
    )
    assert blue.min() - red.max() < 12
