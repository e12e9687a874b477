"""Cursors come back as they were written, and nothing else is one; lists in queries."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.gateway.platform.envelope import Refused
from rushes.gateway.platform.lists import chosen, several, some
from rushes.gateway.platform.paging import read_cursor, write_cursor


@given(st.floats(-(2**53), 2**53), st.text(st.characters(max_codepoint=127), max_size=40))
def test_a_cursor_comes_back_as_it_was_written(at: float, last: str) -> None:
    assert read_cursor(write_cursor("keys", at, last), "keys", float, str) == (at, last)


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    with suppress(Refused):
        assert read_cursor(text, "keys", float, str) is None


@pytest.mark.parametrize(
    "cursor",
    [
        write_cursor("other", 1.0, "a"),
        write_cursor("keys", 1.0),
        write_cursor("keys", "1", "a"),
        write_cursor("keys", float("nan"), "a"),
        write_cursor("keys", 10**300, "a"),
        write_cursor("keys", 10**310, "a"),  # larger than any float
        write_cursor("keys", True, "a"),
    ],
)
def test_a_cursor_of_another_kind_is_refused(cursor: str) -> None:
    with pytest.raises(Refused):
        read_cursor(cursor, "keys", float, str)


def test_lists_are_repeated_or_parted_by_commas() -> None:
    assert several("x", ["a,b", " c ", "", "a"]) == ("a", "b", "c")
    assert several("x", None) == ()


def test_lists_have_bounds() -> None:
    with pytest.raises(Refused, match="1 to 50 values are needed"):
        some("x", [","])
    with pytest.raises(Refused, match="51 values, at most 50"):
        several("x", [",".join(map(str, range(51)))])
    with pytest.raises(Refused, match="allowed are a, b; got 'c'"):
        chosen("x", ["a", "c"], ("a", "b"))
