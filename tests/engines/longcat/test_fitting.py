"""What `rushes doctor --fit` says of this network is what its engine then does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.engines.diffusers.plan import GB, Device
from rushes.engines.fit.estimate import way_words
from rushes.engines.longcat.engine import LongCatEngine
from rushes.engines.longcat.fitting import ways
from rushes.engines.longcat.official import Official
from rushes.engines.longcat.placement import Placement, leaner
from rushes.engines.residence import Residence
from rushes.routing import NetworkDeployment

PUBLISHED = {"dit": 13_581_000_000, "text_encoder": 5_681_000_000, "vae": 127_000_000, "block": 280_000_000}


def setting(**given: object) -> NetworkDeployment:
    return NetworkDeployment.model_validate({"engine": "network", "network": "longcat", "model": "x", **given})


def words(placement: Placement) -> str:
    numbers = placement.dtype if placement.quantisation == "none" else placement.quantisation
    return way_words(numbers, placement.offload, tiling=placement.tiling)


@pytest.mark.parametrize("gb", [84, 56, 47, 25, 12])
@pytest.mark.parametrize(
    "given", [{}, {"tiling": False}, {"offload": "model"}, {"memory_gb": 30.0}, {"quantisation": "int8"}]
)
def test_the_engine_chooses_what_the_doctor_says(gb: int, given: dict[str, object]) -> None:
    device = Device("cuda:0", "cuda", "a GPU", gb * GB, (9, 0))
    engine = LongCatEngine("mine", setting(**given), Residence(), {})
    chosen = engine._chosen(device, Official(Path("x"), "x", PUBLISHED, {}))
    first, *others = ways(device, PUBLISHED, "", setting(**given), 0)
    assert first.words == words(chosen)
    less = leaner(chosen, fixed_offload="offload" in given, fixed_tiling="tiling" in given)
    assert [one.words for one in others][:1] == ([words(less)] if less else [])


def test_tiny_weights_are_held_as_the_doctor_says(folder: Path) -> None:
    mine = setting(model=str(folder), warm_up=False, device="cpu")
    engine = LongCatEngine("mine", mine, Residence(), {})
    engine.load()
    assert engine.placement is not None
    first = next(ways(Device("cpu", "cpu", "a processor"), PUBLISHED, "", mine, 0))
    assert first.words == words(engine.placement) == "fp32, no offload"
    engine.unload()
