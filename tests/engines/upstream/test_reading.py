"""Lines and progress bars of a program, however its bytes arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.engines.upstream.reading import MOST_CHARS, Gauge, Lines, without_paths
from rushes.engines.upstream.recipe import read_recipe

TEXT = "first\r\nzwölf █\rbar 1/2\rbar 2/2\n\n  end"


@given(st.lists(st.integers(0, len(TEXT.encode())), max_size=12))
def test_lines_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    data, lines, found = TEXT.encode(), Lines(), []
    edges = sorted({0, *cuts, len(data)})
    for start, end in itertools.pairwise(edges):
        found += lines.feed(data[start:end])
    found += lines.feed(b"", last=True)
    assert found == ["first", "zwölf █", "bar 1/2", "bar 2/2", "  end"]


def test_a_line_without_end_is_bounded() -> None:
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * 10_000) == []
    assert len(lines.feed(b"", last=True)[0]) == MOST_CHARS + 1


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("open /srv/models/a b.bin", "open …/a b.bin"),
        ('File "/home/me/x/run.py", line 3', 'File "…/run.py", line 3'),
        ("see https://example.com/a/b/c", "see https://example.com/a/b/c"),
        ("it is 1/2 done, and/or not", "it is 1/2 done, and/or not"),
        ("~/models/x", "…/x"),
        ("--load=/a/b", "--load=…/b"),
    ],
)
def test_paths_lose_their_folders(line: str, shown: str) -> None:
    assert without_paths(line) == shown


def gauge(recipe: str) -> Gauge:
    run = read_recipe(recipe).run
    return Gauge.of(run.progress, run.part)


def test_a_bar_is_read_and_never_goes_back() -> None:
    bar = gauge("magi-distilled")
    told = []
    for done in (0, 1, 1, 3, 2, 4):
        assert bar.reads(f"InferBatch 0:  25%|██▌       | {done}/4 [00:01<00:03,  1.0s/it]")
        told.append(bar.further())
    assert told == [None, (1, 4), None, (3, 4), None, (4, 4)]
    assert not bar.reads("Loading shards:  25%|██▌       | 1/4 [00:01<00:03,  1.0s/it]")


def test_parts_follow_each_other() -> None:
    bar = gauge("longcat-avatar")
    assert not bar.reads("Generating segment 1/2...")
    assert bar.reads("Denoising:  50%|█████     | 15/30 [01:00<01:00,  4.0s/it]")
    assert bar.further() == (15, 60)
    bar.reads("Denoising: 100%|██████████| 30/30 [02:00<00:00,  4.0s/it]")
    assert bar.further() == (30, 60)
    bar.reads("Generating segment 2/2...")
    bar.reads("Denoising:   0%|          | 0/30 [00:00<?, ?it/s]")
    assert bar.further() is None
    bar.reads("Denoising:  50%|█████     | 15/30 [01:00<01:00,  4.0s/it]")
    assert bar.further() == (45, 60)
