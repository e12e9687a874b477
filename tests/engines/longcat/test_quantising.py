"""Weights in eight bits: how far off they are, what they take, and that LoRAs, waiting and compiling still work."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from torch._dynamo.testing import CompileCounter  # noqa: E402

from rushes.calls import LongCatCall  # noqa: E402
from rushes.engines.longcat.components import load_components  # noqa: E402
from rushes.engines.longcat.config import NetworkConfig  # noqa: E402
from rushes.engines.longcat.engine import LongCatEngine  # noqa: E402
from rushes.engines.longcat.lora import Adapters, read_lora  # noqa: E402
from rushes.engines.longcat.network import Network, Text  # noqa: E402
from rushes.engines.longcat.parameters import parameters  # noqa: E402
from rushes.engines.longcat.placement import GB, KEPT, Placement, first_placement, fitting_offload, sizes  # noqa: E402
from rushes.engines.longcat.quantising import Int8Linear, rounded  # noqa: E402
from rushes.engines.longcat.weights import large_layers, load_network  # noqa: E402
from rushes.engines.residence import Residence  # noqa: E402
from rushes.routing import NetworkDeployment  # noqa: E402
from tests.engines.longcat import tiny  # noqa: E402

CPU = torch.device("cpu")
PUBLISHED = {"dit": 13_581_000_000, "text_encoder": 5_681_000_000, "vae": 127_000_000, "block": 280_000_000}


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def loaded(folder: Path, dtype: torch.dtype = torch.float32, **more: bool) -> tuple[Network, Adapters]:
    network, original = load_network(folder / "dit", dtype, CPU, **more)
    loras = {"one": lambda: read_lora(folder / "lora/cfg_step_lora.safetensors")}
    return network, Adapters(network, original, loras)


def output(network: Network) -> torch.Tensor:
    dice = torch.Generator().manual_seed(1)
    film = torch.randn(1, 16, 3, 6, 8, generator=dice)
    words = Text(torch.randn(1, 12, 32, generator=dice), (5,))
    return network(film, torch.full((1, 3), 500.0), words)


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return how far two outputs are apart, as a share of the second's size."""
    return float(((one - other).square().mean() / other.square().mean()).sqrt())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_weight_is_off_by_half_a_scale_at_most(dtype: torch.dtype) -> None:
    weight = torch.randn(24, 96, generator=torch.Generator().manual_seed(0)) * torch.logspace(-4, 2, 24)[:, None]
    weight[7] = 0
    numbers, scale = rounded(weight, dtype)
    assert (numbers.dtype, scale.dtype, scale.shape) == (torch.int8, dtype, (24, 1))
    # A scale that was rounded down to its type leaves the largest weight a little beyond 127 of it.
    allowed = scale.float() * (0.5 + 127 * torch.finfo(dtype).eps)
    assert bool(((numbers * scale.float() - weight).abs() <= allowed).all())
    assert not numbers[7].any()


