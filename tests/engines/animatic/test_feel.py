"""What a camera move looks like on the screen: its direction as measured, and no jitter."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rushes.engines.animatic.camera import read_camera
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.shot import Shot
from tests.engines.animatic.pictures import motion, near_below, textured

WIDTH, HEIGHT = 320, 180


def shot(prompt: str, frames: int = 0) -> Shot:
    picture, depth = textured(WIDTH, HEIGHT), near_below(WIDTH, HEIGHT)
    step = 1.0 / frames if frames else 0.0
    return Shot(picture, (WIDTH, HEIGHT), read_camera(prompt, 1), seconds=5.0, seed=1, depth=depth, step=step)


def seen(camera: Shot, t: float) -> Picture:
    frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    camera.draw(t, frame)
    return frame


@pytest.mark.parametrize(
    ("prompt", "axis", "sign"),
    [
        ("camera trucks to the left", 0, 1),
        ("truck right", 0, -1),
        ("pan left", 0, 1),
        ("slow pan to the right", 0, -1),
        ("whip pan right", 0, -1),
        ("tilt up", 1, 1),
        ("the camera tilts down slowly", 1, -1),
        ("pedestal up", 1, 1),
        ("crane shot descending", 1, -1),
    ],
)
def test_the_picture_goes_the_other_way(prompt: str, axis: int, sign: int) -> None:
    camera = shot(prompt)
    moved = motion(seen(camera, 0.0), seen(camera, 0.55))[30:-30, 40:-40, axis].mean()
    assert moved * sign > 1.0


@pytest.mark.parametrize(
    ("prompt", "sign"),
    [("dolly in", 1), ("slow zoom in", 1), ("dolly out", -1), ("the camera pulls back", -1), ("zoom out", -1)],
)
def test_the_picture_grows_or_shrinks(prompt: str, sign: int) -> None:
    camera = shot(prompt)
    across = motion(seen(camera, 0.0), seen(camera, 0.6))[30:-30, :, 0].mean(axis=0)
    assert sign * (across[-60:-20].mean() - across[20:60].mean()) > 2.0


def test_the_picture_turns_against_the_camera() -> None:
    camera = shot("roll clockwise")
    down = motion(seen(camera, 0.0), seen(camera, 0.8))[60:-60, :, 1].mean(axis=0)
    assert down[-60:-20].mean() < down[20:60].mean() - 2.0


def tracks(prompt: str, frames: int = 60) -> npt.NDArray[np.float32]:
    """Follow a few corners from frame to frame: (frames, corners, 2) in pixels."""
    camera = shot(prompt, frames)
    last = cv2.cvtColor(seen(camera, 0.0), cv2.COLOR_RGB2GRAY)
    points = cv2.goodFeaturesToTrack(last[50:-50, 80:-80], 20, 0.1, 12) + np.array((80, 50), np.float32)
    ways = [points[:, 0]]
    for index in range(1, frames):
        grey = cv2.cvtColor(seen(camera, index / (frames - 1)), cv2.COLOR_RGB2GRAY)
        start = points.copy()
        points, _, _ = cv2.calcOpticalFlowPyrLK(last, grey, points, start, winSize=(15, 15))
        ways.append(points[:, 0])
        last = grey
    return np.asarray(ways, dtype=np.float32)


@pytest.mark.parametrize("prompt", ["push in", "pull out", "truck left", "orbit right"])
def test_nothing_jitters(prompt: str) -> None:
    jolts = np.abs(np.diff(tracks(prompt), n=2, axis=0))
    assert float(np.percentile(jolts, 95)) < 0.12


@pytest.mark.parametrize("prompt", ["tilt up", "pan left", "pedestal down", "zoom out", "pull out", "roll clockwise"])
def test_the_camera_s_way_has_no_jolts(prompt: str) -> None:
    camera = shot(prompt)
    poses = [camera._pose(index / 59) for index in range(60)]
    seen_x, seen_y = (np.array([camera.stage.nodes(pose)[axis][8:14, 10:30] for pose in poses]) for axis in (0, 1))
    assert np.abs(np.diff(seen_x, n=2, axis=0)).max() < 0.12
    assert np.abs(np.diff(seen_y, n=2, axis=0)).max() < 0.12
