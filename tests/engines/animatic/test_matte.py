"""Tests of cutting a person out of a busy ground by colours, and of leaving alone what can't be cut."""

import cv2
import numpy as np
import pytest

from rushes.engines.animatic.cutout import cutout, is_bust
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.matte import matte
from rushes.engines.animatic.scene import set_scene
from tests.engines.animatic.pictures import textured


def somebody(seed: int = 3) -> Picture:
    """Return a drawn portrait in front of green and blue blocks."""
    dice = np.random.default_rng(seed)
    blocks = np.stack(
        [dice.integers(20, 90, (9, 9)), dice.integers(90, 200, (9, 9)), dice.integers(120, 230, (9, 9))], 2
    )
    picture = np.asarray(cv2.resize(blocks.astype(np.uint8), (480, 480), interpolation=cv2.INTER_LINEAR), np.uint8)
    cv2.ellipse(picture, (240, 470), (170, 160), 0, 0, 360, (176, 40, 44), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (240, 190), (92, 118), 0, 0, 360, (60, 36, 26), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (205, 270), (275, 340), (206, 152, 120), -1)
    cv2.ellipse(picture, (240, 215), (74, 98), 0, 0, 360, (226, 176, 146), -1, cv2.LINE_AA)
    for x in (208, 272):
        cv2.ellipse(picture, (x, 202), (13, 7), 0, 0, 360, (250, 250, 248), -1, cv2.LINE_AA)
        cv2.circle(picture, (x, 202), 6, (40, 26, 20), -1, cv2.LINE_AA)
        cv2.ellipse(picture, (x, 182), (18, 4), 0, 0, 360, (70, 44, 32), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (240, 232), (9, 14), 0, 0, 180, (196, 142, 112), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (240, 266), (26, 8), 0, 0, 360, (170, 70, 70), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.0), np.uint8)


def test_a_person_before_a_busy_ground_is_cut_out_with_a_soft_rim() -> None:
    cover = matte(somebody())
    assert cover is not None
    assert cover[200, 240] > 0.95
    assert cover[420, 240] > 0.95
    assert cover[90, 240] > 0.9  # the hair
    assert max(cover[100, 40], cover[240, 60], cover[100, 440]) < 0.05
    assert ((cover > 0.2) & (cover < 0.8)).any()


def test_the_same_picture_is_cut_the_same_way() -> None:
    one, other = matte(somebody()), matte(somebody())
    assert one is not None
    assert other is not None
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "picture", [textured(300, 200), np.zeros((64, 1280, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)]
)
def test_what_shows_nobody_is_left_alone(picture: Picture) -> None:
    assert matte(picture) is None


def test_a_face_without_colours_is_left_alone() -> None:
    grey = cv2.cvtColor(somebody(), cv2.COLOR_RGB2GRAY)
    assert matte(np.asarray(cv2.merge([grey, grey, grey]), np.uint8)) is None


def test_a_bust_stands_on_the_lower_edge_of_the_frame() -> None:
    figure = cutout(somebody())
    assert is_bust(figure)
    assert not is_bust(cutout(textured(120, 90)))
    (shown,) = [
        one.actor
        for one in set_scene("a beach", 1, 320, 180, pictures=[figure]).sprites
        if one.actor.picture is not None
    ]
    assert shown.y == 1.0


def test_a_line_drawing_keeps_its_paper() -> None:
    drawing = np.full((240, 320, 3), 250, np.uint8)
    for x in (60, 120, 180, 240):
        cv2.line(drawing, (x, 60), (x + 20, 200), (20, 20, 20), 4)
    assert (cutout(drawing)[..., 3] == 255).all()


def test_night_falls_on_a_given_subject() -> None:
    figure = cutout(somebody())
    day, night = (
        next(
            one
            for one in set_scene(f"a beach at {time}", 1, 320, 180, pictures=[figure]).sprites
            if one.actor.kind == "picture"
        )
        for time in ("noon", "night")
    )
    assert night.image(0.0)[..., :3].mean() < 0.9 * day.image(0.0)[..., :3].mean()


def test_a_bottle_that_ends_in_its_picture_is_no_bust() -> None:
    picture = np.full((240, 200, 3), 248, np.uint8)
    picture[40:200, 70:130] = (40, 80, 170)
    picture[20:40, 95:105] = (190, 150, 60)
    assert not is_bust(cutout(picture))
