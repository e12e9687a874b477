"""An operator's own recipe from nothing to a film: real git, a real environment, a pretended Hub, no network."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rushes.calls import UpstreamCall
from rushes.engines.deployed import CannotPrepare
from rushes.engines.residence import Residence
from rushes.engines.upstream.deployed import complaint, layout
from rushes.engines.upstream.engine import UpstreamEngine
from rushes.engines.upstream.pictures import write_film
from rushes.engines.upstream.prepare import prepare
from rushes.engines.upstream.setup import Setup
from rushes.routing import UpstreamDeployment
from tests.engines.weights.pretended import PretendedHub, pretended_hub

pytestmark = pytest.mark.slow

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
RECIPE = """
title = "Own"
layout = "own"
[source]
url = "{url}"
commit = "{commit}"
gb = 0.01
[environment]
python = "{version}"
gb = 0.05
steps = [["tinypack==1.0", "--index-url", "http://127.0.0.1:9/none"], ["-r", "{{source}}/requirements.txt"]]
[[weights]]
repository = "acme/own"
files = ["net/{{size}}/*"]
to = "put/here"
[places]
net = "put/here/net/{{size}}/*.bin"
[variants.small]
model = "Own small"
values = {{ size = "s" }}
[variants.large]
model = "Own large"
values = {{ size = "l" }}
[run]
tasks = ["t2v"]
command = ["{{python}}", "{{source}}/make.py", "--net={{net}}", "--to={{output}}"]
output = ["{{output}}"]
"""
PROGRAM = """
import argparse, os, shutil, tinypack
given = argparse.ArgumentParser()
given.add_argument("--net"), given.add_argument("--to")
given = given.parse_args()
print("the weights say", open(os.path.join(given.net, "w.bin")).read(5), tinypack.WORD)
shutil.copy(os.path.join(os.path.dirname(__file__), "film.mp4"), given.to)
"""


@dataclass
class Heard:
    lines: list[str] = field(default_factory=list)

    def __call__(self, line: str, *, passing: bool = False) -> None:
        self.lines.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Own:
    """An operator's machine with a recipe of their own."""

    folder: Path
    recipe: Path
    hub: PretendedHub

    def setting(self, **more: object) -> UpstreamDeployment:
        table = {"engine": "upstream", "recipe": str(self.recipe), "packages": str(self.folder / "wheels"), **more}
        return UpstreamDeployment(**table).within("mine", self.folder)

    def variables(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYENV_ROOT") if name in os.environ}
        return {**kept, **self.hub.environment(self.folder / "hub"), **more}


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    return subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()  # fmt: skip


def wheel(folder: Path) -> None:
    """Write the smallest package that pip installs."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinypack-1.0-py3-none-any.whl", "w") as file:
        file.writestr("tinypack.py", "WORD = 'packed'\n")
        file.writestr("tinypack-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinypack\nVersion: 1.0\n")
        file.writestr("tinypack-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tinypack-1.0.dist-info/RECORD", "")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    import numpy as np

    folder = tmp_path_factory.mktemp("own")
    repository, weights = folder / "their-repository", folder / "their-weights"
    repository.mkdir()
    (repository / "make.py").write_text(PROGRAM)
    (repository / "requirements.txt").write_text("tinypack\n")
    write_film((np.full((48, 64, 3), n, np.uint8) for n in range(24)), 64, 48, 24, repository / "film.mp4")
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "first")
    commit = git(repository, "rev-parse", "HEAD")
    (repository / "make.py").write_text("raise SystemExit('a later version')")
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    for size in ("s", "l"):
        (weights / "net" / size).mkdir(parents=True)
        (weights / "net" / size / "w.bin").write_text(size * 5_000)
    wheel(folder / "wheels")
    recipe = folder / "own.toml"
    recipe.write_text(RECIPE.format(url=repository.as_uri(), commit=commit, version=VERSION))
    with pretended_hub(own=weights) as hub:
        yield Own(folder, recipe, hub)


@pytest.fixture(scope="module")
def prepared(own: Own) -> Own:
    """Prepare it once for all tests."""
    assert "(source, environment, weights missing); fetch it with: rushes runner prepare" in complaint(
        own.setting(), own.variables()
    )
    heard = Heard()
    prepare(Setup.of(own.setting()), own.variables(), heard, dry_run=False)
    assert heard.lines[-1] == "  ready"
    assert "installing (2 of 2)" in heard.text
    return own


def copied(own: Own, to: Path, recipe: Path, done: int = 2) -> Path:
    """Copy what was prepared, as if so many steps of another recipe's had been done."""
    there = own.folder / "upstream" / "mine"
    shutil.copytree(there, to, symlinks=True)
    steps = Setup.of(own.setting(recipe=str(recipe), folder=to)).steps()
    (to / "environment.json").write_text(json.dumps({"python": VERSION, "steps": steps[:done]}))
    return to


def refused(setting: UpstreamDeployment, variables: dict[str, str]) -> str:
    with pytest.raises(CannotPrepare) as caught:
        prepare(Setup.of(setting), variables, Heard(), dry_run=False)
    return str(caught.value)


def test_a_dry_run_says_what_would_come_and_does_nothing(own: Own) -> None:
    heard, setting = Heard(), own.setting(folder=own.folder / "dry")
    prepare(Setup.of(setting), own.variables(), heard, dry_run=True)
    assert "acme/own" in heard.text
    assert "about 0.05 GB" in heard.text
    assert "their-repository at" in heard.text
    assert not (own.folder / "dry").exists()


def test_two_at_once_do_not_work_in_the_same_folder(own: Own, tmp_path: Path) -> None:
    setting = own.setting(folder=tmp_path / "one")
    (tmp_path / "one").mkdir()
    with (tmp_path / "one" / "prepare.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert f"another process prepares {tmp_path / 'one'} just now" in refused(setting, own.variables())
    assert not (tmp_path / "one" / "source").exists()


def test_a_folder_that_can_not_be_made_is_told(own: Own, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = refused(own.setting(folder=tmp_path / "file" / "one"), own.variables())
    assert told == f"{tmp_path / 'file' / 'one'}: Not a directory"


def test_what_is_prepared_makes_a_film(prepared: Own) -> None:
    assert complaint(prepared.setting(), prepared.variables()) == ""
    assert layout(prepared.setting(), {}) == "own"
    engine = UpstreamEngine("mine", Setup.of(prepared.setting()), Residence(), prepared.variables())
    maker = engine.load()
    assert maker.model == "Own small"
    assert maker.version == Setup.of(prepared.setting()).recipe.source.commit[:12]
    call = UpstreamCall("t2v", "a boat", 64, 48, 20, 24, 24.0, 1, 1)
    film = engine.generate(call, lambda _: None, lambda: False)
    assert Path(film.path).stat().st_size > 0
    engine.unload()


def test_a_second_time_fetches_nothing(prepared: Own) -> None:
    asked, heard = len(prepared.hub.behaviour.asked), Heard()
    prepare(Setup.of(prepared.setting()), prepared.variables(PATH="/nowhere"), heard, dry_run=False)
    assert heard.lines[-1] == "  ready"
    assert heard.text.count("is there") == 3
    assert len(prepared.hub.behaviour.asked) == asked


def test_weights_that_went_bad_are_noticed_and_come_again(prepared: Own) -> None:
    place = prepared.folder / "upstream" / "mine" / "weights" / "put" / "here" / "net" / "s" / "w.bin"
    place.resolve().write_text("cut")
    assert "(weights missing)" in complaint(prepared.setting(), prepared.variables())
    prepare(Setup.of(prepared.setting()), prepared.variables(), Heard(), dry_run=False)
    assert place.read_text() == "s" * 5_000


def test_a_step_that_is_new_is_done_after_the_others(prepared: Own, tmp_path: Path) -> None:
    recipe = tmp_path / "longer.toml"
    recipe.write_text(prepared.recipe.read_text().replace('requirements.txt"]', 'requirements.txt"], ["tinypack"]'))
    there = copied(prepared, tmp_path / "there", recipe)
    heard = Heard()
    prepare(Setup.of(prepared.setting(recipe=str(recipe), folder=there)), prepared.variables(), heard, dry_run=False)
    assert "installing (3 of 3)" in heard.text
    assert "installing (1 of 3)" not in heard.text


def test_a_checkout_that_was_cut_off_is_gone_on_with(prepared: Own, tmp_path: Path) -> None:
    there = copied(prepared, tmp_path / "there", prepared.recipe)
    source = there / "source"
    (source / ".git" / "HEAD").write_text("ref: refs/heads/none\n")
    (source / ".git" / "index.lock").write_text("")
    (source / ".git" / "shallow.lock").write_text("")
    (source / "make.py").write_text("half of")
    setting = prepared.setting(folder=there)
    assert "(source missing)" in complaint(setting, prepared.variables())
    prepare(Setup.of(setting), prepared.variables(), Heard(), dry_run=False)
    assert (source / "make.py").read_text() == PROGRAM


def test_another_variant_shares_source_and_environment(prepared: Own) -> None:
    setting = prepared.setting(variant="large")
    assert "(weights missing)" in complaint(setting, prepared.variables())
    assert "there are: small, large" in complaint(prepared.setting(variant="huge"), {})


def test_what_stands_in_the_way_is_told_with_the_remedy(own: Own, tmp_path: Path) -> None:
    away = own.setting(folder=tmp_path / "away")
    assert "git is not installed" in refused(away, own.variables(PATH="/nowhere"))
    gone = tmp_path / "gone.toml"
    gone.write_text(own.recipe.read_text().replace("their-repository", "nobodys-repository"))
    told = refused(own.setting(recipe=str(gone), folder=tmp_path / "gone"), own.variables())
    assert "git can't fetch" in told
    assert "git clone file://" in told
    old = tmp_path / "old.toml"
    old.write_text(own.recipe.read_text().replace(f'python = "{VERSION}"', 'python = "3.1"'))
    assert "there is no Python 3.1" in refused(own.setting(recipe=str(old), folder=tmp_path / "old"), own.variables())
    large = tmp_path / "large.toml"
    large.write_text(own.recipe.read_text().replace("gb = 0.01", "gb = 1e9"))
    assert "make room" in refused(own.setting(recipe=str(large), folder=tmp_path / "large"), own.variables())


def test_offline_weights_are_refused_with_the_step_that_helps(prepared: Own, tmp_path: Path) -> None:
    setting = prepared.setting(variant="large")
    told = refused(setting, prepared.variables(HF_HUB_OFFLINE="1"))
    assert "HF_HUB_OFFLINE" in told


def test_a_package_that_is_nowhere_is_told_with_its_command(prepared: Own, tmp_path: Path) -> None:
    recipe = tmp_path / "lacking.toml"
    recipe.write_text(prepared.recipe.read_text().replace('"tinypack==1.0"', '"no-such-pack==1.0"'))
    there = copied(prepared, tmp_path / "there", recipe, done=0)
    told = refused(prepared.setting(recipe=str(recipe), folder=there), prepared.variables())
    assert "pip failed" in told
    assert "no-such-pack" in told
    assert "rushes runner prepare" in told


def test_what_the_operator_has_elsewhere_is_not_touched(own: Own, tmp_path: Path) -> None:
    for name in ("source", "weights", "packages"):
        told = refused(own.setting(folder=tmp_path / "work", **{name: str(tmp_path / "gone")}), own.variables())
        assert told == f"{name}: there is no folder {tmp_path / 'gone'}"
    assert not list(tmp_path.iterdir())
