"""How weights are held on a device: which numbers, what waits in the machine's memory, what makes them faster.

What the operator set counts; the rest follows from the device. Memory for the work itself is reckoned as a quarter of
the largest part, at least 1.5 GB: weights of 33 GB, used in turn, are reported to take about 40 GB.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from shutil import which
from typing import Literal

from rushes.engines.diffusers.layouts import NETWORKS
from rushes.routing import DiffusersDeployment

GB = 10**9
Offload = Literal["none", "model", "group"]
Dtype = Literal["bfloat16", "float16", "float32"]
Precision = Literal["highest", "high", "medium"]

BYTES: Mapping[str, int] = {"bfloat16": 2, "float16": 2, "float32": 4}
STORED: Mapping[str, float] = {"fp8": 1.0, "int8": 1.0, "nf4": 0.5}  # bytes per parameter of the large parts
CAST = NETWORKS  # all that fp8 changes; text encoders compute in what they are stored in
LARGE = (*NETWORKS, "text_encoder")
LADDER: tuple[Offload, ...] = ("none", "model", "group")
WORK_SHARE, WORK_LEAST = 0.25, 1.5 * GB
ROOMY = 16 * GB  # left beside all weights, films of 720p are decoded in one piece
HOPPER, TENSOR_CORES, OWN_BFLOAT16 = (9, 0), (7, 0), (8, 0)


@dataclass(frozen=True, slots=True)
class Device:
    """What a device has; bytes. `free_bytes` is None where it isn't known, as for a CPU's."""

    name: str
    kind: Literal["cuda", "mps", "cpu"]
    label: str
    free_bytes: int | None = None
    capability: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the weights are held."""

    device: str
    dtype: Dtype
    offload: Offload
    tiling: bool
    quantisation: Literal["none", "fp8", "int8", "nf4"]
    attention: str | None
    compile: bool = False
    fused: bool = False
    channels_last: bool = False
    matmul_precision: Precision = "highest"
    cudnn_benchmark: bool = False


def sizes(
    parameters: Mapping[str, int], exact: tuple[str, ...], dtype: Dtype, quantisation: str = "none"
) -> dict[str, int]:
    """Return each part's bytes."""

    def width(name: str) -> float:
        if name in exact:
            return BYTES["float32"]
        stored_small = name in (CAST if quantisation == "fp8" else LARGE)
        return STORED.get(quantisation, BYTES[dtype]) if stored_small else BYTES[dtype]

    return {name: int(count * width(name)) for name, count in parameters.items()}


def work_bytes(parts: Mapping[str, int]) -> int:
    """Return what is kept free for the work itself."""
    return int(max(WORK_LEAST, WORK_SHARE * max(parts.values(), default=0)))


def plan_of(
    device: Device,
    parameters: Mapping[str, int],
    exact: tuple[str, ...],
    setting: DiffusersDeployment,
    *,
    masked: bool = False,
    fuses: bool = True,
) -> Plan:
    """Return how these weights are held on this device under this setting. The last two are as in Layout."""
    # float16 overflows in T5's layers; GPUs without bfloat16 of their own emulate it.
    dtype: Dtype = setting.dtype or ("float32" if device.kind == "cpu" else "bfloat16")
    parts = sizes(parameters, exact, dtype, setting.quantisation)
    free = _budget(device, setting)
    offload = setting.offload or _offload(device, parts, free)
    spare = None if free is None else free - sum(parts.values())
    tiling = setting.tiling if setting.tiling is not None else spare is not None and spare < ROOMY
    attention = setting.attention or _attention(device, dtype, masked=masked, shared=len(setting.devices) > 1)
    plan = Plan(device.name, dtype, offload, tiling, setting.quantisation, attention)
    return _sped_up(plan, device, setting, fuses=fuses)


def _attention(device: Device, dtype: Dtype, *, masked: bool, shared: bool) -> str | None:
    """Return the fastest backend that is here; None is torch's own choice. The faster two know no float32."""
    if device.capability < HOPPER or dtype == "float32":
        return None
    if find_spec("flash_attn_interface") is not None and not masked and not shared:
        return "_flash_3"
    return "_native_cudnn"


def _sped_up(plan: Plan, device: Device, setting: DiffusersDeployment, *, fuses: bool) -> Plan:
    """Return the plan with what makes it faster, where it is known to work unless the operator said so."""
    on_gpu, settled = device.kind == "cuda", plan.offload == "none"
    whole = settled and plan.quantisation == "none"

    def chosen(said: bool | None, usual: bool) -> bool:
        return usual if said is None else said

    return replace(
        plan,
        compile=chosen(setting.compile, on_gpu and whole and compiles(on_gpu=True) and len(setting.devices) < 2),
        fused=whole and fuses and chosen(setting.fused, on_gpu and not setting.loras),
        channels_last=chosen(setting.channels_last, on_gpu and device.capability >= TENSOR_CORES),
        matmul_precision=setting.matmul_precision
        or ("high" if on_gpu and device.capability >= OWN_BFLOAT16 else "highest"),
        cudnn_benchmark=chosen(setting.cudnn_benchmark, on_gpu and settled),
    )


def compiles(*, on_gpu: bool) -> bool:
    """Say whether there is what torch needs to compile: a C compiler, and Triton for a GPU."""
    found = os.environ.get("CXX") or next((one for one in ("g++", "clang++", "cc", "gcc") if which(one)), None)
    return found is not None and (not on_gpu or find_spec("triton") is not None)


def leaner(plan: Plan, device: Device) -> Plan | None:
    """Return the next plan that needs less memory, None where there is none."""
    if not plan.tiling:
        return replace(plan, tiling=True)
    if device.kind != "cuda" or plan.offload == LADDER[-1]:
        return None
    # What waits outside comes and goes, which neither compiled blocks nor shared numbers survive.
    return replace(plan, offload=LADDER[LADDER.index(plan.offload) + 1], compile=False, fused=False)


def needed_bytes(plan: Plan, parts: Mapping[str, int]) -> int:
    """Return what the weights take on the device under a plan, without the work."""
    if plan.offload == "none":
        return sum(parts.values())
    return max(parts.values(), default=0) if plan.offload == "model" else 0


def _budget(device: Device, setting: DiffusersDeployment) -> int | None:
    given = None if setting.memory_gb is None else int(setting.memory_gb * GB)
    known = [one for one in (given, device.free_bytes) if one is not None]
    return min(known) if known else None


def _offload(device: Device, parts: Mapping[str, int], free: int | None) -> Offload:
    if device.kind != "cuda" or free is None:
        return "none"
    work = work_bytes(parts)
    if sum(parts.values()) + work <= free:
        return "none"
    return "model" if max(parts.values(), default=0) + work <= free else "group"
