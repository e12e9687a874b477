"""A recipe: all that is known of a model's own repository, as data. Read from TOML, checked whole before it is used.

Built-in ones lie in `recipes`; an operator's own is named by its path. What a template may name stands in `NAMES`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from rushes.engines.upstream.template import TemplateProblem, Values, Word, filled, names_in

FOLDER = Path(__file__).parent / "recipes"
SUFFIX = ".toml"

ASKED = ("task", "prompt", "negative_prompt", "width", "height", "frames", "made", "fps", "seed", "steps", "segments",
         "resolution", "text_guidance", "audio_guidance", "picture", "prefix", "sound")  # fmt: skip
PLACES = ("python", "launcher", "source", "environment", "weights", "job", "output", "gpus", "several", "port")
NAMES = (*ASKED, *PLACES)
"""What templates may name, beside a recipe's own `places`, `json` files and values: of the call, and of the machine."""

MARKS = ("done", "total", "part", "parts")  # groups of the patterns that read how far a program is


class RecipeProblem(ValueError):
    """A recipe can't be used; the text says why, and what is allowed."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Table):
    """A git repository at one commit; `gb` is about what it takes."""

    url: str
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    gb: float = Field(0.5, ge=0)


class Environment(_Table):
    """A virtual environment: a Python version, and the arguments of one `pip install` after the other.

    `programs` must be on the machine, where pip can't bring them.
    """

    python: str = Field(pattern=r"^3\.\d+$")
    steps: tuple[tuple[str, ...], ...] = ()
    programs: tuple[str, ...] = ()
    gb: float = Field(1.0, ge=0)


class Weights(_Table):
    """Files of a repository of the Hugging Face Hub, by patterns, that are to lie in the folder `to` of the weights."""

    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str | None = None
    files: tuple[str, ...] = ("*",)
    to: str = ""

    @field_validator("to")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in Path(value).parts:
            raise ValueError("it must be a folder below that of the weights")
        return value


class Variant(_Table):
    """One set of weights: what it is called in results, the values that templates get, and what it needs."""

    model: str
    values: Mapping[str, Any] = Field(default_factory=dict)
    gpus: int = Field(1, ge=1, le=64)
    gpu_gb: float = Field(0.0, ge=0)
    weights_gb: float = Field(0.0, ge=0)


class Run(_Table):
    """How a film is made: the command, its files and variables, and how it tells how far it is."""

    command: tuple[Word, ...] = Field(min_length=1)
    environment: Mapping[str, str] = Field(default_factory=dict)
    json_files: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict, alias="json")
    tasks: tuple[str, ...] = Field(min_length=1)
    output: tuple[str, ...] = Field(min_length=1)
    divisible: Mapping[str, int] = Field(default_factory=dict)
    progress: str | None = None
    part: str | None = None
    short_by: int = Field(0, ge=0, le=8)
    sound_hz: int = Field(16_000, ge=8_000, le=48_000)
    sound_lufs: float | None = Field(None, ge=-70, le=0)
    disk_gb: float = Field(2.0, gt=0)

    @field_validator("progress", "part")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"that is no pattern: {error}") from None
        if not set(MARKS) & set(groups):
            raise ValueError(f"it has none of the groups {', '.join(f'(?P<{name}>…)' for name in MARKS)}")
        return value

    @field_validator("divisible")
    @classmethod
    def _divides(cls, value: Mapping[str, int]) -> Mapping[str, int]:
        if wrong := [name for name, by in value.items() if name not in ASKED or by < 1]:
            raise ValueError(f"{wrong[0]!r} can't be divided so; name one of {', '.join(ASKED)} and a whole number")
        return value


class Recipe(_Table):
    """See the module docstring. `layout` is what endpoints call this kind of weights (`Endpoint.weights`)."""

    title: str
    layout: str
    licence: str = ""
    source: Source
    environment: Environment
    weights: tuple[Weights, ...] = ()
    places: Mapping[str, str] = Field(default_factory=dict)
    variants: Mapping[str, Variant] = Field(min_length=1)
    run: Run

    @model_validator(mode="after")
    def _templates_name_what_is_there(self) -> Self:
        common = {*NAMES, *self.places, *self.run.json_files}
        templates = (self.run.command, self.run.environment, self.run.json_files, self.run.output,
                     self.environment.steps, self.places, [one.model_dump() for one in self.weights])  # fmt: skip
        for called, variant in self.variants.items():
            known = common | set(variant.values)  # each for itself: a value may be missing in one of them only
            for name in names_in(templates):
                if name not in known:
                    raise ValueError(f"a template names {name!r}, which {called} has not; there are: {sorted(known)}")
        return self

    def weights_of(self, variant: Variant) -> tuple[Weights, ...]:
        """Return what is to be fetched for a variant."""
        return tuple(Weights.model_validate(filled(one.model_dump(), variant.values)) for one in self.weights)

    def places_of(self, variant: Variant) -> Mapping[str, str]:
        """Return the patterns of files in the weights' folder whose folders templates may name."""
        return {name: str(filled(pattern, variant.values)) for name, pattern in self.places.items()}

    def chosen(self, variant: str | None) -> Variant:
        """Return a variant, the first where none is named. Raises RecipeProblem."""
        if variant is None:
            return next(iter(self.variants.values()))
        if variant not in self.variants:
            raise RecipeProblem(f"variant: {self.title} has none called {variant!r}; there are: {_list(self.variants)}")
        return self.variants[variant]


def built_in() -> tuple[str, ...]:
    """Return the names of the recipes that come with Rushes."""
    return tuple(sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}")))


def read_recipe(named: str) -> Recipe:
    """Read a built-in recipe by its name, or an operator's own by its path. Raises RecipeProblem."""
    # A built-in name before a file of that name: which recipe runs must not hang on the folder one stands in.
    path = FOLDER / f"{named}{SUFFIX}" if named in built_in() else Path(named).expanduser()
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        there = f"there is no such file, and built in are: {_list(built_in())}"
        raise RecipeProblem(f"recipe: {named!r} can't be read ({error.strerror}); {there}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeProblem(f"recipe: {named!r} is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "recipe"
        told = first["msg"].removeprefix("Value error, ")
        raise RecipeProblem(f"recipe: {named!r} can't be used: {place}: {told}") from None
    except TemplateProblem as error:
        raise RecipeProblem(f"recipe: {named!r} can't be used: {error}") from None


def check_divisible(recipe: Recipe, values: Values) -> str:
    """Return which rule of the model's a call breaks, "" where none is."""
    for name, by in recipe.run.divisible.items():
        value = values[name]
        if value is not None and value % by:  # None is a dial that this model has not
            return f"{name} is {value} and must be divisible by {by}"
    return ""


def _list(names: Any) -> str:
    return ", ".join(names) or "none"
