import cv2
import numpy as np

from rushes.engines.animatic.depth import FAR, Picture, disparity, raised
from rushes.engines.animatic.shot import depth_of
from tests.engines.animatic.pictures import landscape, textured
from tests.engines.animatic.test_face import face


def portrait() -> Picture:
    """A sharp bright figure before an even dark wall."""
    picture = np.full((300, 300, 3), (40, 44, 60), np.uint8)
    figure = np.zeros((300, 300), np.uint8)
    cv2.circle(figure, (150, 110), 50, 1, -1)
    cv2.ellipse(figure, (150, 300), (100, 140), 0, 180, 360, 1, -1)
    return np.where(figure[..., None] == 1, textured(300, 300) // 2 + 110, picture).astype(np.uint8)


def test_the_sky_is_far_and_the_ground_comes_nearer() -> None:
    depth = disparity(landscape(400, 300))
    tall = depth.shape[0]
    assert depth[: tall // 5].mean() < FAR + 0.15
    assert depth[-tall // 10 :].mean() > 0.8
    assert depth[tall // 2].mean() < depth[tall * 3 // 4].mean()


def test_a_figure_stands_before_its_wall() -> None:
    depth = cv2.resize(disparity(portrait()), (300, 300))
    assert depth[110, 150] > depth[110, 20] + 0.2
    assert depth[110, 150] > depth[20, 150] + 0.2


def test_depth_stays_within_its_limits_and_is_smooth() -> None:
    for picture in (landscape(640, 360), portrait(), textured(90, 700), np.zeros((50, 80, 3), np.uint8)):
        depth = disparity(picture)
        assert depth.dtype == np.float32
        assert FAR - 1e-5 <= depth.min() <= depth.max() <= 1.0 + 1e-5
        assert np.abs(np.diff(depth, axis=1)).max() < 0.12
        assert np.abs(np.diff(depth, axis=0)).max() < 0.12


def test_depth_does_not_depend_on_the_number_of_threads() -> None:
    before = cv2.getNumThreads()
    try:
        depths = []
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            depths.append(disparity(landscape(640, 360)))
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(depths[0], other) for other in depths)


def test_a_head_is_brought_to_the_front_and_the_rest_stays() -> None:
    flat = np.full((150, 200), FAR, np.float32)
    depth = raised(flat, (160, 100, 240, 200), (400, 300))
    assert depth[75, 100] > 0.8
    assert depth[5, 5] == depth[145, 195] == np.float32(FAR)
    assert np.abs(np.diff(depth, axis=1)).max() < 0.12


def test_a_face_lies_before_what_is_around_it() -> None:
    depth = cv2.resize(depth_of(face()), (640, 420))
    assert depth[200, 320] > depth[200, 60] + 0.2
    assert abs(depth[170, 320] - depth[240, 320]) < 0.12
