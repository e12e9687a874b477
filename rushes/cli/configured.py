"""The settings for a command: a wrong one ends it with a line that names the setting, wherever it was written."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from rushes.cli.problem import CommandError
from rushes.routing import KINDS
from rushes.settings import Settings, read_settings


def settings_from(config: Path | None = None, **given: Any) -> Settings:
    """Read the settings; CommandError names the one that is wrong."""
    try:
        return read_settings(config, **given)
    except ValidationError as error:
        # The first alone: others often follow from it.
        raise CommandError(_told(error.errors()[0]), exit_code=2) from error
    except SettingsError as error:  # a table in the environment that is not JSON
        raise CommandError(f"{error}; it is given as JSON", exit_code=2) from error
    except OSError as error:
        raise CommandError(f"cannot read {config}: {error.strerror}", exit_code=2) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{config} is not valid TOML: {error}", exit_code=2) from error


def _told(problem: ErrorDetails) -> str:
    """Say what is wrong with a setting, without what may hold a key: tables, and names that may be its typo."""
    place, known = _place(problem["loc"])
    name = ".".join(map(str, place)) or "settings"
    said = problem["msg"].removeprefix("Value error, ").removeprefix(f"{name}: ")
    if problem["type"] == "extra_forbidden":
        return f"{name}: there is no such setting{_meant(place, known)}"
    given = problem.get("input")
    # What may be a key, or hold one, is not repeated: this line ends in logs.
    told = isinstance(given, str | int | float) and not any("key" in str(part) for part in place)
    return f"{name}: {said}, got {given!r}" if told else f"{name}: {said}"


def _place(loc: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], list[str]]:
    """Return where a setting stands as it was written, without the engine that told its kind, and its siblings."""
    kind = KINDS.get(str(loc[2])) if loc[:1] == ("deployments",) and len(loc) > 3 else None
    if kind is None:
        return loc, list(Settings.model_fields)
    return (*loc[:2], *loc[3:]), list(kind.model_fields)


def _meant(place: tuple[int | str, ...], known: list[str]) -> str:
    near = get_close_matches(str(place[-1]), known, n=1)
    if near:
        return f"; {near[0]} is one"
    return f"; there are: {', '.join(known)}" if place[0] == "deployments" else ""
