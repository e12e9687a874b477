"""What is told of a server's deployment before anything starts, and what a look at the server says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rushes.engines.deployed import Place
from rushes.engines.server.deployed import complaint, engine, layout
from rushes.engines.server.health import look
from rushes.families import ENDPOINTS
from rushes.runners.deployments import complaints
from rushes.settings import Settings
from tests.engines.server.rehearsal import DIALECTS, I2V, rehearsing, setting_for
from tests.engines.vendor.scripted import host, said

KEY = "a-secret-of-the-server"


@pytest.mark.parametrize("name", DIALECTS)
def test_nothing_is_known_against_what_the_guide_shows(name: str) -> None:
    setting = setting_for(name, "http://gpu.lan:30000")
    assert complaint(setting, {}) == ""
    assert layout(setting, {}) == I2V


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dialect": "tensorflow"}, "is called 'tensorflow'; there are: fastvideo, lightx2v, sglang, vllm-omni"),
        ({"weights": None}, "weights is missing"),
        ({"weights": "FluxPipeline"}, "is not known to run 'FluxPipeline'; it runs"),
        ({"dialect": "lightx2v", "weights": "LTXImageToVideoPipeline"}, "LightX2V is not known to run"),
        ({"network": "longcat"}, "SGLang runs no model that has a network of our own"),
        ({"dialect": "fastvideo", "network": "nobody"}, "no engine of ours is called 'nobody'"),
        ({"dialect": "fastvideo", "network": "vendor"}, "no engine of ours is called 'vendor'"),
        ({"options": {"shift": "5"}}, "SGLang has no option 'shift'; there are: caching, steps"),
        ({"options": {"steps": "many"}}, "options.steps: 'many' is no number"),
        ({"options": {"steps": "0"}}, "options.steps"),
        ({"dialect": "lightx2v", "options": {"caching": "maybe"}}, "may be no or yes, got 'maybe'"),
        ({"dialect": "lightx2v", "options": {"shift": "nan"}}, "options.shift"),
        ({"key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY holds no key"),
        ({"rename": {"frames": "num_frames"}}, "SGLang is sent no member 'frames'; there are: diffusers_kwargs"),
    ],
)  # fmt: skip
def test_what_can_not_work_is_told_with_what_can(change: dict[str, Any], words: str) -> None:
    setting = setting_for("sglang", "http://gpu.lan:30000").model_copy(update=change)
    assert words in complaint(setting, {})
    if "key_env" not in change:  # a runner elsewhere hears no complaints, and gets its keys apart
        with pytest.raises(ValueError, match=re.escape(words)):
            engine(setting, Place("mine"))


def test_options_may_be_written_as_numbers_and_truths() -> None:
    options = {"shift": 3, "guidance": 5.5, "steps": 4, "caching": True}
    setting = setting_for("lightx2v", "http://gpu.lan:8000", options=options)
    assert setting.options == {"shift": "3", "guidance": "5.5", "steps": "4", "caching": "yes"}
    assert complaint(setting, {}) == ""


@pytest.mark.parametrize(
    "change", [{"url": "gpu.lan"}, {"url": "ftp://gpu.lan"}, {"model": ""}, {"concurrency": 0}, {"nonsense": 1}]
)
def test_a_table_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        setting_for("sglang", **{"url": "http://gpu.lan:30000", **change})


def test_a_route_to_weights_that_do_not_fit_is_refused_at_the_start() -> None:
    table = setting_for("sglang", "http://gpu.lan:30000").model_dump(exclude_none=True)
    settings = Settings.model_validate(
        {"deployments": {"gpu": table}, "routes": {"fal-ai/ltx-video/image-to-video": ("gpu",)}}
    )
    assert any("whose weights are WanImageToVideoPipeline" in line for line in complaints(settings, ENDPOINTS, {}))
    settings = Settings.model_validate({"deployments": {"gpu": table}, "routes": {"fal-ai/wan-i2v": ("gpu",)}})
    assert complaints(settings, ENDPOINTS, {}) == []
    longcat = table | {"dialect": "fastvideo", "network": "longcat", "weights": "LongCat-Video"}
    settings = Settings.model_validate(
        {"deployments": {"gpu": longcat}, "routes": {"fal-ai/longcat-video/*": ("gpu",)}}
    )
    assert complaints(settings, ENDPOINTS, {}) == []


@pytest.mark.parametrize("name", DIALECTS)
def test_a_look_says_what_the_server_says_of_itself(name: str) -> None:
    with rehearsing(name) as rehearsal:
        found = look(setting_for(name, f"{rehearsal.url}/v1"), {})
        assert rehearsal.url in found
        assert ("idle" if name == "lightx2v" else "serves pretended/Wan2.1-I2V-14B-480P-Diffusers") in found
        assert rehearsal.fake.tasks == {}
        other = look(setting_for(name, rehearsal.url, model="Wan-AI/Wan2.2-TI2V-5B-Diffusers"), {})
        assert name == "lightx2v" or "which is not the deployment's Wan-AI/Wan2.2-TI2V-5B-Diffusers" in other


def test_a_look_at_what_is_not_there_says_so_and_tells_no_key() -> None:
    with rehearsing("sglang") as rehearsal:
        rehearsal.server.needs_key = True
        refused = look(setting_for("sglang", rehearsal.url, key=KEY), {})
        gone = rehearsal.url
    assert "401, the key is refused" in refused
    assert "does not answer" in look(setting_for("sglang", gone, key=KEY), {})
    with host(said(f"hello {KEY}".encode())) as there:
        told = look(setting_for("sglang", there.url, key=KEY), {})
    with rehearsing("lightx2v") as rehearsal:
        other = look(setting_for("sglang", rehearsal.url), {})
    assert "it answered that it knows nothing of /health and /v1/models; is dialect the right one" in other
    assert KEY not in refused + told
    assert "NO_SUCH" in look(setting_for("sglang", gone, key_env="NO_SUCH"), {})


def test_the_guides_tables_are_in_order() -> None:
    page = (Path(__file__).parents[3] / "docs" / "guide" / "servers.md").read_text()
    tables = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    settings = [Settings.model_validate(table) for table in tables]
    assert len(settings) == 2
    for one in settings:
        assert complaints(one, ENDPOINTS, {}) == []


def test_what_is_wrong_is_found_without_any_heavy_part() -> None:
    code = (
        "import sys\nfrom rushes.engines.server.deployed import complaint\nfrom rushes.engines.server import dialects\n"
        "[dialects.dialect(name) for name in dialects.names()]\nprint('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "diffusers", "numpy", "cv2", "av", "PIL"} & {one.split(".")[0] for one in done.stdout.split()}
