import numpy as np
import pytest

from rushes.engines.animatic.camera import read_camera
from rushes.engines.animatic.framing import beyond, closing_in, framed
from rushes.engines.animatic.path import plan
from rushes.engines.animatic.render import Stage
from rushes.engines.animatic.shot import Shot
from rushes.engines.animatic.surroundings import deepened, surrounded
from tests.engines.animatic.pictures import near_below, textured


def test_the_picture_itself_is_left_as_it_is() -> None:
    picture = textured(160, 90)
    assert np.array_equal(surrounded(picture, 12, 7)[7:-7, 12:-12], picture)
    assert surrounded(picture, 0, 0) is picture


def test_nothing_shows_where_the_picture_ends() -> None:
    picture = textured(320, 180)
    steps = np.abs(np.diff(surrounded(picture, 20, 20).astype(int), axis=1)).mean(axis=(0, 2))
    assert max(steps[19], steps[20], steps[-20], steps[-21]) < 1.6 * np.median(steps)


def test_the_same_surroundings_are_made_up_each_time() -> None:
    picture = textured(160, 90)
    assert np.array_equal(surrounded(picture, 12, 7), surrounded(picture, 12, 7))


@pytest.mark.parametrize("size", [(1, 1), (2, 90), (64, 3)])
def test_the_smallest_pictures_get_what_they_can_give(size: tuple[int, int]) -> None:
    shown = surrounded(textured(*size), 8, 8)
    assert shown.shape[0] >= size[1]
    assert shown.shape[1] >= size[0]


def test_the_rim_s_depth_is_carried_on() -> None:
    depth = deepened(near_below(100, 50), 0.1, 0.2)
    assert depth.shape == (70, 120)
    assert np.array_equal(depth[0, 10:-10], near_below(100, 50)[0])


def shown_widths(prompt: str) -> tuple[float, float]:
    """Return how wide a part of the first picture is seen in the middle row, first and last, in frame widths."""
    shot = Shot(textured(320, 180), (320, 180), read_camera(prompt, 1), seconds=5.0, seed=1, depth=near_below(320, 180))
    path = plan(read_camera(prompt, 1), 5.0, 1)
    closing = closing_in(shot.stage, path)
    x, _, _ = shot.stage.nodes(framed(path.at(1.0), 1.0, closing))
    rest, _ = shot.stage.at_rest()
    return float(np.ptp(rest[11])) / 320, float(np.ptp(x[11])) / 320


@pytest.mark.parametrize("kinds", [("zoom in", "zoom out"), ("push in", "pull out"), ("dolly in", "dolly out")])
def test_drawing_back_goes_about_as_far_as_pushing_in(kinds: tuple[str, str]) -> None:
    (rest, near), (_, far) = shown_widths(kinds[0]), shown_widths(kinds[1])
    assert far / rest > 1.1
    assert np.log(far / rest) > 0.6 * np.log(rest / near)


@pytest.mark.parametrize("prompt", ["push in", "pan left", "truck right", "handheld", "orbit left"])
def test_who_does_not_draw_back_gets_no_surroundings(prompt: str) -> None:
    stage = Stage(textured(320, 180), near_below(320, 180), 320, 180)
    assert beyond(stage, plan(read_camera(prompt, 1), 5.0, 1)) == (0, 0)


def test_what_stands_near_the_edge_of_an_even_ground_is_not_seen_twice() -> None:
    picture = np.full((200, 300, 3), 244, np.uint8)
    picture[40:180, 8:20] = 30
    around = surrounded(picture, 24, 12)
    assert around[:, :24].min() > 230
    assert np.array_equal(around[12:-12, 24:-24], picture)


def test_a_wall_goes_on_where_a_head_nearly_touches_the_edge() -> None:
    picture = textured(300, 200)
    picture[:60] = 200
    picture[6:60, 120:180] = 20
    around = surrounded(picture, 12, 16)
    assert around[:16, 20:-20].min() > 180
    assert np.array_equal(around[16:-16, 12:-12], picture)
