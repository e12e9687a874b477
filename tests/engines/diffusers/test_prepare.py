"""What is fetched of the Hub: of a variant its network, of a single file's base what the file has not."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.engines.deployed import CannotPrepare
from rushes.engines.diffusers.deployed import complaint, prepare
from rushes.routing import DiffusersDeployment
from tests.engines.diffusers.original import ltx_file
from tests.engines.weights.pretended import COMMIT, PretendedHub, pretended_hub

NETWORK = "transformer/diffusion_pytorch_model.safetensors"


class Heard:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str, *, passing: bool = False) -> None:
        self.lines.append(line)


def fetched(home: Path, name: str) -> set[str]:
    folder = home / "hub" / f"models--acme--{name}" / "snapshots" / COMMIT
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


def prepared(
    hub: PretendedHub,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: DiffusersDeployment,
    *,
    dry_run: bool = False,
) -> list[str]:
    for name, value in hub.environment(home).items():
        monkeypatch.setenv(name, value)
    said = Heard()
    prepare(setting, home, said, dry_run=dry_run)
    return said.lines


def test_of_a_variant_only_the_network_and_what_it_is_compared_by_come(
    folders: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(shutil.copytree(folders["picture"], tmp_path / "whole"))
    for part in ("transformer", "scheduler"):
        shutil.copytree(folders["variant"] / part, whole / part, dirs_exist_ok=True)
    setting = DiffusersDeployment(engine="diffusers", model="acme/large", variants={"480p": "acme/small"})
    with pretended_hub(large=folders["picture"], small=whole) as hub:
        dry = prepared(hub, tmp_path, monkeypatch, setting, dry_run=True)
        assert [line for line in dry if "acme/" in line] == [
            f"  acme/{one} at {COMMIT[:12]}" for one in ("large", "small")
        ]
        assert not (tmp_path / "hub").exists()
        lines = prepared(hub, tmp_path, monkeypatch, setting)
    assert fetched(tmp_path, "small") == {
        "model_index.json",
        "scheduler/scheduler_config.json",
        "transformer/config.json",
        NETWORK,
        *(f"{part}/config.json" for part in ("vae", "text_encoder", "image_encoder")),
    }
    assert "text_encoder/model.safetensors" in fetched(tmp_path, "large")
    assert [line.split()[1].rstrip(",") for line in lines if line.startswith("  ready")] == [
        f"acme/{one}@{COMMIT[:12]}" for one in ("large", "small")
    ]
    assert complaint(setting, {"HF_HOME": str(tmp_path)}) == ""


def test_of_a_base_all_comes_but_what_the_file_has(
    folders: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "files").mkdir()
    ltx_file(folders["rated"], tmp_path / "files" / "v2.safetensors")
    (tmp_path / "files" / "v3.safetensors").write_bytes(b"\0" * 100)
    setting = DiffusersDeployment(engine="diffusers", model="acme/film/v2.safetensors", base="acme/base")
    with pretended_hub(film=tmp_path / "files", base=folders["rated"]) as hub:
        prepared(hub, tmp_path, monkeypatch, setting, dry_run=True)
        lines = prepared(hub, tmp_path, monkeypatch, setting)
        other = setting.model_copy(update={"model": "acme/film/v4.safetensors"})
        with pytest.raises(
            CannotPrepare, match=r"it holds no v4.safetensors; there are: v2.safetensors, v3.safetensors"
        ):
            prepared(hub, tmp_path, monkeypatch, other)
    assert fetched(tmp_path, "film") == {"v2.safetensors"}
    here = fetched(tmp_path, "base")
    assert {"transformer/config.json", "vae/config.json", "text_encoder/model.safetensors", "model_index.json"} <= here
    assert not {NETWORK, "vae/diffusion_pytorch_model.safetensors"} & here
    assert lines[-1].startswith(f"  ready      acme/film/v2@{COMMIT[:12]}, LTXImageToVideoPipeline")
    assert complaint(setting, {"HF_HOME": str(tmp_path)}) == ""
