"""One case measured: seconds for a step with either, in turns; memory; the matrix units' own rate; and how equal it is.

Steps are those of whole runs through the pipelines, as callers and the engine make them: the time from the end of one
to the end of the next, so that what comes before the first step doesn't count. The device is waited for at each end.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from gpu_cases import Case
from gpu_sides import Sides, sides_of
from torch import Tensor

SIDE, PRODUCTS = 8192, 30  # of square matrices, whose products show what the matrix units give
TOLERANCES = {torch.bfloat16: 0.03, torch.float32: 1e-4}  # of the root mean square, after a pass of all layers


@dataclass(slots=True)
class Measured:
    """What came out; seconds and bytes. `work` are a step's operations, `rate` operations a second of the device."""

    name: str
    title: str
    device: str
    torch: str
    chosen: str
    tokens: int
    work: float
    rate: float
    plain_s: list[float] = field(default_factory=list)
    ours_s: list[float] = field(default_factory=list)
    plain_bytes: int = 0
    ours_bytes: int = 0
    first_s: float = 0.0
    pass_most: float = 0.0
    pass_relative: float = 0.0
    film_relative: float = 0.0
    tolerance: float = 0.0
    error: str = ""


@torch.no_grad()
def measure(case: Case, device: str | None, seconds: float) -> Measured:
    """Measure it, in so many seconds at most: rounds that would take longer are left out, but not the first."""
    started = time.perf_counter()
    name = device or ("cuda:0" if torch.cuda.is_available() else "cpu")
    rate = matrix_rate(name)
    with tempfile.TemporaryDirectory() as folder:
        sides = sides_of(case, device, Path(folder))
        label = torch.cuda.get_device_name(name) if name.startswith("cuda") else "CPU"
        found = Measured(
            case.name, case.title, label, torch.__version__, sides.chosen, case.tokens, case.work_of_step, rate
        )
        _compare(sides, found)
        longest, of_a_round = 0.0, case.steps - 1
        for number in range(case.rounds):
            begun = time.perf_counter()
            if number and begun + longest > started + seconds:
                break
            _round(sides, found, name)
            longest = max(longest, time.perf_counter() - begun)
    if len(found.plain_s) > of_a_round:  # the first round finds memory and kernels for the others
        del found.plain_s[:of_a_round], found.ours_s[:of_a_round]
    return found


def matrix_rate(device: str) -> float:
    """Return how many operations a second products of large bfloat16 matrices reach; float32 on the CPU."""
    gpu = device.startswith("cuda")
    side, dtype = (SIDE, torch.bfloat16) if gpu else (SIDE // 16, torch.float32)
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    out = left @ right
    best = 0.0
    for _ in range(3):
        _wait(device)
        begun = time.perf_counter()
        for _ in range(PRODUCTS):
            torch.mm(left, right, out=out)
        _wait(device)
        best = max(best, 2 * side**3 * PRODUCTS / (time.perf_counter() - begun))
    return best


def as_row(found: Measured) -> dict[str, Any]:
    """Return it as JSON has it, with what follows from it."""
    row: dict[str, Any] = asdict(found)
    if found.plain_s and found.ours_s:
        plain, ours = statistics.median(found.plain_s), statistics.median(found.ours_s)
        row |= {"plain": plain, "ours": ours, "ratio": plain / ours, "share": found.work / ours / found.rate}
        row["plain_share"] = found.work / plain / found.rate
    row["equal"] = found.pass_relative <= found.tolerance
    return row


def _round(sides: Sides, found: Measured, device: str) -> None:
    """Run either once; the longer a device works the warmer it is, so they take turns."""
    films = []
    for run, times, memory in (
        (sides.plain, found.plain_s, "plain_bytes"),
        (sides.ours, found.ours_s, "ours_bytes"),
    ):
        _forget_peak(device)
        ends: list[float] = []

        def ended(ends: list[float] = ends) -> None:
            _wait(device)
            ends.append(time.perf_counter())

        films.append(run(ended))
        times += [after - before for before, after in pairwise(ends)]
        setattr(found, memory, max(getattr(found, memory), _peak(device)))
    found.film_relative = max(found.film_relative, _relative(*films))


def _compare(sides: Sides, found: Measured) -> None:
    """Make one pass with either on the same input; ours is compiled then, which takes its time once."""
    wanted = sides.pass_plain().float()
    begun = time.perf_counter()
    got = sides.pass_ours().float()
    _wait(str(got.device))
    found.first_s = time.perf_counter() - begun
    if not bool(wanted.isfinite().all() & got.isfinite().all()):
        raise ValueError("NaN or infinity in a pass, so nothing was compared")
    found.pass_most = float((got - wanted).abs().max())
    found.pass_relative = _relative(wanted, got)
    found.tolerance = TOLERANCES[sides.dtype]


def _relative(wanted: Tensor, got: Tensor) -> float:
    """Return the difference's root mean square by the wanted's."""
    apart = (got.float() - wanted.float()).square().mean().sqrt()
    return float(apart / wanted.float().square().mean().sqrt().clamp_min(1e-12))


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _forget_peak(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> int:
    """Return the most bytes that were taken; 0 where nobody counts."""
    return torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else 0
