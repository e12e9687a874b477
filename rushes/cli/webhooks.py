"""`rushes webhooks …`: what became of the caller's webhooks, sending one again, and new signing keys.

Which server is asked, `asked` says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from rushes.cli.asked import AsJson, Data, asked, printable
from rushes.cli.client import Client

_DELIVERIES = "/v1/webhooks/deliveries"
_PAGE = 100

webhooks = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


Id = Annotated[str, typer.Argument(metavar="ID", help="The delivery's id, which is that of its request.")]


@webhooks.command("list")
def list_(
    state: Annotated[State | None, typer.Option(help="Only those of this state. Default: all.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", show_default=False, help="Most that are listed. Default: 50.")
    ] = 50,
    data: Data = None,
    json_: AsJson = False,
) -> None:
    """List deliveries, newest first."""
    with asked("webhooks", data) as client:
        found = list(_listed(client, state, limit))
    if json_:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for delivery in found:
        typer.echo(_line(delivery))
    if not found:
        typer.echo("no webhooks: a request that is submitted with fal_webhook=URL asks for one", err=True)


@webhooks.command()
def show(id_: Id, data: Data = None, json_: AsJson = False) -> None:
    """Show one delivery with every try."""
    with asked("webhooks", data) as client:
        delivery = client.platform("GET", f"{_DELIVERIES}/{quote(id_, safe='')}")
    if json_:
        typer.echo(json.dumps(delivery, indent=2, ensure_ascii=False))
        return
    typer.echo(_line(delivery))
    for tried in delivery["history"]:
        typer.echo(f"  {tried['number']}  {tried['at']}  {_answer(tried)}  {tried['duration_s']:g} s")
    if delivery["next_attempt_at"]:
        typer.echo(f"  next try at {delivery['next_attempt_at']}")


@webhooks.command()
def replay(id_: Id, data: Data = None) -> None:
    """Send a delivery again, now, with all its retries."""
    with asked("webhooks", data) as client:
        delivery = client.platform("POST", f"{_DELIVERIES}/{quote(id_, safe='')}/replay")
    typer.echo(_line(delivery))


@webhooks.command("rotate-key", short_help="Make a new signing key.")
def rotate_key(data: Data = None) -> None:
    """Make a new signing key; the one before stays published for a day. Needs the server's own key."""
    with asked("webhooks", data) as client:
        typer.echo(client.platform("POST", "/v1/webhooks/keys/rotate")["kid"])


def _listed(client: Client, state: State | None, limit: int) -> Iterator[dict[str, Any]]:
    cursor = None
    while limit > 0:
        page = client.platform("GET", _DELIVERIES, state=state, limit=min(limit, _PAGE), cursor=cursor)
        yield from page["deliveries"]
        limit -= len(page["deliveries"])
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _line(delivery: dict[str, Any]) -> str:
    last = delivery["last_attempt"]
    told = f"{delivery['attempts']} tries" if delivery["attempts"] != 1 else "1 try"
    answer = _answer(last) if last else "-"
    return f"{delivery['id']}  {delivery['state']:9}  {told}  {answer}  {printable(delivery['url'])}"


def _answer(tried: dict[str, Any]) -> str:
    return printable(tried["error"] or str(tried["status_code"]))
