"""Weights that are one file in their makers' layout: the films are those of the folder that the file was made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch
from safetensors.torch import load_file, save_file

from rushes.engines.checkpoints import WeightsProblem, in_repository
from rushes.engines.diffusers.deployed import complaint
from rushes.engines.diffusers.engine import DiffusersEngine
from rushes.engines.diffusers.single import name_of
from rushes.engines.diffusers.variants import weights_of
from rushes.engines.engine import Unable
from rushes.engines.residence import Residence
from rushes.routing import DiffusersDeployment
from tests.engines.diffusers.films import Folders, Pixels, call, engine, film
from tests.engines.diffusers.original import ltx_file, wan_file

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' own

TOLD = {"width": 64, "height": 64, "shift": None, "decode_timestep": 0.05, "decode_noise": 0.025}


def emptied(source: Path, to: Path, *parts: str) -> Path:
    """Return a copy of weights in which some parts are only configured."""
    copy = Path(shutil.copytree(source, to))
    for part in parts:
        (copy / part / "diffusion_pytorch_model.safetensors").unlink()
    return copy


def setting(file: Path, base: Path, **more: Any) -> DiffusersDeployment:
    return DiffusersDeployment(engine="diffusers", model=str(file), base=str(base), device="cpu", warm_up=False, **more)


def made(file: Path, base: Path, asked: Any, **more: Any) -> Pixels:
    return film(DiffusersEngine("mine", setting(file, base, **more), Residence()), asked)


@pytest.mark.parametrize("kind", ["rated", "conditioned"])
def test_network_and_autoencoder_of_one_file_make_the_folders_film(folders: Folders, tmp_path: Path, kind: str) -> None:
    file = ltx_file(folders[kind], tmp_path / "ltxv-2b.safetensors")
    base = emptied(folders[kind], tmp_path / "base", "transformer", "vae")
    expected = film(engine(folders[kind], warm_up=False), call(folders, **TOLD))
    rounding = np.abs(made(file, base, call(folders, **TOLD)).astype(int) - expected)
    assert rounding.max() <= 1  # numbers lie otherwise in the memory of such a file, and sums round so
    held = DiffusersEngine("mine", setting(file, base, quantisation="fp8", offload="group", tiling=True), Residence())
    assert np.abs(film(held, call(folders, **TOLD)).astype(int) - expected).mean() < 8
    assert held.maker_of(call(folders)).model == "ltxv-2b+fp8"


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_a_network_alone_goes_with_the_bases_other_parts(folders: Folders, tmp_path: Path, prefix: str) -> None:
    file = wan_file(folders["picture"], tmp_path / "wan.safetensors", prefix)
    base = emptied(folders["picture"], tmp_path / "base", "transformer")
    expected = film(engine(folders["picture"], warm_up=False), call(folders))
    assert np.array_equal(made(file, base, call(folders)), expected)
    rated = ltx_file(folders["rated"], tmp_path / "network.safetensors", autoencoder=False)
    expected = film(engine(folders["rated"], warm_up=False), call(folders, **TOLD))
    assert np.array_equal(made(rated, folders["rated"], call(folders, **TOLD)), expected)


def test_a_variant_may_be_a_file(folders: Folders, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(folders["picture"], tmp_path / "whole"))
    shutil.copytree(folders["variant"] / "transformer", whole / "transformer", dirs_exist_ok=True)
    small = wan_file(whole, tmp_path / "small.safetensors")
    large = wan_file(folders["picture"], tmp_path / "large.safetensors")
    base = emptied(folders["picture"], tmp_path / "base", "transformer")
    held = DiffusersEngine("mine", setting(large, base, variants={"480p": str(small)}), Residence())
    asked = call(folders, shift=None)
    for variant, folder in (("480p", whole), ("", folders["picture"]), ("480p", whole)):
        expected = film(engine(folder, warm_up=False), asked)
        assert np.array_equal(film(held, replace(asked, variant=variant)), expected)
    assert held.maker_of(replace(asked, variant="480p")).model == "small"


Tensors = dict[str, torch.Tensor]


def _without(name: str) -> Callable[[Tensors], None]:
    def spoil(tensors: Tensors) -> None:
        for key in [key for key in tensors if name in key]:
            del tensors[key]

    return spoil


def _stored(tensors: Tensors) -> None:
    for name in tensors:
        tensors[name] = tensors[name].to(torch.float8_e4m3fn)


def _wider(tensors: Tensors) -> None:
    name = "model.diffusion_model.patchify_proj.weight"
    tensors[name] = torch.zeros(64, 8)


def spoilt(folders: Folders, tmp_path: Path, spoil: Callable[[Tensors], None]) -> Path:
    file = ltx_file(folders["rated"], tmp_path / "file.safetensors")
    tensors = load_file(file)
    spoil(tensors)
    save_file(tensors, file)
    return file


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without("transformer_blocks.1.attn1.to_q.weight"), "lacks transformer_blocks.1.attn1.to_q.weight"),
        (_without("transformer_blocks.1."), "has 1 transformer_blocks, and its configuration asks for 2"),
        (_without("patchify_proj"), "holds no network that"),
        (_wider, "patchify_proj.weight is 64 x 8 large"),
        (_stored, "holds numbers in F8_E4M3"),
    ],
)
def test_a_file_that_cannot_be_it_is_refused_at_the_start(
    folders: Folders, tmp_path: Path, spoil: Callable[[Tensors], None], words: str
) -> None:
    file = spoilt(folders, tmp_path, spoil)
    told = complaint(setting(file, folders["rated"]), {})
    assert words in told
    assert str(file) in told


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without("adaln_single.emb.timestep_embedder.linear_1.weight"), "lacks tensors that its config.json asks for"),
        (_without("vae.decoder.conv_out.conv.bias"), "decoder.conv_out.conv.bias"),
        (
            lambda tensors: tensors.update({"model.diffusion_model.proj_out.bias": torch.zeros(3)}),
            "proj_out.bias is (3,)",
        ),
    ],
)
def test_a_tensor_that_is_missing_or_of_another_size_is_named_when_the_file_is_read(
    folders: Folders, tmp_path: Path, spoil: Callable[[Tensors], None], words: str
) -> None:
    file = spoilt(folders, tmp_path, spoil)
    assert not complaint(setting(file, folders["rated"]), {})
    with pytest.raises(Unable) as raised:
        made(file, folders["rated"], call(folders, **TOLD))
    assert words in raised.value.remedy
    assert str(file) not in str(raised.value.error)


def test_a_base_that_lacks_what_the_file_has_not_is_refused(folders: Folders, tmp_path: Path) -> None:
    file = ltx_file(folders["rated"], tmp_path / "file.safetensors", autoencoder=False)
    base = emptied(folders["rated"], tmp_path / "base", "vae")
    assert "vae holds no weights" in complaint(setting(file, base), {})
    assert "there is no folder /nowhere" in complaint(setting(file, Path("/nowhere")), {})
    assert "there is no file /nowhere.safetensors" in complaint(setting(Path("/nowhere.safetensors"), base), {})
    two = wan_file(folders["two"], tmp_path / "two.safetensors")
    assert "has two networks" in complaint(setting(two, folders["two"]), {})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "a/b/c.safetensors"}, "name in base a folder"),
        ({"model": "a/b", "base": "c/d"}, "remove base"),
        ({"model": "a/b/c.safetensors", "base": "/d.safetensors"}, "base is a single file too"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DiffusersDeployment.model_validate({"engine": "diffusers", **given})


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("acme/film/v1.safetensors", ("acme/film", "v1.safetensors")),
        ("acme/film/sub/v1.safetensors", ("acme/film", "sub/v1.safetensors")),
        ("acme/v1.safetensors", ("", "")),
        ("/acme/film/v1.safetensors", ("", "")),
        ("./acme/film/v1.safetensors", ("", "")),
        ("acme/film/v1.gguf", ("", "")),
    ],
)
def test_a_file_of_the_hub_is_told_from_one_of_the_disk(model: str, expected: tuple[str, str]) -> None:
    assert in_repository(model) == expected


def test_a_file_of_the_hub_is_named_with_its_commit(folders: Folders, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--acme--film"
    snapshot = repository / "snapshots" / "0123456789abcdef"
    (snapshot / "sub").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123456789abcdef")
    ltx_file(folders["rated"], snapshot / "sub" / "v1.safetensors")
    given = DiffusersDeployment(engine="diffusers", model="acme/film/sub/v1.safetensors", base=str(folders["rated"]))
    found = weights_of(given, {"HF_HOME": str(tmp_path)})
    assert found.name == "acme/film/sub/v1@0123456789ab"
    assert found.parameters == weights_of(
        DiffusersDeployment(engine="diffusers", model=str(folders["rated"])), {}
    ).parameters | {"vae": found.parameters["vae"]}
    with pytest.raises(WeightsProblem, match=r"v2.safetensors of acme/film is not on this machine; .*runner prepare"):
        weights_of(given.model_copy(update={"model": "acme/film/v2.safetensors"}), {"HF_HOME": str(tmp_path)})
    assert name_of(tmp_path / "mine.safetensors", str(tmp_path / "mine.safetensors")) == "mine"


def test_a_configuration_without_sizes_is_refused(folders: Folders, tmp_path: Path) -> None:
    file = ltx_file(folders["rated"], tmp_path / "file.safetensors")
    base = emptied(folders["rated"], tmp_path / "base")
    path = base / "transformer" / "config.json"
    path.write_text(json.dumps({"_class_name": "LTXVideoTransformer3DModel"}))
    assert "lacks the sizes of its layers" in complaint(setting(file, base), {})
