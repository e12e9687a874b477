"""The official folder on the disk: whole ones, and what is told of each thing that can be wrong with one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from safetensors.torch import load_file, save_file  # noqa: E402

from rushes.engines.checkpoints import WeightsProblem  # noqa: E402
from rushes.engines.deployed import CannotPrepare  # noqa: E402
from rushes.engines.longcat.config import NetworkConfig  # noqa: E402
from rushes.engines.longcat.network import Network  # noqa: E402
from rushes.engines.longcat.official import FOLDERS, LORAS, chosen, in_trouble, inspect  # noqa: E402
from rushes.engines.longcat.parameters import parameters  # noqa: E402
from rushes.engines.weights.fetch import Fetching, Wanted, fetch  # noqa: E402
from tests.engines.longcat import tiny  # noqa: E402
from tests.engines.weights.pretended import pretended_hub  # noqa: E402

SHARD = "dit/diffusion_pytorch_model-00002-of-00002.safetensors"


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def told(folder: Path) -> str:
    with pytest.raises(WeightsProblem) as caught:
        inspect(str(folder), None, {})
    return str(caught.value)


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def change(path: Path, **members: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | members))


@pytest.mark.parametrize("config", [NetworkConfig(), tiny.CONFIG])
def test_parameters_are_those_of_the_network(config: NetworkConfig) -> None:
    with torch.device("meta"):
        made = Network(config)
    assert parameters(config) == {name: tuple(one.shape) for name, one in made.named_parameters()}


def test_a_whole_folder_is_told_by_name_and_size(folder: Path) -> None:
    found = inspect(str(folder), None, {})
    assert (found.folder, found.name) == (folder, "tiny")
    assert found.parameters["dit"] == tiny.PARAMETERS
    assert found.parameters["text_encoder"] == sum(one.numel() for one in tiny.text_encoder().parameters())
    assert found.parameters["vae"] == sum(one.numel() for one in tiny.vae().parameters())
    assert 0 < found.parameters["block"] < tiny.PARAMETERS / tiny.CONFIG.depth


def test_a_fetched_id_is_found_in_the_hubs_cache_and_named_with_its_commit(folder: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--someone--film"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123456789abcdef")
    shutil.copytree(folder, repository / "snapshots" / "0123456789abcdef")
    environment = {"HF_HUB_CACHE": str(tmp_path / "hub")}
    assert inspect("someone/film", None, environment).name == "someone/film@0123456789ab"
    remove(repository / "snapshots" / "0123456789abcdef" / "vae")
    with pytest.raises(WeightsProblem, match=r"vae is missing.*; fetch it with: rushes runner prepare NAME$"):
        inspect("someone/film", None, environment)


def test_only_the_official_parts_are_fetched_and_then_they_are_whole(folder: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(folder, tmp_path / "source"))
    (source / "README.md").write_text("Films.")
    (source / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"x" * 900)
    (source / "assets").mkdir()
    (source / "assets" / "demo.mp4").write_bytes(b"x" * 900)
    heard: list[str] = []

    def say(line: str, *, passing: bool = False) -> None:
        heard.append(line)

    with pretended_hub(longcat=source) as hub:
        environment = hub.environment(tmp_path / "home")
        fetched = fetch(Wanted("acme/longcat", None, chosen), Fetching(environment, say, pauses=lambda _: 0.0))
        assert inspect("acme/longcat", None, environment).parameters["dit"] == tiny.PARAMETERS
    names = {str(one.relative_to(fetched)) for one in fetched.rglob("*") if one.is_file()}
    assert {name.partition("/")[0] for name in names} == {*FOLDERS, "lora"}
    assert "vae/diffusion_pytorch_model.bin" not in names


def test_a_repository_of_another_model_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "other" / "vae").mkdir(parents=True)
    (tmp_path / "other" / "vae" / "config.json").write_text("{}")
    with pretended_hub(other=tmp_path / "other") as hub:
        around = Fetching(hub.environment(tmp_path / "home"), lambda line, passing=False: None, pauses=lambda _: 0.0)
        with pytest.raises(CannotPrepare, match="acme/other can't be used: it has no folder tokenizer"):
            fetch(Wanted("acme/other", None, chosen), around)


def test_what_is_not_here_is_refused_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsProblem, match="someone/film at v2 is not on this machine; fetch it with: rushes runner prepare NAME"
    ):
        inspect("someone/film", "v2", {"HF_HUB_CACHE": str(tmp_path)})
    assert told(tmp_path / "nowhere").endswith("ORGANISATION/NAME; fetch it with: rushes runner prepare NAME")


@pytest.mark.parametrize("name", ["tokenizer", "text_encoder", "vae", "dit"])
def test_a_missing_part_is_named_with_the_command_for_it(copy: Path, name: str) -> None:
    remove(copy / name)
    said = told(copy)
    assert f"{copy / name} is missing" in said
    assert said.endswith("fetch it with: rushes runner prepare NAME")


@pytest.mark.parametrize(
    "name",
    [
        *("dit/config.json", SHARD, "vae/config.json", "vae/diffusion_pytorch_model.safetensors"),
        *("text_encoder/config.json", "text_encoder/model.safetensors", "tokenizer/tokenizer.json"),
    ],
)
def test_a_missing_file_is_told_with_its_place(copy: Path, name: str) -> None:
    remove(copy / name)
    said = told(copy)
    assert str(copy / name.partition("/")[0]) in said
    assert said.endswith("fetch it with: rushes runner prepare NAME")
    assert in_trouble(copy) == (name.partition("/")[0],)


@pytest.mark.parametrize("name", LORAS)
@pytest.mark.parametrize("harm", [remove, lambda path: os.truncate(path, 4)])
def test_without_a_lora_the_weights_are_there_and_it_is_told_what_they_lack(
    copy: Path, name: str, harm: Callable[[Path], None]
) -> None:
    path = copy / "lora" / f"{name}.safetensors"
    harm(path)
    found = inspect(str(copy), None, {})
    assert set(found.lacking) == {name}
    assert found.lacking[name].startswith(str(path))
    assert found.lacking[name].endswith("fetch it with: rushes runner prepare NAME")
    assert in_trouble(copy) == (f"lora/{name}.safetensors",)


def test_of_a_folder_that_is_whole_nothing_is_in_trouble(folder: Path, tmp_path: Path) -> None:
    assert in_trouble(folder) == ()
    assert inspect(str(folder), None, {}).lacking == {}
    assert set(in_trouble(tmp_path)) == {*FOLDERS, *(f"lora/{name}.safetensors" for name in LORAS)}


@pytest.mark.parametrize("name", [SHARD, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"])
@pytest.mark.parametrize("length", [0, 4, 5_000])
def test_a_file_that_was_cut_short_is_named(copy: Path, name: str, length: int) -> None:
    os.truncate(copy / name, length)
    assert str(copy / name) in told(copy)


@pytest.mark.parametrize(
    ("path", "members", "words"),
    [
        ("dit/config.json", {"depth": 3}, "lacks blocks.2."),
        ("dit/config.json", {"depth": 1}, "holds blocks.1."),
        ("dit/config.json", {"adaln_tembed_dim": 16}, "but config.json makes it"),
        ("dit/config.json", {"num_heads": 0}, "num_heads is 0"),
        ("dit/config.json", {"hidden_size": "wide"}, "hidden_size is 'wide'"),
        ("dit/config.json", {"patch_size": 3}, "config.json can't be used"),
        ("vae/config.json", {"z_dim": 48}, "z_dim is 48, but dit takes 16"),
        ("text_encoder/config.json", {"d_model": 64}, "d_model is 64, but dit takes 32"),
    ],
)
def test_parts_that_do_not_fit_are_told_apart(copy: Path, path: str, members: dict[str, Any], words: str) -> None:
    change(copy / path, **members)
    assert words in told(copy)


def test_a_tensor_of_another_shape_is_named_with_its_file(copy: Path) -> None:
    tensors = load_file(copy / SHARD)
    name = next(one for one in tensors if one.endswith("proj.weight"))
    save_file(tensors | {name: tensors[name][:-1].contiguous()}, copy / SHARD)
    assert f"{copy / SHARD}: {name} is (63, 64), but config.json makes it (64, 64)" in told(copy)


@pytest.mark.parametrize("write", [lambda path: path.write_text("[]"), lambda path: path.write_text("{"), remove])
@pytest.mark.parametrize("name", ["dit/config.json", "vae/config.json"])
def test_a_config_that_is_none_is_told(copy: Path, name: str, write: Callable[[Path], object]) -> None:
    write(copy / name)
    assert "config.json" in told(copy)


def test_a_folder_of_another_layout_is_told_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "WanPipeline"}')
    assert f"{tmp_path / 'tokenizer'} is missing, a part of the official weights" in told(tmp_path)
