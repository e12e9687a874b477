"""Estimates against what was published of memory, work and time; and against what the engine then does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rushes.engines.diffusers import fitting as diffusers_fitting
from rushes.engines.diffusers.plan import GB, Device
from rushes.engines.fit.estimate import Pace, Way, pass_work, peak_bytes, seconds
from rushes.engines.fit.table import Film, Published, gpu_named, gpus, published, published_as
from rushes.engines.fit.verdict import Place, judge, usual_setting
from rushes.engines.residence import Residence
from rushes.families import ENDPOINTS
from rushes.routing import DiffusersDeployment


def weights(ending: str) -> Published:
    (found,) = [one for one in published() if one.id.endswith(ending)]
    return found


def place(gb: float, bf16_pace: bool = True, ordinary: float | None = None) -> Place:
    free = int(gb * GB)
    return Place(Device("cuda:0", "cuda", "a GPU", free, (9, 0)), free, ordinary, Pace(0.4e15, 0.55e15, 5e10))


def first_way(found: Published, gb: float, **settings: object) -> Way:
    raw = {"engine": "diffusers", "model": found.id, **settings}
    device = Device("cuda:0", "cuda", "a GPU", int(gb * GB), (9, 0))
    setting = DiffusersDeployment.model_validate(raw)
    return next(diffusers_fitting.ways(device, found.parameters, found.layout, setting, found.films[0].steps))


LARGE_480, LARGE_720, FIVE = "I2V-14B-480P-Diffusers", "I2V-14B-720P-Diffusers", "TI2V-5B-Diffusers"


@pytest.mark.parametrize(
    ("ending", "settings", "gb"),
    [
        (LARGE_480, {"offload": "none", "tiling": False}, 71),  # measured with all on the GPU
        (LARGE_720, {"offload": "none", "tiling": False}, 81),
        (LARGE_480, {"offload": "model", "tiling": False}, 40),
        (LARGE_480, {"offload": "model", "tiling": True, "quantisation": "fp8"}, 24),
        (FIVE, {"offload": "none", "tiling": False}, 40),
    ],
)
def test_published_peaks_are_met_within_15_percent(ending: str, settings: dict[str, object], gb: float) -> None:
    found = weights(ending)
    peak = peak_bytes(found, found.films[0], first_way(found, 1000, **settings)) / GB
    assert peak == pytest.approx(gb, rel=0.15)


@pytest.mark.parametrize(("offload", "gb"), [("none", 44), ("model", 38)])
def test_the_peaks_of_our_own_network_are_met_within_15_percent(offload: str, gb: float) -> None:
    from rushes.engines.longcat import fitting

    (found,) = [one for one in published() if one.engine == "network"]
    setting = usual_setting(found).model_copy(update={"offload": offload})
    device = Device("cuda:0", "cuda", "a GPU", 1000 * GB, (9, 0))
    way = next(fitting.ways(device, found.parameters, found.layout, setting, 0))  # type: ignore[arg-type]
    long = film(found, "480p, 162")
    sampled = long.model_copy(update={"stages": long.stages[:1]})  # what was published is of one stretch
    assert peak_bytes(found, sampled, way) / GB == pytest.approx(gb, rel=0.16)


def test_what_is_said_to_run_on_a_card_of_24_gb_does() -> None:
    for ending in (LARGE_480, FIVE, "LTX-Video-0.9.5", "13B-distilled", "LongCat-Video"):
        found = weights(ending)
        assert all(one.fits for one in judge(found, usual_setting(found), place(25.3))), ending


def test_our_own_network_in_int8_stays_on_a_card_of_24_gb_for_films_of_480p() -> None:
    found = weights("LongCat-Video")
    setting = usual_setting(found).model_copy(update={"quantisation": "int8"})
    ways = {one.film.name: one.way for one in judge(found, setting, place(25.3)) if one.fits}
    assert len(ways) == 4
    assert {name: (way.words.partition(",")[0], way.streamed > 0) for name, way in ways.items()} == {
        "480p, 162 frames": ("int8", False),
        "480p distilled": ("int8", False),
        "720p, 162 frames": ("int8", True),
        "720p distilled": ("int8", True),
    }


def test_the_small_weights_run_on_12_gb_with_offload() -> None:
    found = weights("LTX-Video-0.9.5")
    (verdict,) = judge(found, usual_setting(found), place(12.7))
    assert verdict.fits
    assert "offload model" in verdict.way.words


@pytest.mark.parametrize(
    ("ending", "name", "pflop"),
    [
        (LARGE_480, "480p, 81", 1.8),
        (LARGE_720, "720p, 81", 6.8),
        (FIVE, "720p, 125", 0.55),
        ("LongCat-Video", "480p, 162", 2.1),
    ],
)
def test_the_work_of_a_pass_is_the_published_one(ending: str, name: str, pflop: float) -> None:
    found = weights(ending)
    assert pass_work(found, film(found, name).stages[0]) / 1e15 == pytest.approx(pflop, rel=0.05)


@pytest.mark.parametrize(
    ("name", "least_min", "most_min"),
    [
        ("480p, 162", 9, 13.5),
        ("480p distilled", 1.3, 2.5),
        ("720p, 162", 7, 11.5),
        ("720p distilled", 1.8, 2.8),
    ],
)
def test_times_of_our_own_network_on_one_h100(name: str, least_min: float, most_min: float) -> None:
    found = weights("LongCat-Video")
    (verdict,) = [one for one in judge(found, usual_setting(found), place(84)) if one.film.name.startswith(name)]
    assert verdict.time is not None
    assert least_min <= verdict.time[0] / 60 <= verdict.time[1] / 60 <= most_min


def test_measured_steps_lie_in_the_range() -> None:
    """9.77 s by diffusers and 6.13 s by a faster engine for a guided step at 480p on one H100."""
    found = weights(LARGE_480)
    way = first_way(found, 84)
    plain = found.films[0].model_copy(update={"accelerated": False})
    low, high = (one / 30 for one in seconds(found, plain, way, Pace(0.4e15, 0.55e15, 5e10)))
    assert low == pytest.approx(6.13, rel=0.15)
    assert high == pytest.approx(9.77, rel=0.15)


def test_passes_that_are_left_out_take_no_time() -> None:
    found = weights(LARGE_720)
    way, pace = first_way(found, 84), Pace(0.4e15, 0.55e15, 5e10)
    plain = found.films[0].model_copy(update={"accelerated": False})
    ratio = seconds(found, plain, way, pace)[0] / seconds(found, found.films[0], way, pace)[0]
    assert ratio == pytest.approx(60 / 28, rel=0.01)


def test_layers_that_come_over_a_slow_bus_are_waited_for() -> None:
    found = weights("LTX-Video-0.9.5")
    way = first_way(found, 84, offload="group")
    slow = seconds(found, found.films[0], way, Pace(0.4e15, 0.55e15, 1e9))
    assert slow[0] > 60 * 3.8  # passes, and GB in each of them


def film(found: Published, name: str) -> Film:
    (one,) = [one for one in found.films if one.name.startswith(name)]
    return one


def test_too_little_of_the_machine_s_own_memory_is_told() -> None:
    found = weights(LARGE_720)
    (verdict, *_) = judge(found, usual_setting(found), place(25.3, ordinary=16e9))
    assert not verdict.fits
    assert verdict.why == "47 GB would wait in the machine's own memory, which has fewer"


def test_a_limit_of_the_operator_s_counts() -> None:
    found = weights(LARGE_480)
    limited = usual_setting(found).model_copy(update={"memory_gb": 25.0})
    (verdict,) = judge(found, limited, place(84))
    assert verdict.fits
    assert verdict.way.words.startswith("bf16, offload group")


def test_devices_that_work_together_are_faster() -> None:
    found = weights(LARGE_480)
    setting = DiffusersDeployment.model_validate({"engine": "diffusers", "model": found.id, "devices": 8})
    (one,), (together,) = judge(found, usual_setting(found), place(84)), judge(found, setting, place(84))
    assert one.time is not None
    assert together.time is not None
    assert one.time[0] / together.time[0] == pytest.approx(6.9, rel=0.02)
    assert one.time[1] / together.time[1] == pytest.approx(3.3, rel=0.02)


def test_every_row_names_endpoints_that_these_weights_serve() -> None:
    for one in published():
        for named in (name for sampled in one.films for name in sampled.endpoints):
            assert one.layout in ENDPOINTS[named].weights, (one.id, named)


def test_every_endpoint_of_open_weights_is_in_some_row() -> None:
    served = {name for one in published() for sampled in one.films for name in sampled.endpoints}
    able = {one.id for one in ENDPOINTS.values() if set(one.engines) & {"diffusers", "longcat"}}
    assert able - served == set()


@pytest.mark.parametrize(
    ("name", "found", "gb"),
    [
        ("NVIDIA H100 80GB HBM3", "H100 80GB", 80),
        ("NVIDIA A100-SXM4-40GB", "A100 80GB", 40),
        ("NVIDIA GeForce RTX 4090", "RTX 4090 24GB", 24),
        ("NVIDIA RTX 6000 Ada Generation", "A6000 Ada 48GB", 48),
        ("NVIDIA L40S", "L40S 48GB", 48),
        ("h200", "H200 141GB", 141),
        ("NVIDIA H20", "H20 96GB", 96),
    ],
)
def test_gpus_are_found_by_the_names_that_drivers_give(name: str, found: str, gb: float) -> None:
    gpu = gpu_named(name)
    assert gpu is not None
    assert (gpu.name, gpu.gb) == (found, gb)


def test_unknown_gpus_and_weights_are_none() -> None:
    assert gpu_named("Voodoo 2") is None
    assert published_as("acme/film") is None
    assert all(one.rates[0] < one.rates[1] for one in gpus())


@pytest.mark.parametrize("offload", ["none", None])
@pytest.mark.parametrize("gb", [1.0, 100.0])
def test_the_engine_does_what_the_doctor_says(folders: Mapping[str, Path], offload: str | None, gb: float) -> None:
    """On the CPU; what depends on a GPU is chosen by the same pure function."""
    pytest.importorskip("torch")
    from rushes.engines.diffusers.device import probe
    from rushes.engines.diffusers.engine import DiffusersEngine
    from rushes.engines.diffusers.weights import inspect

    raw = {"engine": "diffusers", "model": str(folders["text"]), "offload": offload, "memory_gb": gb, "warm_up": False}
    setting = DiffusersDeployment.model_validate(raw)
    engine = DiffusersEngine("mine", setting, Residence(), {})
    engine.load()
    found = inspect(str(folders["text"]), None, {})
    way = next(diffusers_fitting.ways(probe(None), found.parameters, found.layout, setting, 1))
    assert engine.plan is not None
    assert way.words.startswith(f"fp32, {'no offload' if engine.plan.offload == 'none' else engine.plan.offload}")
    assert way.tiling == engine.plan.tiling
    assert way.sampling == sum(found.parameters.values()) * 4


@pytest.mark.parametrize("layout", ["WanImageToVideoPipeline", "LTXConditionPipeline"])
@pytest.mark.parametrize(
    ("distilled", "passes"), [(True, None), ({"steps": 6}, 6), ({"timesteps": [900, 500]}, 2), ({"guidance": 3}, None)]
)
def test_few_step_weights_take_as_many_passes_as_the_engine_makes(
    layout: str, distilled: object, passes: int | None
) -> None:
    pytest.importorskip("diffusers")
    from rushes.engines.diffusers.fewsteps import few_steps

    (found, *_) = [one for one in published() if one.layout == layout]
    way = first_way(found, 84, distilled=distilled)
    setting = DiffusersDeployment.model_validate({"engine": "diffusers", "model": "x", "distilled": distilled})
    assert setting.distilled is not None
    made = few_steps(setting.distilled, layout)
    assert way.passes == len(made.timesteps) * (2 if made.guidance > 1 else 1)
    assert passes in (None, way.passes)
