"""What this machine has: cores, memory, GPUs as the driver and as torch see them. Asked of it, never changed.

torch is asked in a process of its own (`torch_probe`): it takes seconds to load, and a broken one must break nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

ASK_S = 120.0  # loading torch from a cold network disk takes that long
MIB = 2**20
_FIELDS = "name,memory.total,memory.free,driver_version,compute_cap"
FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU as its driver sees it; bytes."""

    name: str
    total: int
    free: int
    driver: str
    capability: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cards:
    """All of them, or why the driver could not be asked."""

    cards: tuple[Card, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Torch:
    """What torch says of itself; `told` is empty where it isn't installed or can't be used, then `trouble` says why."""

    installed: bool
    told: Mapping[str, Any]
    trouble: str = ""


def cores() -> int:
    """Return how many CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def features(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...]:
    """Return what of the CPU makes numbers faster."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return ()
    flags = next((line.split() for line in lines if line.startswith(("flags", "Features"))), [])
    return tuple(name for name in FEATURES if name in flags)


def memory(meminfo: Path = Path("/proc/meminfo"), limit: Path = Path("/sys/fs/cgroup/memory.max")) -> tuple[int, int]:
    """Return the bytes of memory that there are and that can be had, within a container's limit; 0 where unknown."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return 0, 0
    told = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if len(line.split()) > 1}
    total, free = told.get("MemTotal", 0), told.get("MemAvailable", 0)
    # The kernel writes "max" where there is no limit.
    if limit.is_file() and (most := limit.read_text().strip()).isdigit():
        total, free = min(total, int(most)), min(free, int(most))
    return total, free


def cards() -> Cards:
    """Ask NVIDIA's driver."""
    tool = which("nvidia-smi")
    if tool is None:
        return Cards()
    words = [tool, f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Cards(trouble=str(error))
    if done.returncode:
        return Cards(trouble=" ".join((done.stdout + done.stderr).split())[:200])
    return read_cards(done.stdout)


def read_cards(text: str) -> Cards:
    """Read the driver's answer, a line for each card."""
    found = []
    for line in text.strip().splitlines():
        parts = [part.strip() for part in line.split(",")]
        try:
            name, total, free, driver, capability = parts
            major, _, minor = capability.partition(".")
            found.append(Card(name, int(total) * MIB, int(free) * MIB, driver, (int(major), int(minor))))
        except ValueError:  # a card that is lost, or without a figure, as "[N/A]"
            return Cards(tuple(found), f"the driver tells of a GPU: {line.strip()[:100]}")
    return Cards(tuple(found))


def torch_here(*, rate: bool = False) -> Torch:
    """Ask torch, without loading it here."""
    if find_spec("torch") is None:
        return Torch(False, {})
    words = [sys.executable, "-m", "rushes.runners.torch_probe", *(["--rate"] if rate else [])]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Torch(True, {}, f"it gave no answer: {error}")
    try:
        return Torch(True, json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, IndexError):
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return Torch(True, {}, said[-1][:200] if said else f"it ended with exit code {done.returncode}")
