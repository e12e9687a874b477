import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import FAR, Picture
from rushes.engines.animatic.particles import Particles
from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.render import Stage
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


def level_of_flakes(period: float | None, seconds: float) -> float:
    """Return the row around which a few large flakes lie, on average."""
    black = np.zeros((400, 400, 3), np.uint8)
    stage = Stage(black, np.full((40, 40), FAR, np.float32), 400, 400)
    frame = black.copy()
    Particles("snow", stage, strength=0.02, seed=3, period=period).draw(Pose(), seconds, 1.0, frame)
    light = frame.sum(axis=(1, 2)).astype(np.float64)
    return float((light * np.arange(400)).sum() / light.sum())


@pytest.mark.parametrize("at", [1.0, 2.5])
def test_snow_falls_in_a_short_loop_as_it_does_elsewhere(at: float) -> None:
    free, looped = (level_of_flakes(period, at + 0.05) - level_of_flakes(period, at) for period in (None, 4.0))
    assert free > 0.3
    assert 0.4 < looped / free < 2.5  # in a loop some of them are fading


def test_fog_in_a_short_loop_drifts_no_faster_than_elsewhere(image: str) -> None:
    free, looped = (film(call("static shot, fog", image, loop=loop, frames=36)) for loop in (False, True))
    fastest = max(apart(one, other) for one, other in itertools.pairwise(free[14:]))
    assert max(apart(one, other) for one, other in itertools.pairwise(looped)) < 2.0 * fastest


def test_it_snows_from_the_first_frame_of_a_drawn_scene_on() -> None:
    frames = film(call("an empty plain at night, heavy snow falls, static shot", width=320, height=180))
    lit = [(frame[:60].max(axis=2) > 190).mean() for frame in (frames[0], frames[-1])]
    assert min(lit) > 0.3 * max(lit) > 0.0
