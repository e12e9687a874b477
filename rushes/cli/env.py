"""`rushes env`: shell exports that point clients at a server, safe for `eval "$(rushes env)"`.

The address is the one that the server of that data folder wrote down when it started; the key is the one in the folder.
"""

from __future__ import annotations

import os
import shlex
import socket
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from rushes.cli.address import server_address
from rushes.cli.configured import settings_from
from rushes.cli.folder import KEY_FILE, written_url
from rushes.cli.problem import CommandError
from rushes.connect import DEFAULT_URL
from rushes.settings import Settings

COMMENTS = """\
# Python: fal-client takes the key from FAL_KEY; one line points it at the server:
#   import rushes; rushes.connect()
# JavaScript: @fal-ai/client goes through the server's own proxy route:
#   fal.config({ credentials: process.env.FAL_KEY,
#                proxyUrl: { url: process.env.RUSHES_URL + "/api/fal/proxy", when: "always" } });
# litellm takes api_base=$RUSHES_URL/run for pictures and $RUSHES_URL/queue for videos.
"""


def env(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help=f"Data folder of the server. Default: {Settings.model_fields['data'].default}."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address of the server. Default: the one that is running on DIR."),
    ] = None,
) -> None:
    """Print shell exports that point clients at a server."""
    settings = settings_from(data=data)
    address = server_address(url or written_url(settings.data) or os.environ.get("RUSHES_URL") or DEFAULT_URL)
    key = settings.key.get_secret_value() if settings.key is not None else stored_key(settings.data)
    typer.echo(exports({"RUSHES_URL": address, "RUSHES_KEY": key, "FAL_KEY": key}) + COMMENTS, nl=False)
    if not answers(address):
        typer.echo(f"rushes: nothing listens on {address} yet; start it with `rushes serve`", err=True)


def exports(values: dict[str, str]) -> str:
    """Return export lines, quoted for a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def stored_key(data: Path) -> str:
    """Return the key that the first start of a server made in that folder."""
    try:
        return (data / KEY_FILE).read_text().strip()
    except OSError as error:
        raise CommandError(
            f"cannot read the key in {data}: {error.strerror}; start `rushes serve --data {data}` once, or name the "
            "server's folder with --data"
        ) from error


def answers(url: str) -> bool:
    """Say whether anything listens at that address."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=1.0):
            return True
    except OSError:
        return False
