"""Films from tiny real weights: exactness, grids, seeds, cancel, memory, previews, several deployments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch

from rushes.calls import Finish, Lora
from rushes.engines.diffusers.engine import DiffusersEngine
from rushes.engines.engine import Cancelled, Progress, Unable
from rushes.engines.residence import Residence
from tests.engines.diffusers.films import Folders, bare_film, call, engine, film


@pytest.fixture(scope="module")
def mine(folders: Folders) -> DiffusersEngine:
    made = engine(folders["picture"])
    made.load()
    return made


def test_it_says_which_weights_it_holds(mine: DiffusersEngine) -> None:
    maker = mine.load()
    assert (maker.engine, maker.model, maker.layout) == ("diffusers", "tiny-picture", "WanImageToVideoPipeline")


def test_a_film_is_that_of_the_bare_pipeline(mine: DiffusersEngine, folders: Folders) -> None:
    expected = bare_film(folders["picture"], folders, flow_shift=3.0)
    made = film(mine, call(folders))
    assert made.shape == (9, 32, 48, 3)
    assert np.abs(made - expected * 255).max() <= 0.51


def test_the_same_seed_gives_the_same_film_and_another_seed_shift_or_picture_another(
    mine: DiffusersEngine, folders: Folders, tmp_path: Path
) -> None:
    first = film(mine, call(folders))
    assert np.array_equal(first, film(mine, call(folders)))
    assert not np.array_equal(first, film(mine, call(folders, seed=8)))
    assert not np.array_equal(first, film(mine, call(folders, shift=9.0)))


@pytest.mark.parametrize(("frames", "made"), [(1, 1), (2, 5), (8, 9), (9, 9)])
def test_what_is_off_the_grid_is_trimmed(mine: DiffusersEngine, folders: Folders, frames: int, made: int) -> None:
    assert film(mine, call(folders, frames=frames, made=made, steps=1)).shape == (frames, 32, 48, 3)


def test_a_strip_is_made(mine: DiffusersEngine, folders: Folders) -> None:
    assert film(mine, call(folders, width=16, height=320, frames=1, made=1, steps=1)).shape == (1, 320, 16, 3)


def test_a_cancel_is_seen_within_a_step_and_the_next_film_is_as_ever(mine: DiffusersEngine, folders: Folders) -> None:
    asked = call(folders, steps=8, acceleration="regular")
    expected = film(mine, asked)
    for looks in (3, 12, 25):
        with pytest.raises(Cancelled):
            film(mine, asked, looks=looks)
        assert np.array_equal(film(mine, asked), expected)
    assert not np.array_equal(film(mine, replace(asked, acceleration="none")), expected)


def test_acceleration_computes_the_passes_that_the_list_says(mine: DiffusersEngine, folders: Folders) -> None:
    loaded = mine._loaded
    assert loaded is not None
    passes = []
    hook = loaded.pipe.transformer.blocks[1].attn1.register_forward_pre_hook(lambda *_: passes.append(1))
    film(mine, call(folders, steps=30, made=1, frames=1, acceleration="regular"))
    hook.remove()
    assert len(passes) == 28


def test_each_step_is_told_with_a_picture_of_it(mine: DiffusersEngine, folders: Folders) -> None:
    seen: list[Progress] = []
    film(mine, call(folders, steps=3), seen)
    assert [(one.done, one.total, one.noun) for one in seen] == [(1, 3, "steps"), (2, 3, "steps"), (3, 3, "steps")]
    assert seen[-1].look is not None
    picture = seen[-1].look()
    assert picture.shape == (4, 6, 3)
    assert picture.dtype == np.uint8


def test_films_of_the_other_layouts(folders: Folders) -> None:
    assert film(engine(folders["text"]), call(folders, image=None)).shape == (9, 32, 48, 3)
    # 48 x 40 is off the grid of 32, so more is made and cropped.
    assert film(engine(folders["expanding"]), call(folders, height=40)).shape == (9, 40, 48, 3)
    rated = engine(folders["rated"])
    assert film(rated, call(folders, width=96, height=64, shift=None)).shape == (9, 64, 96, 3)
    assert film(rated, call(folders, width=96, height=64, shift=None, steps=1)).shape == (9, 64, 96, 3)


def test_a_film_is_brought_to_a_higher_rate_and_size(folders: Folders) -> None:
    asked = call(folders, image=None, finish=Finish(96, 64, 15, 30))
    made = film(engine(folders["text"]), asked)
    assert made.shape == (15, 64, 96, 3)


def test_a_lora_changes_the_film_only_while_it_is_asked_for(
    mine: DiffusersEngine, folders: Folders, tmp_path: Path
) -> None:
    from diffusers import WanImageToVideoPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(5)
    trained = WanImageToVideoPipeline.from_pretrained(folders["picture"])
    trained.transformer.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    state = get_peft_model_state_dict(trained.transformer)
    WanImageToVideoPipeline.save_lora_weights(tmp_path, transformer_lora_layers=state)
    plain = film(mine, call(folders))
    with_it = film(mine, call(folders, loras=(Lora(str(tmp_path)),)))
    assert not np.array_equal(plain, with_it)
    assert np.array_equal(plain, film(mine, call(folders)))
    with pytest.raises(Unable) as raised:
        film(mine, call(folders, loras=(Lora("/nowhere"),)))
    assert "/nowhere" in raised.value.remedy


def test_broken_weights_end_as_an_error_and_not_as_a_film(folders: Folders) -> None:
    broken = engine(folders["text"])
    broken.load()
    assert broken._loaded is not None
    with torch.no_grad():
        broken._loaded.pipe.transformer.proj_out.weight.fill_(float("nan"))
    with pytest.raises(Unable) as raised:
        film(broken, call(folders, image=None))
    assert raised.value.blame == "here"
    assert "NaN or infinity after step 1 of 2" in raised.value.remedy


def test_a_film_too_large_for_the_memory_is_refused_and_the_next_is_made(folders: Folders) -> None:
    small = engine(folders["text"], warm_up=False, tiling=True)
    small.load()
    assert small._loaded is not None

    def limit(_module: Any, inputs: Any) -> None:
        if inputs[0].shape[3] > 4:
            raise torch.OutOfMemoryError("no more than so many rows")

    hook = small._loaded.pipe.vae.decoder.register_forward_pre_hook(limit)
    with pytest.raises(Unable) as raised:
        film(small, call(folders, image=None, height=64))
    assert "9 frames of 48x64" in str(raised.value.error)
    assert film(small, call(folders, image=None)).shape == (9, 32, 48, 3)
    hook.remove()


def test_two_deployments_that_do_not_fit_together_take_turns(folders: Folders) -> None:
    residence = Residence()
    alone = engine(folders["text"])
    alone.load()
    first = engine(folders["text"], residence, "first", memory_gb=0.0006)
    second = engine(folders["text"], residence, "second", memory_gb=0.0006)
    expected = film(alone, call(folders, image=None))
    for one, name in ((first, "first"), (second, "second"), (first, "first")):
        assert np.array_equal(film(one, call(folders, image=None)), expected)
        assert residence.names == (name,)
    assert not second.loaded


def test_weights_larger_than_the_limit_are_refused_with_their_size(folders: Folders) -> None:
    tight = engine(folders["text"], memory_gb=0.0001)
    tight.load()
    with pytest.raises(Unable) as raised:
        film(tight, call(folders, image=None))
    assert "tiny-text needs 0.00 GB" in raised.value.remedy


def test_a_folder_that_is_none_leaves_the_engine_standing(tmp_path: Path, folders: Folders) -> None:
    wrong = engine(tmp_path)
    assert wrong.load().layout == ""
    with pytest.raises(Unable) as raised:
        film(wrong, call(folders))
    assert str(tmp_path) in raised.value.remedy
    assert str(tmp_path) not in str(raised.value.error)
