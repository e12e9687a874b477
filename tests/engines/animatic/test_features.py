import cv2
import numpy as np

from rushes.engines.animatic.acting import Mien
from rushes.engines.animatic.articulation import Lips
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.face import Face, find_face
from rushes.engines.animatic.features import eyes_of, parting_of
from rushes.engines.animatic.lips import Mouth
from tests.engines.animatic.test_face import face

APART = 80


def found(picture: Picture) -> Face:
    one = find_face(picture)
    assert one is not None
    return one


def smiling() -> tuple[Picture, Face, int]:
    """Return a face whose upper teeth are seen, the face, and the row where they end."""
    picture = face(apart=APART)
    one = found(picture)
    x, y = round(one.mouth[0]), round(one.mouth[1])
    cv2.ellipse(picture, (x, y + 4), (34, 15), 0, 0, 360, (176, 82, 84), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (x - 24, y - 4), (x + 24, y + 6), (236, 230, 220), -1)
    return picture, one, y + 6


def test_an_eye_reaches_as_far_as_its_white_and_not_to_the_brow() -> None:
    picture = face(apart=APART)
    up, down, aside = eyes_of(picture, found(picture))
    for (x, y), wide in zip(found(picture).eyes, (13, 13), strict=True):
        brow = round(y - 0.30 * APART)
        cv2.line(picture, (round(x) - wide, brow), (round(x) + wide, brow), (70, 50, 40), 5)
    assert np.allclose(eyes_of(picture, found(picture)), (up, down, aside), atol=0.03)
    assert 0.09 < up < 0.2
    assert 0.09 < down < 0.2
    assert 0.2 <= aside < 0.3


def test_closed_lips_part_where_the_mouth_is() -> None:
    picture = face(apart=APART)
    one = found(picture)
    parting = parting_of(picture, one)
    assert not parting.teeth
    assert abs(parting.v * APART + one.eyes[0][1] - one.mouth[1]) < 3


def test_a_smile_parts_below_its_teeth_which_stay_where_they_are() -> None:
    picture, one, end = smiling()
    parting = parting_of(picture, one)
    assert parting.teeth
    assert abs(parting.v * APART + one.eyes[0][1] - end) < 4
    shown = picture.copy()
    mouth = Mouth(picture.copy(), one)
    assert mouth._head is not None
    mouth._head.draw(Mien(Lips(1.0)), mouth._head.of(picture).copy(), shown)
    teeth = (slice(end - 9, end - 2), slice(round(one.mouth[0]) - 15, round(one.mouth[0]) + 15))
    assert float(np.abs(shown[teeth].astype(int) - picture[teeth]).mean()) < 6.0
    assert shown[end + 5 : end + 9, round(one.mouth[0])].mean() < 110  # the dark between the teeth and the lower lip
