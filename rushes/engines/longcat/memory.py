"""What memory the machine has, and how one knows that it ran out."""

from __future__ import annotations

from pathlib import Path

import torch

_NO_MEMORY = ("can't allocate memory", "not enough memory")  # as the CPU's allocator says it, by platform


def ordinary_bytes() -> int | None:
    """Return how much of the machine's own memory can be had; None where that can't be told."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    told = {line.partition(":")[0]: line.partition(":")[2].split() for line in lines}
    return int(told["MemAvailable"][0]) * 1024 if "MemAvailable" in told else None


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Say whether it is about memory: of many RuntimeErrors only some that are have a type of their own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in _NO_MEMORY)
