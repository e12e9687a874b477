"""`rushes voices`: the cloned voices of the caller's account, as the server tells them that `asked` finds."""

from __future__ import annotations

import json

import typer

from rushes.cli.asked import AsJson, Data, asked


def voices(data: Data = None, json_: AsJson = False) -> None:
    """List the voices you have cloned."""
    with asked("voices", data) as client:
        found = client.voices()
    if json_:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for voice in found:
        typer.echo(f"{voice['voice_id']}  {voice['created_at']}  {voice['endpoint_id']}")
    if not found:
        typer.echo("no voices yet: an endpoint that clones voices makes one, see `rushes endpoints`", err=True)
