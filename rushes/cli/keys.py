"""`rushes keys …`: make, list and revoke the keys of a server's accounts; which server, `asked` says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

import typer

from rushes.cli.asked import AsJson, Data, asked, printable
from rushes.cli.client import Client
from rushes.cli.problem import CommandError

_KEYS = "/v1/keys"
_PAGE = 100

keys = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@keys.command()
def create(
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="A name to know the key by.")],
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose key it is. Default: the caller's own account.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May also read usage and make keys. Default: off.")] = False,
    max_concurrent: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most requests that run at once. Default: no limit.")
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="What all its requests may cost. Default: no limit.")
    ] = None,
    data: Data = None,
    json_: AsJson = False,
) -> None:
    """Make a key and print it; its secret is never shown again."""
    wanted = {
        "alias": alias,
        "scope": "ADMIN" if admin else "API",
        "account": account,
        "max_concurrent": max_concurrent,
        "budget_usd": budget_usd,
    }
    with asked("keys", data, new=True) as client:
        made = client.platform("POST", _KEYS, {name: value for name, value in wanted.items() if value is not None})
    typer.echo(json.dumps(made, indent=2) if json_ else made["key"])


@keys.command("list", short_help="List the keys that work.")
def list_(data: Data = None, json_: AsJson = False) -> None:
    """List the keys that work, with their limits and what they have spent."""
    with asked("keys", data) as client:
        found = list(_listed(client))
    if json_:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for key in found:
        typer.echo(_line(key))


@keys.command(short_help="Let a key stop working at once.")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id: what stands before its colon.")],
    data: Data = None,
) -> None:
    """Let a key stop working at once; what was accepted under it is still done."""
    if ":" in key_id:
        raise CommandError("a key is revoked by its id, which is what stands before the colon", 2)
    with asked("keys", data) as client:
        # The route says nothing of an id that is none: revoking twice is no error there.
        if not any(key["key_id"] == key_id for key in _listed(client)):
            raise CommandError(f"no key has the id {key_id!r}; `rushes keys list` shows those there are")
        client.platform("DELETE", f"{_KEYS}/{quote(key_id, safe='')}")
    typer.echo(f"{key_id} no longer works", err=True)


def _listed(client: Client) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = client.platform("GET", _KEYS, limit=_PAGE, cursor=cursor)
        yield from page["keys"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _line(key: dict[str, Any]) -> str:
    limits = []
    if key["max_concurrent"] is not None:
        limits.append(f"runs {key['running']} of {key['max_concurrent']}")
    if key["budget_usd"] is not None:
        limits.append(f"spent {key['spent_usd']:g} and reserved {key['reserved_usd']:g} of {key['budget_usd']:g} USD")
    told = "; ".join(limits) or "no limits"
    return f"{key['key_id']}  {key['scope']:5}  {key['account']}  {printable(key['alias'])}  ({told})"
