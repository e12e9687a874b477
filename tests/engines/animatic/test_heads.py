"""Tests of keeping a head in a frame of another shape."""

import numpy as np

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.face import find_face
from rushes.engines.animatic.heads import headed
from rushes.engines.animatic.shot import cropped
from tests.engines.animatic.pictures import textured
from tests.engines.animatic.test_matte import somebody


def standing() -> Picture:
    """Return the portrait above as much again of a coat: a centre crop takes the head off."""
    coat = np.full((600, 480, 3), (176, 40, 44), np.uint8)
    return np.concatenate([somebody(), coat])


def test_a_wide_frame_of_a_tall_portrait_keeps_the_face() -> None:
    assert find_face(cropped(standing(), 320, 180)) is None
    found = find_face(cropped(headed(standing(), 320, 180), 320, 180))
    assert found is not None
    assert found.box[1] > 0.0


def test_a_picture_of_the_frames_shape_or_without_a_face_stays_whole() -> None:
    assert headed(somebody(), 200, 200).shape == (480, 480, 3)
    assert headed(textured(200, 300), 320, 180).shape == textured(200, 300).shape


def test_extreme_shapes_give_something() -> None:
    for size in ((64, 1280), (1280, 64)):
        part = headed(standing(), *size)
        assert min(part.shape[:2]) >= 1
        assert cropped(part, *size).shape == (size[1], size[0], 3)
