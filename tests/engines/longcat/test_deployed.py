"""A deployment of this network from the settings: what is complained about, and that it is found by its folder."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.engines.deployed import CannotPrepare, Place, deployed, networks, preparing
from rushes.engines.longcat.deployed import prepare
from rushes.engines.longcat.engine import LongCatEngine
from rushes.engines.longcat.filling import fill
from rushes.engines.longcat.official import LORAS, inspect
from rushes.families import ENDPOINTS
from rushes.routing import NetworkDeployment
from rushes.runners.deployments import complaints, load
from rushes.settings import Settings
from tests.engines.weights.pretended import pretended_hub


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
    (said,) = complaints(settings, ENDPOINTS, {})
    cut = [name for name in ENDPOINTS if name.startswith("fal-ai/longcat-video/distilled/")]
    assert said.startswith(f"deployments.mine: {', '.join(cut)} can't be served: ")
    assert said.endswith(
        f"{broken / 'lora' / 'cfg_step_lora.safetensors'} is missing, a part of the official weights; "
        "fetch it with: rushes runner prepare mine"
    )
    assert len(cut) == 4


def without_loras(folder: Path, copy: Path) -> Path:
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "lora")
    return copy


def test_what_needs_no_lora_is_served_without_and_the_log_says_what_is_not(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bare = without_loras(folder, tmp_path / "copy")
    told = {"engine": "network", "network": "longcat", "model": str(bare), "device": "cpu", "warm_up": False}
    routes = {f"fal-ai/longcat-video/{kind}/480p": ["mine"] for kind in ("image-to-video", "text-to-video")}
    settings = Settings.model_validate({"deployments": {"mine": told}, "routes": routes})
    assert complaints(settings, ENDPOINTS, {}) == []
    with caplog.at_level(logging.WARNING):
        loaded = load(["mine"], ENDPOINTS, settings)
    assert set(loaded) == set(routes)
    lines = [one.getMessage() for one in caplog.records if "can't be served" in one.getMessage()]
    assert [line.count("fal-ai/longcat-video/") for line in lines] == [4, 4]
    assert all(line.endswith("fetch it with: rushes runner prepare mine") for line in lines)


def test_the_parts_that_endpoints_need_are_those_that_the_engine_knows() -> None:
    needs = {name.removeprefix("fal-ai/longcat-video/"): one.needs for name, one in ENDPOINTS.items() if one.needs}
    assert {part for parts in needs.values() for part in parts} == set(LORAS)
    assert set(needs) == {
        *("image-to-video/720p", "text-to-video/720p", "distilled/image-to-video/480p", "distilled/text-to-video/480p"),
        *("distilled/image-to-video/720p", "distilled/text-to-video/720p"),
    }


def test_a_folder_is_filled_with_what_it_lacks_and_keeps_what_it_has(folder: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(folder, tmp_path / "own"))
    (own / "lora" / "refinement_lora.safetensors").unlink()
    os.truncate(own / "text_encoder" / "model.safetensors", 5000)
    shutil.rmtree(own / "vae")
    mine = (own / "tokenizer" / "tokenizer.json").read_bytes() + b" "
    (own / "tokenizer" / "tokenizer.json").write_bytes(mine)
    heard: list[str] = []

    def say(line: str, *, passing: bool = False) -> None:
        heard.append(line)

    with pretended_hub(longcat=folder) as hub:
        environment = hub.environment(tmp_path / "home")
        assert fill(own, environment, say, dry_run=True, source="acme/longcat")
        assert not (own / "vae").exists()
        assert fill(own, environment, say, dry_run=False, source="acme/longcat")
        assert inspect(str(own), None, {}).lacking == {}
        asked = [one for one in hub.behaviour.asked if "text_encoder" in one and "/resolve/" in one]
        assert {one.rpartition("/")[2] for one in asked} == {"model.safetensors"}, "what is whole stays"
        count = len(hub.behaviour.asked)
        assert not fill(own, environment, say, dry_run=False, source="acme/longcat")
        assert len(hub.behaviour.asked) == count, "nobody is asked for what is there"
    assert heard[0] == f"  to be put into {own}: text_encoder, vae, lora/refinement_lora.safetensors"
    assert (own / "tokenizer" / "tokenizer.json").read_bytes() == mine
    assert {one.name for one in own.iterdir()} == {one.name for one in folder.iterdir()}
    assert not (tmp_path / "home").exists(), "nothing went to the cache"


def test_preparing_a_folder_that_is_whole_says_that_it_is_ready(folder: Path) -> None:
    heard: list[str] = []
    setting = deployment(folder)
    module = preparing(setting)
    assert module is not None
    for dry_run in (True, False):
        module.prepare(setting, folder, lambda line, passing=False: heard.append(line), dry_run=dry_run)
    assert heard == ["  ready      tiny, LongCat-Video, 0.00 billion parameters in the network"] * 2


def test_a_folder_whose_own_folder_is_not_there_is_taken_for_a_slip(tmp_path: Path) -> None:
    with pytest.raises(CannotPrepare, match=f"there is no folder {tmp_path / 'modles'} to put own into"):
        fill(tmp_path / "modles" / "own", {}, lambda line, passing=False: None, dry_run=False)


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


def test_a_lora_on_the_hub_is_fetched_with_the_weights_and_found(
    folder: Path, lora_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = deployment(folder, loras={f"acme/own/{lora_file.name}": 0.5})
    here = {"HF_HOME": str(tmp_path / "home")}
    monkeypatch.setenv("HF_HOME", here["HF_HOME"])
    missing = "loras: acme/own is not on this machine; fetch it with: rushes runner prepare NAME"
    assert deployed(setting).complaint(setting, here) == missing
    heard: list[str] = []

    def say(line: str, *, passing: bool = False) -> None:
        heard.append(line)

    with pretended_hub(own=lora_file.parent) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        prepare(setting, tmp_path, say, dry_run=True)
        assert not (tmp_path / "home").exists()
        prepare(setting, tmp_path, say)
    assert heard[-1].startswith("  ready")
    assert deployed(setting).complaint(setting, here) == ""
