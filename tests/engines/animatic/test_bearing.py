import cv2
import numpy as np
import pytest

from rushes.engines.animatic.bearing import shortened, sideways
from rushes.engines.animatic.camera import Move
from rushes.engines.animatic.depth import Picture, Plane
from tests.engines.animatic.pictures import textured


def tower(lean: int = 0) -> Picture:
    picture = np.full((360, 640, 3), (120, 160, 210), np.uint8)
    cv2.fillPoly(picture, [np.array([[300, 340], [340, 340], [340 + lean, 30], [300 + lean, 30]])], (40, 36, 30))
    return picture


def ramp(far: float = 0.4, near: float = 0.9) -> Plane:
    return np.repeat(np.linspace(far, near, 162, dtype=np.float32)[:, None], 288, axis=1)


def test_a_tower_on_a_steep_slope_of_depth_shortens_the_way() -> None:
    assert sideways(tower(), ramp()) < 0.2
    assert sideways(tower(), ramp(0.6, 0.7)) > 2 * sideways(tower(), ramp())


def test_what_is_not_upright_does_not_matter() -> None:
    assert sideways(tower(lean=260), ramp()) == float("inf")
    assert sideways(textured(640, 360), ramp()) == float("inf")


def test_only_moves_to_the_side_are_shortened_and_never_below_half() -> None:
    moves = (Move("orbit", 1, 1.0), Move("dolly", 1, 1.0))
    assert shortened(moves, 0.1, 0.2) == moves
    assert [move.amount for move in shortened(moves, 0.2, 0.15)] == pytest.approx([0.75, 1.0])
    assert [move.amount for move in shortened(moves, 0.2, 0.01)] == [0.5, 1.0]
