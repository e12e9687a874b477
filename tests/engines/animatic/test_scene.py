import numpy as np
import pytest

from rushes.engines.animatic.depth import FAR
from rushes.engines.animatic.scene import draw_scene


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (200, 200)])
def test_a_scene_has_the_size_asked_for_and_depth_within_limits(width: int, height: int) -> None:
    picture, depth = draw_scene("a valley", 1, width, height)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8
    assert depth.shape == (height, width)
    assert FAR - 1e-4 <= depth.min() < 0.5
    assert 0.9 < depth.max() <= 1.0 + 1e-4


def test_the_sky_is_above_and_far_and_the_ground_below_and_near() -> None:
    picture, depth = draw_scene("a valley", 1, 320, 180)
    assert depth[:20].mean() < depth[-20:].mean()
    assert picture[60:80].mean() > picture[-20:].mean()


def test_the_prompt_s_words_choose_the_palette() -> None:
    night, snow = (
        draw_scene(words, 1, 160, 90)[0].mean() for words in ("a city at night", "a snowy mountain in winter")
    )
    assert night < 0.5 * snow


def test_the_seed_chooses_the_lie_of_the_land() -> None:
    one, again, other = (draw_scene("hills", seed, 160, 90)[0] for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
