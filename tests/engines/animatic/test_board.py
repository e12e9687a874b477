import numpy as np
import pytest

from rushes.engines.animatic.board import Box, cards, ground, joined, split

SIZES = [(1280, 720), (720, 1280), (512, 512), (64, 36), (1920, 820)]


def inside(boxes: tuple[Box, ...], width: int, height: int) -> bool:
    return all(
        box.left >= 0 and box.top >= 0 and box.width > 0 and box.height > 0
        and box.left + box.width <= width and box.top + box.height <= height
        for box in boxes
    )  # fmt: skip


def cover(boxes: tuple[Box, ...], width: int, height: int) -> np.ndarray:
    count = np.zeros((height, width), int)
    for box in boxes:
        count[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    return count


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", range(1, 10))
def test_a_split_fills_the_frame_but_for_thin_gutters(count: int, width: int, height: int) -> None:
    boxes = split(count, width, height)
    covered = cover(boxes, width, height)
    assert len(boxes) == count
    assert inside(boxes, width, height)
    assert covered.max() == 1
    assert covered.mean() > 0.8


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", range(1, 6))
def test_joined_parts_leave_no_gap(count: int, width: int, height: int) -> None:
    boxes = joined(count, width, height)
    assert len(boxes) == count
    assert inside(boxes, width, height)
    assert cover(boxes, width, height).min() >= 1


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", range(1, 5))
def test_cards_lie_apart_inside_the_frame(count: int, width: int, height: int) -> None:
    boxes = cards(count, width, height)
    assert len(boxes) == count
    assert cover(boxes, width, height).max() == 1
    assert inside(boxes, width, height)


def test_two_pictures_stand_side_by_side_in_a_wide_frame_and_above_each_other_in_a_tall_one() -> None:
    assert {box.top for box in split(2, 1280, 720)} == {0}
    assert {box.left for box in split(2, 720, 1280)} == {0}


def test_the_empty_board_is_dark() -> None:
    assert ground(64, 36).shape == (36, 64, 3)
    assert ground(64, 36).max() < 40
