"""Which frames a continuation shows and keeps, for every cut and rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.engines.upstream.cutting import played, shown
from rushes.families.magi import made_frames

rates = st.one_of(
    st.sampled_from([5.0, 12.0, 16.0, 24.0, 25.0, 30.0, 60.0, 24000 / 1001, 30000 / 1001]), st.floats(1, 60)
)


@given(st.integers(32, 3_600))
def test_at_the_models_own_rate_the_prefix_is_the_last_32_kept_frames(kept: int) -> None:
    assert shown(kept, 24, 32, 24) == list(range(kept - 32, kept))


@given(st.integers(1, 3_600), rates)
def test_the_prefix_ends_at_the_cut_and_never_leaves_what_is_kept(kept: int, fps: float) -> None:
    seen = shown(kept, fps, 32, 24)
    assert len(seen) == 32
    assert seen == sorted(seen)
    assert seen[0] >= 0
    assert seen[-1] <= kept - 1
    # The last one is on view in the last 24th of a second before the cut.
    assert seen[-1] >= min(kept - 1, kept - 1 - fps / 24)


def test_a_scene_shorter_than_the_prefix_has_stood_still_before() -> None:
    assert shown(10, 24, 32, 24) == [0] * 22 + list(range(10))
    assert shown(1, 30, 32, 24) == [0] * 32


def test_a_video_of_another_rate_is_shown_at_the_models() -> None:
    assert shown(60, 30, 4, 24) == [55, 56, 57, 58]
    assert shown(24, 12, 4, 24) == [22, 22, 23, 23]


@given(st.integers(96, 192), rates)
def test_what_is_played_was_made_and_lasts_as_long(count: int, fps: float) -> None:
    made = made_frames(count, fps)
    assert made % 24 == 0
    assert made >= count
    seen = played(count, fps, made, 24)
    assert len(seen) == count
    assert seen[0] == 0
    assert seen == sorted(seen)
    assert seen[-1] <= made - 1
    if fps >= 12:  # below, so many would have to be made that they play more slowly instead
        assert seen[-1] == pytest.approx((count - 1) * 24 / fps, abs=1)


@pytest.mark.parametrize(("asked", "made"), [(96, 96), (97, 120), (100, 120), (120, 120), (192, 192)])
def test_whole_chunks_are_made(asked: int, made: int) -> None:
    assert made_frames(asked) == made


def test_one_frame_is_the_first_that_was_made() -> None:
    assert played(1, 30, 24, 24) == [0]
