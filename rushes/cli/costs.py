"""`rushes costs`: what requests cost at vendors, beside what they were billed, as the server that is asked tells."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from rushes.cli.asked import AsJson, Data, asked

HEAD = ("deployment", "endpoint", "requests", "units", "billed", "usage", "cost", "margin")

Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="First time that counts, as 2026-01-31 or ISO 8601. Default: a day ago."),
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="First time that counts no more. Default: now.")]


def costs(since: Since = None, until: Until = None, data: Data = None, json_: AsJson = False) -> None:
    """Show requests, their price and their cost by deployment and endpoint, in USD."""
    with asked("costs", data) as client:
        found: list[dict[str, Any]] = client.platform("GET", "/v1/costs", start=since, end=until)["costs"]
    if json_:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not found:
        typer.echo("nothing was billed in that time", err=True)
        return
    rows = [HEAD, *(_row(one) for one in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    usage = ", ".join(f"{amount:g} {unit}" for unit, amount in item["usage"].items()) or "-"
    is_known = item["requests_with_cost"] > 0
    # What was made on this machine costs nothing at any vendor, and that is known.
    cost = f"{item['cost']:.4f}" if is_known or item["deployment"] is None else "unknown"
    missing = item["requests"] - item["requests_with_cost"]
    if is_known and missing:
        cost += f" ({missing} unknown)"
    margin = "unknown" if item["margin"] is None else f"{item['margin']:.4f}"
    where, units = item["deployment"] or "(here)", f"{item['quantity']:g}"
    return (where, item["endpoint_id"], str(item["requests"]), units, f"{item['billed']:.4f}", usage, cost, margin)
