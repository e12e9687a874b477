"""Weights that are wrong, numbers that break down, memory that ends: each job is told, and the next one is made."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch
from safetensors.torch import load_file, save_file

from rushes.calls import Lora
from rushes.engines.diffusers.engine import LOST_EXIT
from rushes.engines.engine import Unable
from rushes.engines.torch_faults import ran_out
from tests.engines.diffusers.films import Folders, call, engine, film

Tensors = dict[str, torch.Tensor]
PARTS = pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "image_encoder"])
TOO_MANY = 1 << 50  # bytes, more than any machine has
ROOT = Path(__file__).parents[3]


def spoilt(source: Path, to: Path, part: str, spoil: Callable[[Tensors], None]) -> Path:
    """Return a copy of weights with one part's tensors changed."""
    copy = Path(shutil.copytree(source, to))
    (path,) = (copy / part).glob("*.safetensors")
    tensors = load_file(path)
    spoil(tensors)
    save_file(tensors, path, metadata={"format": "pt"})
    return copy


def one_of(tensors: Tensors) -> str:
    return sorted(name for name in tensors if name.endswith("weight"))[3]


def refused(folder: Path, folders: Folders, **setting: Any) -> Unable:
    """Return what a job with these weights is told; the caller's words name no folder."""
    wrong = engine(folder, warm_up=False, **setting)
    wrong.load()
    with pytest.raises(Unable) as raised:
        film(wrong, call(folders))
    assert str(folder) not in str(raised.value.error)
    assert raised.value.blame == "here"
    return raised.value


@PARTS
def test_a_tensor_that_is_missing_is_named(folders: Folders, tmp_path: Path, part: str) -> None:
    gone: list[str] = []

    def drop(tensors: Tensors) -> None:
        gone.append(one_of(tensors))
        del tensors[gone[0]]

    found = refused(spoilt(folders["picture"], tmp_path / "copy", part, drop), folders)
    assert gone[0] in found.remedy
    assert f"{part} lacks tensors" in found.remedy


@PARTS
def test_a_tensor_of_another_size_is_refused(folders: Folders, tmp_path: Path, part: str) -> None:
    def grow(tensors: Tensors) -> None:
        name = one_of(tensors)
        tensors[name] = torch.zeros([side + 1 for side in tensors[name].shape])

    found = refused(spoilt(folders["picture"], tmp_path / "copy", part, grow), folders)
    assert "can't be loaded as WanImageToVideoPipeline" in found.remedy


@PARTS
def test_nan_anywhere_ends_as_an_error(folders: Folders, tmp_path: Path, part: str) -> None:
    def spoil(tensors: Tensors) -> None:
        tensors[one_of(tensors)].view(-1)[0] = float("nan")

    found = refused(spoilt(folders["picture"], tmp_path / "copy", part, spoil), folders)
    assert "NaN or infinity after" in found.remedy
    assert "NaN or infinity" in str(found.error)


def _twice(tensors: Tensors) -> None:
    tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"].clone()


def _renamed(tensors: Tensors) -> None:
    tensors["encoder.embed_tokens.weight"] = tensors.pop("shared.weight")


def _prefixed(tensors: Tensors) -> None:
    for name in list(tensors):
        tensors[f"vision_model.{name}"] = tensors.pop(name)
    tensors["vision_model.embeddings.position_ids"] = torch.arange(17)[None]


@pytest.mark.parametrize(
    ("part", "older"), [("text_encoder", _twice), ("text_encoder", _renamed), ("image_encoder", _prefixed)]
)
def test_names_that_older_libraries_wrote_are_not_missing(
    folders: Folders, tmp_path: Path, part: str, older: Callable[[Tensors], None]
) -> None:
    expected = film(engine(folders["picture"], warm_up=False), call(folders))
    copy = spoilt(folders["picture"], tmp_path / "copy", part, older)
    assert np.array_equal(film(engine(copy, warm_up=False), call(folders)), expected)


def test_a_configuration_that_asks_for_more_than_is_there_is_refused(folders: Folders, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folders["picture"], tmp_path / "copy"))
    path = copy / "text_encoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_layers": 3}))
    assert "and 5 more" in refused(copy, folders).remedy


