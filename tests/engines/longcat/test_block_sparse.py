"""Attention in chunks: against the dense mask, against dense attention, and what is chosen."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.engines.longcat.attention import dense  # noqa: E402
from rushes.engines.longcat.block_sparse import (  # noqa: E402
    BlockSparse,
    Masked,
    chosen,
    chunks_of,
    from_chunks,
    kept_chunks,
)

GRID, QUERIES = (8, 8, 4), (4, 8, 4)


def some(grid: tuple[int, int, int], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, grid[0] * grid[1] * grid[2], 8, generator=generator)


def test_chunks_are_neighbourhoods_and_go_back() -> None:
    tokens = torch.arange(8 * 8 * 4).view(1, 1, -1, 1)
    chunks = chunks_of(tokens, GRID)
    assert chunks.shape == (1, 1, 4, 64, 1)
    assert chunks[0, 0, 0, :6, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert chunks[0, 0, 1, 0, 0] == 16, "the next chunk is four rows further down"
    assert chunks[0, 0, 2, 0, 0] == 128, "then comes the next four frames"
    assert torch.equal(from_chunks(chunks, GRID), tokens)


@pytest.mark.parametrize("sparsity", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("at_once", [1, 1 << 30])
@pytest.mark.parametrize("queries", [GRID, QUERIES])
def test_gathering_gives_what_the_mask_gives(sparsity: float, at_once: int, queries: tuple[int, int, int]) -> None:
    q, k, v = some(queries, 1), some(GRID, 2), some(GRID, 3)
    gathered = BlockSparse(sparsity, at_once)(q, k, v, queries, GRID)
    assert torch.allclose(gathered, Masked(sparsity)(q, k, v, queries, GRID), atol=1e-6)
    assert not torch.allclose(gathered, dense(q, k, v, queries, GRID), atol=1e-2)


@pytest.mark.parametrize("attend", [BlockSparse(0.0), Masked(0.0)])
def test_without_sparsity_it_is_dense_attention(attend: BlockSparse | Masked) -> None:
    q, k, v = some(QUERIES, 1), some(GRID, 2), some(GRID, 3)
    assert torch.allclose(attend(q, k, v, QUERIES, GRID), dense(q, k, v, QUERIES, GRID), atol=1e-6)


def test_each_head_chooses_the_chunk_most_like_its_query() -> None:
    k = torch.zeros(1, 2, 4, 64, 4)
    for n in range(4):
        k[0, 0, n, :, n] = 1
        k[0, 1, n, :, 3 - n] = 1
    q = torch.zeros(1, 2, 1, 64, 4)
    q[..., 2] = 1
    assert chosen(q, k, 0.75)[0, :, 0, 0].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("chunks", "sparsity", "kept"), [(2640, 0.9375, 165), (1, 0.9375, 1), (10, 0.5, 5), (3, 0.5, 2)]
)
def test_the_share_that_is_kept_is_rounded_up(chunks: int, sparsity: float, kept: int) -> None:
    assert kept_chunks(chunks, sparsity) == kept


def test_a_grid_of_broken_chunks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 8, 4\)"):
        BlockSparse(0.5)(*[some((3, 8, 4), n) for n in range(3)], (3, 8, 4), (3, 8, 4))
