"""`rushes endpoints [ENDPOINT]`: what can be asked, or the fields of one endpoint, as a table or as JSON."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Sequence
from typing import Annotated

import typer

from rushes import families
from rushes.cli.describe import endpoint_named, rows
from rushes.endpoint import Endpoint
from rushes.settings import read_settings


def endpoints(
    endpoint: Annotated[str | None, typer.Argument(help="Show the fields of this endpoint. Default: list all.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON. Default: off.")] = False,
) -> None:
    """List what can be asked, or the fields of one endpoint."""
    test_endpoints = read_settings().test_endpoints
    if endpoint is not None:
        chosen = endpoint_named(endpoint, test_endpoints=test_endpoints)
        if json_:
            typer.echo(json.dumps(details(chosen), indent=2))
        else:
            print_fields(chosen)
        return
    every = list(families.served(test_endpoints=test_endpoints).values())
    if json_:
        typer.echo(json.dumps([summary(one) for one in every], indent=2))
    else:
        header = ("ENDPOINT", "CATEGORY", "UNIT", "ENGINES")
        print_table([header, *((one.id, one.category, one.unit, ", ".join(one.engines)) for one in every)])


def summary(endpoint: Endpoint) -> dict[str, object]:
    """Return an endpoint's line of the list, for machines."""
    return {
        "id": endpoint.id,
        "title": endpoint.title,
        "category": endpoint.category,
        "about": endpoint.about,
        "unit": endpoint.unit,
        "engines": list(endpoint.engines),
        "tags": list(endpoint.tags),
    }


def details(endpoint: Endpoint) -> dict[str, object]:
    """Return the line of the list with both schemas and the example."""
    return {
        **summary(endpoint),
        "input_schema": endpoint.input.model_json_schema(),
        "output_schema": endpoint.output.model_json_schema(mode="serialization"),
        "example": dict(endpoint.example),
    }


def print_fields(endpoint: Endpoint) -> None:
    """Print an endpoint's fields, inputs first, each with its type, default and meaning."""
    typer.echo(f"{endpoint.id}: {endpoint.about}\n")
    for title, model in (("Input", endpoint.input), ("Output", endpoint.output)):
        typer.echo(title)
        for row in rows(model):
            typer.echo(f"  {row.name}  ({row.type}{', ' + _short(row.default) if row.default else ''})")
            typer.echo(textwrap.indent(textwrap.fill(row.about, _width() - 6), " " * 6))


def _short(default: str) -> str:
    if default == "required":
        return default
    return f"default {default if len(default) <= 40 else default[:37] + '…'}"


def _width() -> int:
    return min(shutil.get_terminal_size((100, 24)).columns, 120)


def print_table(lines: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
