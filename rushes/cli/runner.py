"""`rushes runner …`: fetch what deployments need, and run a runner for a server on another machine.

What is fetched, and how, is each engine's to say (`engines.deployed.Prepares`); nothing is ever fetched but here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rushes.cli.configured import settings_from
from rushes.cli.lines import Lines
from rushes.cli.problem import CommandError
from rushes.engines.deployed import CannotPrepare, preparing, with_name
from rushes.routing import is_remote
from rushes.settings import Settings

Config = Annotated[Path | None, typer.Option(metavar="FILE", help="A rushes.toml. Default: none is read.")]

runner = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@runner.command(short_help="Fetch the weights, or install the code, that deployments need.")
def prepare(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Deployments, by their names in the settings.")],
    config: Config = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Data folder. Default: that of the settings.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be fetched, and how large it is. Default: off.")
    ] = False,
) -> None:
    """Fetch the weights, or install the code, that deployments need; go on where an earlier try was cut off."""
    settings = settings_from(config, data=data)
    for name in names:
        _check_known(name, settings, config)
    with Lines() as say:
        for name in dict.fromkeys(names):
            _prepare(name, settings, say, dry_run=dry_run)


@runner.command(short_help="Run a runner on this machine for a server elsewhere.")
def start(
    url: Annotated[str, typer.Option(metavar="URL", help="The server, for example https://studio.example.")],
    deployments: Annotated[str, typer.Option(metavar="NAMES", help="What to load, separated by commas.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="A name that no other runner has or had.")],
    config: Config = None,
) -> None:
    """Run a runner on this machine for a server elsewhere, until Ctrl-C; RUSHES_RUNNER_KEY holds its key."""
    settings = settings_from(config)
    wanted = [one.strip() for one in deployments.split(",") if one.strip()]
    if not wanted:
        raise CommandError("--deployments names nothing to load; one is called animatic", exit_code=2)
    words = ["--url", url, "--deployments", ",".join(wanted), "--name", name]
    words += ["--config", str(config)] if config else []
    # The runner's side loads media libraries, which preparing needs none of.
    # Work that is done elsewhere is waited for by many jobs of one process; weights take one job at a time.
    if all(is_remote(one, settings.deployments) for one in wanted):
        from rushes.runners.crowd import main  # noqa: PLC0415
    else:
        from rushes.runners.worker import main  # noqa: PLC0415
    raise typer.Exit(main(words))


def _check_known(name: str, settings: Settings, config: Path | None) -> None:
    if name in settings.deployments:
        return
    there = ", ".join(settings.deployments) or "none"
    hint = "" if config else "; name the file that sets it up with --config"
    raise CommandError(f"no deployment is called {name!r}; there are: {there}{hint}")


def _prepare(name: str, settings: Settings, say: Lines, *, dry_run: bool) -> None:
    setting = settings.deployments[name]
    engine = preparing(setting)
    if engine is None:
        say(f"{name}: nothing is to be fetched")
        return
    say(f"{name}:")
    try:
        engine.prepare(setting, settings.data, say, dry_run=dry_run)
    except CannotPrepare as problem:
        raise CommandError(f"{name}: {with_name(str(problem), name)}") from None