def test_weights_that_fail_at_the_start_leave_the_runner_standing(
    folders: Folders, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(tensors: Tensors) -> None:
        tensors[one_of(tensors)].fill_(float("nan"))

    wrong = engine(spoilt(folders["picture"], tmp_path / "copy", "transformer", spoil))
    with caplog.at_level(logging.ERROR):
        assert wrong.load().layout == "WanImageToVideoPipeline"
    assert "the deployment mine can't work: NaN or infinity" in caplog.text


@pytest.mark.parametrize("where", ["transformer.blocks.1", "vae.decoder", "text_encoder"])
def test_memory_that_really_ends_is_told_and_the_next_film_is_made(folders: Folders, where: str) -> None:
    small = engine(folders["picture"], tiling=True, kept_texts=0)
    small.load()
    expected = film(small, call(folders))
    assert small._loaded is not None

    def ask_too_much(*_: Any) -> None:
        torch.empty(TOO_MANY, dtype=torch.uint8)

    part, _, inner = where.partition(".")
    module = getattr(small._loaded.pipe, part)
    hook = (module.get_submodule(inner) if inner else module).register_forward_pre_hook(ask_too_much)
    with pytest.raises(Unable) as raised:
        film(small, call(folders))
    hook.remove()
    assert "too little memory" in str(raised.value.error)
    assert "9 frames of 48x32" in raised.value.remedy
    assert np.array_equal(film(small, call(folders)), expected)


def test_a_film_is_made_leaner_where_memory_ends(folders: Folders) -> None:
    held = engine(folders["picture"])
    held.load()
    expected = film(held, call(folders))
    assert held.plan is not None
    assert not held.plan.tiling
    assert held._loaded is not None

    def ask_too_much(*_: Any) -> None:
        torch.empty(TOO_MANY, dtype=torch.uint8)

    held._loaded.pipe.vae.decoder.register_forward_pre_hook(ask_too_much)
    assert np.array_equal(film(held, call(folders)), expected)
    assert held.plan.tiling


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("The size of tensor a (3) must match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_is_told_from_other_errors(error: BaseException, *, expected: bool) -> None:
    assert ran_out(error) is expected


def test_any_other_failure_is_told_in_general_to_the_caller_and_in_full_to_the_operator(folders: Folders) -> None:
    held = engine(folders["picture"])
    held.load()
    assert held._loaded is not None

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("in /secret/place")

    hook = held._loaded.pipe.transformer.blocks[0].register_forward_pre_hook(fail)
    with pytest.raises(Unable) as raised:
        film(held, call(folders))
    hook.remove()
    assert raised.value.remedy == "ZeroDivisionError: in /secret/place"
    assert "/secret" not in str(raised.value.error)
    assert film(held, call(folders)).shape == (9, 32, 48, 3)


def test_another_models_lora_and_a_broken_one_are_refused_and_the_next_film_is_made(
    folders: Folders, tmp_path: Path
) -> None:
    held = engine(folders["picture"])
    held.load()
    plain = film(held, call(folders))
    save_file({"nothing.lora_A.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"\0" * 64)
    for name in ("other.safetensors", "broken.safetensors"):
        with pytest.raises(Unable) as raised:
            film(held, call(folders, loras=(Lora(str(tmp_path / name)),)))
        assert name in raised.value.remedy
    assert np.array_equal(film(held, call(folders)), plain)


LOST = """
import sys, torch
from tests.engines.diffusers.films import call, engine, film
from pathlib import Path
folders = {"photograph": Path(sys.argv[2])}
held = engine(Path(sys.argv[1]))
held.load()
def fail(*_):
    raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
held._loaded.pipe.transformer.blocks[0].register_forward_pre_hook(fail)
film(held, call(folders))
"""


@pytest.mark.slow
def test_a_device_that_failed_ends_the_process(folders: Folders) -> None:
    command = [sys.executable, "-c", LOST, str(folders["picture"]), str(folders["photograph"])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == LOST_EXIT, done.stderr
    assert "illegal memory access" in done.stderr
