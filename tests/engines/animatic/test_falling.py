"""Rain and snow over frames: they fall, they are the same each time, and any frame can be drawn alone."""

from __future__ import annotations

import numpy as np
import pytest

from rushes.engines.animatic.falling import Falling

SIZE = (320, 180)


def drawn(kind: str, index: int, seed: int = 1) -> np.ndarray:
    frame = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
    Falling(kind, SIZE, 24.0, seed).draw(index, frame)
    return frame


@pytest.mark.parametrize("kind", ["rain", "snow"])
def test_a_frame_is_the_same_whether_or_not_others_came_before(kind: str) -> None:
    falling = Falling(kind, SIZE, 24.0, 1)
    for index in range(4):
        frame = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
        falling.draw(index, frame)
    assert (frame == drawn(kind, 3)).all()


@pytest.mark.parametrize("kind", ["rain", "snow"])
def test_it_only_adds_light_and_leaves_most_of_the_frame(kind: str) -> None:
    frame = drawn(kind, 5)
    assert frame.min() == 60
    assert 0.002 < (frame > 70).mean() < 0.35


def test_snow_sinks_a_little_from_frame_to_frame() -> None:
    now, later = (drawn("snow", index)[..., 0].astype(float) - 60 for index in (10, 11))
    likeness = {down: float((now[8:-8] * np.roll(later, -down, axis=0)[8:-8]).sum()) for down in range(-4, 5)}
    assert max(likeness, key=lambda down: likeness[down]) >= 0


def test_another_seed_is_other_weather() -> None:
    assert (drawn("rain", 3) != drawn("rain", 3, seed=2)).any()
