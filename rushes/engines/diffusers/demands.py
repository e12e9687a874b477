"""What a deployment's settings demand of this machine and these weights, and which of it isn't here. Imports no torch.

The server asks before it starts, so packages are only looked for and not loaded. What was left unset demands nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rushes.engines.diffusers.layouts import Layout
from rushes.engines.diffusers.plan import compiles
from rushes.engines.diffusers.skipping import RatiosProblem, read_ratios
from rushes.routing import DiffusersDeployment, Variant


@dataclass(frozen=True, slots=True)
class Backend:
    """What an attention backend needs: a module, by the name it is imported as, and which package has it."""

    module: str = "torch"
    package: str = "torch"
    on_cpu: bool = False
    masks: bool = False
    shares: bool = False


_HUB, _SAGE = Backend("kernels", "kernels"), Backend("sageattention", "sageattention")
_SHARED_HUB = Backend("kernels", "kernels", shares=True)

ATTENTION: Mapping[str, Backend] = {
    "native": Backend(on_cpu=True, masks=True, shares=True),
    "_native_math": Backend(on_cpu=True, masks=True),
    "flex": Backend(on_cpu=True, masks=True),
    "_native_cudnn": Backend(masks=True, shares=True),
    "_native_efficient": Backend(masks=True),
    "_native_flash": Backend(shares=True),
    "flash": Backend("flash_attn", "flash-attn", shares=True),
    "flash_varlen": Backend("flash_attn", "flash-attn", masks=True),
    "_flash_3": Backend("flash_attn_interface", "flash-attn-3"),
    "_flash_varlen_3": Backend("flash_attn_interface", "flash-attn-3", masks=True),
    "flash_hub": _SHARED_HUB,
    "flash_varlen_hub": Backend("kernels", "kernels", masks=True, shares=True),
    "flash_4_hub": _HUB,
    "_flash_3_hub": _SHARED_HUB,
    "_flash_3_varlen_hub": Backend("kernels", "kernels", masks=True, shares=True),
    "aiter_fa2_hub": _HUB,
    "sage": Backend("sageattention", "sageattention", shares=True),
    "sage_hub": _SHARED_HUB,
    "sage_blackwell_hub": _HUB,
    "sage_varlen": Backend("sageattention", "sageattention", masks=True),
    "_sage_qk_int8_pv_fp8_cuda": _SAGE,
    "_sage_qk_int8_pv_fp8_cuda_sm90": _SAGE,
    "_sage_qk_int8_pv_fp16_cuda": _SAGE,
    "_sage_qk_int8_pv_fp16_triton": _SAGE,
    "xformers": Backend("xformers", "xformers", masks=True),
}
"""diffusers' backends; `masks` know masks, `shares` can share a film's tokens among devices."""


def unmet(setting: DiffusersDeployment, layout: Layout) -> str:
    """Return the first demand that can't be met, with the remedy; "" where all can."""
    return next((told for told in _all(setting, layout) if told), "")


def _all(setting: DiffusersDeployment, layout: Layout) -> Iterator[str]:
    on_cpu = any(one.partition(":")[0] == "cpu" for one in (setting.device or "", *setting.devices))
    shared = len(setting.devices) > 1
    if setting.attention is not None:
        yield _attention(setting.attention, layout, on_cpu=on_cpu, shared=shared)
    yield _quantisation(setting)
    if setting.compile:
        yield _compiling(setting, on_cpu=on_cpu)
    if setting.fused:
        yield _fusing(setting, layout)
    networks: tuple[DiffusersDeployment | Variant, ...] = (setting, *setting.variants.values())
    for told in networks:
        if told.ratios is not None:
            yield _ratios(told.ratios)
        if told.calibrate is not None:
            yield _calibrating(told.calibrate, shared=shared)
        if setting.distilled is not None and told.calibrate is not None:
            yield "calibrate: distilled weights leave no passes out, so nothing can be measured; remove one of the two"
    yield _sharing(setting)


def _attention(name: str, layout: Layout, *, on_cpu: bool, shared: bool) -> str:
    backend = ATTENTION.get(name)
    if backend is None:
        return f"attention: there is no backend {name!r}; there are: {', '.join(ATTENTION)}"
    if find_spec(backend.module) is None:
        return f"attention: {name} needs the package {backend.package}, which isn't installed; install it, or unset it"
    if on_cpu and not backend.on_cpu:
        fit = [one for one, its in ATTENTION.items() if its.on_cpu]
        return f"attention: {name} needs a GPU; on a CPU there are: {', '.join(fit)}"
    if layout.masked and not backend.masks:
        fit = [one for one, its in ATTENTION.items() if its.masks]
        return f"attention: {name} knows no masks, which these weights need; those that do: {', '.join(fit)}"
    if shared and not backend.shares:
        fit = [one for one, its in ATTENTION.items() if its.shares]
        return f"attention: {name} can't share a film among devices; those that can: {', '.join(fit)}"
    return ""


def _quantisation(setting: DiffusersDeployment) -> str:
    if setting.quantisation in ("int8", "nf4") and find_spec("bitsandbytes") is None:
        return f"quantisation: {setting.quantisation} needs bitsandbytes; install it with: pip install bitsandbytes"
    return ""


def _compiling(setting: DiffusersDeployment, *, on_cpu: bool) -> str:
    if setting.offload == "group":
        return 'compile: layers that come and go (offload = "group") can\'t be compiled; unset one of the two'
    if not compiles(on_gpu=not on_cpu):
        needed = "a C++ compiler" if on_cpu else "a C++ compiler and the package triton"
        return f"compile: torch needs {needed}, which isn't here; install it, or unset compile"
    return ""


def _fusing(setting: DiffusersDeployment, layout: Layout) -> str:
    if not layout.fuses:
        return "fused: the network of these weights has no joint products; unset fused"
    if setting.quantisation != "none" or setting.offload in ("model", "group"):
        return "fused: joint products need weights that stay on the device as they are; unset offload and quantisation"
    return ""


def _ratios(path: str) -> str:
    try:
        read_ratios(path)
    except RatiosProblem as problem:
        return str(problem)
    return ""


def _calibrating(path: str, *, shared: bool) -> str:
    if shared:
        return "calibrate: ratios are measured on one device; unset devices meanwhile"
    folder = Path(path).expanduser().absolute().parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        return f"calibrate: there is no folder {folder} that can be written to"
    return ""


def _sharing(setting: DiffusersDeployment) -> str:
    kinds = {one.partition(":")[0] for one in setting.devices}
    if not setting.devices:
        return ""
    if not kinds <= {"cuda", "cpu"} or len(kinds) > 1:
        return f"devices: name GPUs as cuda:0, or cpu several times; got {', '.join(setting.devices)}"
    if kinds == {"cuda"} and len(set(setting.devices)) < len(setting.devices):
        return f"devices: a GPU can be named once; got {', '.join(setting.devices)}"
    if len(setting.devices) > 1 and setting.offload in ("model", "group"):
        return "devices: weights can't wait outside where several devices share a film; unset offload"
    if len(setting.devices) > 1 and setting.variants:
        return "devices: several devices that share a film hold one network; give each variant a deployment of its own"
    return ""
