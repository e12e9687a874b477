"""Where the parts live: what fits where, and how less is taken step by step."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.engines.longcat.placement import (
    GB,
    LADDER,
    Placement,
    fitting_offload,
    held_bytes,
    leaner,
    needed_bytes,
    sizes,
    waiting_bytes,
    work_bytes,
)

# Parameters of the published weights; UMT5-XXL's encoder and the Wan 2.1 autoencoder.
PUBLISHED = {"dit": 13_580_000_000, "text_encoder": 5_681_000_000, "vae": 127_000_000, "block": 281_000_000}
PARTS = sizes(PUBLISHED, "bfloat16")


@pytest.mark.parametrize(
    ("free_gb", "offload"),
    [
        *((141, "none"), (79, "none"), (53, "none"), (50, "model"), (47, "model"), (41.9, "model"), (38, "group")),
        *((24, "group"), (16, "group")),
    ],
)
def test_the_published_weights_are_spread_by_what_is_free(free_gb: float, offload: str) -> None:
    assert fitting_offload(int(free_gb * GB), PARTS) == offload


def test_as_much_as_is_wanted_keeps_all_in_one_place() -> None:
    assert fitting_offload(None, PARTS) == "none"


def test_each_way_takes_less_of_the_device_and_more_of_the_machine() -> None:
    for more, less in pairwise(LADDER):
        assert held_bytes(more, PARTS) > held_bytes(less, PARTS)
        assert needed_bytes(more, PARTS) >= needed_bytes(less, PARTS)
        assert waiting_bytes(more, PARTS) < waiting_bytes(less, PARTS)
    assert needed_bytes("group", PARTS) < 13 * GB
    assert work_bytes(PARTS) < 14 * GB


@given(st.integers(0, 200 * GB), st.integers(0, 200 * GB))
def test_more_memory_never_makes_more_wait(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert LADDER.index(fitting_offload(small, PARTS)) >= LADDER.index(fitting_offload(large, PARTS))


def test_a_gpu_gets_leaner_step_by_step_to_the_end() -> None:
    found, placement = [], Placement("cuda:0", "bfloat16")
    while (following := leaner(placement)) is not None:
        placement = following
        found.append((placement.offload, placement.batched, placement.tiling))
    assert found == [("none", False, True), ("model", False, True), ("group", False, True)]


def test_what_the_operator_fixed_stays() -> None:
    placement = Placement("cuda:0", "bfloat16", "model", compile=True)
    first = leaner(placement, fixed_offload=True, fixed_tiling=True)
    assert first == replace(placement, batched=False)
    assert leaner(first, fixed_offload=True, fixed_tiling=True) is None
    assert leaner(replace(placement, batched=False, tiling=True)) == Placement(
        "cuda:0", "bfloat16", "group", tiling=True, batched=False, compile=False
    )


def test_the_cpu_has_nowhere_to_move_weights_to() -> None:
    assert leaner(Placement(batched=False, tiling=True)) is None


def test_half_precision_of_a_small_range_is_refused() -> None:
    with pytest.raises(ValueError, match="float16"):
        Placement(dtype="float16")  # type: ignore[arg-type]
