"""How much of the machine's own memory can be had."""

from __future__ import annotations

from pathlib import Path


def ordinary_bytes() -> int | None:
    """Return how many bytes; None where that can't be told."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    told = {line.partition(":")[0]: line.partition(":")[2].split() for line in lines}
    return int(told["MemAvailable"][0]) * 1024 if "MemAvailable" in told else None
