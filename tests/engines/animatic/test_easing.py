import itertools
import random

import pytest

from rushes.engines.animatic.easing import ease, smoothstep, sway, tremor


def slopes(values: list[float]) -> list[float]:
    return [b - a for a, b in itertools.pairwise(values)]


@pytest.mark.parametrize("curve", [ease, smoothstep])
def test_a_curve_goes_from_nought_to_one_and_stays_there(curve: object) -> None:
    assert callable(curve)
    assert [curve(t) for t in (-1.0, 0.0, 1.0, 2.0)] == [0.0, 0.0, 1.0, 1.0]
    assert curve(0.5) == pytest.approx(0.5)


def test_a_move_starts_and_stops_softly_and_never_turns_back() -> None:
    speed = slopes([ease(i / 200) for i in range(201)])
    assert min(speed) >= 0.0
    assert speed[0] < max(speed) / 50
    assert speed[-1] < max(speed) / 50
    assert max(abs(a) for a in slopes(speed)) < max(speed) / 15  # no jolt anywhere


def test_a_tremor_starts_at_rest_and_stays_small() -> None:
    waves = tremor(random.Random(1), 0.35, 2.6)
    values = [sway(waves, i / 100) for i in range(1000)]
    assert values[0] == 0.0
    assert abs(values[1]) < 0.01
    assert 0.5 < max(map(abs, values)) < 3.0


def test_a_tremor_is_smooth() -> None:
    waves = tremor(random.Random(2), 0.35, 2.6)
    steps = slopes([sway(waves, i / 60) for i in range(600)])
    assert max(abs(a) for a in slopes(steps)) < 0.08


def test_tremors_differ_by_their_dice() -> None:
    assert tremor(random.Random(1), 0.35, 2.6) == tremor(random.Random(1), 0.35, 2.6)
    assert tremor(random.Random(1), 0.35, 2.6) != tremor(random.Random(2), 0.35, 2.6)
