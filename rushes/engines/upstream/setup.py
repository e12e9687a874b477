"""Where what a deployment runs lies on this machine, and whether all of it is there. Reads names and small files only.

    FOLDER/source       the repository at the recipe's commit       FOLDER/environment  its virtual environment
    FOLDER/weights      its weights, by links into the Hub's cache  FOLDER/home         what the program keeps
    FOLDER/*.json       what of environment and weights is complete

Any of the three may lie elsewhere by the operator's word, and is then used as it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.engines.deployed import FETCH
from rushes.engines.upstream.recipe import Recipe, RecipeProblem, Variant, read_recipe
from rushes.engines.upstream.template import words
from rushes.routing import UpstreamDeployment

ENVIRONMENT_STAMP, WEIGHTS_STAMP = "environment.json", "weights.json"


@dataclass(frozen=True, slots=True)
class Setup:
    """A deployment with its recipe read and its folders known."""

    setting: UpstreamDeployment
    recipe: Recipe
    variant: Variant
    folder: Path

    @classmethod
    def of(cls, setting: UpstreamDeployment) -> Setup:
        """Read the recipe. Raises RecipeProblem."""
        if setting.folder is None:
            raise RecipeProblem("folder: it has none, and no data folder to lie in")
        recipe = read_recipe(setting.recipe)
        return cls(setting, recipe, recipe.chosen(setting.variant), setting.folder)

    @property
    def source(self) -> Path:
        """Where the source lies."""
        return _absolute(self.setting.source or self.folder / "source")

    @property
    def environment(self) -> Path:
        """The folder of the virtual environment."""
        return self.folder / "environment"

    @property
    def python(self) -> Path:
        """The interpreter that runs the source; never resolved, since a link to it is what an environment is."""
        return _absolute(self.setting.python or self.environment / "bin" / "python")

    @property
    def weights(self) -> Path:
        """The folder of the weights."""
        return _absolute(self.setting.weights or self.folder / "weights")

    @property
    def gpus(self) -> int:
        """How many GPUs work on a film."""
        return len(self.setting.devices) or self.setting.gpus or self.variant.gpus  # settings let the first two agree

    @property
    def called(self) -> str:
        """What messages to the operator call the program."""
        return f"{self.recipe.title} ({self.variant.model})"

    @property
    def version(self) -> str:
        """The commit that the source is at, shortened; "own" where the operator's copy doesn't tell."""
        if self.setting.source is None:
            return self.recipe.source.commit[:12]
        return _commit(self.source / ".git")[:12] or "own"

    def steps(self) -> list[list[str]]:
        """Return the arguments of each `pip install` that makes the environment."""
        values = {"source": str(self.source), **self.variant.values}
        return [words(step, values) for step in self.recipe.environment.steps]

    def places(self) -> dict[str, str]:
        """Return the folders in the weights that templates may name; those that aren't there are left out."""
        found = {name: _first(self.weights, pattern) for name, pattern in self._patterns().items()}
        return {name: str(path.parent) for name, path in found.items() if path is not None}

    def missing(self, environment: Mapping[str, str]) -> str:
        """Return what is not there, with the step that helps; "" where all of it is."""
        return next(self._complaints(environment), "")

    def misnamed(self) -> str:
        """Return what of the operator's own is not where it is said to be; "" where all of it is."""
        return next(self._misnamed(), "")

    def lacking_programs(self, environment: Mapping[str, str]) -> list[str]:
        """Return the programs that are not on PATH, nor beside the environment's Python."""
        search = os.pathsep.join((str(self.python.parent), environment.get("PATH", os.defpath)))
        return [name for name in self.recipe.environment.programs if shutil.which(name, path=search) is None]

    def _complaints(self, environment: Mapping[str, str]) -> Iterator[str]:
        yield from self._misnamed()
        absent = [what for what, there in (
            ("source", self.has_source()), ("environment", self.has_environment()), ("weights", self.has_weights())
        ) if not there]  # fmt: skip
        if absent:
            yield f"{self.recipe.title} is not prepared ({', '.join(absent)} missing); {FETCH}"
        for program in self.lacking_programs(environment):
            yield f"{self.recipe.title} needs the program {program}, which is not on PATH; install it"

    def _misnamed(self) -> Iterator[str]:
        given = self.setting
        if given.source is not None and not self.source.is_dir():
            yield f"source: there is no folder {self.source}"
        if given.python is not None and not os.access(self.python, os.X_OK):
            yield f"python: {self.python} is no program that can be run"
        if given.packages is not None and not _absolute(given.packages).is_dir():
            yield f"packages: there is no folder {given.packages}"
        if given.weights is not None:
            lacking = set(self._patterns()) - set(self.places()) if self.weights.is_dir() else set()
            if not self.weights.is_dir():
                yield f"weights: there is no folder {self.weights}"
            for name in sorted(lacking):
                yield f"weights: {self.weights} holds no {self._patterns()[name]}, as the recipe's layout has it"

    def has_source(self) -> bool:
        """Say whether the source is there, at the recipe's commit where it is ours."""
        if self.setting.source is not None:
            return self.source.is_dir()
        return _commit(self.source / ".git") == self.recipe.source.commit

    def has_environment(self) -> bool:
        """Say whether the environment is there, with all of the recipe's steps done."""
        if self.setting.python is not None:
            return os.access(self.python, os.X_OK)
        # By the steps, not by what is installed: packages of a recipe that changed would pass for those of this one.
        done = read_stamp(self.folder / ENVIRONMENT_STAMP)
        wanted = {"python": self.recipe.environment.python, "steps": self.steps()}
        return done == wanted and os.access(self.python, os.X_OK)

    def has_weights(self) -> bool:
        """Say whether all weights are there, each as large as it came."""
        if set(self._patterns()) - set(self.places()):
            return False
        # Sizes only: this is looked at before each film, and hashes were reckoned when the files came.
        if self.setting.weights is not None or not self.recipe.weights:
            return True
        done = read_stamp(self.folder / WEIGHTS_STAMP)
        if done.get("wanted") != self.wanted_weights():
            return False
        sizes: Mapping[str, int] = done.get("files", {})
        return bool(sizes) and all(_size(self.weights / path) == size for path, size in sizes.items())

    def wanted_weights(self) -> list[dict[str, Any]]:
        """Return what is to be fetched, as it stands in the stamp of what was."""
        return [one.model_dump(mode="json") for one in self.recipe.weights_of(self.variant)]

    def _patterns(self) -> Mapping[str, str]:
        return self.recipe.places_of(self.variant)


def read_stamp(path: Path) -> dict[str, Any]:
    """Return what was noted of a folder; nothing where that can't be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _commit(git: Path) -> str:
    """Return the commit that is checked out, read from git's own files; "" where they don't tell."""
    try:
        head = (git / "HEAD").read_text().strip()
        return (git / head.removeprefix("ref: ")).read_text().strip() if head.startswith("ref: ") else head
    except OSError:
        return ""


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _first(folder: Path, pattern: str) -> Path | None:
    return min((path for path in folder.glob(pattern) if path.is_file()), default=None)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
