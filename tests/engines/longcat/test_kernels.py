"""What makes the network fast changes no film: blocks compiled as one graph, attention by other kernels."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers.models.attention_dispatch import AttentionBackendName  # noqa: E402
from torch._dynamo.testing import CompileCounter  # noqa: E402
from torch._inductor import config as inductor_config  # noqa: E402

from rushes.engines.longcat.attention import dense  # noqa: E402
from rushes.engines.longcat.block_sparse import BlockSparse, Masked, chosen, chunks_of  # noqa: E402
from rushes.engines.longcat.flex_sparse import FlexSparse, _Alone  # noqa: E402
from rushes.engines.longcat.kernels import Dispatched, by_cudnn, dense_on, fastest, sparse_on  # noqa: E402
from rushes.engines.longcat.network import Network, Text  # noqa: E402
from rushes.engines.longcat.waiting import let_wait  # noqa: E402
from tests.engines.longcat.tiny import network  # noqa: E402


@pytest.fixture(autouse=True)
def no_leftovers():
    torch._dynamo.reset()
    with torch.no_grad():
        yield
    torch._dynamo.reset()


def film(frames: int, rows: int = 6, columns: int = 8) -> torch.Tensor:
    return torch.randn(1, 16, frames, rows, columns, generator=torch.Generator().manual_seed(frames))


def times(frames: int, clean: int = 0) -> torch.Tensor:
    found = torch.full((1, frames), 700.0)
    found[:, :clean] = 0
    return found


def text() -> Text:
    return Text(torch.randn(1, 12, 32, generator=torch.Generator().manual_seed(0)), (5,))


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What our own modules logged, up to the reason."""
    return [one.getMessage().partition(":")[0] for one in caplog.records if one.name.startswith("rushes")]


def from_text(made: Network, frames: int) -> torch.Tensor:
    return made(film(frames), times(frames), text())


def from_a_picture(made: Network, frames: int) -> torch.Tensor:
    return made(film(frames), times(frames, clean=1), text(), condition=1)


def continued(made: Network, frames: int) -> torch.Tensor:
    kept = made.remember(film(2))
    return made(film(frames), times(frames), text(), condition=2, kept=kept)


def refined(made: Network, frames: int) -> torch.Tensor:
    side = 16  # of latents: whole chunks
    return made(film(4 * frames, side, side), times(4 * frames), text(), attend=BlockSparse(0.5))


@pytest.mark.parametrize(("make", "graphs"), [(from_text, 1), (from_a_picture, 1), (continued, 2), (refined, 1)])
def test_all_blocks_are_one_graph_compiled_once_for_each_way_to_make_a_film(
    make: Callable[[Network, int], torch.Tensor], graphs: int
) -> None:
    counter = CompileCounter()
    made, plain = network(), network()
    made.dense = by_cudnn
    made.compile_blocks(counter, whole=True)
    assert torch.equal(make(made, 2), make(plain, 2))
    assert counter.frame_count == graphs, "a graph of its own for what no other block can use"
    make(made, 2)
    assert counter.frame_count == graphs, "what was compiled is used again"


def test_a_third_size_needs_no_compilation() -> None:
    counter = CompileCounter()
    made, plain = network(), network()
    made.compile_blocks(counter, whole=True)
    for frames in (2, 3, 5):
        assert torch.allclose(from_text(made, frames), from_text(plain, frames), atol=1e-6)
    assert counter.frame_count == 2


def test_hooks_around_compiled_blocks_run_each_time() -> None:
    made, plain = network(), network()
    made.compile_blocks(CompileCounter(), whole=True)
    let_wait(made.blocks, torch.device("cpu"))
    seen: list[int] = []
    made.blocks[1].register_forward_pre_hook(lambda *_: seen.append(1))
    wanted = from_text(plain, 2)
    assert torch.equal(from_text(made, 2), wanted)
    assert torch.equal(from_text(made, 2), wanted)
    assert len(seen) == 2


