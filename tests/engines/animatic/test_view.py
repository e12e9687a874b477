from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.calls import ViewCall
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.view import Scenes, closed_in, pose_of, view
from rushes.engines.engine import Cancelled, Pictures

SIZES = [(512, 288), (64, 1280), (1280, 64)]
WAY = st.floats(-1, 1)
TURN = st.floats(-20, 20)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A path to a picture of soft colours, nowhere darker than 40."""
    y, x = np.mgrid[0:360, 0:640]
    pixels = np.stack([60 + x * 0.3, 60 + y * 0.4, 120 + 80 * np.sin(x / 40)], axis=2).astype(np.uint8)
    path = tmp_path_factory.mktemp("view") / "picture.npy"
    np.save(path, pixels)
    return str(path)


def frame(path: str, scenes: Scenes | None = None, width: int = 512, height: int = 288, **pose: Any) -> Picture:
    call = ViewCall(path, width, height, **pose)
    (made,) = view(call, scenes or Scenes(), lambda _: None, lambda: False).pictures
    return np.asarray(made)


def corners() -> list[dict[str, Any]]:
    """Every extreme of every member at once."""
    names = ("x", "y", "z", "yaw", "pitch", "roll")
    ways = product((-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0), (-20.0, 20.0), (-20.0, 20.0), (-45.0, 45.0))
    return [dict(zip(names, one, strict=True)) for one in ways]


def test_at_rest_the_frame_is_the_picture_as_it_is(picture: str) -> None:
    exact = np.load(picture)[36:324, 64:576]  # both have the same shape, so compare where nothing is scaled
    assert np.array_equal(frame(picture, width=640, height=360)[36:324, 64:576], exact)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_pose_shows_anything_beyond_the_picture(picture: str, size: tuple[int, int]) -> None:
    stage = Scenes().stage(picture, *size)
    for extreme in corners():
        over = stage.overflow(closed_in(stage, pose_of(ViewCall(picture, *size, **extreme))))
        assert max(over.left, over.right) <= 0.0501 * size[0], extreme
        assert max(over.top, over.bottom) <= 0.0501 * size[1], extreme


def test_no_frame_has_a_black_edge(picture: str) -> None:
    scenes = Scenes()
    for extreme in corners()[::5]:
        assert frame(picture, scenes, **extreme).min() >= 36, extreme


@given(x=WAY, y=WAY, z=WAY, yaw=TURN, pitch=TURN, roll=st.floats(-45, 45), zoom=st.floats(0, 2))
@settings(max_examples=60, deadline=None)
def test_every_allowed_pose_gives_a_whole_frame(picture: str, **pose: Any) -> None:
    made = frame(picture, KEPT, **pose)
    assert made.shape == (288, 512, 3)
    assert made.min() >= 36


KEPT = Scenes()


def test_the_same_call_gives_the_same_frame(picture: str) -> None:
    pose: dict[str, Any] = {"x": 0.3, "yaw": 7.0, "roll": 3.0, "zoom": 0.5}
    assert np.array_equal(frame(picture, **pose), frame(picture, **pose))


def test_each_member_moves_the_camera(picture: str) -> None:
    rest = frame(picture, KEPT)
    for name in ("x", "y", "z", "yaw", "pitch", "roll", "zoom"):
        moved: dict[str, Any] = {name: 1.0}
        assert not np.array_equal(frame(picture, KEPT, **moved), rest), name


def test_a_small_step_of_the_camera_is_a_small_step_of_the_frame(picture: str) -> None:
    """Also where the camera has to close in: a jump there would be seen."""
    before: Any = None
    for step in range(101):
        stage = KEPT.stage(picture, 512, 288)
        pose = closed_in(stage, pose_of(ViewCall(picture, 512, 288, x=step / 100, yaw=step / 5, roll=step / 5)))
        if before is not None:
            assert abs(pose.zoom - before.zoom) < 0.08
            assert abs(pose.pan - before.pan) < 0.02
        before = pose


def test_at_rest_the_pose_is_none() -> None:
    assert pose_of(ViewCall("", 512, 288)) == Pose()


def test_a_scene_is_set_up_once_and_old_ones_are_given_up(picture: str, tmp_path: Path) -> None:
    scenes = Scenes(most_bytes=3_000_000)
    first = scenes.stage(picture, 512, 288)
    assert scenes.stage(picture, 512, 288) is first
    for size in (256, 320, 384, 448, 512):
        scenes.stage(picture, size, 512)
    assert scenes.stage(picture, 512, 288) is not first


def test_a_cancelled_call_draws_nothing(picture: str) -> None:
    with pytest.raises(Cancelled):
        view(ViewCall(picture, 64, 64), Scenes(), lambda _: None, lambda: True)


def test_the_engine_makes_it_one_picture(picture: str) -> None:
    engine = AnimaticEngine()
    made = engine.generate(ViewCall(picture, 64, 64), lambda _: None, lambda: False)
    assert isinstance(made, Pictures)
    assert [one.shape for one in made.pictures] == [(64, 64, 3)]
    engine.unload()


def test_the_same_picture_in_two_files_is_one_scene(picture: str, tmp_path: Path) -> None:
    again, other, scenes = tmp_path / "again.npy", tmp_path / "other.npy", Scenes()
    again.write_bytes(Path(picture).read_bytes())
    np.save(other, np.zeros((36, 64, 3), np.uint8))
    assert scenes.stage(str(again), 64, 36) is scenes.stage(picture, 64, 36)
    assert scenes.stage(str(other), 64, 36) is not scenes.stage(picture, 64, 36)
