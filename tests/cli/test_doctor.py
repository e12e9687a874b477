"""`rushes doctor`: what is well, what is not, and the step that helps; narrow lines; a broken torch breaks nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rushes.cli.embedded import Running
from tests.cli.words import rushes

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide" / "gpus.md"


def checks(*words: str, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = rushes("doctor", "--json", *words, environment={"RUSHES_PORT": "0", **environment})
    assert done.stderr == ""
    return done.returncode, {one["subject"]: one for one in json.loads(done.stdout)}


def torchless(folder: Path) -> str:
    """A torch that ends at once, since loading the real one takes seconds."""
    (folder / "broken" / "torch").mkdir(parents=True)
    (folder / "broken" / "torch" / "__init__.py").write_text("raise ImportError('libcudart.so.13: no such file')")
    return str(folder / "broken")


def test_a_machine_that_is_well_says_so_in_narrow_lines(tmp_path: Path) -> None:
    done = rushes("doctor", "--data", str(tmp_path / "new"), environment={"RUSHES_PORT": "0"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("All is well.\n") or "warning" in done.stdout
    for subject in ("python", "system", "processor", "memory", "video", "gpu", "torch", "extras", "clock", "data"):
        assert f" {subject} " in done.stdout
    assert all(len(line) < 80 or "/" in line for line in done.stdout.splitlines())
    assert not (tmp_path / "new").exists()


def test_what_is_wrong_has_a_remedy_and_ends_with_one(tmp_path: Path) -> None:
    (tmp_path / "rushes.toml").write_text(
        '[deployments.mine]\nengine = "diffusers"\nmodel = "acme/film"\n'
        '[deployments.v]\nengine = "vendor"\nvendor = "kling"\nkey = "one:two"\n'
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rushes.db").write_bytes(b"this is no database, and never was one" * 100)
    words = ("--config", str(tmp_path / "rushes.toml"), "--data", str(tmp_path / "data"))
    code, found = checks(*words, PYTHONPATH=torchless(tmp_path))
    assert code == 1
    assert found["settings"]["level"] == "problem"
    assert "deployments.mine: " in found["settings"]["told"]
    assert found["database"]["level"] == "problem"
    assert found["keys"]["told"] == "v: 1 key"
    assert "two" not in json.dumps(found)


@pytest.mark.acceptance
def test_a_running_server_is_found(server: Running, tmp_path: Path) -> None:
    _, found = checks("--data", str(server.data), PYTHONPATH=torchless(tmp_path))
    assert found["port"]["told"] == f"a server of this folder runs at {server.url}"
    assert found["database"]["level"] == "ok"


def test_a_broken_torch_is_a_line_and_a_lost_gpu_too(tmp_path: Path) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 81559, 81000, 570.1, 9.0'\n")
    driver.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    code, found = checks("--data", str(tmp_path), PYTHONPATH=torchless(tmp_path), PATH=path)
    assert code == 1
    assert found["torch"]["told"] == "it can't be used: ImportError: libcudart.so.13: no such file"
    assert found["gpu"]["told"] == "0: NVIDIA H100 80GB HBM3, 85.5 GB, 84.9 GB free, driver 570.1, compute 9.0"


def test_fit_of_a_named_gpu_is_told_in_narrow_lines() -> None:
    done = rushes("doctor", "--gpu", "H100 80GB")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("H100 80GB: 85 GB free\n")
    assert max(map(len, done.stdout.splitlines()[2:])) < 81
    assert "    fits  720p, 81 frames" in done.stdout


def test_fit_is_told_as_json_too() -> None:
    told = json.loads(rushes("doctor", "--fit", "--memory", "24", "--json").stdout)
    first = told["published"][0]
    assert first["films"][0]["fits"]
    assert first["films"][0]["seconds"] is None
    assert told["devices"] == [{"device": "a GPU of 24 GB", "free_bytes": 25_383_256_719}]


def test_deployments_are_asked_about_by_their_own_settings(tmp_path: Path) -> None:
    config = tmp_path / "rushes.toml"
    model = "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers"
    config.write_text(
        f'[deployments.mine]\nengine = "diffusers"\nmodel = "{model}"\nquantisation = "fp8"\n'
        '[deployments.other]\nengine = "diffusers"\nmodel = "acme/film"\n'
    )
    told = json.loads(rushes("doctor", "--gpu", "A100 40GB", "--json", "--config", str(config)).stdout)
    (own,) = told["deployments"]
    assert (own["name"], own["model"]) == ("mine", model)
    assert own["films"][0]["held"].startswith("fp8, ")
    assert told["unknown"] == ["other"]


def test_an_unknown_gpu_names_those_that_are_known() -> None:
    done = rushes("doctor", "--gpu", "Voodoo 2")
    assert done.returncode == 2
    assert "no GPU 'Voodoo 2' is known; there are: B200 180GB, H200 141GB" in done.stderr


def test_weights_that_are_here_are_told(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--meituan-longcat--LongCat-Video"
    (repository / "snapshots" / "main").mkdir(parents=True)
    done = rushes("doctor", "--gpu", "H200", environment={"HF_HOME": str(tmp_path)})
    assert "meituan-longcat/LongCat-Video                 MIT           is here\n" in done.stdout


def test_programs_are_told_with_as_many_gpus_as_they_ask_for() -> None:
    told = json.loads(rushes("doctor", "--gpu", "H100 80GB", "--json").stdout)
    (found,) = [one for one in told["published"] if one["name"] == "magi-distilled"]
    held = {film["film"]: (film["fits"], film["held"]) for film in found["films"]}
    assert held["24B"] == (True, "on 8 such GPUs")
    small = json.loads(rushes("doctor", "--memory", "16", "--json").stdout)
    (found,) = [one for one in small["published"] if one["name"] == "magi-distilled"]
    assert not any(film["fits"] for film in found["films"])


def test_settings_that_can_not_be_read_hide_nothing_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "rushes.toml").write_text("deployments = 3")
    code, found = checks("--config", str(tmp_path / "rushes.toml"), PYTHONPATH=torchless(tmp_path))
    assert code == 1
    assert found["settings"]["told"] == "deployments: Input should be a valid dictionary, got 3"
    assert found["memory"]["level"] in ("ok", "warning")


def test_nothing_of_it_loads_torch() -> None:
    modules = "rushes.cli.doctor, rushes.cli.runner, rushes.engines.diffusers.fitting, rushes.engines.longcat.fitting"
    code = f"import sys, {modules}\nprint(sorted({{'torch', 'diffusers', 'numpy', 'av'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_weights_in_a_folder_count_with_their_own_sizes(tmp_path: Path) -> None:
    pytest.importorskip("diffusers")
    from tests.engines.diffusers import tiny

    config, folder = tmp_path / "rushes.toml", tiny.text_model(tmp_path / "tiny")
    config.write_text(f'[deployments.mine]\nengine = "diffusers"\nmodel = "{folder}"\noffload = "none"\n')
    told = json.loads(rushes("doctor", "--memory", "24", "--json", "--config", str(config)).stdout)
    (own,) = told["deployments"]
    assert own["model"] == "tiny"
    assert own["films"][0]["endpoints"] == ["fal-ai/wan-pro/text-to-video"]
    assert (own["here"], own["films"][0]["ordinary_bytes"]) == (True, 0)


def test_the_guide_s_deployment_can_be_asked_about(tmp_path: Path) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "rushes.toml").write_text("\n".join(blocks))
    told = json.loads(rushes("doctor", "--gpu", "H100", "--json", "--config", str(tmp_path / "rushes.toml")).stdout)
    assert [one["name"] for one in told["deployments"]] == ["film"]
    assert [one["model"] for one in told["published"] if f"`{one['model']}" not in GUIDE.read_text()] == [
        "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers"  # written as an ending
    ]
