import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.files.ranges import Part, Unsatisfiable, asked_range

sizes = st.integers(0, 300)
positions = st.integers(0, 400)


def taken(header: str, size: int) -> bytes | None:
    asked = asked_range(header, size)
    return bytes(range(256))[: asked.stop][asked.start :] if isinstance(asked, Part) else None


@given(st.binary(min_size=1, max_size=300), positions, positions)
def test_from_first_to_last_is_the_slice_up_to_one_past_it(data: bytes, first: int, extra: int) -> None:
    asked = asked_range(f"bytes={first}-{first + extra}", len(data))
    expected = data[first : first + extra + 1]
    assert asked == (Part(first, first + len(expected)) if expected else Unsatisfiable())
    if isinstance(asked, Part):
        assert data[asked.start : asked.stop] == expected


@given(st.binary(max_size=300), positions)
def test_from_first_on_is_the_rest(data: bytes, first: int) -> None:
    asked = asked_range(f"bytes={first}-", len(data))
    expected = data[first:]
    assert asked == (Part(first, len(data)) if expected else Unsatisfiable())


@given(st.binary(max_size=300), positions)
def test_a_suffix_is_the_last_bytes(data: bytes, last: int) -> None:
    asked = asked_range(f"bytes=-{last}", len(data))
    expected = data[-last:] if last else b""
    assert asked == (Part(len(data) - len(expected), len(data)) if expected else Unsatisfiable())


@given(st.text(max_size=60), sizes)
def test_no_header_can_break_it_or_reach_outside(header: str, size: int) -> None:
    asked = asked_range(f"bytes={header}", size)
    if isinstance(asked, Part):
        assert 0 <= asked.start < asked.stop <= size


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=+1-2",
     "bytes=1-2-3", "bytes=٠-١", "bytes=" + "9" * 5000 + "-"],
)  # fmt: skip
def test_what_is_no_single_range_means_the_whole_file(header: str | None) -> None:
    assert asked_range(header, 100) is None


def test_spaces_and_case_do_not_matter_and_a_huge_end_is_the_end() -> None:
    assert asked_range("Bytes = 3 - 99999999999999999999999", 10) == Part(3, 10)
