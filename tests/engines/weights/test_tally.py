"""How far a download is, in a line."""

from __future__ import annotations

import pytest

from rushes.engines.weights.tally import Tally, size, span


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (12_340_000, "12.3 MB"),
        (999_900_000, "1.00 GB"),
        (66_100_000_000, "66.1 GB"),
        (460_000_000_000, "460 GB"),
    ],
)
def test_sizes_have_three_digits(count: int, told: str) -> None:
    assert size(count) == told


@pytest.mark.parametrize(("seconds", "told"), [(45, "45 s"), (600, "10 min"), (12_000, "3 h 20 min")])
def test_times_are_short(seconds: float, told: str) -> None:
    assert span(seconds) == told


def test_the_line_tells_share_rate_and_time_left_within_80_columns() -> None:
    now = [0.0]
    tally = Tally(66_000_000_000, lambda: now[0])
    tally.had(33_000_000_000)
    for second in range(1, 6):
        now[0] = float(second)
        tally.add(100_000_000)
    line = tally.line("transformer/diffusion_pytorch_model-00003-of-00014.safetensors")
    assert line.startswith("  33.5 GB of 66.0 GB    50 %   100 MB/s   5 min left   …")
    assert line.endswith(".safetensors")
    assert len(line) == 79


def test_only_the_last_seconds_count_for_the_rate() -> None:
    now = [0.0]
    tally = Tally(10**10, lambda: now[0])
    for second in range(1, 101):
        now[0] = float(second)
        tally.add(10**6 if second < 80 else 10**7)
    assert "10.0 MB/s" in tally.line("x")


def test_nothing_to_fetch_is_all_of_it() -> None:
    assert "100 %" in Tally(0, lambda: 0.0).line("x")
