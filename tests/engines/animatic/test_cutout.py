import cv2
import numpy as np

from rushes.engines.animatic.cutout import cutout
from tests.engines.animatic.pictures import textured


def product() -> np.ndarray:
    picture = np.full((200, 160, 3), (236, 234, 230), np.uint8)
    cv2.ellipse(picture, (80, 110), (40, 70), 0, 0, 360, (180, 40, 30), -1, cv2.LINE_AA)
    return picture


def test_a_subject_before_an_even_ground_is_cut_out_softly_and_without_a_pale_rim() -> None:
    cut = cutout(product())
    assert abs(cut.shape[0] - 141) <= 6
    assert cut[0, 0, 3] == 0
    assert tuple(cut[cut.shape[0] // 2, cut.shape[1] // 2]) == (180, 40, 30, 255)
    half = (cut[..., 3] > 100) & (cut[..., 3] < 200)
    assert half.any()
    colour = cut[half][:, :3] / (cut[half][:, 3:] / 255.0)
    assert colour[:, 2].mean() < 70


def test_a_picture_without_an_even_ground_becomes_a_print_with_a_border() -> None:
    card = cutout(textured(120, 90))
    assert (card[..., 3] == 255).all()
    assert card[0].min() >= 240


def test_tiny_and_blank_pictures_give_something() -> None:
    for picture in (np.zeros((1, 1, 3), np.uint8), np.full((40, 400, 3), 128, np.uint8)):
        cut = cutout(picture)
        assert cut.shape[2] == 4
        assert (cut[..., :3] <= cut[..., 3:]).all()
