import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.flow import match
from tests.engines.animatic.pictures import textured

WIDE, TALL = 320, 180


def seen(left: int, top: int, size: float = 1.0) -> Picture:
    """A view of one large picture."""
    whole = textured(900, 600, seed=4)
    part = whole[top : top + round(TALL * size), left : left + round(WIDE * size)]
    return np.asarray(cv2.resize(part, (WIDE, TALL), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.mark.parametrize("shift", [(0, 0), (5, -3), (60, 20), (-90, 0)])
def test_a_shift_is_found_to_a_pixel(shift: tuple[int, int]) -> None:
    found = match(seen(300, 200), seen(300 + shift[0], 200 + shift[1]))
    assert found is not None
    y, x = 90.0, 160.0
    small = np.array([x * found.scale[0], y * found.scale[1]])
    there = found.turn[:, :2] @ (small + found.onwards[round(small[1]), round(small[0])]) + found.turn[:, 2]
    assert (there - small) / found.scale == pytest.approx((-shift[0], -shift[1]), abs=1.0)


@pytest.mark.parametrize("size", [0.5, 1.6])
def test_another_focal_length_shows_the_same(size: float) -> None:
    found = match(seen(300, 200), seen(320, 210, size))
    assert found is not None
    assert np.linalg.det(found.turn[:, :2]) ** 0.5 == pytest.approx(1.0 / size, rel=0.05)


def test_another_light_shows_the_same() -> None:
    picture = seen(300, 200)
    assert match(picture, (picture * np.array([0.3, 0.4, 0.7])).astype(np.uint8)) is not None


def test_pictures_of_different_things_do_not_match() -> None:
    one, other = textured(WIDE, TALL, seed=1), textured(WIDE, TALL, seed=2)
    assert match(one, other) is None
    assert match(one, np.ascontiguousarray(one[:, ::-1])) is None
    assert match(one, np.full_like(one, 90)) is None


def test_what_is_new_is_doubted_and_what_stays_is_sure() -> None:
    one = seen(300, 200)
    other = one.copy()
    other[60:120, 130:190] = textured(60, 60, seed=9)
    found = match(one, other)
    assert found is not None
    tall, wide = found.sure_onwards.shape
    assert found.sure_onwards[tall // 2, wide // 2] < 0.3
    assert found.sure_onwards[tall // 6, wide // 6] > 0.8


@pytest.mark.parametrize("size", [(16, 16), (64, 1280), (1280, 64), (17, 300)])
def test_pictures_of_any_shape_are_matched(size: tuple[int, int]) -> None:
    picture = textured(*size)
    assert match(picture, picture) is not None


def test_the_same_pictures_give_the_same_match() -> None:
    one, two = (match(seen(300, 200), seen(340, 215)) for _ in range(2))
    assert one is not None
    assert two is not None
    assert np.array_equal(one.onwards, two.onwards)
    assert np.array_equal(one.turn, two.turn)
