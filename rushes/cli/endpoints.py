"""`rushes endpoints [ENDPOINT]`: what can be asked, by category, or all there is to know about one endpoint."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import typer

from rushes import families
from rushes.cli.configured import settings_from
from rushes.cli.problem import CommandError
from rushes.endpoint import Endpoint
from rushes.settings import Settings


def endpoints(
    endpoint: Annotated[str | None, typer.Argument(help="Show all about this endpoint. Default: list all.")] = None,
    category: Annotated[
        str | None, typer.Option(metavar="NAME", help="List this category only, such as text-to-video. Default: all.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON. Default: off.")] = False,
) -> None:
    """List what can be asked, or the price and fields of one endpoint."""
    settings = settings_from()
    if endpoint is not None:
        show(endpoint, settings, as_json=json_)
        return
    every = of_category(families.served(test_endpoints=settings.test_endpoints).values(), category)
    if json_:
        typer.echo(json.dumps([summary(one, settings) for one in every], indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(listing(every, settings)))


def of_category(every: Iterable[Endpoint], category: str | None) -> list[Endpoint]:
    """Return the endpoints of a category, all of them for None; CommandError when there is no such category."""
    by_name: dict[str, list[Endpoint]] = {}
    for one in every:
        by_name.setdefault(one.category, []).append(one)
    if category is None:
        return [one for name in sorted(by_name) for one in by_name[name]]
    if category not in by_name:
        raise CommandError(f"there is no category {category!r}; there are {', '.join(sorted(by_name))}", exit_code=2)
    return by_name[category]


def show(endpoint_id: str, settings: Settings, *, as_json: bool) -> None:
    """Print one endpoint."""
    # Imported here: writing schemas takes longer to load than the whole list takes to print.
    from rushes.cli.describe import endpoint_named  # noqa: PLC0415

    chosen = endpoint_named(endpoint_id, test_endpoints=settings.test_endpoints)
    if as_json:
        typer.echo(json.dumps(details(chosen, settings), indent=2, ensure_ascii=False))
    else:
        print_endpoint(chosen, settings)


def listing(every: Sequence[Endpoint], settings: Settings) -> Iterator[str]:
    """Yield a heading for each category, and below it a line for each endpoint: id, title, price."""
    id_width = max(len(one.id) for one in every)
    title_width = max(len(one.title) for one in every)
    for name in dict.fromkeys(one.category for one in every):
        inside = [one for one in every if one.category == name]
        yield f"{name} ({len(inside)})"
        for one in inside:
            yield f"  {one.id.ljust(id_width)}  {one.title.ljust(title_width)}  {price_words(one, settings)}"
        yield ""
    yield "`rushes endpoints ENDPOINT` shows the fields of one, `rushes run ENDPOINT name=value …` asks it."


def price_words(endpoint: Endpoint, settings: Settings) -> str:
    """Say what a unit is, and what it costs where that is set: `0.25 USD per second`."""
    price = settings.price_usd(endpoint.id)
    return f"per {endpoint.unit}" if price is None else f"{price:g} USD per {endpoint.unit}"


def summary(endpoint: Endpoint, settings: Settings) -> dict[str, object]:
    """Return an endpoint's line of the list, for machines."""
    return {
        "id": endpoint.id,
        "title": endpoint.title,
        "category": endpoint.category,
        "about": endpoint.about,
        "unit": endpoint.unit,
        "unit_price_usd": settings.price_usd(endpoint.id),
        "engines": list(endpoint.engines),
        "tags": list(endpoint.tags),
    }


def details(endpoint: Endpoint, settings: Settings) -> dict[str, object]:
    """Return the line of the list with the price rule, both schemas and the example."""
    return {
        **summary(endpoint, settings),
        "price_rule": endpoint.price_rule,
        "input_schema": endpoint.input.model_json_schema(),
        "output_schema": endpoint.output.model_json_schema(mode="serialization"),
        "example": dict(endpoint.example),
    }


def print_endpoint(endpoint: Endpoint, settings: Settings) -> None:
    """Print what it makes, what it costs, and its fields, inputs first, each with its type, default and meaning."""
    from rushes.cli.describe import input_rows, output_rows  # noqa: PLC0415  see `show`

    typer.echo(f"{endpoint.id}: {endpoint.title}, {endpoint.category}")
    facts = [endpoint.about, f"Price {price_words(endpoint, settings)}. {endpoint.price_rule}"]
    if endpoint.voices:
        facts.append(f"Voices: {', '.join(endpoint.voices)}")
    for fact in facts:
        typer.echo(textwrap.fill(fact, _width()))
    for title, rows in (("Input", input_rows(endpoint)), ("Output", output_rows(endpoint))):
        typer.echo(f"\n{title}")
        for row in rows:
            typer.echo("\n".join(_field_lines(row.name, row.words, row.about)))


def _field_lines(name: str, words: str, about: str) -> Iterable[str]:
    yield from textwrap.wrap(f"{name}  ({words})", _width(), initial_indent="  ", subsequent_indent="    ")
    yield from textwrap.wrap(about, _width(), initial_indent=" " * 6, subsequent_indent=" " * 6)


def _width() -> int:
    # Lines longer than this are hard to read, however wide the window is.
    return min(shutil.get_terminal_size((100, 24)).columns, 120)
