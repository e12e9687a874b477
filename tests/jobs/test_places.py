"""Covering a stretch of places with blocks."""

from hypothesis import given
from hypothesis import strategies as st

from rushes.jobs.places import BITS, TOP, cover


def covered(start: int, stop: int) -> list[int]:
    ranges = cover(start, stop)
    places: list[int] = []
    for level in range(TOP + 1):
        for low, high in (("a", "b"), ("c", "d")):
            if f"{low}{level}" in ranges:
                for block in range(ranges[f"{low}{level}"], ranges[f"{high}{level}"]):
                    places += range(block << (BITS * level), (block + 1) << (BITS * level))
    return sorted(places)


@given(start=st.integers(0, 5000), length=st.integers(0, 5000))
def test_every_place_is_covered_exactly_once(start: int, length: int) -> None:
    assert covered(start, start + length) == list(range(start, start + length))


@given(start=st.integers(0, 2**50), length=st.integers(0, 2**30))
def test_a_stretch_takes_few_blocks_of_each_size(start: int, length: int) -> None:
    ranges = cover(start, start + length)
    for level in range(TOP):
        for low, high in (("a", "b"), ("c", "d")):
            assert ranges[f"{high}{level}"] - ranges[f"{low}{level}"] < 2**BITS
