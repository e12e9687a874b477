"""What torch sees of this machine, printed as JSON: a process of its own, so that a broken torch breaks no other.

    python -m rushes.runners.torch_probe [--rate]

With --rate each device multiplies matrices for a moment, and tells how many operations a second it got.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

SPAN_S = 0.4  # of multiplying


def report(*, rate: bool) -> dict[str, Any]:
    """Return versions and devices."""
    import torch  # noqa: PLC0415  # may be broken, and comes with an extra

    found = [_gpu(torch, number, rate=rate) for number in range(torch.cuda.device_count())]
    told: dict[str, Any] = {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "available": torch.cuda.is_available(),
        "devices": found,
    }
    if rate and not found:
        told["cpu_rate"] = _rate(torch, "cpu", torch.float32, 1024)
    return told


def _gpu(torch: Any, number: int, *, rate: bool) -> dict[str, Any]:
    free, total = torch.cuda.mem_get_info(number)
    told = {
        "name": torch.cuda.get_device_name(number),
        "free": free,
        "total": total,
        "capability": list(torch.cuda.get_device_capability(number)),
    }
    if rate:
        told["rate"] = _rate(torch, f"cuda:{number}", torch.bfloat16, 8192)
    return told


def _rate(torch: Any, device: str, dtype: Any, side: int) -> float:
    """Return the operations a second that products of square matrices get."""
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    settle = torch.cuda.synchronize if device != "cpu" else lambda: None
    one @ other
    settle()
    # The product above is not counted: the first one loads libraries and picks its way.
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < SPAN_S:
        for _ in range(4):
            one @ other
        settle()
        done += 4
    return float(done * 2 * side**3 / (time.perf_counter() - began))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(rate="--rate" in sys.argv[1:])))
