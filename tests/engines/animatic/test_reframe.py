import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from rushes.engines.animatic.attention import way_through
from rushes.engines.animatic.depth import Picture
from tests.engines.animatic.asking import call, recorded
from tests.engines.animatic.pictures import film, textured


def crossing(count: int, start: int = 40, step: int = 3) -> Picture:
    """A red ball crosses an even grey wall."""
    frames = np.full((count, 90, 320, 3), 110, np.uint8)
    for index, frame in enumerate(frames):
        cv2.circle(frame, (start + step * index, 50), 14, (220, 40, 30), -1)
    return frames


def red(frame: Picture) -> int:
    return int(((frame[..., 0] > 170) & (frame[..., 1] < 90)).sum())


def test_a_narrow_frame_follows_what_moves(tmp_path: Path) -> None:
    frames = film(call("", video=recorded(crossing(80), tmp_path), frames=80, width=60, height=90))
    assert sum(red(frame) > 200 for frame in frames) > 70


def test_the_way_is_calm(tmp_path: Path) -> None:
    places, cuts = way_through(recorded(crossing(60), tmp_path), (0.3, 1.0))
    steps = np.diff(places)
    assert cuts == ()
    assert np.abs(np.diff(steps)).max() < 0.03
    assert steps.min() > -0.01


def test_a_still_video_is_seen_from_one_place(tmp_path: Path) -> None:
    places, _ = way_through(recorded(np.stack([textured(320, 90)] * 20), tmp_path), (0.3, 1.0))
    assert np.ptp(places) == 0.0


def test_a_cut_is_seen_and_the_frame_jumps_with_it(tmp_path: Path) -> None:
    wall = crossing(20, start=40, step=0)
    other = 255 - crossing(20, start=270, step=0)
    places, cuts = way_through(recorded(np.concatenate([wall, other]), tmp_path), (0.3, 1.0))
    assert cuts == (20,)
    assert (places[19] < 0.2, places[20] > 0.8) == (True, True)


@pytest.mark.parametrize("size", [(160, 90), (64, 128), (128, 64), (90, 90)])
def test_around_a_picture_that_fills_no_frame_its_own_colours_go_on(size: tuple[int, int], tmp_path: Path) -> None:
    given = np.clip(textured(60, 120).astype(np.int16) + 40, 60, 255).astype(np.uint8)
    video = recorded(np.stack([given] * 3), tmp_path)
    frames = film(call("", video=video, frames=3, width=size[0], height=size[1], window=(0.0, 0.0, 1.0, 1.0)))
    assert frames.min() > 25  # never black
    assert all(np.abs(a.astype(int) - b).mean() < 1.5 for a, b in itertools.pairwise(frames))


def test_a_window_is_shown_whole(tmp_path: Path) -> None:
    given = np.full((3, 90, 160, 3), 90, np.uint8)
    given[:, 40:50, :6], given[:, 40:50, -6:] = (255, 0, 0), (0, 0, 255)
    frames = film(call("", video=recorded(given, tmp_path), frames=3, width=90, height=160, window=(0, 0, 1, 1)))
    assert frames[0][:, :4, 0].max() > 180
    assert frames[0][:, -4:, 2].max() > 180


def test_a_given_picture_comes_first_and_becomes_the_video(tmp_path: Path) -> None:
    from tests.engines.animatic.pictures import saved

    picture, video = textured(160, 90, seed=4), np.stack([textured(160, 90)] * 24)
    frames = film(call("", saved(picture, tmp_path), video=recorded(video, tmp_path)))
    assert np.array_equal(frames[0], picture)
    assert np.abs(frames[-1].astype(int) - video[-1]).mean() < 7.0
