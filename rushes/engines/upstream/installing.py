"""A model's virtual environment: a Python of the recipe's version, and its packages by pip, one step after the other.

Each step that is done is noted, so that a later try goes on after it; steps that changed in a recipe make it anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rushes.engines.deployed import FETCH, CannotPrepare, Say
from rushes.engines.upstream.command import Failed, run_command
from rushes.engines.upstream.setup import ENVIRONMENT_STAMP, Setup, read_stamp

_INDEXES = ("--index-url", "-i", "--extra-index-url")


def make_environment(setup: Setup, environment: Mapping[str, str], say: Say) -> None:
    """Make the environment, and do what of the recipe's steps was not done. Raises CannotPrepare."""
    version, stamp, steps = setup.recipe.environment.python, setup.folder / ENVIRONMENT_STAMP, setup.steps()
    python = setup.environment / "bin" / "python"
    before = read_stamp(stamp)
    done: list[list[str]] = before.get("steps", [])
    # Also where the recipe's steps became others: a package of an older one is not taken away by installing another.
    if before.get("python") != version or done != steps[: len(done)] or not os.access(python, os.X_OK):
        stamp.unlink(missing_ok=True)  # first, or a kill amid the next lines would leave it to speak for a half
        _make(setup.environment, version, environment, say)
        done = []
        _note(stamp, version, done)
    for number in range(len(done), len(steps)):
        step = _from_folder(steps[number], setup.setting.packages) if setup.setting.packages else steps[number]
        say(f"  installing ({number + 1} of {len(steps)}): {' '.join(step)}")
        _install(python, step, environment, say)
        _note(stamp, version, steps[: number + 1])
    say(f"  environment in {setup.environment}")


def _note(stamp: Path, version: str, done: Sequence[Sequence[str]]) -> None:
    stamp.write_text(json.dumps({"python": version, "steps": done}))


def _make(folder: Path, version: str, environment: Mapping[str, str], say: Say) -> None:
    interpreter = _interpreter(version, environment)
    uv = shutil.which("uv", path=environment.get("PATH"))
    if interpreter is not None:  # before uv, which would fetch a Python of its own
        command = [interpreter, "-m", "venv", "--clear", str(folder)]
    elif uv is not None:
        command = [uv, "venv", "--seed", "--clear", "--python", version, str(folder)]
    else:
        raise CannotPrepare(
            f"there is no Python {version} on this machine; install it (apt install python{version}-venv, or uv, which "
            f"brings its own), then {FETCH}; or set python to that of an environment of yours"
        )
    try:
        run_command(command, environment, lambda line: say(f"  {line}", passing=True))
    except Failed as failure:
        told = f"the environment can't be made: {failure}; see for yourself: {' '.join(command)}"
        raise CannotPrepare(f"{told} (Debian's Python needs python{version}-venv), then {FETCH}") from None


def _interpreter(version: str, environment: Mapping[str, str]) -> str | None:
    """Return a Python of this version; a name on PATH may be a shim of one that isn't installed, so each is asked."""
    for name in (sys.executable, f"python{version}", "python3"):
        found = shutil.which(name, path=environment.get("PATH"))
        if found is None:
            continue
        asked = [found, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        if told.returncode == 0 and told.stdout.strip() == version:
            return found
    return None


def _install(python: Path, step: Sequence[str], environment: Mapping[str, str], say: Say) -> None:
    command = [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *step]
    try:
        run_command(command, environment, lambda line: say(f"  {line}", passing=True))
    except Failed as failure:
        told = f"pip failed: {failure}; see for yourself: {' '.join(command)}"
        raise CannotPrepare(
            f"{told}; without network, set packages to a folder of wheels; once it works, {FETCH}"
        ) from None


def _from_folder(step: Sequence[str], packages: Path) -> list[str]:
    """Return a step that looks for its packages in a folder only."""
    words: list[str] = []
    skipped = False
    for word in step:
        if not skipped and word not in _INDEXES and not word.startswith(tuple(f"{name}=" for name in _INDEXES)):
            words.append(word)
        skipped = word in _INDEXES
    return ["--no-index", "--find-links", str(packages.expanduser().absolute()), *words]
