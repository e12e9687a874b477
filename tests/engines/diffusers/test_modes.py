"""Every kind of weights, and every way of holding them, as far as a CPU can: the films are those of the plain way."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch

from rushes.calls import Lora
from rushes.engines.diffusers.deployed import complaint
from rushes.engines.diffusers.device import share
from rushes.engines.diffusers.engine import DiffusersEngine
from rushes.engines.diffusers.plan import GB, sizes
from rushes.engines.engine import Progress, Unable
from rushes.engines.residence import Residence
from rushes.families import ENDPOINTS
from rushes.routing import DiffusersDeployment
from rushes.runners.deployments import complaints
from rushes.settings import Settings
from tests.engines.diffusers.films import Folders, Pixels, call, engine, film

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' own

TOLD = {"width": 96, "height": 64, "shift": None, "decode_timestep": 0.05, "decode_noise": 0.025}
ASKED: dict[str, dict[str, Any]] = {
    "picture": {},
    "text": {"image": None},
    "expanding": {},
    "two": {"steps": 4},
    "rated": TOLD,
    "conditioned": TOLD,
}
KINDS = pytest.mark.parametrize("kind", list(ASKED))


@pytest.fixture(scope="module")
def plain(folders: Folders) -> dict[str, Pixels]:
    """The film of each kind as it is made without any setting."""
    return {kind: film(engine(folders[kind], warm_up=False), call(folders, **ASKED[kind])) for kind in ASKED}


@KINDS
@pytest.mark.parametrize("setting", [{"offload": "model"}, {"offload": "group"}, {"tiling": True}], ids=str)
def test_where_weights_wait_changes_nothing(
    folders: Folders, plain: dict[str, Pixels], kind: str, setting: dict[str, Any]
) -> None:
    seen: list[Progress] = []
    held = engine(folders[kind], warm_up=False, **setting)
    made = film(held, call(folders, **ASKED[kind]), seen)
    assert np.abs(made.astype(int) - plain[kind]).max() <= 1  # weights that were moved lie otherwise, and sums round so
    assert seen[-1].look is not None
    assert seen[-1].look().ndim == 3


@pytest.mark.parametrize("kind", ["picture", "expanding", "two", "rated", "conditioned"])
@pytest.mark.parametrize("offload", ["none", "group"])
def test_weights_stored_in_eight_bits_give_nearly_the_same(
    folders: Folders, plain: dict[str, Pixels], kind: str, offload: str
) -> None:
    held = engine(folders[kind], warm_up=False, quantisation="fp8", offload=offload)
    made = film(held, call(folders, **ASKED[kind]))
    assert not np.array_equal(made, plain[kind])
    assert np.abs(made.astype(int) - plain[kind]).mean() < 8
    assert held._loaded is not None
    stored = {one.dtype for one in held._loaded.pipe.transformer.parameters()}
    assert torch.float8_e4m3fn in stored


def test_only_networks_are_reckoned_in_eight_bits() -> None:
    parts = {"transformer": 100, "text_encoder": 100, "vae": 10}
    assert sizes(parts, ("vae",), "bfloat16", "fp8") == {"transformer": 100, "text_encoder": 200, "vae": 40}


@KINDS
def test_weights_are_warmed_up_also_where_they_need_a_picture(
    folders: Folders, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    passes: list[int] = []
    made = engine(folders[kind])
    hook = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, _: passes.append(1) if type(module).__name__.endswith("Transformer3DModel") else None
    )
    with caplog.at_level(logging.WARNING):
        made.load()
    hook.remove()
    assert passes
    assert not [one.getMessage() for one in caplog.records if one.name.startswith("rushes")]


def test_a_preview_leaves_the_network_where_it_is_while_parts_take_turns(folders: Folders) -> None:
    held = engine(folders["picture"], offload="model")
    held.load()
    held._look(held._ready(lambda: None)).picture  # noqa: B018
    held._loaded.look = None  # type: ignore[union-attr]
    order: list[str] = []
    pipe = held._loaded.pipe  # type: ignore[union-attr]
    hooks = [
        part.register_forward_pre_hook(lambda *_, name=name: order.append(name))
        for name, part in (("network", pipe.transformer.blocks[0]), ("autoencoder", pipe.vae.encoder))
    ]

    def watched(progress: Progress) -> None:
        if progress.look is not None:
            assert progress.look().shape == (4, 6, 3)

    list(held.generate(call(folders, steps=3), watched, lambda: False).chunks)
    for hook in hooks:
        hook.remove()
    first = order.index("network")
    assert "autoencoder" in order[:first]
    assert "autoencoder" not in order[first:]


def test_noisy_steps_are_one_networks_and_the_rest_the_others(folders: Folders) -> None:
    held = engine(folders["two"], warm_up=False)
    held.load()
    assert held._loaded is not None
    passes = {"first": 0, "second": 0}
    pipe = held._loaded.pipe
    for name, network in (("first", pipe.transformer), ("second", pipe.transformer_2)):
        network.blocks[0].attn1.register_forward_pre_hook(lambda *_, name=name: passes.update({name: passes[name] + 1}))
    film(held, call(folders, steps=4, shift=5.0))
    assert passes == {"first": 4, "second": 4}  # 999 and 937 are at or above 900, twice each; 833 and 625 below


def test_a_pair_of_pictures_is_taken_and_one_alone_refused(folders: Folders, tmp_path: Path) -> None:
    held = engine(folders["pair"])
    assert held.load().layout == "WanImageToVideoPipeline+last_image"
    other = np.full((40, 60, 3), 200, np.uint8)
    np.save(tmp_path / "last.npy", other)
    both = film(held, call(folders, last_image=str(folders["photograph"])))
    assert both.shape == (9, 32, 48, 3)
    assert not np.array_equal(both, film(held, call(folders, last_image=str(tmp_path / "last.npy"))))
    with pytest.raises(Unable) as raised:
        film(held, call(folders))
    assert "needs last_image" in raised.value.remedy
    told = {"mine": {"engine": "diffusers", "model": str(folders["pair"])}}
    settings = Settings(deployments=told, routes={"fal-ai/wan-i2v": ("mine",)})  # type: ignore[arg-type]
    (line,) = complaints(settings, ENDPOINTS, {})
    assert "whose weights are WanImageToVideoPipeline+last_image" in line


def _bare(pipe: Any, folders: Folders, **given: Any) -> Pixels:
    from rushes.engines.diffusers.sampling import _picture

    pipe.set_progress_bar_config(disable=True)
    made = pipe(
        image=_picture(str(folders["photograph"]), given["width"], given["height"]),
        prompt="a cab",
        negative_prompt="bad",
        num_frames=9,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(7),
        output_type="np",
        **given,
    ).frames[0]
    return np.asarray(made)


def test_the_other_kinds_give_the_films_of_their_bare_pipelines(folders: Folders) -> None:
    import diffusers

    sized = {"width": 64, "height": 32, "num_inference_steps": 2}
    bare = diffusers.WanImageToVideoPipeline.from_pretrained(folders["expanding"])
    expected = _bare(bare, folders, **sized)
    made = film(engine(folders["expanding"]), call(folders, width=64, shift=5.0))
    assert np.abs(made - expected * 255).max() <= 0.51
    told = {"decode_timestep": 0.05, "decode_noise_scale": 0.025, "frame_rate": 24, "width": 96, "height": 64}
    for kind, name in (("rated", "LTXImageToVideoPipeline"), ("conditioned", "LTXConditionPipeline")):
        bare = getattr(diffusers, name).from_pretrained(folders[kind])
        expected = _bare(bare, folders, num_inference_steps=3, **told)
        made = film(engine(folders[kind]), call(folders, fps=24, steps=3, **TOLD))
        assert np.abs(made - expected * 255).max() <= 0.51


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_scheduler_that_would_shift_by_size_is_told_not_to(folders: Folders, steps: int) -> None:
    assert film(engine(folders["shifting"]), call(folders, steps=steps, **TOLD)).shape == (9, 64, 96, 3)


@pytest.mark.parametrize(
    ("shift", "timesteps"), [(3, [999, 900, 750, 500]), (5, [999, 937, 833, 625]), (8, [999, 960, 889, 728])]
)
def test_the_shift_moves_the_steps_of_one_film_only(folders: Folders, shift: float, timesteps: list[int]) -> None:
    held = engine(folders["picture"], warm_up=False)
    held.load()
    assert held._loaded is not None
    pipe, seen = held._loaded.pipe, []
    before = film(held, call(folders, shift=None))

    def note(_: Progress) -> None:
        seen.append([int(one) for one in pipe.scheduler.timesteps])

    list(held.generate(call(folders, steps=4, shift=shift), note, lambda: False).chunks)
    assert seen[0] == timesteps
    assert pipe.scheduler.config.flow_shift == 5
    assert np.array_equal(film(held, call(folders, shift=None)), before)


@pytest.mark.parametrize(("shift", "steps"), [(100.0, 100), (100.0, 1), (0.001, 100), (0.001, 1), (60.0, 30)])
def test_extreme_shifts_are_taken(folders: Folders, shift: float, steps: int) -> None:
    asked = call(folders, shift=shift, steps=steps, frames=1, made=1, guidance=1.0)
    assert film(engine(folders["picture"], warm_up=False), asked).shape == (1, 32, 48, 3)


def test_seeds_of_64_bits_are_taken(folders: Folders) -> None:
    held = engine(folders["picture"], warm_up=False)
    asked = {seed: film(held, call(folders, seed=seed)) for seed in (2**64 - 1, 2**63 + 3, -5, 3, 0)}
    assert np.array_equal(asked[-5], film(held, call(folders, seed=2**64 - 5)))
    assert not np.array_equal(asked[2**64 - 1], asked[0])


def test_a_lora_counts_as_strong_as_it_is_asked_for(folders: Folders, tmp_path: Path) -> None:
    from diffusers import WanImageToVideoPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(6)
    trained = WanImageToVideoPipeline.from_pretrained(folders["picture"])
    trained.transformer.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    WanImageToVideoPipeline.save_lora_weights(
        tmp_path, transformer_lora_layers=get_peft_model_state_dict(trained.transformer)
    )
    held, source = engine(folders["picture"], warm_up=False), str(tmp_path)

    def at(*scales: float) -> Pixels:
        return film(held, call(folders, loras=tuple(Lora(source, one) for one in scales)))

    plain, whole, half = at(), at(1.0), at(0.5)
    assert not np.array_equal(plain, whole)
    assert not np.array_equal(whole, half)
    assert np.array_equal(at(1.0), whole)
    assert np.array_equal(at(0.0), plain)
    assert np.array_equal(at(), plain)
    always = engine(folders["picture"], loras={source: 0.5})
    assert np.array_equal(film(always, call(folders)), half)


def test_settings_that_cannot_work_are_told_at_the_start(folders: Folders) -> None:
    def told(**setting: Any) -> str:
        made = DiffusersDeployment(engine="diffusers", model=str(folders["picture"]), **setting)
        return complaint(made, {})

    assert told() == ""
    assert told(quantisation="int8").endswith("pip install bitsandbytes")
    assert told(quantisation="nf4").endswith("pip install bitsandbytes")
    assert "/nowhere.safetensors" in told(loras={"/nowhere.safetensors": 1.0})
    assert "'nonsense'" in told(attention="nonsense")


def test_a_device_that_is_none_is_told_to_each_job(folders: Folders) -> None:
    names = "name cuda, cuda:NUMBER, mps or cpu"
    for device, words in (("cuda:7", "torch sees 0 CUDA devices"), ("abacus", names), ("cuda:first", names)):
        setting = DiffusersDeployment(engine="diffusers", model=str(folders["picture"]), device=device)
        lost = DiffusersEngine("lost", setting, Residence())
        lost.load()
        with pytest.raises(Unable) as raised:
            film(lost, call(folders))
        assert words in raised.value.remedy


def test_a_limit_is_a_share_of_the_device() -> None:
    assert share(None, 80 * GB) == 1
    assert share(20, 80 * GB) == 0.25
    assert share(100, 80 * GB) == 1
