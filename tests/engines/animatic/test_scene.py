import numpy as np
import pytest

from rushes.engines.animatic.depth import FAR
from rushes.engines.animatic.scene import draw_scene, set_scene
from rushes.engines.animatic.sprite import Actor


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


def players(prompt: str, seed: int = 1) -> dict[str, Actor]:
    return {sprite.actor.kind: sprite.actor for sprite in set_scene(prompt, seed, 320, 180).sprites}


def test_who_comes_to_a_river_stands_beside_it() -> None:
    for seed in range(6):
        assert abs(players("a deer by a river", seed)["deer"].x / (320 / 180) - 0.5) > 0.2


def test_a_candle_does_not_set_the_room_on_fire() -> None:
    room = draw_scene("a room, a burning candle", 3, 320, 180)[0].astype(int)
    flames = (room[..., 0] > 220) & (room[..., 2] < 80)
    assert flames.mean() < 0.01


def test_hair_is_drawn_in_the_colour_that_is_asked_for() -> None:
    for prompt in ("close-up portrait of a woman with green hair, studio", "a woman with green hair, studio"):
        picture = draw_scene(prompt, 3, 320, 180)[0].astype(int)
        picture[115:] = 0  # what is worn
        green = (picture[..., 1] - picture[..., 0] > 30) & (picture[..., 1] - picture[..., 2] > 20)
        assert green.sum() > 30


def test_nothing_grows_before_a_face() -> None:
    for prompt, seed in (("Close-up: an old wizard tells a story", 1), ("close-up of a woman, lake", 8)):
        scene = set_scene(prompt, seed, 320, 180)
        (face,) = (sprite.actor for sprite in scene.sprites if "portrait" in sprite.actor.kind)
        grown = [one.actor for one in scene.sprites if one.actor.kind == "grass" and one.actor.near > face.near]
        assert all(abs(one.x - face.x) > 0.3 * face.size + one.size for one in grown)


def test_a_ball_is_no_larger_than_a_third_of_who_plays_with_it() -> None:
    cast = players("a child plays with a ball")
    assert cast["ball"].size < 0.34 * cast["child"].size


def test_who_surfs_among_whales_stays_above_the_water() -> None:
    assert "surfer" in players("a surfer on a wave, whales behind")
    assert set_scene("a surfer on a wave, whales behind", 1, 96, 54).backdrop[:10].mean() > 110
