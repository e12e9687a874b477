"""A film's tokens shared among processes (context parallelism): each has its part, and attention sees them all.

diffusers' own plans say where tokens are parted and joined; attention's heads go to and fro between the processes
(Ulysses: Jacobs et al. 2023). Here that is set up with the devices that the operator named, on any backend of torch.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from diffusers.hooks.context_parallel import apply_context_parallel
from diffusers.models._modeling_parallel import ContextParallelConfig, ContextParallelInput, ParallelConfig
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh

TO_TEXT = "attn2"
"""Attention to the text, by the layers' names: a text is short, so each process has the whole of it, and its mask."""


class Sharing:
    """One process's part in a group that shares films; the group is torch's default one."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._degrees = ContextParallelConfig(ulysses_degree=self.size)
        mesh = init_device_mesh(self._device.type, (1, self.size), mesh_dim_names=("ring", "ulysses"))
        self._config = ParallelConfig(context_parallel_config=self._degrees)
        self._config.setup(self.rank, self.size, self._device, mesh=mesh)

    def share(self, network: Any) -> None:
        """Have a network share its tokens from now on; their number and that of its heads must be whole multiples."""
        network._parallel_config = self._config
        for name, module in network.named_modules():
            processor: Any = getattr(module, "processor", None)
            if hasattr(processor, "_parallel_config") and not name.endswith(TO_TEXT):
                processor._parallel_config = self._config
        apply_context_parallel(network, self._degrees, _plan(network._cp_plan))

    def local(self, tokens: Tensor) -> Tensor:
        """Return this process's part of all tokens (1, N, C)."""
        return tokens.tensor_split(self.size, dim=1)[self.rank]


def _plan(given: dict[str, Any]) -> dict[str, Any]:
    """Return a network's plan with its tokens' own noise levels (1, N) parted too, and its text whole for each."""
    # Of each token where a picture is held to its noise level, so they go with the tokens.
    told = ContextParallelInput(split_dim=1, expected_dims=2, split_output=False)
    inputs = {name: one for name, one in given.get("", {}).items() if not name.startswith("encoder_")}
    return {**given, "": {"timestep": told, **inputs}}
