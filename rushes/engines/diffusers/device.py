"""What torch says of a device: probed when asked, never at import."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path

import torch

from rushes.engines.diffusers.plan import GB, Device
from rushes.engines.trouble import unfit

NAMES = "name cuda, cuda:NUMBER, mps or cpu"


def probe(wanted: str | None = None) -> Device:
    """Return the device that is wanted, or the first GPU, or the CPU. Raises Unable where there is no such device."""
    name = wanted or ("cuda:0" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    kind = name.partition(":")[0]
    if kind == "cuda":
        place = name.partition(":")[2] or "0"
        if not place.isdecimal():
            raise unfit("This server's device isn't there", f"device = {name!r}; {NAMES}")
        number = int(place)
        if not torch.cuda.is_available() or number >= torch.cuda.device_count():
            count = torch.cuda.device_count() if torch.cuda.is_available() else 0
            raise unfit("This server's device isn't there", f"device = {name!r}, but torch sees {count} CUDA devices")
        return Device(
            f"cuda:{number}",
            "cuda",
            torch.cuda.get_device_name(number),
            torch.cuda.mem_get_info(number)[0],
            torch.cuda.get_device_capability(number),
        )
    if kind not in ("mps", "cpu"):
        raise unfit("This server's device isn't there", f"device = {name!r}; {NAMES}")
    return Device(name, "mps" if kind == "mps" else "cpu", kind)


def free_bytes(device: Device, used: int, memory_gb: float | None) -> int | None:
    """Return what is free on the device, within the operator's limit; None where that isn't known."""
    limit = None if memory_gb is None else int(memory_gb * GB) - used
    if device.kind != "cuda":
        return limit
    free = torch.cuda.mem_get_info(device.name)[0]
    return free if limit is None else min(free, limit)


def hold_to(device: Device, memory_gb: float | None) -> None:
    """Let this process have no more of a GPU's memory than the operator said; what is beyond is out of memory.

    The allocator's limit is one for the whole process, so each film sets that of its own deployment.
    """
    if device.kind == "cuda":
        total = torch.cuda.mem_get_info(device.name)[1]
        torch.cuda.set_per_process_memory_fraction(share(memory_gb, total), device.name)


def share(memory_gb: float | None, total: int) -> float:
    """Return which share (0 to 1) of a device's memory may be used."""
    return 1.0 if memory_gb is None else min(1.0, memory_gb * GB / total)


def taken_bytes(parts: Iterable[object], kind: str) -> int:
    """Measure what models take on a kind of device; numbers that several tensors share count once."""
    models = {id(one): one for one in parts if isinstance(one, torch.nn.Module)}
    tensors = (one for model in models.values() for one in (*model.parameters(), *model.buffers()))
    places = sorted((one.data_ptr(), one.data_ptr() + one.nbytes) for one in tensors if one.device.type == kind)
    taken, reached = 0, 0
    for start, end in places:
        taken += max(0, end - max(start, reached))
        reached = max(reached, end)
    return taken


def waiting_room(meminfo: Path = Path("/proc/meminfo"), limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int | None:
    """Return how many bytes of the machine's own memory can be had, within a container's limit; None where unknown."""
    try:
        told = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        free = int(told["MemAvailable"].split()[0]) * 1024
        most = limit.read_text().strip() if limit.is_file() else ""
        used = int(limit.with_name("memory.current").read_text()) if most.isdigit() else 0
    except (OSError, KeyError, ValueError, IndexError):
        return None
    return min(free, int(most) - used) if most.isdigit() else free


def give_back(device: Device) -> None:
    """Give freed memory back to the device."""
    gc.collect()  # models and their hooks point at each other
    if device.kind == "cuda":
        torch.cuda.empty_cache()
