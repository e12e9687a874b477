"""The server that a command about an account asks: which one it is, and what is said where there is none.

The one that the environment names; else the one that runs on a data folder; else one started there for the moment. A
folder on which no server ever ran is a mistyped one. `rushes run`, which needs neither, has its own rule.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from rushes.cli.client import Client
from rushes.cli.env import answers, stored_key
from rushes.cli.folder import served_before, written_url
from rushes.cli.problem import CommandError
from rushes.cli.run import server

Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Data folder of the server when RUSHES_URL names none. Default: none."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON. Default: off.")]


@contextmanager
def asked(what: str, data: Path | None, *, new: bool = False) -> Iterator[Client]:
    """Yield a client of the server that is asked for `what`; with `new`, a folder may be one that is yet to be made."""
    if os.environ.get("RUSHES_URL"):
        with server(None) as client:
            yield client
        return
    if data is None:
        raise CommandError(f"whose {what}? Set RUSHES_URL and RUSHES_KEY, or name a data folder with --data", 2)
    url = written_url(data)
    if url and answers(url):
        # RUSHES_KEY first: a server that was started with it keeps no key in its folder.
        with Client(url, os.environ.get("RUSHES_KEY") or stored_key(data)) as client:
            yield client
        return
    if not new and not served_before(data):
        raise CommandError(f"no server has run on {data} yet; name the server's folder with --data, or set RUSHES_URL")
    with server(data) as client:
        yield client


def printable(text: str) -> str:
    """Return what somebody else wrote, without anything that would steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
