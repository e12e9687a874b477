"""`rushes doctor`: what this machine has, what is wrong with it or the settings, and which open weights fit it.

The looking is done by `checks`, `checks_setup` and `fitting`; here it is printed, within 80 columns.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rushes.cli import fitting
from rushes.cli.checks import Check, machine
from rushes.cli.checks_setup import setup
from rushes.cli.configured import settings_from
from rushes.cli.fitting_recipes import own_report, recipes_report
from rushes.cli.problem import CommandError
from rushes.engines.fit.verdict import Place
from rushes.runners.hardware import Torch, cards, torch_here
from rushes.settings import Settings

WIDTH, INDENT = 79, 20


def doctor(
    fit: Annotated[
        bool, typer.Option("--fit", help="Say which open weights fit, and how long their films take. Default: off.")
    ] = False,
    gpu: Annotated[
        str | None, typer.Option(metavar="NAME", help='With --fit: ask about this GPU, as "H100 80GB". Default: here.')
    ] = None,
    memory: Annotated[
        float | None, typer.Option(metavar="GB", min=1, help="With --fit: ask about a GPU of so much. Default: here.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="A rushes.toml. Default: none is read.")] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Data folder. Default: that of the settings.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON. Default: off.")] = False,
) -> None:
    """Look at this machine and at the settings; exit code 1 when something can't work."""
    if fit or gpu is not None or memory is not None:
        _fit(settings_from(config, data=data), gpu, memory, as_json=json_)
        return
    checks = [*machine(torch_here(), cards()), *_of_settings(config, data)]
    typer.echo(json.dumps([asdict(one) for one in checks], indent=2) if json_ else "\n".join(_lines(checks)))
    if any(one.level == "problem" for one in checks):
        raise typer.Exit(1)


def _of_settings(config: Path | None, data: Path | None) -> list[Check]:
    """Look at the settings; those that can't even be read are a problem like others."""
    try:
        return list(setup(settings_from(config, data=data)))
    except CommandError as error:
        return [Check("problem", "settings", str(error), "correct it; nothing else of the settings was looked at")]


def _lines(checks: Sequence[Check]) -> Iterator[str]:
    for one in checks:
        yield from _wrapped(f"{one.level:<8} {one.subject:<11}", one.told)
        if one.remedy:
            yield from _wrapped("", f"-> {one.remedy}")
    counts = {level: sum(one.level == level for one in checks) for level in ("problem", "warning")}
    told = [f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts.items() if count]
    yield ""
    yield ", ".join(told) if told else "All is well."


def _wrapped(first: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{first:<{INDENT}}",
        subsequent_indent=" " * INDENT,
        # Paths and commands stay whole, to be copied.
        break_long_words=False,
        break_on_hyphens=False,
    )


def _fit(settings: Settings, gpu: str | None, memory_gb: float | None, *, as_json: bool) -> None:
    here = gpu is None and memory_gb is None
    # Loading torch and measuring takes seconds, for nothing where another machine is asked about.
    torch = torch_here(rate=True) if here else Torch(False, {})
    places = fitting.devices_asked(gpu, memory_gb, torch, cards())
    own, unknown = fitting.questions(settings)
    deployments = [*fitting.report(own, places), *own_report(settings, places, several=not here)]
    weights = [*fitting.report(fitting.all_published(), places), *recipes_report(places, several=not here)]
    if as_json:
        devices = [{"device": one.device.label, "free_bytes": int(one.room)} for one in places]
        told = {"devices": devices, "deployments": deployments}
        typer.echo(json.dumps({**told, "unknown": unknown, "published": weights}, indent=2))
        return
    typer.echo("\n".join(_fit_lines(places, deployments, unknown, weights)))


def _fit_lines(
    places: Sequence[Place],
    deployments: Sequence[dict[str, object]],
    unknown: Sequence[str],
    weights: Sequence[dict[str, object]],
) -> Iterator[str]:
    for place in places:
        pace = "" if place.pace else "; how fast it is isn't known"
        yield f"{place.device.label}: {place.room / 1e9:.0f} GB free{pace}"
    yield fitting.disk_line()
    yield ""
    if deployments:
        yield from fitting.lines("Deployments", deployments)
        yield ""
    for name in unknown:
        yield f"{name}: weights that are neither known nor here; fetch them, then ask again"
    if unknown:
        yield ""
    yield from fitting.lines("Published weights", weights)
    yield ""
    yield "Beside the names: licence, and about what is to be fetched. Peak memory and time"
    yield "(of sampling) are estimates for the endpoints' defaults; see docs/guide/gpus.md."
