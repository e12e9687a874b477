"""`rushes voices`: the cloned voices of the caller's account, as the server that the environment names tells them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from rushes.cli.problem import CommandError
from rushes.cli.run import server


def voices(
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data folder to look into when RUSHES_URL names no server. Default: none."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON. Default: off.")] = False,
) -> None:
    """List the voices you have cloned."""
    if data is None and not os.environ.get("RUSHES_URL"):
        raise CommandError("whose voices? Set RUSHES_URL and RUSHES_KEY, or name a data folder with --data", 2)
    with server(data) as client:
        found = client.voices()
    if json_:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for voice in found:
        typer.echo(f"{voice['voice_id']}  {voice['created_at']}  {voice['endpoint_id']}")
    if not found:
        typer.echo("no voices yet: an endpoint that clones voices makes one, see `rushes endpoints`", err=True)
