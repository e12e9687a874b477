"""`rushes run ENDPOINT name=value …`: submit, show how it goes, download what came out.

The server is the one that RUSHES_URL names; without it a server is started for this one call and stopped after it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from rushes.cli.client import Answer, Client, Submitted
from rushes.cli.configured import settings_from
from rushes.cli.describe import endpoint_named
from rushes.cli.embedded import embedded_server
from rushes.cli.endpoints import print_endpoint
from rushes.cli.inputs import files_named, parse, wire
from rushes.cli.outputs import files_in, place, targets
from rushes.endpoint import Endpoint

USAGE = """Usage: rushes run ENDPOINT name=value ... [name=@file] [-o FILE] [--data DIR] [--json]

  Submits to the server that RUSHES_URL names (with RUSHES_KEY or FAL_KEY), or to one of its own for this call.
  name=@file uploads the file. `rushes run ENDPOINT --help` lists the fields; `rushes endpoints` the endpoints.

  -o, --output FILE  Save the output's file there, or into that folder.
                     Default: the server's name for it, in this folder.
  --data DIR         Data folder of the server of one's own.
                     Default: a temporary one.
  --json             Print the output as JSON. Default: off.
  --help             Show this, and the fields of ENDPOINT.
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """One downloaded file."""

    path: Path
    size_bytes: int


def run(
    endpoint: Annotated[str | None, typer.Argument(help="Id of the endpoint, see `rushes endpoints`.")] = None,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Fields of the request; @file uploads a file.")
    ] = None,
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Where to save.")] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Data folder of the server of one's own.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the output as JSON.")] = False,
    help_: Annotated[bool, typer.Option("--help", help="Show the usage and the endpoint's fields.")] = False,
) -> None:
    """Make something: submit to an endpoint, wait, download the files."""
    if endpoint is None:
        typer.echo(USAGE, nl=False, err=not help_)
        raise typer.Exit(0 if help_ else 2)
    settings = settings_from()
    chosen = endpoint_named(endpoint, test_endpoints=settings.test_endpoints)
    if help_:
        typer.echo(USAGE)
        print_endpoint(chosen, settings)
        raise typer.Exit
    request = parse(chosen, words or [])
    files_named(request)  # a missing file is said before a server is started, and so is a place that is none
    wanted = None if output is None else place(output)
    begun = time.monotonic()
    with server(data) as client:
        submitted = client.submit(chosen.id, wire(request, client.upload))
        answer = _wait(client, chosen, submitted)
        saved = _save(client, answer, wanted)
    # By the prices of this side's settings; what a server elsewhere bills, its own say.
    cost = None if answer.units is None else settings.price_usd(chosen.id, answer.units)
    _report(answer, submitted, saved, time.monotonic() - begun, cost, as_json=json_)


@contextmanager
def server(data: Path | None, environment: Mapping[str, str] = os.environ) -> Iterator[Client]:
    """Yield a client of the server that the environment names, or of one started for the occasion."""
    with ExitStack() as stack:
        url, key = environment.get("RUSHES_URL"), environment.get("RUSHES_KEY") or environment.get("FAL_KEY")
        if not url:
            folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rushes-")))
            own = stack.enter_context(embedded_server(folder))
            url, key = own.url, own.key
        yield stack.enter_context(Client(url, key))


def _wait(client: Client, endpoint: Endpoint, submitted: Submitted) -> Answer:
    """Follow the request with a progress bar; one that is interrupted is cancelled."""
    try:
        with _bar() as bar:
            task = bar.add_task(endpoint.id, total=1.0, note="")
            for status in client.follow(submitted):
                fraction, note = progress_of(status)
                bar.update(task, completed=fraction, note=note)
    except KeyboardInterrupt:
        client.cancel(submitted)
        raise
    return client.result(submitted)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    # The bar goes where errors go: what is printed belongs to whoever pipes it on.
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal)


def progress_of(status: Mapping[str, Any]) -> tuple[float, str]:
    """Return how far a request is, from 0 to 1, and a word on it: its place in the queue, or its last log line."""
    if status["status"] == "IN_QUEUE":
        return 0.0, f"{status['queue_position']} ahead in the queue"
    fraction, note = 0.0, ""
    for line in status.get("logs") or ():
        fraction = float((line.get("labels") or {}).get("progress", fraction))
        note = line["message"]
    return (1.0 if status["status"] == "COMPLETED" else fraction), note


def _save(client: Client, answer: Answer, wanted: Path | None) -> list[Saved]:
    files = list(files_in(answer.output))
    paths = targets(files, wanted, Path.cwd())
    saved = [Saved(path, client.download(file.url, path)) for file, path in zip(files, paths, strict=True)]
    if answer.manifest_url is not None and len(paths) == 1:  # where `rushes verify` looks for it
        beside = paths[0].with_name(f"{paths[0].name}.c2pa")
        saved.append(Saved(beside, client.download(answer.manifest_url, beside)))
    return saved


def _report(
    answer: Answer, submitted: Submitted, saved: list[Saved], seconds: float, cost_usd: float | None, *, as_json: bool
) -> None:
    if as_json:
        told = {
            "request_id": submitted.request_id,
            "output": answer.output,
            "files": [{"path": str(one.path), "size_bytes": one.size_bytes} for one in saved],
            "seconds": round(seconds, 3),
            "units": answer.units,
            "cost_usd": cost_usd,
            "served_by": answer.served_by,
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in saved:
        typer.echo(f"{one.path}  {one.size_bytes / 1e6:.2f} MB")
    if not saved:
        typer.echo(json.dumps(answer.output, ensure_ascii=False, indent=2))
    cost = "" if cost_usd is None else f", cost {cost_usd:g} USD"
    typer.echo(f"took {seconds:.1f} s{cost}, served by {answer.served_by or 'a server that does not say'}")
