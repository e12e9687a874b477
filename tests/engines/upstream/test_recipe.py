"""Recipes are whole before they are used; what is wrong with one is told with its place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from rushes.engines.upstream.deployed import complaint
from rushes.engines.upstream.recipe import FOLDER, RecipeProblem, built_in, read_recipe
from rushes.families import ENDPOINTS
from rushes.routing import UpstreamDeployment
from rushes.settings import Settings

GUIDE = Path(__file__).parents[3] / "docs" / "guide"
PAGES = ("upstream.md", "models/magi.md", "models/longcat-avatar.md")


def blocks(page: str) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", (GUIDE / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("name", built_in())
def test_what_comes_with_rushes_serves_endpoints(name: str) -> None:
    recipe = read_recipe(name)
    served = [one for one in ENDPOINTS.values() if recipe.layout in one.weights]
    assert served
    assert all("upstream" in one.engines for one in served)
    for variant in recipe.variants.values():
        assert recipe.weights_of(variant)
        assert not any("{" in pattern for pattern in recipe.places_of(variant).values())


@pytest.mark.parametrize("page", PAGES)
def test_the_guides_deployments_are_true(page: str) -> None:
    settings = Settings(**tomllib.loads(blocks(page)[0]))
    (setting,) = settings.deployments.values()
    assert "is not prepared" in complaint(setting, {})


def test_the_guides_recipe_is_true(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(blocks("upstream.md")[1])
    assert read_recipe(str(path)).run.command[0] == "{python}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('title = "MAGI-1 distilled"', ""), "title: Field required"),
        (('commit = "6ff8', 'commit = "main'), "source.commit"),
        (("{seed}", "{sede}"), "names 'sede'"),
        (("InferBatch", "(InferBatch"), "run.progress: that is no pattern"),
        (("(?P<done>\\d+)/(?P<total>\\d+)", "[0-9]+"), "run.progress: it has none of the groups"),
        (("divisible = { width = 16", "divisible = { width = 0"), "can't be divided"),
        (('python = "3.10"', 'python = "2.7"'), "environment.python"),
        (("[run]", "[run]\nshell = true"), "run.shell"),
        (("{text_encoder}", "{text_encoder"), "lone {"),
        (("[run]", "[run"), "not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_place(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    text = (FOLDER / "magi-distilled.toml").read_text()
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(*change, 1))
    with pytest.raises(RecipeProblem, match=re.escape(told)):
        read_recipe(str(path))


def test_a_recipe_that_is_nowhere_is_told_with_those_there_are(tmp_path: Path) -> None:
    setting = UpstreamDeployment(engine="upstream", recipe="magi").within("one", tmp_path)
    assert "longcat-avatar, magi-distilled" in complaint(setting, {})


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"variant": "5B"}, "there are: 4.5B-quant, 4.5B, 24B-quant, 24B"),
        ({"source": "/nowhere"}, "source: there is no folder /nowhere"),
        ({"python": "/nowhere/python"}, "python: /nowhere/python is no program"),
        ({"weights": "/nowhere"}, "weights: there is no folder /nowhere"),
        ({"weights": "/tmp"}, "weights: /tmp holds no ckpt/vae/**/config.json"),
        ({"packages": "/nowhere"}, "packages: there is no folder /nowhere"),
    ],
)
def test_wrong_settings_are_told_at_the_start(tmp_path: Path, more: dict[str, str], told: str) -> None:
    setting = UpstreamDeployment(engine="upstream", recipe="magi-distilled", **more).within("one", tmp_path)
    assert told in complaint(setting, {})


def test_gpus_and_devices_must_agree() -> None:
    with pytest.raises(ValueError, match="gpus is 3, but devices names 2"):
        UpstreamDeployment(engine="upstream", recipe="magi-distilled", gpus=3, devices=(0, 1))
