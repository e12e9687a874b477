"""Which GPUs a program gets, and whether they are large enough, as the driver's own tool tells.

Where that tool is absent nothing is known, and the program itself says what is wrong. No torch.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which

_TOOL = "nvidia-smi"
_QUERY = ("--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits")
_TIMEOUT_S = 20.0  # it wakes the driver, which takes seconds for each GPU of a machine that was idle
_MIB = 1024 * 1024
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of this machine; `gb` is all its memory, in billions of bytes, None where it doesn't tell."""

    index: str
    uuid: str
    name: str
    gb: float | None


Gpus = tuple[Gpu, ...] | None
"""This machine's; None where nobody tells."""


def chosen(devices: tuple[str, ...], count: int, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the GPUs to be used: those named, else the first of those that this process may use."""
    if devices:
        return devices
    visible = _visible(environment)
    return tuple(map(str, range(count))) if visible is None else visible[:count]


def present(environment: Mapping[str, str]) -> Gpus:
    """Return this machine's GPUs; None where nobody tells."""
    tool = which(_TOOL, path=environment.get("PATH"))
    if tool is None:
        return None
    try:
        told = subprocess.run([tool, *_QUERY], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(_gpu(line) for line in told.splitlines() if line.count(",") == 3)


def complaint(wanted: tuple[str, ...], count: int, least_gb: float, there: Gpus) -> str:
    """Return why these GPUs don't do, "" where nothing is known against them."""
    if there is None:
        return ""
    if len(wanted) < count:
        return f"it needs {count} GPUs, and {len(wanted)} may be used; choose a smaller variant, or set gpus"
    for name in wanted:
        found = _found(name, there)
        if found is None:
            return f"there is no GPU {name}; there are: {', '.join(one.index for one in there) or 'none'}"
        if found.gb is not None and found.gb < least_gb:
            return f"{found.name} has {found.gb:.0f} GB, and {least_gb:g} GB are needed; choose a smaller variant"
    return ""


def names_here(wanted: tuple[str, ...], environment: Mapping[str, str], there: Gpus) -> Iterator[str]:
    """Yield what torch calls these GPUs in this process, which counts those from 0 that are visible to it.

    One that isn't has no name here, and nothing of this process's in its memory.
    """
    visible = _visible(environment)
    for name in wanted:
        gpu = _found(name, there)
        if visible is None:
            yield f"cuda:{gpu.index if gpu else name}"
        for number, one in enumerate(visible or ()):
            if one == name or (gpu is not None and _found(one, there) == gpu):
                yield f"cuda:{number}"


def turns(wanted: tuple[str, ...], there: Gpus, temporary: Path) -> tuple[Path, ...]:
    """Return the files by which films take turns at these GPUs, whichever deployments and data folders they are of.

    Sorted, as everybody has to take them; none where nobody tells which GPUs there are. They lie in a folder of this
    user's among the machine's `temporary` files.
    """
    gpus = {gpu.uuid for name in wanted if (gpu := _found(name, there)) is not None}
    if not gpus:
        return ()
    folder = temporary / f"rushes-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return tuple(folder / f"{uuid}.lock" for uuid in sorted(gpus))


def _visible(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the GPUs that this process may use, None for all: no word at all is another thing than an empty one."""
    told = environment.get(VISIBLE)
    return None if told is None else tuple(one for part in told.split(",") if (one := part.strip()) not in ("", "-1"))


def _found(name: str, there: Gpus) -> Gpu | None:
    """Return the GPU of this index or UUID, or of the UUID that begins so, as CUDA takes them; "" is none."""
    known = there or ()
    exact = next((one for one in known if name in (one.index, one.uuid)), None)
    return exact or next((one for one in known if name and one.uuid.startswith(name)), None)


def _gpu(line: str) -> Gpu:
    index, uuid, name, mib = (part.strip() for part in line.split(","))
    # "[N/A]" where the processor and the GPU have one memory.
    return Gpu(index, uuid, name, float(mib) * _MIB / 1e9 if mib.replace(".", "").isdigit() else None)
