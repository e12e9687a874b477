"""The whole engine on a tiny model from a folder: every mode, seeds, cancel, memory, broken weights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.calls import EchoCall, LongCatCall, RefinePass  # noqa: E402
from rushes.engines.engine import Cancelled, Progress, Unable  # noqa: E402
from rushes.engines.longcat.engine import LongCatEngine  # noqa: E402
from rushes.engines.residence import Residence  # noqa: E402
from rushes.routing import NetworkDeployment  # noqa: E402
from tests.engines.longcat.tiny import after, never  # noqa: E402

CALL = LongCatCall(prompt="a fox", width=64, height=48, frames=9, seed=7, steps=2, guidance=4.0, negative_prompt="grey")


def deployment(folder: Path, **more: Any) -> NetworkDeployment:
    told = {"engine": "network", "network": "longcat", "model": str(folder), "device": "cpu", "warm_up": False}
    return NetworkDeployment.model_validate(told | more)


def engine_of(folder: Path, residence: Residence | None = None, name: str = "mine", **more: Any) -> LongCatEngine:
    made = LongCatEngine(name, deployment(folder, **more), residence or Residence(), {})
    made.load()
    return made


@pytest.fixture(scope="module")
def engine(folder: Path) -> LongCatEngine:
    return engine_of(folder)


def film(engine: LongCatEngine, call: LongCatCall, progress: Any = None, cancelled: Any = never) -> np.ndarray:
    made = engine.generate(call, progress or (lambda _: None), cancelled)
    return np.concatenate(list(made.chunks))


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_a_film_from_text_has_exactly_the_frames_asked_for(engine: LongCatEngine, frames: int) -> None:
    made = film(engine, replace(CALL, frames=frames))
    assert made.shape == (frames, 48, 64, 3)
    assert made.dtype == np.uint8
    assert made.std() > 1


@pytest.mark.parametrize("distilled", [False, True])
def test_a_film_from_a_picture_goes_on_beyond_one_stretch(engine: LongCatEngine, picture: str, distilled: bool) -> None:
    call = replace(CALL, frames=100, image=picture, distilled=distilled)
    said: list[Progress] = []
    assert film(engine, call, said.append).shape == (100, 48, 64, 3)
    assert [one.done for one in said] == [1, 2, 3, 4]
    assert {one.total for one in said} == {4}


@pytest.mark.parametrize(("frames", "pictured"), [(17, True), (30, False)])
def test_a_refined_film_has_its_new_size_and_all_its_frames(
    engine: LongCatEngine, picture: str, frames: int, pictured: bool
) -> None:
    call = replace(
        CALL, frames=frames, distilled=True, refine=RefinePass(64, 64, 3), image=picture if pictured else None
    )
    said: list[Progress] = []
    assert film(engine, call, said.append).shape == (frames, 64, 64, 3)
    assert said[-1].done == said[-1].total


@pytest.mark.slow
def test_a_long_refined_film_is_made_in_stretches(engine: LongCatEngine) -> None:
    call = replace(CALL, frames=191, distilled=True, steps=1, refine=RefinePass(64, 64, 1))
    assert film(engine, call).shape == (191, 64, 64, 3)


def test_the_same_seed_makes_the_same_film_and_another_another(engine: LongCatEngine) -> None:
    first = film(engine, CALL)
    assert np.array_equal(first, film(engine, CALL))
    assert not np.array_equal(first, film(engine, replace(CALL, seed=8)))


@pytest.mark.parametrize("seed", [0, -1, 2**63 - 1, 2**64 + 5])
def test_any_integer_is_a_seed(engine: LongCatEngine, seed: int) -> None:
    assert film(engine, replace(CALL, seed=seed, steps=1, frames=1)).shape[0] == 1


def test_the_prompts_and_the_guidance_count(engine: LongCatEngine) -> None:
    plain = film(engine, CALL)
    for other in ({"prompt": "a whale"}, {"negative_prompt": "blue"}, {"guidance": 9.0}, {"guidance": 1.0}):
        assert not np.array_equal(plain, film(engine, replace(CALL, **other))), other


def test_the_distilled_model_has_no_ear_for_guidance(engine: LongCatEngine) -> None:
    call = replace(CALL, distilled=True)
    assert np.array_equal(film(engine, call), film(engine, replace(call, guidance=9.0, negative_prompt="x")))


def test_no_film_leaves_a_trace_in_the_next_one(engine: LongCatEngine) -> None:
    before = film(engine, CALL)
    film(engine, replace(CALL, distilled=True, frames=17, refine=RefinePass(64, 64, 3)))
    assert np.array_equal(before, film(engine, CALL))


@pytest.mark.parametrize("looks", [1, 8])
def test_a_cancel_ends_the_film_within_a_step_and_the_next_one_is_whole(engine: LongCatEngine, looks: int) -> None:
    call = replace(CALL, distilled=True, frames=17, refine=RefinePass(64, 64, 3), steps=4)
    whole, said = film(engine, call), []
    with pytest.raises(Cancelled):
        film(engine, call, said.append, after(looks * 4))
    assert len(said) <= looks * 4
    assert np.array_equal(whole, film(engine, call))


def test_a_cancel_while_frames_are_taken_ends_them_too(engine: LongCatEngine) -> None:
    wanted = True
    chunks = engine.generate(replace(CALL, frames=17), lambda _: None, lambda: not wanted).chunks
    next(chunks)
    wanted = False
    with pytest.raises(Cancelled):
        list(chunks)


def test_each_step_offers_a_small_picture_of_how_far_the_film_is(engine: LongCatEngine) -> None:
    shown: list[np.ndarray] = []

    def look(progress: Progress) -> None:
        assert progress.look is not None
        shown.append(progress.look())

    film(engine, replace(CALL, steps=3), look)
    assert [one.shape for one in shown] == [(6, 8, 3)] * 3
    assert all(one.dtype == np.uint8 for one in shown)


def test_acceleration_changes_little_and_saves_passes(engine: LongCatEngine) -> None:
    plain, fast = (film(engine, replace(CALL, steps=12, accelerated=fast)).astype(float) for fast in (False, True))
    assert np.abs(plain - fast).mean() < 16


def test_another_call_is_refused(engine: LongCatEngine) -> None:
    with pytest.raises(TypeError, match="EchoCall"):
        engine.generate(EchoCall(1, 0, 1, None, None), lambda _: None, never)


def test_it_says_which_weights_and_loras_it_holds(folder: Path, lora_file: Path) -> None:
    maker = LongCatEngine("mine", deployment(folder, loras={str(lora_file): 0.5}), Residence(), {}).load()
    assert (maker.engine, maker.model, maker.layout) == ("longcat", "tiny+own", "LongCat-Video")
    assert not maker.stand_in


def test_weights_that_moved_out_come_back_for_the_next_film(folder: Path, engine: LongCatEngine) -> None:
    made = engine_of(folder)
    made.unload()
    assert not made.loaded
    assert np.array_equal(film(made, CALL), film(engine, CALL))
    assert made.loaded


def test_a_warm_engine_has_made_a_film_and_makes_the_same_ones(folder: Path, engine: LongCatEngine) -> None:
    assert np.array_equal(film(engine_of(folder, warm_up=True), CALL), film(engine, CALL))


def test_an_own_lora_is_always_on_as_strong_as_it_is_set(folder: Path, engine: LongCatEngine, lora_file: Path) -> None:
    made, weak = (engine_of(folder, loras={str(lora_file): strength}) for strength in (1.0, 1e-6))
    distilled = replace(CALL, distilled=True)
    for call in (CALL, distilled, CALL):
        plain, changed = film(engine, call).astype(float), film(made, call).astype(float)
        assert np.abs(plain - changed).mean() > 0.05
        assert np.abs(plain - film(weak, call).astype(float)).mean() < 0.05


def test_broken_numbers_end_with_an_error_that_names_them(folder: Path) -> None:
    made = engine_of(folder)
    assert made._loaded is not None
    made._loaded.pipeline.components.network.blocks[1].attn.proj.weight.data[0, 0] = float("nan")
    with pytest.raises(Unable, match="NaN or infinity") as caught:
        film(made, CALL)
    assert caught.value.blame == "here"
    assert "internal_server_error" in caught.value.error.failure().type


def test_a_failure_of_no_known_kind_is_told_with_its_words_and_the_next_film_is_made(folder: Path) -> None:
    made = engine_of(folder)
    assert made._loaded is not None
    hook = made._loaded.pipeline.components.network.register_forward_pre_hook(stumble)
    with pytest.raises(Unable, match="RuntimeError: the kernel stumbled") as caught:
        film(made, CALL)
    assert "stumbled" not in str(caught.value.error)
    hook.remove()
    assert len(film(made, CALL)) == 9


def stumble(_network: Any, _given: Any) -> None:
    raise RuntimeError("the kernel stumbled")


def test_weights_that_can_not_be_read_are_named_without_their_folder(tmp_path: Path) -> None:
    setting = deployment(tmp_path / "nowhere")
    assert LongCatEngine("mine", setting, Residence(), {}).load().model == "nowhere"


@pytest.mark.parametrize(
    ("name", "more"), [("cfg_step_lora", {"distilled": True}), ("refinement_lora", {"refine": RefinePass(64, 64, 1)})]
)
def test_a_film_that_needs_a_lora_which_is_not_there_is_refused_before_its_first_step(
    folder: Path, tmp_path: Path, name: str, more: dict[str, Any]
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "lora" / f"{name}.safetensors").unlink()
    made, said = engine_of(copy), []
    with pytest.raises(Unable, match=rf"{name}\.safetensors is missing.*rushes runner prepare mine") as caught:
        film(made, replace(CALL, **more), said.append)
    assert said == []
    assert str(copy) not in str(caught.value.error), "callers learn nothing of folders"
    assert len(film(made, CALL)) == 9
    shutil.copy(folder / "lora" / f"{name}.safetensors", copy / "lora")
    assert len(film(made, replace(CALL, **more))) == 9, "it is found once it is there"


def test_a_folder_that_is_none_leaves_the_engine_standing_and_is_told_to_each_job(tmp_path: Path) -> None:
    made = engine_of(tmp_path / "nowhere")
    for _ in range(2):
        with pytest.raises(Unable, match="there is no folder") as caught:
            film(made, CALL)
        assert str(tmp_path) not in str(caught.value.error), "callers learn nothing of folders"


def test_weights_larger_than_the_limit_are_refused_with_their_size(folder: Path) -> None:
    made = engine_of(folder, memory_gb=0.0001)
    with pytest.raises(Unable, match=r"tiny needs 0\.00 GB of cpu") as caught:
        film(made, CALL)
    assert caught.value.blame == "here"


def test_a_device_that_is_not_there_is_told_to_each_job(folder: Path) -> None:
    with pytest.raises(Unable, match="torch sees 0 CUDA devices"):
        film(engine_of(folder, device="cuda:7"), CALL)


def test_two_deployments_that_do_not_fit_together_take_turns(folder: Path, engine: LongCatEngine) -> None:
    residence, limit = Residence(), 0.003  # GB: the tiny weights take 1.5 MB
    first, second = (engine_of(folder, residence, name, memory_gb=limit) for name in ("first", "second"))
    held = residence.used("cpu")
    assert residence.names == ("first", "second")
    small = held / 2 * 1.5 / 1e9
    first, second = (engine_of(folder, residence, name, memory_gb=small) for name in ("first", "second"))
    assert (first.loaded, second.loaded, residence.names) == (False, True, ("second",))
    assert np.array_equal(film(first, CALL), film(engine, CALL))
    assert (first.loaded, second.loaded, residence.names) == (True, False, ("first",))


@pytest.mark.parametrize("looks", [1, 20])
def test_a_cancel_while_weights_are_read_leaves_them_for_the_next_job(folder: Path, looks: int) -> None:
    made = engine_of(folder)
    made.unload()
    with pytest.raises(Cancelled):
        film(made, CALL, cancelled=after(looks))
    assert not made.loaded
    assert len(film(made, CALL)) == 9


def test_a_film_that_memory_does_not_hold_is_an_error_and_the_next_one_is_made(engine: LongCatEngine) -> None:
    with pytest.raises(Unable, match="ran out of memory for 9 frames of 1048576x1048576"):
        film(engine, replace(CALL, width=1 << 20, height=1 << 20))
    assert len(film(engine, CALL)) == 9


def test_a_hopeless_film_changes_nothing_in_how_the_next_one_is_made(folder: Path, engine: LongCatEngine) -> None:
    made = engine_of(folder)
    usual = made.placement
    with pytest.raises(Unable, match="ran out of memory"):
        film(made, replace(CALL, width=1 << 20, height=1 << 20))
    assert made.placement == usual
    assert np.array_equal(film(made, CALL), film(engine, CALL))


def test_a_film_too_large_at_once_is_made_in_a_leaner_way(folder: Path, engine: LongCatEngine) -> None:
    made = engine_of(folder)
    assert made._loaded is not None
    network = made._loaded.pipeline.components.network
    network.register_forward_pre_hook(refuse_pairs)
    plain, lean = film(engine, CALL).astype(float), film(made, CALL).astype(float)
    assert made.placement is not None
    assert (made.placement.batched, made.placement.tiling) == (False, True)
    assert np.abs(plain - lean).mean() < 0.5


def test_a_film_that_runs_out_after_its_first_frames_ends_and_the_next_one_is_made_in_a_leaner_way(
    folder: Path, picture: str
) -> None:
    made = engine_of(folder)
    assert made._loaded is not None
    passes: list[int] = []

    def refuse_later(network: Any, given: tuple[Any, ...]) -> None:
        passes.append(1)
        if len(passes) > 1:
            refuse_pairs(network, given)

    made._loaded.pipeline.components.network.register_forward_pre_hook(refuse_later)
    long = replace(CALL, frames=100, image=picture, steps=1)  # the first stretch is one pass, the second another
    with pytest.raises(Unable, match="ran out of memory for 100 frames"):
        film(made, long)
    passes.clear()
    assert len(film(made, long)) == 100, "it would run out at the same place for ever"


def refuse_pairs(_network: Any, given: tuple[Any, ...]) -> None:
    """A device on which two samples at once are too many."""
    if len(given[0]) > 1:
        raise torch.OutOfMemoryError("no room for two")


@pytest.mark.parametrize("offload", ["model", "group"])
def test_what_waits_in_ordinary_memory_makes_the_same_film(engine: LongCatEngine, folder: Path, offload: Any) -> None:
    made = engine_of(folder, offload=offload, tiling=False)
    call = replace(CALL, distilled=True, frames=17, refine=RefinePass(64, 64, 2))
    assert np.array_equal(film(made, call), film(engine, call))


def test_half_precision_makes_nearly_the_same_film(engine: LongCatEngine, folder: Path) -> None:
    full, half = (film(one, CALL).astype(float) for one in (engine, engine_of(folder, dtype="bfloat16")))
    assert np.abs(full - half).mean() < 2
