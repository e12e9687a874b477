import itertools

import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.render import Stage
from tests.engines.animatic.pictures import motion, near_below, textured

WIDTH, HEIGHT = 320, 240
MAGENTA = (255, 0, 255)


def view(pose: Pose, stage: Stage) -> Picture:
    frame = np.empty((stage.height, stage.width, 3), np.uint8)
    stage.draw(pose, frame)
    return frame


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(textured(480, 360), near_below(480, 360), WIDTH, HEIGHT)


def flow(stage: Stage, pose: Pose) -> tuple[Picture, Picture]:
    """Return the mean motion (x, y) of the far upper part and of the near lower part of the frame."""
    moved = motion(stage.resting(), view(pose, stage))[20:-20, 30:-30]
    return moved[:40].mean(axis=(0, 1)), moved[-40:].mean(axis=(0, 1))


def test_the_resting_view_is_the_middle_of_the_picture_untouched(stage: Stage) -> None:
    assert np.array_equal(stage.resting(), stage.picture[60:300, 80:400])
    assert np.array_equal(view(Pose(), stage), stage.resting())


@pytest.mark.parametrize(
    ("pose", "axis", "sign"),
    [
        (Pose(pan=-0.04), 0, 1),  # the camera turns left, the view goes right
        (Pose(pan=0.04), 0, -1),
        (Pose(tilt=0.04), 1, 1),
        (Pose(right=0.05), 0, -1),
        (Pose(right=-0.05), 0, 1),
        (Pose(up=0.05), 1, 1),
        (Pose(up=-0.05), 1, -1),
    ],
)
def test_the_view_moves_against_the_camera(stage: Stage, pose: Pose, axis: int, sign: int) -> None:
    far, near = flow(stage, pose)
    assert far[axis] * sign > 1.0
    assert near[axis] * sign > 1.0


def test_turning_moves_near_and_far_alike(stage: Stage) -> None:
    far, near = flow(stage, Pose(pan=0.04))
    assert far[0] == pytest.approx(near[0], rel=0.1)


@pytest.mark.parametrize("pose", [Pose(right=0.05), Pose(up=0.05)])
def test_travelling_moves_the_near_more_than_the_far(stage: Stage, pose: Pose) -> None:
    far, near = flow(stage, pose)
    assert np.abs(near).max() > 1.7 * np.abs(far).max()


def test_pushing_in_grows_from_the_centre_and_the_near_grows_more(stage: Stage) -> None:
    moved = motion(stage.resting(), view(Pose(forward=0.12), stage))
    left, right = moved[:, 20:60, 0].mean(axis=1), moved[:, -60:-20, 0].mean(axis=1)
    assert (left[20:-20] < -0.5).all()
    assert (right[20:-20] > 0.5).all()
    assert right[-60:-20].mean() > 1.5 * right[20:60].mean()


def test_zooming_grows_near_and_far_alike(stage: Stage) -> None:
    moved = motion(stage.resting(), view(Pose(zoom=0.1), stage))[:, -60:-20, 0].mean(axis=1)
    assert moved[20:60].mean() == pytest.approx(moved[-60:-20].mean(), rel=0.15)


def test_an_orbit_swings_the_far_and_the_near_in_opposite_directions(stage: Stage) -> None:
    far, near = flow(stage, Pose(right=0.08, pan=-0.08 * 0.65))
    assert far[0] > 0.5
    assert near[0] < -0.5


def test_rolling_clockwise_turns_the_view_counter_clockwise(stage: Stage) -> None:
    moved = motion(stage.resting(), view(Pose(roll=0.06), stage))
    assert moved[100:140, -60:-20, 1].mean() < -1.0  # the right side goes up
    assert moved[100:140, 20:60, 1].mean() > 1.0


def fenced() -> Stage:
    """A stage whose picture has magenta all around it in memory: reading past its edge would show."""
    canvas = np.full((HEIGHT + 200, WIDTH + 200, 3), MAGENTA, np.uint8)
    canvas[100:-100, 100:-100] = textured(WIDTH, HEIGHT) // 2
    return Stage(canvas[100:-100, 100:-100], near_below(WIDTH, HEIGHT), WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "pose",
    [Pose(pan=0.3), Pose(tilt=-0.3), Pose(right=0.3), Pose(zoom=-0.4), Pose(forward=-0.5), Pose(roll=0.4, pan=0.2)],
)
def test_nothing_beyond_the_picture_is_ever_shown(pose: Pose) -> None:
    assert view(pose, fenced()).max() <= 140


@pytest.mark.parametrize("pose", [Pose(pan=0.08), Pose(tilt=-0.1), Pose(right=0.08), Pose(zoom=-0.14), Pose(roll=0.05)])
def test_the_rim_is_stretched_and_not_repeated(pose: Pose) -> None:
    shown = view(pose, fenced()).astype(int).sum(axis=2)
    for axis in (0, 1):
        alike = (np.abs(np.diff(shown, axis=axis)) == 0).mean(axis=1 - axis)
        assert alike.max() < 0.5


@pytest.mark.parametrize(("width", "height"), [(318, 242), (100, 100), (64, 36), (202, 358), (16, 16)])
def test_any_frame_size_rests_on_the_photograph(width: int, height: int) -> None:
    stage = Stage(textured(width + 31, height), near_below(width, height), width, height)
    assert np.array_equal(view(Pose(), stage), stage.resting())
    assert stage.overflow(Pose()) == stage.overflow(Pose(zoom=0.2))


def test_motion_is_finer_than_a_pixel(stage: Stage) -> None:
    frames = [view(Pose(pan=0.0005 * i), stage).astype(np.float32) for i in range(12)]  # 0.16 pixels each
    steps = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(frames)]
    assert max(steps) < 1.6 * min(steps)
