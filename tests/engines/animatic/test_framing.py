import cv2
import numpy as np
import pytest

from rushes.engines.animatic.camera import read_camera
from rushes.engines.animatic.framing import closing_in, cover, framed, slack
from rushes.engines.animatic.path import plan
from rushes.engines.animatic.render import Stage
from tests.engines.animatic.pictures import near_below, textured


@pytest.mark.parametrize("source", [(300, 200), (200, 300), (64, 48), (1000, 150), (150, 1000), (333, 221)])
@pytest.mark.parametrize("frame", [(160, 90), (90, 160), (128, 128)])
def test_a_picture_covers_the_frame_and_keeps_its_middle(source: tuple[int, int], frame: tuple[int, int]) -> None:
    width, height = frame
    covered = cover(textured(*source), width, height)
    tall, wide = covered.shape[:2]
    assert wide >= width
    assert tall >= height
    assert wide == width or tall == height
    assert wide <= 2 * width + 1
    assert tall <= 2 * height + 1


def test_a_picture_of_the_frame_s_size_is_left_alone() -> None:
    picture = textured(160, 90)
    assert np.array_equal(cover(picture, 160, 90), picture)


@pytest.mark.parametrize("source", [(20_000, 8), (8, 20_000), (1, 1), (2, 1)])
def test_an_extreme_picture_takes_no_more_memory_than_the_camera_can_use(source: tuple[int, int]) -> None:
    tall, wide = cover(np.full((source[1], source[0], 3), 90, np.uint8), 160, 90).shape[:2]
    assert 160 <= wide <= 2 * 160 + 1
    assert 90 <= tall <= 2 * 90 + 1


def test_what_is_kept_of_a_wide_picture_is_centred() -> None:
    picture = np.zeros((90, 1001, 3), np.uint8)
    picture[:, 500] = 255
    covered = cover(picture, 160, 90)
    assert int(covered[0, :, 0].argmax()) * 2 + 1 == covered.shape[1]


def test_slack_is_what_lies_beside_the_frame() -> None:
    assert slack(np.zeros((90, 240, 3), np.uint8), 160, 90) == (0.25, 0.0)


@pytest.mark.parametrize(
    "prompt", ["pan left", "truck right", "pedestal up", "orbit left", "roll clockwise", "handheld"]
)
def test_the_camera_closes_in_smoothly_and_just_enough(prompt: str) -> None:
    stage = Stage(textured(320, 180), near_below(320, 180), 320, 180)
    path = plan(read_camera(f"fast {prompt}", 1), 5.0, 1)
    closing = closing_in(stage, path)
    assert closing[0] == 0.0
    assert (np.diff(closing) > -1e-9).all()
    assert np.abs(np.diff(closing, 2)).max() < 0.01
    assert closing[-1] < 0.25
    for t in np.linspace(0, 1, 23):
        over = stage.overflow(framed(path.at(float(t)), float(t), closing))
        assert max(over.left, over.right) < 0.09 * 320
        assert max(over.top, over.bottom) < 0.09 * 180


def test_a_push_in_needs_no_closing_in() -> None:
    stage = Stage(textured(320, 180), near_below(320, 180), 320, 180)
    assert not closing_in(stage, plan(read_camera("push in", 1), 5.0, 1)).any()


def test_a_small_picture_is_enlarged_without_steps() -> None:
    small = cv2.resize(textured(64, 36), (32, 18), interpolation=cv2.INTER_AREA)
    enlarged = cover(np.asarray(small, dtype=np.uint8), 320, 180)
    assert np.abs(np.diff(enlarged.astype(int), axis=1)).max() < 60


def test_a_pan_over_a_panorama_crosses_it_without_closing_in() -> None:
    picture = cover(textured(1280, 320), 320, 180)
    stage = Stage(picture, near_below(640, 180), 320, 180)
    path = plan(read_camera("pan left", 1), 5.0, 1, slack(picture, 320, 180))
    assert path.at(1.0).pan < -0.4
    assert closing_in(stage, path)[-1] < 0.05
