"""A pipeline made ready by a plan: its weights read, stored and placed as the plan says, with the LoRAs that are asked.

Which plan, is `plan`'s to say; what a pipeline is asked, `sampling`'s. Nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.quantizers.pipe_quant_config import PipelineQuantizationConfig
from diffusers.utils import logging as diffusers_logging

from rushes.calls import Lora
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.plan import LARGE, Plan
from rushes.engines.diffusers.tuning import networks, tune, use_fused
from rushes.engines.diffusers.weights import Weights
from rushes.engines.trouble import weights_problem

Pipe = Any
"""A diffusers pipeline; the package has no types."""

_NUMBERS = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def load_pipe(weights: Weights, plan: Plan) -> Pipe:
    """Read the weights and place them. Raises Unable for what is wrong with them, torch.OutOfMemoryError."""
    diffusers_logging.disable_progress_bar()
    base, layout = weights.layout.partition("+")[0], LAYOUTS[weights.layout]
    numbers = {"default": _NUMBERS[plan.dtype]} | {part: torch.float32 for part in layout.exact}
    try:
        pipe = getattr(diffusers, base).from_pretrained(
            weights.folder,
            dtype=numbers,
            local_files_only=True,
            quantization_config=_quantisation(plan),
        )
        settle(pipe, plan)
    except torch.OutOfMemoryError:
        raise
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, TypeError, AttributeError) as error:
        # Whatever a library makes of a folder that isn't what it seems, or of a package that isn't there.
        raise weights_problem(f"{weights.folder} can't be loaded as {base}: {error}") from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _quantisation(plan: Plan) -> PipelineQuantizationConfig | None:
    if plan.quantisation not in ("int8", "nf4"):
        return None
    bits: dict[str, Any] = {"load_in_8bit": True}
    if plan.quantisation == "nf4":
        bits = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    backend = "bitsandbytes_8bit" if plan.quantisation == "int8" else "bitsandbytes_4bit"
    return PipelineQuantizationConfig(quant_backend=backend, quant_kwargs=bits, components_to_quantize=list(LARGE))


def settle(pipe: Pipe, plan: Plan) -> None:
    """Place a pipeline that is in ordinary memory or on the device, and make it as fast as the plan says."""
    for denoiser in networks(pipe):
        if plan.quantisation == "fp8":
            denoiser.enable_layerwise_casting(
                storage_dtype=torch.float8_e4m3fn, compute_dtype=_NUMBERS[plan.dtype], non_blocking=True
            )
        if plan.attention is not None:
            denoiser.set_attention_backend(plan.attention)
    if plan.tiling:
        pipe.vae.enable_tiling()
    if plan.offload == "none":
        pipe.to(plan.device)
    elif plan.offload == "model":
        pipe.enable_model_cpu_offload(device=plan.device)
    else:
        pipe.enable_group_offload(
            onload_device=torch.device(plan.device),
            offload_device=torch.device("cpu"),
            offload_type="leaf_level",
            use_stream=plan.device.startswith("cuda"),
        )
    tune(pipe, plan)


class Adapters:
    """The LoRAs of one pipeline: each is read once, and those that a film asks for are on while it is made."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._names: dict[str, str] = {}
        self._joint = True

    def use(self, loras: tuple[Lora, ...]) -> None:
        """Turn these on and all others off. Raises Unable for one that can't be used."""
        if self._joint == bool(loras):  # joint products don't see what a LoRA changes
            self._joint = not loras
            use_fused(self._pipe, fused=self._joint)
        for lora in loras:
            if lora.source not in self._names:
                self._read(lora.source)
        if loras:
            self._pipe.enable_lora()
            self._pipe.set_adapters([self._names[one.source] for one in loras], [one.scale for one in loras])
        elif self._names:
            self._pipe.disable_lora()

    def _read(self, source: str) -> None:
        path, name = Path(source).expanduser(), f"lora{len(self._names)}"
        if not path.exists():
            raise weights_problem(f"there is no LoRA at {source}; name a folder or a .safetensors file")
        where = (path.parent, path.name) if path.is_file() else (path, None)
        try:
            self._pipe.load_lora_weights(str(where[0]), weight_name=where[1], adapter_name=name, local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise weights_problem(f"the LoRA {source} doesn't fit these weights: {error}") from error
        if name not in {one for names in self._pipe.get_list_adapters().values() for one in names}:
            raise weights_problem(f"the LoRA {source} changes nothing of these weights; it is another model's")
        self._names[source] = name
