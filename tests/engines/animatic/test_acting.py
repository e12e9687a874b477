import numpy as np
import pytest

from rushes.engines.animatic.acting import Acting
from rushes.engines.animatic.articulation import AT_REST, Lips


def test_eyes_blink_at_natural_times_the_same_for_a_seed() -> None:
    def blinks(seed: int) -> list[float]:
        acting = Acting(seed, 25.0)
        lids = [acting.next(Lips(0.2)).blink for _ in range(25 * 60)]
        return [index / 25.0 for index in range(1, len(lids)) if lids[index] > 0 and lids[index - 1] == 0]

    assert blinks(1) == blinks(1) != blinks(2)
    assert 8 <= len(blinks(1)) <= 35
    assert min(np.diff(blinks(1))) > 0.5


@pytest.mark.parametrize("fps", [8.0, 16.0, 25.0, 60.0])
def test_every_blink_closes_the_eyes_fully(fps: float) -> None:
    acting = Acting(5, fps)
    lids = np.array([acting.next(AT_REST).blink for _ in range(int(fps * 40))])
    edges = np.flatnonzero(np.diff((lids > 0).astype(int)) == 1)
    assert len(edges) > 4
    for edge in edges[:-1]:
        assert lids[edge : edge + int(fps * 0.3) + 3].max() == 1.0


def test_a_head_moves_without_a_jerk() -> None:
    acting = Acting(3, 25.0)
    looks = [acting.next(Lips(float(index % 9 > 3))) for index in range(500)]
    shifts = np.array([(look.right, look.down) for look in looks])
    assert np.abs(np.diff(shifts, axis=0)).max() < 0.006  # of the distance between the eyes
    assert 0.01 < np.ptp(shifts, axis=0).max() < 0.12
    assert 0.0 < max(look.brows for look in looks) < 1.0