def test_a_weight_and_its_negative_are_stored_alike() -> None:
    weight = torch.randn(8, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(rounded(-weight, torch.float32)[0], -rounded(weight, torch.float32)[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_network_in_int8_stays_near_what_it_is_without(folder: Path, dtype: torch.dtype) -> None:
    plain, small = (output(loaded(folder, dtype, in_int8=one)[0]) for one in (False, True))
    assert 0 < apart(small, plain) < 0.02


def test_all_large_weights_and_no_others_are_stored_so(folder: Path) -> None:
    network, _ = loaded(folder, in_int8=True)
    small = {path for path, module in network.named_modules() if isinstance(module, Int8Linear)}
    assert small == set(large_layers(network))
    kinds = [f"cross_attn.{name}" for name in ("q_linear", "kv_linear", "proj")]
    kinds += ["attn.qkv", "attn.proj", "ffn.w1", "ffn.w2", "ffn.w3"]
    assert small == {f"blocks.{number}.{kind}" for number in (0, 1) for kind in kinds}


def test_a_lora_is_fused_before_the_weights_are_rounded_and_comes_out_to_the_bit(folder: Path) -> None:
    network, adapters = loaded(folder, in_int8=True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    full, exact = loaded(folder)
    without = output(full)
    adapters.use("one")
    exact.use("one")
    assert apart(output(network), output(full)) < 0.02 < apart(without, output(full))
    layer, wanted = (one.get_submodule("blocks.1.ffn.w1").weight for one in (network, full))
    assert torch.equal(layer, rounded(wanted, torch.float32)[0])
    adapters.use(None)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_blocks_in_int8_that_wait_give_the_same(folder: Path) -> None:
    outputs = []
    for waits in (False, True):
        network, adapters = loaded(folder, in_int8=True, blocks_wait=waits)
        adapters.use("one")
        outputs.append(output(network))
    assert torch.equal(*outputs)


def test_blocks_in_int8_are_one_graph_too(folder: Path) -> None:
    torch._dynamo.reset()
    counter = CompileCounter()
    network, _ = loaded(folder, in_int8=True)
    plain = output(network)
    network.compile_blocks(counter, whole=True)
    assert torch.equal(output(network), plain)
    assert counter.frame_count == 1
    torch._dynamo.reset()


def test_the_text_encoder_in_int8_stays_near_what_it_is_without(folder: Path) -> None:
    plain, small = (load_components(folder, Placement(quantisation=one)) for one in ("none", "int8"))
    one, other = (parts.prompts.encode("a heron on a roof").states for parts in (small, plain))
    assert 0 < apart(one, other) < 0.02
    kept = small.prompts.encoder.get_input_embeddings().weight
    assert torch.equal(kept, plain.prompts.encoder.get_input_embeddings().weight)


def test_a_film_in_int8_is_nearly_the_same_and_says_so(folder: Path) -> None:
    call = LongCatCall("a fox", width=64, height=48, frames=9, seed=7, steps=2, guidance=4.0, distilled=True)
    films = []
    for quantisation in ("none", "int8"):
        told = {"engine": "network", "network": "longcat", "model": str(folder), "device": "cpu", "warm_up": False}
        setting = NetworkDeployment.model_validate(told | {"quantisation": quantisation})
        engine = LongCatEngine("mine", setting, Residence(), {})
        assert engine.load().model == ("tiny" if quantisation == "none" else "tiny+int8")
        films.append(np.concatenate(list(engine.generate(call, lambda _: None, tiny.never).chunks)).astype(float))
        engine.unload()
    assert 0 < np.abs(films[0] - films[1]).mean() < 2


def test_what_int8_leaves_as_it_is_is_counted() -> None:
    shapes = parameters(NetworkConfig())
    with torch.device("meta"):
        small = {f"{path}.weight" for path in large_layers(Network(NetworkConfig(depth=1)))}
    for part, start in (("dit", ""), ("block", "blocks.0.")):
        counts = {name: prod(shape) for name, shape in shapes.items() if name.startswith(start)}
        kept = sum(
            count
            for name, count in counts.items()
            if f"blocks.0.{name.partition('.')[2].partition('.')[2]}" not in small
        )
        assert kept / sum(counts.values()) == pytest.approx(KEPT[part], abs=0.001)
    words = 256_384 * 4096  # the table of UMT5-XXL
    assert words / PUBLISHED["text_encoder"] == pytest.approx(KEPT["text_encoder"], abs=0.001)


def test_a_card_of_24_gb_holds_the_network_in_int8() -> None:
    free = int(25.3 * GB)
    assert fitting_offload(free, sizes(PUBLISHED, "bfloat16")) == "group"
    parts = sizes(PUBLISHED, "bfloat16", "int8")
    assert fitting_offload(free, parts) == "model"
    setting = NetworkDeployment.model_validate(
        {"engine": "network", "network": "longcat", "model": "x", "quantisation": "int8"}
    )
    # A stretch that goes on would run out after frames were given, when it is too late to begin anew.
    tight, roomy = (first_placement(setting, "cuda:0", PUBLISHED, int(gb * GB)) for gb in (25.3, 45))
    assert (tight.offload, tight.batched, tight.tiling) == ("model", False, True)
    assert (roomy.offload, roomy.batched, roomy.tiling) == ("none", True, False)
    assert parts["dit"] == pytest.approx(14.2 * GB, rel=0.01)
    assert parts["text_encoder"] == pytest.approx(6.7 * GB, rel=0.01)
