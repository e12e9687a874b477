"""Tests of woods, bamboo, waterfalls, table tops and moving colours, and of weather under a roof."""

import numpy as np
import pytest

from rushes.engines.animatic.depth import FAR
from rushes.engines.animatic.scene import set_scene
from tests.engines.animatic.asking import apart


@pytest.mark.parametrize("place", ["a forest", "bamboo", "a waterfall", "an abstract pattern", "a burger"])
@pytest.mark.parametrize("size", [(192, 108), (64, 400)])
def test_each_backdrop_fills_any_shape_with_depth(place: str, size: tuple[int, int]) -> None:
    scene = set_scene(place, 5, *size)
    assert scene.backdrop.shape == (size[1], size[0], 3)
    assert scene.backdrop.std() > 8.0
    assert scene.depth.min() >= FAR - 1e-3
    assert scene.depth.max() <= 1.0 + 1e-3
    assert scene.depth.std() > 0.01


@pytest.mark.parametrize("place", ["forest", "bamboo", "waterfall", "abstract", "table"])
def test_seeds_vary_a_backdrop(place: str) -> None:
    one, other = (set_scene(place, seed, 160, 90).backdrop for seed in (1, 2))
    assert apart(one, other) > 3.0


def test_a_thunderstorm_is_dark() -> None:
    storm, clear = (set_scene(f"a field at noon{more}", 1, 160, 90).backdrop for more in (", thunderstorm", ""))
    assert storm.mean() < 0.7 * clear.mean()


def test_rain_falls_outside_of_a_room() -> None:
    assert set_scene("a bedroom, rain", 1, 96, 54).roofed
    assert not set_scene("a street, rain", 1, 96, 54).roofed


def test_a_meadow_full_of_flowers_is_full_of_their_colour() -> None:
    scene = set_scene("a field of sunflowers at noon", 2, 320, 180)
    lower = scene.backdrop[120:].astype(np.int16)
    yellow = (lower[..., 0] - lower[..., 2] > 90) & (lower[..., 1] > 120)
    assert yellow.mean() > 0.08


def test_nothing_grows_in_front_of_somebody() -> None:
    for seed in range(12):
        actors = [sprite.actor for sprite in set_scene("a dog in a garden", seed, 160, 90).sprites]
        dog = next(one for one in actors if one.kind == "dog")
        before = [one for one in actors if one.near > dog.near and one.kind != "grass"]
        assert all(abs(one.x - dog.x) > 0.5 * dog.size for one in before)


def test_nothing_grows_in_the_sky_above_a_waterfall() -> None:
    for seed in range(4):
        scene = set_scene("a waterfall at noon", seed, 320, 180)
        red, green, blue = (scene.backdrop[:75, :, channel].astype(int) for channel in range(3))
        grown = (green > red + 8) & (green > blue + 8)
        assert grown.sum() > 50
        assert (grown & (scene.depth[:75] < 0.4)).sum() < 0.25 * grown.sum()
