"""`rushes env`: shell exports that point clients at a server, safe for `eval "$(rushes env)"`.

The address is the one that the server of that data folder wrote down when it started; the key is the one in the folder.
Where that server has an intercepting proxy, unchanged programs are redirected too; what that takes is in
`intercept.exports`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from rushes.cli.address import server_address
from rushes.cli.configured import settings_from
from rushes.cli.folder import KEY_FILE, written_proxy, written_url
from rushes.cli.listeners import TLS_FOLDER
from rushes.cli.problem import CommandError
from rushes.connect import DEFAULT_URL
from rushes.intercept import exports
from rushes.settings import Settings

UNCHANGED = """\
# From here on, calls to fal's hosts end at this server, also those of unchanged programs that start in this shell:
#   Python (fal-client, huggingface_hub, litellm)  as they are
#   Node 24, or 22.21 and later, and Bun           as they are
#   curl https://queue.fal.run/…                   as it is, with -H "Authorization: Key $FAL_KEY"
# Older Node takes no proxy from the environment; these lines work everywhere:
"""
CHANGED = """\
# This address has no intercepting proxy on this machine: unchanged programs still call fal itself. These don't:
"""
COMMENTS = """\
# Python: fal-client takes the key from FAL_KEY; one line points it at the server:
#   import rushes; rushes.connect()
# JavaScript: @fal-ai/client goes through the server's own proxy route:
#   fal.config({ credentials: process.env.FAL_KEY,
#                proxyUrl: { url: process.env.RUSHES_URL + "/api/fal/proxy", when: "always" } });
# litellm takes api_base=$RUSHES_URL/run for pictures and $RUSHES_URL/queue for videos.
# To take it all back: eval "$(rushes env --unset)"
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
    unset: Annotated[
        bool, typer.Option("--unset", help="Print what takes the exports back instead. Default: off.")
    ] = False,
) -> None:
    """Print shell exports that point clients at a server."""
    if unset:
        typer.echo(exports.undo(os.environ), nl=False)
        return
    settings = settings_from(data=data)
    running = written_url(settings.data)
    address = server_address(url or running or os.environ.get("RUSHES_URL") or DEFAULT_URL)
    # A proxy belongs to the server that wrote it down; another one's address has none that is known.
    proxy = written_proxy(settings.data) if address == running else None
    # In this order, since a server that is given a key makes none of its own.
    key = settings.key.get_secret_value() if settings.key is not None else stored_key(settings.data)
    values = {"RUSHES_URL": address, "RUSHES_KEY": key, **exports.keys(key)}
    before = exports.before(os.environ)
    if proxy is not None or (address == running and address.startswith("https:")):
        values |= trust(settings.data, before)
    if proxy is not None:
        values |= exports.redirecting(proxy, before)
    typer.echo(exports.lines(values, os.environ) + (UNCHANGED if proxy else CHANGED) + COMMENTS, nl=False)
    if not answers(address):
        typer.echo(f"rushes: nothing listens on {address} yet; start it with `rushes serve`", err=True)


def trust(data: Path, before: Mapping[str, str]) -> dict[str, str]:
    """Return exports that make programs trust the local authority besides what they trust already."""
    # cryptography takes a while to load, which a call for another machine's server need not wait for.
    from rushes.intercept.authority import ensure, joined  # noqa: PLC0415

    try:
        paths = ensure((data / TLS_FOLDER).absolute())
        # These variables replace what a program trusts: roots that a shell had set, a company's, have to stay in.
        set_already = {name: before[name] for name in exports.ROOTS if before.get(name)}
        files = {name: joined(paths, roots, paths.beside(name)) for name, roots in set_already.items()}
        return exports.trusting(joined(paths, None, paths.bundle), paths.authority, files)
    except OSError as error:
        where = error.filename or data
        raise CommandError(f"cannot make the certificates in {data / TLS_FOLDER}: {where}: {error.strerror}") from error


def stored_key(data: Path) -> str:
    """Return the key that the first start of a server made in that folder."""
    try:
        return (data / KEY_FILE).read_text().strip()
    except OSError as error:
        raise CommandError(
            f"cannot read the key in {data}: {error.strerror}; start `rushes serve --data {data}` once, or name the "
            "server's folder with --data; a server that was started with RUSHES_KEY keeps no key there: set it here too"
        ) from error


def answers(url: str) -> bool:
    """Say whether anything listens at that address."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        # Nearly always on this machine, where an answer comes at once or not at all.
        with socket.create_connection((parts.hostname or "", port), timeout=1.0):
            return True
    except OSError:
        return False
