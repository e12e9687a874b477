"""What a machine says of itself: cores, memory within a container's limit, GPUs by their driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.runners.hardware import MIB, cores, features, memory, read_cards, torch_here


def test_this_machine_has_something() -> None:
    assert cores() >= 1
    assert memory()[0] >= memory()[1] > 0


def test_a_container_s_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 64000000 kB\nMemAvailable: 32000000 kB\nHugePages_Total: 0\n")
    (tmp_path / "max").write_text("8000000000\n")
    assert memory(tmp_path / "meminfo", tmp_path / "max") == (8_000_000_000, 8_000_000_000)
    (tmp_path / "max").write_text("max\n")
    assert memory(tmp_path / "meminfo", tmp_path / "max") == (65_536_000_000, 32_768_000_000)
    assert memory(tmp_path / "none", tmp_path / "max") == (0, 0)


def test_what_makes_numbers_faster_is_named(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor: 0\nflags\t: fpu avx avx2 amx_bf16\n")
    assert features(tmp_path / "cpuinfo") == ("avx2", "amx_bf16")
    assert features(tmp_path / "none") == ()


def test_the_driver_s_cards_are_read() -> None:
    told = "NVIDIA H100 80GB HBM3, 81559, 81000, 570.1, 9.0\nNVIDIA RTX A6000, 49140, 12, 570.1, 8.6\n"
    first, second = read_cards(told).cards
    assert (first.name, first.total, first.capability) == ("NVIDIA H100 80GB HBM3", 81559 * MIB, (9, 0))
    assert (second.free, second.driver) == (12 * MIB, "570.1")


@pytest.mark.parametrize("line", ["NVIDIA H100, [N/A], [N/A], 570.1, 9.0", "Unable to determine the device handle"])
def test_a_card_that_is_lost_is_trouble(line: str) -> None:
    assert line in read_cards(line).trouble


def test_torch_is_asked_in_a_process_of_its_own() -> None:
    pytest.importorskip("torch")
    told = torch_here(rate=True)
    assert (told.installed, told.trouble) == (True, "")
    assert told.told["devices"] or told.told["cpu_rate"] > 1e8
