"""The same call gives the same bytes, whatever fresh memory holds and wherever it lies, on any number of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
# The C library's own switches (glibc's; others ignore them): what fresh memory is filled with, and from which size on
# it is taken in pages of its own, 16 bytes past their beginning, rather than wherever there is room on the heap.
PAGES = "glibc.malloc.perturb=1:glibc.malloc.mmap_threshold=100000"
HEAP = "glibc.malloc.perturb=254:glibc.malloc.mmap_threshold=33554432"


def test_every_kind_comes_out_the_same_in_other_memory_and_on_other_threads(tmp_path: Path) -> None:
    runs = [started(tmp_path, PAGES, threads=1), started(tmp_path, HEAP, threads=2)]
    answers = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], [answer[1] for answer in answers]
    one, other = (json.loads(answer[0]) for answer in answers)
    assert list(one) == list(other)
    assert len(one) > 30
    assert {name for name in one if one[name] != other[name]} == set()


def started(folder: Path, tunables: str, threads: int) -> subprocess.Popen[str]:
    """Begin to make one of every kind in a process with such memory."""
    place = folder / str(threads)
    place.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "tests.engines.animatic.shaken", str(place), str(threads)],
        cwd=REPOSITORY,
        env={**os.environ, "GLIBC_TUNABLES": tunables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
