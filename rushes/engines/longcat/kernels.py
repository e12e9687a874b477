"""Which kernel computes attention on a device; all of them compute the same.

On NVIDIA's GPUs from Hopper on: FlashAttention-3 where its package is installed, else cuDNN's kernel. Chunks go through
FlexAttention on every GPU that has Triton: it reads the chosen ones where they lie instead of copying them side by
side. Elsewhere what torch chooses, and gathered chunks.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import torch
from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from rushes.engines.longcat.attention import Attend, dense
from rushes.engines.longcat.block_sparse import BlockSparse
from rushes.engines.longcat.flex_sparse import FlexSparse
from rushes.engines.longcat.rotary import Grid

HOPPER = 9  # the major number of what such a device can do
FLASH_3 = "flash_attn_interface"  # the package's module

# The first that can: cuDNN's refuses float32, for one.
CUDNN_FIRST = (
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
)


def by_cudnn(q: Tensor, k: Tensor, v: Tensor, _q_grid: Grid, _k_grid: Grid) -> Tensor:
    """Let every query see every key, by cuDNN's kernel where that can."""
    with sdpa_kernel(list(CUDNN_FIRST), set_priority=True):
        return scaled_dot_product_attention(q, k, v)


@dataclass(frozen=True, slots=True)
class Dispatched:
    """Let every query see every key, by one of diffusers' backends."""

    backend: AttentionBackendName

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, _q_grid: Grid, _k_grid: Grid) -> Tensor:
        """Attend; diffusers has heads behind tokens."""
        out = dispatch_attention_fn(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), backend=self.backend)
        return out.transpose(1, 2)


def dense_on(device: torch.device, dtype: torch.dtype) -> Attend:
    """Return the fastest way for every token to see every other."""
    return fastest(_major(device), dtype, has_flash_3=find_spec(FLASH_3) is not None)


def fastest(major: int, dtype: torch.dtype, *, has_flash_3: bool) -> Attend:
    """Return the fastest on a generation of NVIDIA's; 0 is everything else."""
    # Made for this generation alone, and for numbers of 16 bits.
    if major == HOPPER and has_flash_3 and dtype != torch.float32:
        return Dispatched(AttentionBackendName._FLASH_3)
    return by_cudnn if major >= HOPPER else dense


def sparse_on(device: torch.device, sparsity: float) -> Attend:
    """Return the fastest attention in chunks."""
    if device.type == "cuda" and find_spec("triton") is not None:
        return FlexSparse(sparsity)
    return BlockSparse(sparsity)


def _major(device: torch.device) -> int:
    """Return which generation of NVIDIA's a device is of; 0 for others."""
    if device.type != "cuda" or torch.version.hip is not None:
        return 0
    return torch.cuda.get_device_capability(device)[0]
