"""`pip install rushes` stays light: it requires and loads no torch, and says clearly where one is needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"torch", "diffusers", "transformers", "accelerate", "peft", "tokenizers", "safetensors", "triton", "kernels"}
PIP_LINE = "pip install 'rushes[diffusers]'"


@pytest.fixture(scope="module")
def without_extra(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose imports find all that is installed but the extra: a folder of links, and no other site."""
    links = tmp_path_factory.mktemp("light")
    for folder in {Path(one) for one in sys.path if one.endswith(("site-packages", "dist-packages"))}:
        for entry in folder.iterdir():
            name = re.split(r"[-.]", entry.name)[0].lower()
            if name not in HEAVY and not (links / entry.name).exists():
                (links / entry.name).symlink_to(entry)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RUSHES_", "PYTHON"))}
    return {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{links}"}


def python(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_core_requires_nothing_heavy() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = {re.split(r"[^\w-]", one)[0].lower() for one in project["dependencies"]}
    assert not core & HEAVY
    extra = {re.split(r"[^\w-]", one)[0].lower() for one in project["optional-dependencies"]["diffusers"]}
    assert {"torch", "diffusers", "transformers", "ftfy"} <= extra


def test_a_deployment_is_refused_at_the_start_with_the_line_that_installs_its_engine(
    without_extra: dict[str, str], tmp_path: Path
) -> None:
    deployments = {"mine": {"engine": "diffusers", "model": str(tmp_path)}}
    told = {"RUSHES_DEPLOYMENTS": json.dumps(deployments), "RUSHES_ROUTES": json.dumps({"fal-ai/wan-i2v": ["mine"]})}
    serve = ["-m", "rushes.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    done = python({**without_extra, **told}, *serve)
    assert done.returncode != 0
    assert "deployments.mine: the engine isn't installed" in done.stderr
    assert PIP_LINE in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_all_else_works_without_the_extra(without_extra: dict[str, str]) -> None:
    done = python(without_extra, "-m", "rushes.cli", "endpoints", "--json")
    assert done.returncode == 0, done.stderr
    assert "fal-ai/wan-i2v" in done.stdout


def test_neither_server_nor_runner_loads_torch_before_a_deployment_needs_it() -> None:
    program = (
        "import sys, rushes.app, rushes.families, rushes.runners.worker, rushes.cli.main, rushes.engines.deployed\n"
        "import rushes.engines.diffusers.deployed\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("kind", ["vendor", "server", "upstream"])
def test_an_engine_that_works_elsewhere_needs_no_extra(without_extra: dict[str, str], kind: str) -> None:
    done = python(without_extra, "-c", f"import rushes.engines.{kind}.deployed, rushes.engines.{kind}.engine")
    assert done.returncode == 0, done.stderr
