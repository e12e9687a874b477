"""LoRAs of a deployment by their names on the Hub: fetched with the weights, found in its cache, used from there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.engines.deployed import CannotPrepare
from rushes.engines.diffusers.deployed import complaint, prepare
from rushes.routing import DiffusersDeployment
from tests.engines.weights.pretended import pretended_hub

NAME = "acme/few-steps/rank64/i2v.safetensors"


class Heard:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str, *, passing: bool = False) -> None:
        self.lines.append(line)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "few-steps" / "rank64").mkdir(parents=True)
    for name in ("rank64/i2v.safetensors", "rank64/t2v.safetensors"):
        (tmp_path / "few-steps" / name).write_bytes(b"\0" * 3000)
    return tmp_path / "few-steps"


def test_only_its_own_file_comes_and_is_found(
    folders: Mapping[str, Path], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = DiffusersDeployment(engine="diffusers", model=str(folders["picture"]), loras={NAME: 1.0})
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    here = {"HF_HOME": str(tmp_path / "home")}
    assert complaint(setting, here).startswith("loras: acme/few-steps is not on this machine; fetch it with: rushes")
    said = Heard()
    with pretended_hub(**{"few-steps": repository}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        prepare(setting, tmp_path, said)
        gone = setting.model_copy(update={"loras": {"acme/few-steps/t2i.safetensors": 1.0}})
        with pytest.raises(CannotPrepare, match=r"it holds no t2i.safetensors"):
            prepare(gone, tmp_path, said)
    assert complaint(setting, here) == ""
    assert [one.name for one in (tmp_path / "home").rglob("*.safetensors")] == ["i2v.safetensors"]


def test_one_that_is_nowhere_is_told_of_and_not_fetched(folders: Mapping[str, Path], tmp_path: Path) -> None:
    setting = DiffusersDeployment(engine="diffusers", model=str(folders["picture"]), loras={"/nowhere/x": 1.0})
    assert (
        complaint(setting, {}) == "loras: there is no file /nowhere/x; name one, or ORGANISATION/NAME/FILE on the Hub"
    )
    with pytest.raises(CannotPrepare, match="there is no file /nowhere/x"):
        prepare(setting, tmp_path, Heard())
