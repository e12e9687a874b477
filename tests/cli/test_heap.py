import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from rushes.cli.heap import keep_pages
if sys.argv[1] == "kept":
    assert keep_pages()
pieces = [bytearray(262_144) for _ in range(4)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for i in range(4_000):
    pieces[i % 4] = bytearray(262_144 + i)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_pages_of_freed_pieces_are_used_again() -> None:
    run = [subprocess.run([sys.executable, "-c", FAULTS, "kept"], capture_output=True, text=True, check=True)]
    assert int(run[0].stdout) < 4_000, "64 pages for each of the 4,000 pieces would be 256,000"
