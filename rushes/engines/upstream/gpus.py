"""Which GPUs a program gets, and whether they are large enough, as the driver's own tool tells.

Where that tool is absent nothing is known, and the program itself says what is wrong. No torch.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from shutil import which

_TOOL = "nvidia-smi"
_QUERY = ("--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits")
_TIMEOUT_S = 20.0
_MIB = 1024 * 1024
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of this machine; `gb` is all its memory, in billions of bytes."""

    index: str
    uuid: str
    name: str
    gb: float


def chosen(devices: tuple[str, ...], count: int, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the GPUs to be used: those named, else the first of those that this process may use."""
    if devices:
        return devices
    allowed = [one.strip() for one in environment.get(VISIBLE, "").split(",") if one.strip()]
    return tuple(allowed[:count] if allowed else map(str, range(count)))


def present(environment: Mapping[str, str]) -> tuple[Gpu, ...] | None:
    """Return this machine's GPUs; None where nobody tells."""
    tool = which(_TOOL, path=environment.get("PATH"))
    if tool is None:
        return None
    try:
        told = subprocess.run([tool, *_QUERY], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(_gpu(line) for line in told.splitlines() if line.count(",") == 3)


def complaint(wanted: tuple[str, ...], count: int, least_gb: float, there: tuple[Gpu, ...] | None) -> str:
    """Return why these GPUs don't do, "" where nothing is known against them."""
    if there is None:
        return ""
    if len(wanted) < count:
        return f"it needs {count} GPUs, and {len(wanted)} may be used; choose a smaller variant, or set gpus"
    known = {one.index: one for one in there} | {one.uuid: one for one in there}
    for name in wanted:
        found = known.get(name) or next((one for one in there if name and one.uuid.startswith(name)), None)
        if found is None:
            return f"there is no GPU {name}; there are: {', '.join(one.index for one in there) or 'none'}"
        if found.gb < least_gb:
            return f"{found.name} has {found.gb:.0f} GB, and {least_gb:g} GB are needed; choose a smaller variant"
    return ""


def _gpu(line: str) -> Gpu:
    index, uuid, name, mib = (part.strip() for part in line.split(","))
    return Gpu(index, uuid, name, float(mib) * _MIB / 1e9 if mib.replace(".", "").isdigit() else 0.0)
