import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import FAR, Picture, disparity
from rushes.engines.animatic.path import PIVOT, Pose
from rushes.engines.animatic.render import Stage
from rushes.engines.animatic.shot import depth_of
from rushes.engines.animatic.solid import solid
from tests.engines.animatic.pictures import landscape, textured

ORBIT = Pose(right=0.14, pan=-0.14 * PIVOT)


def bottle(side: int = 480) -> Picture:
    """Two dark halves with a label between them that is nearly the ground's colour, and a dot on the label."""
    picture = np.full((side, side, 3), 250, np.uint8)
    left, right = side // 3, side * 2 // 3
    picture[side // 4 : side * 9 // 10, left:right] = (40, 90, 160)
    picture[side // 2 : side * 7 // 10, left:right] = (247, 243, 232)
    cv2.circle(picture, (side // 2, side * 6 // 10), side // 20, (190, 60, 50), -1, cv2.LINE_AA)
    return picture


def drawing() -> Picture:
    picture = np.full((360, 480, 3), 248, np.uint8)
    cv2.rectangle(picture, (140, 120), (340, 300), (20, 20, 30), 2)
    cv2.line(picture, (0, 300), (479, 300), (20, 20, 30), 2)
    return picture


def bow(line: np.ndarray) -> float:
    """How far points (N, 2) are from the straight line through them, in pixels, at most."""
    rows, columns = line[:, 0], line[:, 1]
    return float(np.abs(columns - np.polyval(np.polyfit(rows, columns, 1), rows)).max())


def left_edge(frame: Picture, dark: int, rows: range) -> np.ndarray:
    return np.array([(row, int(np.argmax(frame[row].min(axis=1) < dark))) for row in rows], np.float64)


def filmed(picture: Picture) -> Picture:
    tall, wide = picture.shape[:2]
    frame = np.empty_like(picture)
    Stage(picture, depth_of(picture), wide, tall).draw(ORBIT, frame)
    return frame


def test_a_product_s_sides_stay_straight_when_the_camera_goes_around_it() -> None:
    frame = filmed(bottle())
    edge = left_edge(frame, 150, range(150, 220))
    below = left_edge(frame, 150, range(360, 410))
    assert bow(np.concatenate([edge, below])) < 3.0


def test_the_dot_on_a_label_stays_a_dot() -> None:
    frame = filmed(bottle())
    red = ((frame[..., 0] > 150) & (frame[..., 1] < 120)).astype(np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(red)
    assert count == 2
    assert 0.8 < boxes[1, cv2.CC_STAT_WIDTH] / boxes[1, cv2.CC_STAT_HEIGHT] < 1.25


def test_a_drawn_wall_stays_straight() -> None:
    assert bow(left_edge(filmed(drawing()), 120, range(160, 280))) < 3.0


def test_a_body_is_nearer_than_its_ground_and_the_same_from_top_to_bottom() -> None:
    depth = cv2.resize(depth_of(bottle()), (480, 480))
    body = depth[130:420, 170:310]
    assert np.ptp(body) < 0.14
    assert body.min() > depth[:, :20].max() + 0.1
    assert depth.min() >= FAR


@pytest.mark.parametrize("picture", [landscape(400, 300), textured(300, 200), np.full((90, 160, 3), 77, np.uint8)])
def test_pictures_without_an_even_ground_or_without_anything_on_it_are_left_alone(picture: Picture) -> None:
    depth = disparity(picture)
    assert solid(depth, picture) is depth


def test_a_tower_stands_upright_before_the_sky() -> None:
    picture = landscape(480, 360)
    picture[30:330, 200:260] = textured(60, 300) // 3
    depth = cv2.resize(disparity(picture), (480, 360))
    assert depth[60, 230] > depth[60, 60] + 0.2
    assert depth[250, 230] - depth[80, 230] < 0.3


def test_no_surface_is_so_steep_that_an_orbit_would_fold_it() -> None:
    for picture in (bottle(), drawing(), textured(90, 700), landscape(640, 360)):
        depth = depth_of(picture)
        assert np.abs(np.diff(depth, axis=1)).max() * depth.shape[1] < 0.8 / (0.14 * 1.3) + 0.6
