"""Every code block of the README runs: Python and JavaScript against a real server, shell lines one by one."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rushes.cli.embedded import Running
from rushes.families import ENDPOINTS
from rushes.runners.deployments import complaints
from rushes.settings import read_settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LINES = [line.partition("  #")[0].strip() for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]

pytestmark = [pytest.mark.acceptance]
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "node_modules").exists(), reason="needs Node.js and `npm ci`"
)


def the_block(kind: str) -> str:
    (text,) = [text for this, text in BLOCKS if this == kind]
    return str(text)


def perform(words: list[str], server: Running, folder: Path) -> str:
    """Run a command as a reader would after `eval "$(rushes env)"`; the checkout's examples are within reach."""
    environment = {**os.environ, "RUSHES_URL": server.url, "RUSHES_KEY": server.key, "FAL_KEY": server.key}
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
        if (ROOT / "node_modules").exists():
            (folder / "node_modules").symlink_to(ROOT / "node_modules")
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_is_nothing_in_it_that_these_tests_leave_out() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "python", "js", "toml"}
    assert 100 <= len(README.splitlines()) <= 150


@pytest.mark.slow
def test_the_python_block_makes_a_video(server: Running, tmp_path: Path) -> None:
    told = perform([sys.executable, "-c", the_block("python")], server, tmp_path)
    assert re.search(r"^http://127\.0\.0\.1:\d+/\S+\.mp4 \d+$", told, re.MULTILINE)


@pytest.mark.slow
@needs_node
def test_the_javascript_block_makes_a_video(server: Running, tmp_path: Path) -> None:
    (tmp_path / "film.mjs").write_text(the_block("js"))
    told = perform(["node", "film.mjs"], server, tmp_path)
    assert "COMPLETED" in told
    assert re.search(r"^http://127\.0\.0\.1:\d+/\S+\.mp4 \d+$", told, re.MULTILINE)


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith(("rushes run", "rushes endpoints"))])
def test_a_command_line_runs(server: Running, tmp_path: Path, line: str) -> None:
    words = [sys.executable, "-m", *shlex.split(line)]
    perform(words, server, tmp_path)
    if "-o film.mp4" in line:
        assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_settings_are_in_order(tmp_path: Path) -> None:
    path = tmp_path / "rushes.toml"
    path.write_text(the_block("toml"))
    (missing,) = complaints(read_settings(path), ENDPOINTS, {"KLING_KEY": "access:secret", "HF_HOME": str(tmp_path)})
    assert "rushes runner prepare film" in missing  # as the line below the block says


def test_the_exports_are_shell(server: Running, tmp_path: Path) -> None:
    (line,) = [line for line in LINES if "rushes env" in line]
    command = line.replace(
        "rushes env", f"{shlex.quote(sys.executable)} -m rushes env --data {shlex.quote(str(server.data))}"
    )
    told = perform(
        ["sh", "-c", f"unset RUSHES_KEY FAL_KEY; {command} && echo $RUSHES_URL $RUSHES_KEY $FAL_KEY"], server, tmp_path
    )
    assert told.split() == [server.url, server.key, server.key]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_a_make_target_exists(line: str) -> None:
    done = subprocess.run([*line.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_shell_line_is_one_that_is_known() -> None:
    known = ("make ", "pip install", "rushes serve", "rushes run", "rushes endpoints", 'eval "$(rushes env)"')
    assert [line for line in LINES if not line.startswith(known)] == []


def test_every_folder_of_the_package_is_in_the_tree() -> None:
    folders = {path.name for path in (ROOT / "rushes").iterdir() if (path / "__init__.py").exists()}
    assert [name for name in sorted(folders) if f"| `rushes/{name}/` |" not in README] == []
