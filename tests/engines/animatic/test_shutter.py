import itertools

import numpy as np
import pytest

from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.render import Stage
from rushes.engines.animatic.shutter import smear
from tests.engines.animatic.pictures import motion, near_below, textured


def stage() -> Stage:
    return Stage(textured(400, 300), near_below(400, 300), 320, 240)


def detail(frame: np.ndarray, axis: int) -> float:
    return float(np.abs(np.diff(frame.astype(int), axis=axis)).mean())


def test_a_slow_move_is_left_alone() -> None:
    frame = stage().resting().copy()
    smear(stage(), Pose(), Pose(pan=0.001), frame)
    assert np.array_equal(frame, stage().resting())


@pytest.mark.parametrize(("pose", "axis"), [(Pose(pan=0.04), 1), (Pose(right=-0.04), 1), (Pose(tilt=0.05), 0)])
def test_a_fast_move_is_smeared_along_its_way_and_not_across(pose: Pose, axis: int) -> None:
    frame = stage().resting().copy()
    smear(stage(), Pose(), pose, frame)
    assert detail(frame, axis) < 0.75 * detail(stage().resting(), axis)
    assert detail(frame, 1 - axis) / detail(stage().resting(), 1 - axis) > 1.2 * (
        detail(frame, axis) / detail(stage().resting(), axis)
    )


def test_the_smear_lies_around_the_frame_and_not_before_it() -> None:
    frame = stage().resting().copy()
    smear(stage(), Pose(pan=-0.01), Pose(pan=0.01), frame)
    assert abs(float(motion(stage().resting(), frame)[40:-40, 40:-40, 0].mean())) < 0.6


def test_the_smear_grows_from_nothing() -> None:
    kept = []
    for step in range(14):
        frame = stage().resting().copy()
        smear(stage(), Pose(), Pose(pan=0.001 * step), frame)
        kept.append(detail(frame, 1) / detail(stage().resting(), 1))
    assert kept[0] == 1.0
    assert max(abs(a - b) for a, b in itertools.pairwise(kept)) < 0.12
