"""A deployment of this network from the settings: what is complained about, and that it is found by its folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.engines.deployed import Place, deployed, networks
from rushes.engines.longcat.engine import LongCatEngine
from rushes.families import ENDPOINTS
from rushes.routing import NetworkDeployment
from rushes.runners.deployments import complaints
from rushes.settings import Settings


def deployment(folder: Path | str, **more: Any) -> NetworkDeployment:
    return NetworkDeployment.model_validate({"engine": "network", "network": "longcat", "model": str(folder)} | more)


def complaint(folder: Path | str, **more: Any) -> str:
    setting = deployment(folder, **more)
    return deployed(setting).complaint(setting, {})


def test_a_network_is_found_by_its_folder(folder: Path) -> None:
    assert networks() == ("longcat",)
    setting = deployment(folder)
    assert (setting.kind, setting.package) == ("longcat", "longcat")
    assert deployed(setting).layout(setting, {}) == "LongCat-Video"
    assert isinstance(deployed(setting).engine(setting, Place("mine")), LongCatEngine)


@pytest.mark.parametrize("name", ["nothing", "vendor", "diffusers", "../longcat", "animatic", "longcat.engine"])
def test_a_network_that_is_none_is_told_with_those_that_are(folder: Path, name: str) -> None:
    assert complaint(folder, network=name) == f"network: there is no network {name!r}; there are: longcat"
    setting = deployment(folder, network=name)
    assert deployed(setting).layout(setting, {}) == ""
    with pytest.raises(ValueError, match=r"deployments\.mine: network: there is no network"):
        deployed(setting).engine(setting, Place("mine"))


def test_nothing_is_said_of_weights_that_are_whole(folder: Path, lora_file: Path) -> None:
    assert complaint(folder) == ""
    assert complaint(folder, device="cuda:1", loras={str(lora_file): 0.5}, compile=True) == ""


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"device": "gpu"}, "device: 'gpu' is none; name cuda, cuda:NUMBER, mps or cpu"),
        ({"device": "cuda:x"}, "device: 'cuda:x' is none"),
        ({"loras": {"/nowhere/own.safetensors": 1.0}}, "loras: there is no file /nowhere/own.safetensors"),
        ({"compile": True, "offload": "group"}, "compile: blocks that wait"),
    ],
)
def test_a_setting_that_can_not_work_is_named(folder: Path, more: dict[str, Any], words: str) -> None:
    assert words in complaint(folder, **more)


def test_the_servers_complaint_names_the_deployment_and_the_file(folder: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "copy"))
    (broken / "lora" / "cfg_step_lora.safetensors").unlink()
    settings = Settings.model_validate(
        {
            "deployments": {"mine": {"engine": "network", "network": "longcat", "model": str(broken)}},
            "routes": {"fal-ai/longcat-video/*": ["mine"]},
        }
    )
    said = complaints(settings, ENDPOINTS, {})
    assert len(said) == 1
    assert said[0].startswith(f"deployments.mine: {broken / 'lora' / 'cfg_step_lora.safetensors'} is missing")


def test_weights_on_the_wrong_route_are_complained_about(folder: Path) -> None:
    settings = Settings.model_validate(
        {
            "deployments": {"mine": {"engine": "network", "network": "longcat", "model": str(folder)}},
            "routes": {"fal-ai/wan-i2v": ["mine"]},
        }
    )
    assert complaints(settings, ENDPOINTS, {}) == [
        "routes: none of the deployments that are named for fal-ai/wan-i2v can serve it"
    ]


def test_complaining_loads_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys\n"
        "from rushes.engines.deployed import deployed\n"
        "from rushes.routing import NetworkDeployment\n"
        f"one = NetworkDeployment(engine='network', network='longcat', model={str(folder)!r})\n"
        "assert deployed(one).complaint(one, {}) == '', deployed(one).complaint(one, {})\n"
        "assert deployed(one).layout(one, {})\n"
        "assert not {'torch', 'diffusers', 'numpy', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
