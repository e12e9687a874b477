"""The benchmark of GPUs on a CPU: all of it but the sizes, and its formulas against torch's own counter."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from torch._dynamo.testing import CompileCounter  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from rushes.engines.longcat.config import NetworkConfig  # noqa: E402
from rushes.engines.longcat.network import Network, Text  # noqa: E402

BENCH = Path(__file__).parent.parent.parent / "bench"


def run(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, str(BENCH / "gpu.py"), "--tiny", "--out", str(out), *options]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def rows(out: Path) -> dict[str, dict]:
    return json.loads((out / "gpu.json").read_text())


@pytest.mark.slow
def test_tiny_models_go_all_the_way_and_what_has_a_result_is_left_alone(tmp_path: Path) -> None:
    first = run(tmp_path, "--only", "wan-480p,longcat-refine-720p")
    assert first.returncode == 0, first.stderr
    found = rows(tmp_path)
    assert set(found) == {"wan-480p", "longcat-refine-720p"}
    for row in found.values():
        assert row["equal"]
        assert row["pass_relative"] <= row["tolerance"] == 0.03
        assert row["film_relative"] <= 0.1, "two passes made as one are rounded in another way"
        assert row["ratio"] == pytest.approx(row["plain"] / row["ours"])
        assert row["rate"] > 0
        assert f"| {row['title']} |" in first.stdout
    assert found["wan-480p"]["chosen"] == "attention=native, compile=False, fused=True"
    before = (tmp_path / "gpu.json").read_text()
    again = run(tmp_path, "--only", "wan-480p,longcat-refine-720p")
    assert again.returncode == 0
    assert (tmp_path / "gpu.json").read_text() == before, "nothing was measured again"
    assert "..." not in again.stdout


def test_a_slice_that_is_over_leaves_the_rest_for_the_next(tmp_path: Path) -> None:
    done = run(tmp_path, "--slice-s", "1")
    assert done.returncode == 0
    assert "Left for the next run of the same line: wan-480p, ltx-2b, longcat-480p, longcat-refine-720p" in done.stdout
    assert not (tmp_path / "gpu.json").exists()


def test_names_of_no_case_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "--only", "wan")
    assert done.returncode == 2
    assert "--only wan names none of: wan-480p, wan-720p" in done.stderr


def counted(layers: int, tokens: int) -> int:
    """Operations of a pass by torch's counter, on a device that holds no numbers."""
    config = NetworkConfig(
        hidden_size=64, depth=layers, num_heads=4, caption_channels=32, adaln_tembed_dim=32, frequency_embedding_size=32
    )
    with torch.device("meta"):
        network = Network(config).eval().requires_grad_(False)
        film, times = torch.empty(1, 16, tokens // 16, 8, 8), torch.empty(1, tokens // 16)
        words = network.words(Text(torch.empty(1, 12, 32), (12,)))
    with FlopCounterMode(display=False) as counter:
        network(film, times, words)
    return counter.get_total_flops()


@pytest.mark.parametrize("tokens", [64, 4096])
def test_the_formula_for_a_pass_is_what_torch_counts(monkeypatch: pytest.MonkeyPatch, tokens: int) -> None:
    monkeypatch.syspath_prepend(BENCH)
    from gpu_work import Transformer, work_of_pass

    a_layer = counted(3, tokens) - counted(2, tokens)
    modulation = 2 * (tokens // 16) * 32 * 6 * 64  # once for a frame; the formula leaves it out
    assert work_of_pass(Transformer(1, 64, 256, 12, matrices=3), tokens) == a_layer - modulation


def test_full_size_cases_compute_what_the_reference_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
    from gpu_cases import FULL

    cases = {case.name: case for case in FULL}
    assert cases["wan-480p"].tokens == 32_760
    assert cases["wan-720p"].tokens == 75_600
    assert cases["longcat-480p"].tokens == 37_440
    assert cases["wan-480p"].work_of_step / 2 == pytest.approx(1.8e15, rel=0.1)
    assert cases["wan-720p"].work_of_step / 2 == pytest.approx(6.8e15, rel=0.1)


def test_full_size_models_have_the_parameters_of_the_published_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
    import diffusers
    from gpu_cases import FULL
    from gpu_models import CLASSES, empty

    for case in FULL:
        if case.layout:
            transformer, autoencoder = (getattr(diffusers, name) for name in CLASSES[case.layout])
            made = {"transformer": empty(lambda c=case, t=transformer: t(**c.network))}
            made["vae"] = empty(lambda c=case, a=autoencoder: a(**c.parts["vae"]))
        else:
            made = {"dit": empty(lambda c=case: Network(NetworkConfig(**c.network)))}
        for name, part in made.items():
            count = sum(parameter.numel() for parameter in part.parameters())
            assert count == pytest.approx(case.counts.get(name, 13_581_000_000), rel=2e-3), (case.name, name)


@pytest.mark.parametrize("number", [0, 1], ids=["two passes made as one", "one pass for both"])
def test_all_layers_of_a_library_network_are_one_graph_as_the_engine_runs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    monkeypatch.syspath_prepend(BENCH)
    from gpu_cases import TINY
    from gpu_models import pipelines
    from gpu_sides import _our_run

    case, counter = TINY[number], CompileCounter()
    torch._dynamo.reset()
    pair = pipelines(case, "cpu")
    wanted = _our_run(case, pair, tmp_path)(lambda: None)
    pair.ours.transformer.compile_repeated_blocks(backend=counter, fullgraph=True)
    assert torch.equal(_our_run(case, pair, tmp_path)(lambda: None), wanted)
    assert counter.frame_count == 1
    torch._dynamo.reset()


def test_a_case_that_takes_too_long_is_ended_and_tried_again_then_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(BENCH)
    import gpu
    from gpu_cases import TINY

    hasty = dataclasses.replace(TINY[1], seconds=1)
    options = gpu._options(["--tiny", "--out", str(tmp_path)])
    assert gpu._in_its_own_process(hasty, 0.2, options, tiny=True) is None
    row = {"title": hasty.title, "unfinished": True}
    assert gpu._cells(row)[-1] == "unfinished"
    assert gpu._is_due(row, tiny=True, again=False)
    assert not gpu._is_due({"error": "out of memory", "tiny": True}, tiny=True, again=False)
    assert gpu._is_wrong({"error": "out of memory"})


def test_the_page_holds_the_place_for_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(BENCH)
    import gpu

    text = gpu.PAGE.read_text()
    assert text.count(gpu.BEGIN) == text.count(gpu.END) == 1
    row = {
        "name": "wan-480p", "title": "Wan", "device": "GPU", "torch": "2", "rate": 7e14, "plain": 9.0, "ours": 5.0,
        "ratio": 1.8, "plain_share": 0.5, "share": 0.9, "plain_bytes": 4e10, "ours_bytes": 0, "pass_relative": 0.01,
        "equal": True, "chosen": "all", "tiny": False,
    }  # fmt: skip
    assert gpu._table([row])[2] == "| Wan | 9 | 5 | 1.80 | 50% → 90% | 40.0 GB / – | 1.0e-02 | all |"
    assert gpu._table([row])[-1] == "On GPU, torch 2; its matrix units' measured rate: 700 TFLOP/s."
    assert gpu._table([]) == ["Not measured on a GPU yet."]
