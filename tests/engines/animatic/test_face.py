import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.face import find_face
from tests.engines.animatic.pictures import landscape, textured

SKINS = [(226, 178, 150), (240, 205, 184), (150, 100, 72), (124, 82, 58)]


def face(skin: tuple[int, int, int] = SKINS[0], *, x: int = 320, y: int = 170, apart: int = 60) -> Picture:
    """A simple drawn face, with `apart` pixels between its eyes and its eyes' middle at x, y."""
    picture = np.full((420, 640, 3), (70, 96, 120), np.uint8)
    dark = tuple(part // 4 for part in skin)
    cv2.ellipse(picture, (x, y - apart // 2), (int(1.4 * apart), int(1.5 * apart)), 0, 180, 360, (44, 30, 26), -1)
    cv2.ellipse(picture, (x, y + int(0.4 * apart)), (int(1.15 * apart), int(1.5 * apart)), 0, 0, 360, skin, -1)
    for side in (-1, 1):
        cv2.ellipse(picture, (x + side * apart // 2, y), (apart // 5, apart // 10), 0, 0, 360, (236, 232, 228), -1)
        cv2.circle(picture, (x + side * apart // 2, y), apart // 10, dark, -1)
    cv2.ellipse(picture, (x, y + int(1.1 * apart)), (apart // 3, apart // 10), 0, 0, 360, (130, 44, 44), -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.uint8)


@pytest.mark.parametrize("skin", SKINS)
def test_a_face_of_any_skin_is_found_with_its_eyes_and_mouth(skin: tuple[int, int, int]) -> None:
    found = find_face(face(skin))
    assert found is not None
    assert found.confidence > 0.5
    assert np.allclose(found.eyes, [(290, 170), (350, 170)], atol=8)
    assert np.allclose(found.mouth, (320, 236), atol=10)
    left, top, right, bottom = found.box
    assert left < 275
    assert right > 365
    assert top < 140
    assert bottom > 260


def test_strong_brows_are_not_taken_for_the_eyes() -> None:
    picture = cv2.GaussianBlur(face(SKINS[1], apart=90, y=190), (0, 0), 1.5).astype(np.uint8)
    for x in (275, 365):
        cv2.ellipse(picture, (x, 158), (26, 6), 0, 0, 360, (90, 60, 45), -1)
    found = find_face(cv2.GaussianBlur(picture, (0, 0), 1.5).astype(np.uint8))
    assert found is not None
    assert np.allclose(found.eyes, [(275, 190), (365, 190)], atol=5)


@pytest.mark.parametrize("apart", [30, 44, 66, 90])
def test_its_size_does_not_matter(apart: int) -> None:
    found = find_face(face(apart=apart, y=210))
    assert found is not None
    assert found.apart == pytest.approx(apart, rel=0.2)


def test_it_may_be_anywhere() -> None:
    found = find_face(face(x=180, y=220, apart=40))
    assert found is not None
    assert np.allclose(found.mouth, (180, 264), atol=9)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((50, 80, 3), np.uint8),
        np.full((300, 300, 3), SKINS[0], np.uint8),
        landscape(640, 360),
        textured(300, 700),
        textured(3, 2),
        np.full((1, 4000, 3), 90, np.uint8),
    ],
)
def test_where_there_is_no_face_none_is_invented(picture: Picture) -> None:
    assert find_face(picture) is None
