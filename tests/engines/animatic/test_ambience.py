import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from tests.engines.animatic.asking import apart, call
from tests.engines.animatic.pictures import film, landscape, saved, textured

PROMPTS = [
    "static shot, heavy snow falls",
    "static shot, rain",
    "static shot, fog",
    "static shot, smoke rises",
    "static shot, autumn leaves fall",
    "static shot, embers",
]


def meadow(width: int = 320, height: int = 180) -> Picture:
    """A blue sky over green grass."""
    picture = textured(width, height) // 3
    picture[..., 1] += 90
    picture[: height * 2 // 5] = (120, 170, 220)
    return picture.astype(np.uint8)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(meadow(), tmp_path_factory.mktemp("meadow"))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_weather_comes_over_the_picture_and_begins_with_none(prompt: str, image: str) -> None:
    frames = film(call(prompt, image))
    assert np.array_equal(frames[0], film(call("static shot", image))[0])
    assert apart(frames[-1], frames[0]) > 0.02


@pytest.mark.parametrize("prompt", [*PROMPTS, "static shot, grass sways in the wind", "static shot, clouds drift"])
def test_a_loop_comes_back_without_a_jump(prompt: str, image: str) -> None:
    frames = film(call(prompt, image, loop=True))
    steps = [apart(one, other) for one, other in itertools.pairwise(frames)]
    assert apart(frames[-1], frames[0]) <= 1.3 * max(steps) + 0.05


def test_the_wind_moves_the_grass_and_not_the_sky(image: str) -> None:
    frames = film(call("static shot, grass sways in the wind", image))
    assert apart(frames[10][50:], frames[0][50:]) > 0.5
    assert apart(frames[10][:25], frames[0][:25]) < 0.2


def test_a_refused_element_changes_nothing(image: str) -> None:
    assert np.array_equal(film(call("push in, no rain", image)), film(call("push in", image)))


@pytest.mark.parametrize("size", [(64, 1280), (1280, 64), (16, 16)])
def test_any_size_of_frame_has_weather(size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    frames = film(
        call("rain, fog, wind, a river flows", saved(landscape(90, 60), tmp_path), width=width, height=height)
    )
    assert frames.shape == (24, height, width, 3)


def test_the_same_seed_gives_the_same_weather_whatever_the_threads(image: str) -> None:
    asked = call("heavy snow, fog, wind, lightning, fire, waves", image)
    before = cv2.getNumThreads()
    try:
        first = film(asked)
        cv2.setNumThreads(1)
        assert np.array_equal(first, film(asked))
    finally:
        cv2.setNumThreads(before)
    assert not np.array_equal(first, film(call(asked.prompt, image, seed=8)))
