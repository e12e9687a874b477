"""The settings for a command: a wrong one ends it with a line that names the setting, wherever it was written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from rushes.cli.problem import CommandError
from rushes.settings import Settings, read_settings


def settings_from(config: Path | None = None, **given: Any) -> Settings:
    """Read the settings; CommandError names the one that is wrong."""
    try:
        return read_settings(config, **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "settings"
        raise CommandError(f"{name}: {first['msg']}, got {first.get('input')!r}", exit_code=2) from error
    except SettingsError as error:  # a table in the environment that is not JSON
        raise CommandError(f"{error}; it is given as JSON", exit_code=2) from error
    except OSError as error:
        raise CommandError(f"cannot read {config}: {error.strerror}", exit_code=2) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{config} is not valid TOML: {error}", exit_code=2) from error
