"""Tests of effects that happen to somebody: around a face where there is one, around the middle where there is none."""

import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.effect import EFFECTS, Effect
from rushes.engines.animatic.face import find_face
from tests.engines.animatic.pictures import textured
from tests.engines.animatic.test_matte import somebody

ABOUT_ONE = ["squish", "expansion", "fuzzyfuzzy", "dizzydizzy"]


def wide_shot(left: int) -> Picture:
    """Return 640x360 with the portrait at some place of a plain wall."""
    frame = np.full((360, 640, 3), (120, 150, 160), np.uint8)
    frame[:, left : left + 320] = somebody()[40:400, 80:400]
    return frame


def changed(name: str, frame: Picture, t: float = 0.15) -> tuple[float, float]:
    """Return the middle, in pixels, of what an effect changes."""
    after = frame.copy()
    Effect(name, frame.shape[1], frame.shape[0], 3).draw(t, after)
    apart = np.abs(after.astype(np.int16) - frame).sum(axis=2).astype(np.float64)
    rows, columns = np.mgrid[0 : frame.shape[0], 0 : frame.shape[1]]
    return float((columns * apart).sum() / apart.sum()), float((rows * apart).sum() / apart.sum())


@pytest.mark.parametrize("name", ABOUT_ONE)
def test_an_effect_happens_around_the_face(name: str) -> None:
    for left in (0, 320):
        face = find_face(wide_shot(left))
        assert face is not None
        assert abs(changed(name, wide_shot(left))[0] - (left + 160)) < 110


@pytest.mark.parametrize("name", ABOUT_ONE)
def test_without_a_face_it_happens_in_the_middle(name: str) -> None:
    x, _ = changed(name, textured(640, 360))
    assert abs(x - 320) < 40


def test_no_blossom_covers_the_face() -> None:
    frame = wide_shot(0)
    face = find_face(frame)
    assert face is not None
    after = frame.copy()
    Effect("bloombloom", 640, 360, 3).draw(0.99, after)
    left, top, right, bottom = (round(value) for value in face.box)
    pink = (after[..., 0] > 240) & (after[..., 2].astype(np.int16) - after[..., 1] > 10)
    third = (bottom - top) // 4
    assert not pink[top + third : bottom - third, left + third : right - third].any()


@pytest.mark.parametrize("name", ABOUT_ONE)
def test_the_rim_of_the_frame_holds(name: str) -> None:
    frame = wide_shot(0)
    after = frame.copy()
    Effect(name, 640, 360, 3).draw(0.15, after)
    rim = np.abs(after[:, -1].astype(np.int16) - frame[:, -1]).mean()
    assert rim < 12.0


@pytest.mark.parametrize("name", list(EFFECTS))
@pytest.mark.parametrize("frame", [textured(640, 360), wide_shot(320), textured(98, 174)])
def test_an_effect_sets_in_without_a_jolt(name: str, frame: Picture) -> None:
    after = frame.copy()
    Effect(name, frame.shape[1], frame.shape[0], 3).draw(1e-4, after)
    assert np.abs(after.astype(np.int16) - frame).mean() < 0.6
