"""A pipeline made ready by a plan: its weights read, stored and placed as the plan says, with the LoRAs that are asked.

Which plan, is `plan`'s to say; what a pipeline is asked, `sampling`'s. Nothing is downloaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.quantizers.pipe_quant_config import PipelineQuantizationConfig
from diffusers.utils import logging as diffusers_logging

from rushes.calls import Lora
from rushes.engines.checkpoints import WeightsProblem, find_lora, read_json
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.plan import LARGE, Plan
from rushes.engines.diffusers.single_reading import read_part
from rushes.engines.diffusers.tuning import hasten, lay_channels_last, networks, use_fused
from rushes.engines.diffusers.variants import network_parts
from rushes.engines.diffusers.weights import Weights
from rushes.engines.trouble import weights_problem

Pipe = Any
"""A diffusers pipeline; the package has no types."""

_NUMBERS = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


OWN = ""
"""The variant that is none: the network of the weights themselves."""


def load_pipe(weights: Weights, plan: Plan, variant: str = OWN) -> Pipe:
    """Read the weights, with a variant's network, and place them.

    Raises Unable for what is wrong with them, WeightsProblem, torch.OutOfMemoryError.
    """
    diffusers_logging.disable_progress_bar()
    base, layout = weights.layout.partition("+")[0], LAYOUTS[weights.layout]
    numbers = {"default": _NUMBERS[plan.dtype]} | {part: torch.float32 for part in layout.exact}
    with _told(weights.folder, base):
        swapped = read_network(weights, plan, variant) if variant != OWN else {}
        single = weights.single.parameters if weights.single is not None else {}
        apart = {part: _read_part(weights, part, plan) for part in single if part not in swapped}
        pipe = getattr(diffusers, base).from_pretrained(
            weights.folder,
            dtype=numbers,
            local_files_only=True,
            quantization_config=_quantisation(plan),
            **apart,
            **swapped,
        )
        settle(pipe, plan)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def read_network(weights: Weights, plan: Plan, variant: str) -> dict[str, Any]:
    """Read what a variant has of its own, by the names of the parts; nothing is placed. Raises as `load_pipe`."""
    source = weights.variants.get(variant, weights)
    with _told(source.folder, weights.layout.partition("+")[0]):
        parts: dict[str, Any] = {part: _read_part(source, part, plan) for part in network_parts(weights)}
        config = source.folder / "scheduler" / "scheduler_config.json"
        if config.is_file():  # the noise levels that the network was trained for
            made_by = getattr(diffusers, read_json(config, "fetch it again")["_class_name"])
            parts["scheduler"] = made_by.from_pretrained(config.parent)
    return parts


@contextmanager
def _told(folder: Path, base: str) -> Iterator[None]:
    """Whatever a library makes of a folder that isn't what it seems, or of a package that isn't there, is Unable."""
    try:
        yield
    except (torch.OutOfMemoryError, WeightsProblem):
        raise
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, TypeError, AttributeError) as error:
        raise weights_problem(f"{folder} can't be loaded as {base}: {error}") from error


def _read_part(weights: Weights, part: str, plan: Plan) -> torch.nn.Module:
    """Read one model of a pipeline; it is not placed yet."""
    exact = LAYOUTS[weights.layout].exact
    numbers = torch.float32 if part in exact else _NUMBERS[plan.dtype]
    whole = _quantisation(plan)
    stored = whole._resolve_quant_config(is_diffusers=True, module_name=part) if whole is not None else None
    if weights.single is not None and part in weights.single.parameters:
        return read_part(weights.single.path, weights.folder, part, numbers, stored)
    name = read_json(weights.folder / part / "config.json", "fetch or copy it again")["_class_name"]
    read: torch.nn.Module = getattr(diffusers, name).from_pretrained(
        weights.folder / part, dtype=numbers, local_files_only=True, quantization_config=stored
    )
    return read


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
        prepare_network(denoiser, plan)
    if plan.tiling:
        pipe.vae.enable_tiling()
    if plan.offload == "none":
        pipe.to(plan.device)
    elif plan.offload == "model":
        pipe.enable_model_cpu_offload(device=plan.device)
    else:
        pipe.enable_group_offload(**_layer_by_layer(plan))
    if plan.channels_last:
        lay_channels_last(pipe.vae)
    for denoiser in networks(pipe):
        hasten(denoiser, plan)


def prepare_network(network: Any, plan: Plan) -> None:
    """Store a network that was just read as the plan says; it may be anywhere."""
    if plan.quantisation == "fp8":
        network.enable_layerwise_casting(
            storage_dtype=torch.float8_e4m3fn, compute_dtype=_NUMBERS[plan.dtype], non_blocking=True
        )
    if plan.attention is not None:
        network.set_attention_backend(plan.attention)


def place_network(network: Any, plan: Plan) -> None:
    """Place a network that is to join a placed pipeline; where parts take turns, its pipeline does that."""
    if plan.offload == "none":
        network.to(plan.device)
    elif plan.offload == "group":
        network.enable_group_offload(**_layer_by_layer(plan))
    hasten(network, plan)


def _layer_by_layer(plan: Plan) -> dict[str, Any]:
    return {
        "onload_device": torch.device(plan.device),
        "offload_device": torch.device("cpu"),
        "offload_type": "leaf_level",
        "use_stream": plan.device.startswith("cuda"),
    }


class Adapters:
    """The LoRAs of one pipeline: each is read once, and those that a film asks for are on while it is made."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._names: dict[str, str] = {}
        self._joint = True

    def placed(self) -> None:
        """Hear that the network came back to its place, with its joint products made anew."""
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
        try:
            path, name = find_lora(source, os.environ), f"lora{len(self._names)}"
        except WeightsProblem as problem:
            raise weights_problem(f"LoRA: {problem}") from None
        where = (path.parent, path.name) if path.is_file() else (path, None)
        try:
            self._pipe.load_lora_weights(str(where[0]), weight_name=where[1], adapter_name=name, local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise weights_problem(f"the LoRA {source} doesn't fit these weights: {error}") from error
        # Keys that fit nothing are only warned of.
        if name not in {one for names in self._pipe.get_list_adapters().values() for one in names}:
            raise weights_problem(f"the LoRA {source} changes nothing of these weights; it is another model's")
        self._names[source] = name
