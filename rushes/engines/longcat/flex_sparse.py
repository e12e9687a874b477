"""Attention in chunks through torch's FlexAttention: a kernel that skips the chunks that weren't chosen.

The same chunks as in `block_sparse`, and the same result. Gathering writes and reads every chosen chunk once for each
query chunk, at 720p some 114 GB in every layer; here they are read where they lie. FlexAttention is only ever sparse
when it is compiled: on a GPU by Triton, on the CPU by a C++ compiler, where the tests hold it to the dense mask.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException
from torch.nn.attention.flex_attention import BlockMask, FlexKernelOptions, flex_attention
from torch.nn.functional import pad, scaled_dot_product_attention

from rushes.engines.longcat.block_sparse import CHUNK_TOKENS, BlockSparse, chosen, chunks_of, from_chunks
from rushes.engines.longcat.rotary import Grid

# A tile of the kernel may not be larger than a chunk.
TILES: FlexKernelOptions = {"BLOCK_M": CHUNK_TOKENS, "BLOCK_N": CHUNK_TOKENS}

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FlexSparse:
    """An `Attend` that sees of each head's key chunks the share 1 - sparsity; see `block_sparse`."""

    sparsity: float

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, q_grid: Grid, k_grid: Grid) -> Tensor:
        """Attend; see `attention.Attend`."""
        qs, ks, vs = chunks_of(q, q_grid), chunks_of(k, k_grid), chunks_of(v, k_grid)
        picks = chosen(qs, ks, self.sparsity)
        if picks.shape[-1] == ks.shape[2]:
            return scaled_dot_product_attention(q, k, v)
        attend = _over_chunks if torch.compiler.is_compiling() else _alone
        out = attend(qs.flatten(2, 3), ks.flatten(2, 3), vs.flatten(2, 3), picks)
        if out is None:
            return BlockSparse(self.sparsity)(q, k, v, q_grid, k_grid)
        return from_chunks(out.reshape(qs.shape), q_grid)


def _over_chunks(q: Tensor, k: Tensor, v: Tensor, picks: Tensor) -> Tensor:
    """(B, H, nq * 64, D) over (B, H, nk * 64, D), of which (B, H, nq, kept) are picked -> (B, H, nq * 64, D)."""
    count, kept = k.shape[2] // CHUNK_TOKENS, picks.shape[-1]
    picked = picks.sort(dim=-1).values.to(torch.int32)  # neighbours share cache lines
    if q.device.type == "cpu":
        picked = pad(picked, (0, count - kept))  # its kernel wants a column for each key chunk, and skips these
    full = torch.full(picked.shape[:3], kept, dtype=torch.int32, device=q.device)
    mask = BlockMask.from_kv_blocks(
        torch.zeros_like(full),  # no chunk is seen in part
        torch.zeros_like(picked),
        full,
        picked,
        BLOCK_SIZE=CHUNK_TOKENS,
        seq_lengths=(q.shape[2], k.shape[2]),
        compute_q_blocks=False,  # those are for training
    )
    return flex_attention(q, k, v, block_mask=mask, kernel_options=TILES)


class _Alone:
    """The same, compiled by itself for blocks that are not: uncompiled, it would compute all pairs of tokens."""

    def __init__(self) -> None:
        self._compiled: Callable[..., Tensor] | None = None
        self._failed = False

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, picks: Tensor) -> Tensor | None:
        """Return what `_over_chunks` does; None where it can't be compiled here."""
        if self._failed:
            return None
        if self._compiled is None:
            self._compiled = torch.compile(_over_chunks)
        try:
            return self._compiled(q, k, v, picks)
        except TorchDynamoException as error:
            self._failed = True
            LOG.warning("chunks are gathered, since attention to them can't be compiled: %s", str(error).split("\n")[0])
            return None


_alone = _Alone()