def test_blocks_that_cannot_be_compiled_run_as_they_are_written(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise OSError("there is no compiler")

    made, wanted = network(), from_text(network(), 2)
    made.compile_blocks(broken)
    assert torch.equal(from_text(made, 2), wanted)
    assert torch.equal(from_text(made, 2), wanted)
    assert told(caplog) == ["the network's blocks can't be compiled and run without"]


def test_words_embedded_once_give_what_the_text_gives() -> None:
    made = network()
    assert torch.equal(made(film(2), times(2), made.words(text())), from_text(made, 2))


@pytest.mark.parametrize("attend", [by_cudnn, Dispatched("native"), Dispatched("_native_math")])
def test_other_kernels_compute_the_same(attend) -> None:
    q, k, v = (torch.randn(2, 3, 48, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    grid = (3, 4, 4)
    assert torch.allclose(attend(q, k, v, grid, grid), dense(q, k, v, grid, grid), atol=1e-5)


def test_without_a_gpu_torch_chooses_and_chunks_are_gathered() -> None:
    cpu = torch.device("cpu")
    assert dense_on(cpu, torch.bfloat16) is dense
    assert sparse_on(cpu, 0.5) == BlockSparse(0.5)


@pytest.mark.parametrize(
    ("major", "dtype", "has_flash_3", "wanted"),
    [
        (8, torch.bfloat16, True, dense),
        (9, torch.bfloat16, True, Dispatched(AttentionBackendName._FLASH_3)),
        (9, torch.float32, True, by_cudnn),
        (9, torch.bfloat16, False, by_cudnn),
        (10, torch.bfloat16, True, by_cudnn),
    ],
)
def test_each_generation_has_its_kernel_and_float32_one_that_knows_it(
    major: int, dtype: torch.dtype, has_flash_3: bool, wanted: object
) -> None:
    assert fastest(major, dtype, has_flash_3=has_flash_3) == wanted


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of torch's own compiler
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for the CPU with g++")
@pytest.mark.parametrize("sparsity", [0.5, 0.75])
@pytest.mark.parametrize("queries", [(8, 8, 8), (4, 8, 8)], ids=["all", "behind clean frames"])
def test_chunks_skipped_by_the_kernel_are_those_of_the_mask(queries: tuple[int, int, int], sparsity: float) -> None:
    keys = (8, 8, 8)
    dice = torch.Generator().manual_seed(0)
    q = torch.randn(2, 3, queries[0] * 64, 16, generator=dice)
    k, v = (torch.randn(2, 3, 512, 16, generator=dice) for _ in range(2))
    got = FlexSparse(sparsity)(q, k, v, queries, keys)
    assert torch.allclose(got, Masked(sparsity)(q, k, v, queries, keys), atol=1e-5)
    assert not torch.allclose(got, dense(q, k, v, queries, keys), atol=1e-2), "it was sparse"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for the CPU with g++")
def test_blocks_really_compiled_compute_what_those_do_that_are_not() -> None:
    made, plain = network(), network()
    made.compile_blocks()
    got = from_a_picture(made, 2)
    assert "forward" in vars(made.blocks[0]), "compilation was not given up"
    assert torch.allclose(got, from_a_picture(plain, 2), atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore:dynamo_pgo:UserWarning")
def test_chunks_are_gathered_where_nothing_can_be_compiled(caplog: pytest.LogCaptureFixture) -> None:
    grid = (4, 8, 8)
    q, k, v = (torch.randn(1, 2, 256, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    wanted = Masked(0.5)(q, k, v, grid, grid)
    with inductor_config.patch({"cpp.cxx": ("/nowhere/g++",), "force_disable_caches": True}):
        alone = _Alone()
        assert alone(q, k, v, chosen(chunks_of(q, grid), chunks_of(k, grid), 0.5)) is None
        assert alone(q, k, v, torch.zeros(1, 2, 4, 2, dtype=torch.long)) is None, "it is not tried twice"
    assert told(caplog) == ["chunks are gathered, since attention to them can't be compiled"]
    assert torch.allclose(BlockSparse(0.5)(q, k, v, grid, grid), wanted, atol=1e-5)


def test_chunks_that_are_all_wanted_are_dense_attention() -> None:
    grid = (4, 4, 8)
    q, k, v = (torch.randn(1, 2, 128, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    assert torch.allclose(FlexSparse(0.0)(q, k, v, grid, grid), dense(q, k, v, grid, grid), atol=1e-6)
