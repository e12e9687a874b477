import cv2
import numpy as np
import pytest

from rushes.engines.animatic.filling import filled
from tests.engines.animatic.pictures import textured


def test_a_hole_gets_the_colours_and_the_texture_of_its_surroundings() -> None:
    picture = textured(320, 180)
    hole = np.zeros((180, 320), np.uint8)
    cv2.circle(hole, (160, 90), 25, 1, -1)
    marked = np.where(hole[..., None] > 0, np.uint8(255), picture)
    mended = filled(marked, hole, hole)
    inside = hole > 0
    assert abs(mended[inside].mean() - picture[inside].mean()) < 30
    assert mended[inside].std() > 0.4 * picture[inside].std()
    assert np.array_equal(mended[:40], picture[:40])


@pytest.mark.parametrize("size", [(16, 16), (64, 640), (640, 64), (3, 3)])
def test_any_size_and_any_hole_can_be_filled(size: tuple[int, int]) -> None:
    picture = textured(*size)
    for share in (0.0, 0.3, 0.97, 1.0):
        hole = np.zeros(picture.shape[:2], np.uint8)
        hole[: round(len(hole) * share)] = 1
        assert filled(picture, hole, hole).shape == picture.shape
