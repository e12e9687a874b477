"""A loaded pipeline made faster without changing what it computes: memory layouts, joint products, compiled blocks.

What is wanted stands in the plan. Joint products of queries, keys and values share their numbers with the single ones,
so they take no memory, and a film with a LoRA goes back to the single ones, which LoRAs change.
"""

from __future__ import annotations

from typing import Any

import torch
from torch._dynamo.exc import TorchDynamoException

from rushes.engines.diffusers.passes import COMPILED, repeated
from rushes.engines.diffusers.plan import Plan

JOINT = ("to_qkv", "to_kv")  # an attention that is fused has one of these

CompileError = TorchDynamoException
"""What torch raises where it can't compile: a tool that is missing or broken, or code that it doesn't understand."""


def hasten(network: Any, plan: Plan) -> None:
    """Apply what the plan wants to a network that is where it will stay."""
    if plan.fused:
        fuse(network)
    if plan.compile:
        # Sizes that change are compiled once more, for any size; blocks are many and alike, so once is for all.
        network.compile_repeated_blocks(dynamic=None)


def be_exact(plan: Plan) -> None:
    """Set what torch keeps for the whole process; other deployments of it may have set it otherwise."""
    if torch.get_float32_matmul_precision() != plan.matmul_precision:
        torch.set_float32_matmul_precision(plan.matmul_precision)
    torch.backends.cudnn.benchmark = plan.cudnn_benchmark


def networks(pipe: Any) -> list[Any]:
    """Return a pipeline's denoising networks."""
    return [one for one in (pipe.transformer, getattr(pipe, "transformer_2", None)) if one is not None]


def lay_channels_last(vae: torch.nn.Module) -> None:
    """Lay filters channels last, by their number of dimensions; what they compute follows."""
    for parameter in vae.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
        elif parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def fuse(network: Any) -> None:
    """Compute queries, keys and values together, and let the single products' weights be parts of the joint ones."""
    network.fuse_qkv_projections()
    for attention in _attentions(network):
        for joint, singles in (
            ("to_qkv", ("to_q", "to_k", "to_v")),
            ("to_kv", ("to_k", "to_v")),
            ("to_added_kv", ("add_k_proj", "add_v_proj")),
        ):
            whole = getattr(attention, joint, None)
            if whole is None:
                continue
            start = 0  # of its rows: singles lie in the joint one in this order
            for name in singles:
                single = getattr(attention, name)
                end = start + single.weight.shape[0]
                single.weight.data, single.bias.data = whole.weight.data[start:end], whole.bias.data[start:end]
                start = end


def part_fused(network: Any) -> None:
    """Go back to single products, whose weights can be moved: parts of joint ones would be copied beside those."""
    for attention in _attentions(network):  # off while a LoRA is on, and then it would not be undone
        attention.fused_projections = any(hasattr(attention, joint) for joint in JOINT)
    network.unfuse_qkv_projections()


def use_fused(pipe: Any, *, fused: bool) -> None:
    """Turn joint products on or off, where there are some."""
    for network in networks(pipe):
        for attention in _attentions(network):
            if any(hasattr(attention, joint) for joint in JOINT):
                attention.fused_projections = fused


def stop_compiling(pipe: Any) -> bool:
    """Run blocks as they are written again; say whether any was compiled."""
    found = False
    for network in networks(pipe):
        for block in repeated(network):
            if vars(block).pop(COMPILED, None) is not None:
                found = True
    return found


def _attentions(network: torch.nn.Module) -> list[Any]:
    return [one for one in network.modules() if hasattr(one, "fused_projections")]
