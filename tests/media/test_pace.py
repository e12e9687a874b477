"""At which rate a film is written, and which of its frames is shown when: by numbers alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from rushes.media.pace import Pace, Survey, pace_of


def survey(times: list[float], last_s: float) -> Survey:
    """Of pictures at these seconds, of which the last is shown for `last_s`."""
    return Survey(len(times), times[-1] + last_s, np.array(times))


def even(count: int, rate: Fraction) -> Survey:
    """Of pictures at an even rate."""
    return survey([float(n / rate) for n in range(count)], float(1 / rate))


@pytest.mark.parametrize(
    ("found", "declared", "pace"),
    [
        (even(48, Fraction(24)), None, Pace(Fraction(24), 48, 1)),
        (even(300, Fraction(30_000, 1001)), Fraction(30_000, 1001), Pace(Fraction(30_000, 1001), 300, 1)),
        (even(48, Fraction(24)), Fraction(1_000), Pace(Fraction(24), 48, 1)),  # a clock's rate in place of the film's
        (even(120, Fraction(120)), None, Pace(Fraction(60), 60, 2)),
        (even(121, Fraction(120)), None, Pace(Fraction(60), 61, 2)),
        (even(100, Fraction(61)), None, Pace(Fraction(61, 2), 50, 2)),
        (even(10, Fraction(1, 2)), None, Pace(Fraction(1), 20, 0)),
        (Survey(1, 0.0, np.array([0.0])), None, Pace(Fraction(25), 1, 1)),
        (Survey(5, 0.0, np.empty(0)), Fraction(24), Pace(Fraction(24), 5, 1)),
        (survey([0.0, 1 / 30, 2 / 30, 3.0, 3 + 1 / 30], 1 / 30), None, Pace(Fraction(30), 92, 0)),
    ],
)
def test_the_rate_and_the_number_of_frames(found: Survey, declared: Fraction | None, pace: Pace) -> None:
    assert pace_of(found, declared, 3_600) == pace


@pytest.mark.parametrize("most", [10, 100, 1_000])
def test_an_uneven_film_is_never_longer_than_allowed_where_a_slower_grid_helps(most: int) -> None:
    pace = pace_of(survey([0.0, 0.016, 0.032, 7.0, 7.016, 9.99], 0.016), None, most)
    assert pace.frames <= most
    assert pace.seconds == pytest.approx(10.0, abs=0.6)


def test_frames_of_a_rounded_clock_have_each_a_place_of_their_own() -> None:
    pace = Pace(Fraction(30), 90, 0)
    assert [pace.slot(n, round(n / 30, 2)) for n in range(90)] == list(range(90))
    assert pace.slot(7, None) == 7
    assert [Pace(Fraction(60), 60, 2).slot(n, n / 120) for n in range(5)] == [0, 0, 1, 1, 2]
