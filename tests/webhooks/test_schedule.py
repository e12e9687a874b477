"""When a delivery is tried again (protocol W-01, W-02)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.settings import Settings
from rushes.webhooks.schedule import Schedule, State, Verdict, what_next

DEFAULT = Schedule.of(Settings())
dice = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_w_01_any_2xx_acknowledges(status: int) -> None:
    assert what_next(DEFAULT, status, 1, 100.0, 0.5) == Verdict(State.DELIVERED)


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308])
def test_w_01_a_redirect_is_given_up_at_once(status: int) -> None:
    assert what_next(DEFAULT, status, 1, 100.0, 0.5) == Verdict(State.GIVEN_UP)


@pytest.mark.parametrize("status", [None, 400, 404, 410, 429, 500, 503, 599])
def test_w_01_anything_else_is_tried_again(status: int | None) -> None:
    state, next_at = what_next(DEFAULT, status, 1, 100.0, 0.5)
    assert state == State.DUE
    assert next_at is not None
    assert next_at > 100.0


def test_w_02_the_default_is_15_seconds_and_ten_retries_over_two_hours() -> None:
    assert DEFAULT.timeout_s(1) == 15
    pauses = [DEFAULT.pause_s(attempt, 0.5) for attempt in range(1, 12)]
    assert pauses[10] is None
    assert sum(pause for pause in pauses if pause) == pytest.approx(7_200)
    assert pauses[0] == pytest.approx(7.04, abs=0.01)


@given(st.integers(1, 100), st.floats(0.1, 1e6), st.lists(dice, min_size=100, max_size=100))
def test_pauses_grow_whatever_the_dice_say_and_stay_near_the_span(
    retries: int, span_s: float, dice: list[float]
) -> None:
    schedule = Schedule(retries=retries, span_s=span_s)
    pauses = [schedule.pause_s(attempt, dice[attempt - 1]) for attempt in range(1, retries + 1)]
    known = [pause for pause in pauses if pause is not None]
    assert len(known) == retries
    assert known == sorted(known)
    assert 0.899 * span_s <= sum(known) <= 1.101 * span_s
    assert schedule.pause_s(retries + 1, 0.5) is None


def test_without_retries_the_first_failure_is_the_last() -> None:
    assert what_next(Schedule(retries=0), 500, 1, 100.0, 0.5) == Verdict(State.GIVEN_UP)
