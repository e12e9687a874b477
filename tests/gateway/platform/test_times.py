"""Dates as callers write them, and buckets that leave no moment out."""

from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.gateway.platform.envelope import Refused
from rushes.gateway.platform.times import Timeframe, Window, bounds, read_moment, timeframe_for, whole, window

HOUR = 3_600.0
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]
FRAMES: list[Timeframe] = ["minute", "hour", "day", "week", "month"]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-01-15", "UTC", "2026-01-15T00:00:00+00:00"),
        ("2026-01-15", "Europe/Berlin", "2026-01-14T23:00:00+00:00"),
        ("2026-01-15T12:00:00Z", "Europe/Berlin", "2026-01-15T12:00:00+00:00"),
        ("2026-01-15T12:00:00+02:00", "UTC", "2026-01-15T10:00:00+00:00"),
        ("2026-01-15T12:00:00 02:00", "UTC", "2026-01-15T10:00:00+00:00"),
    ],
)
def test_dates_are_read_in_the_callers_zone(text: str, zone: str, expected: str) -> None:
    assert read_moment("start", text, ZoneInfo(zone)) == datetime.fromisoformat(expected).timestamp()


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    with suppress(Refused):
        assert isinstance(read_moment("start", text, UTC), float)


@given(st.text(max_size=40))
def test_any_text_is_a_zone_or_refused(text: str) -> None:
    with suppress(Refused):
        window(None, None, 1e9, zone=text)


@pytest.mark.parametrize(
    ("hours", "timeframe"),
    [(1, "minute"), (2, "hour"), (47, "hour"), (48, "day"), (63 * 24, "day"), (64 * 24, "week"), (183 * 24, "month")],
)
def test_the_length_of_buckets_suits_the_window(hours: int, timeframe: str) -> None:
    assert timeframe_for(Window(0.0, hours * HOUR, UTC)) == timeframe


@given(st.floats(0, 4e9), st.floats(60, 1e7), st.sampled_from(ZONES), st.sampled_from(FRAMES), st.integers(1, 50))
def test_buckets_follow_each_other_and_leave_nothing_out(
    start: float, length: float, zone: str, timeframe: Timeframe, most: int
) -> None:
    asked = whole(Window(start, start + length, ZoneInfo(zone)), timeframe)
    assert asked.start <= start
    assert asked.end >= start + length
    marks = bounds(asked, timeframe, asked.start, most)
    assert marks[0] == asked.start
    assert all(a < b for a, b in pairwise(marks))
    assert len(marks) == most + 1 or marks[-1] == asked.end


def test_a_day_on_which_clocks_change_has_23_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    asked = window("2026-03-29", "2026-03-30", 0.0, zone="Europe/Berlin")
    assert bounds(asked, "day", asked.start, 9) == [asked.start, asked.start + 23 * HOUR]
    assert len(bounds(asked, "hour", asked.start, 99)) == 24
    assert asked.local(asked.start) == datetime(2026, 3, 29, tzinfo=berlin)
