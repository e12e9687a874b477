"""The benchmark of GPUs on a CPU: all of it but the sizes, and its formulas against torch's own counter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

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
