"""GPUs by the names that CUDA, torch and the driver have for them; no GPU is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.engines.upstream.gpus import Gpu, chosen, complaint, names_here, present, turns

THERE = (Gpu("0", "GPU-aaaa", "One", 24.0), Gpu("1", "GPU-bbbb", "Two", 80.0), Gpu("2", "GPU-cccc", "Three", None))


def test_the_first_ones_are_those_that_this_process_may_use() -> None:
    assert chosen((), 2, {}) == ("0", "1")
    assert chosen((), 2, {"CUDA_VISIBLE_DEVICES": "3, GPU-x,5"}) == ("3", "GPU-x")
    assert chosen(("7",), 1, {"CUDA_VISIBLE_DEVICES": "3"}) == ("7",)
    for none in ("", "-1"):  # as CUDA reads them
        assert chosen((), 1, {"CUDA_VISIBLE_DEVICES": none}) == ()


@pytest.mark.parametrize(
    ("visible", "wanted", "names"),
    [
        (None, ("0", "2"), ["cuda:0", "cuda:2"]),
        (None, ("GPU-bbbb",), ["cuda:1"]),
        ("2,1", ("1",), ["cuda:1"]),
        ("2,1", ("2", "0"), ["cuda:0"]),
        ("GPU-c,GPU-a", ("0",), ["cuda:1"]),
        ("", ("0",), []),
    ],
)
def test_torch_counts_the_visible_ones(visible: str | None, wanted: tuple[str, ...], names: list[str]) -> None:
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert list(names_here(wanted, environment, THERE)) == names


def test_without_the_drivers_tool_names_are_taken_as_they_are(tmp_path: Path) -> None:
    assert list(names_here(("1",), {}, None)) == ["cuda:1"]
    assert list(names_here(("3",), {"CUDA_VISIBLE_DEVICES": "2,3"}, None)) == ["cuda:1"]
    assert (complaint(("9",), 1, 500, None), turns(("9",), None, tmp_path)) == ("", ())


def test_one_gpu_has_one_turn_whatever_it_is_called(tmp_path: Path) -> None:
    one = turns(("1",), THERE, tmp_path)
    assert one == turns(("GPU-bb",), THERE, tmp_path) == turns(("GPU-bbbb", "1"), THERE, tmp_path)
    both = turns(("1", "0"), THERE, tmp_path)
    assert both == turns(("0", "1"), THERE, tmp_path)  # in one order, or two films could wait for each other for ever
    assert [one.name for one in both] == ["GPU-aaaa.lock", "GPU-bbbb.lock"]
    assert both[0].parent.is_dir()


def test_what_is_known_against_gpus_is_told(tmp_path: Path) -> None:
    assert complaint(("0",), 1, 40, THERE) == "One has 24 GB, and 40 GB are needed; choose a smaller variant"
    assert "there is no GPU 4; there are: 0, 1, 2" in complaint(("4",), 1, 40, THERE)
    assert "it needs 2 GPUs, and 1 may be used" in complaint(("1",), 2, 40, THERE)
    assert complaint(("1", "2"), 2, 40, THERE) == ""  # of a memory that nobody tells nothing is known
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, GPU-abc, NVIDIA GB10, [N/A]'\n")
    tool.chmod(0o755)
    assert present({"PATH": f"{tmp_path}:/usr/bin:/bin"}) == (Gpu("0", "GPU-abc", "NVIDIA GB10", None),)
