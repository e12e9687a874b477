"""`rushes fakes`: pretended vendors on loopback, to rehearse a setup without paying.

What they do is in `rushes.fakes`.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from rushes.cli.listen import LOOPBACK, open_socket
from rushes.cli.problem import CommandError
from rushes.fakes.serving import serve
from rushes.fakes.vendors import EVERY, WORDS, settings_for, together


def fakes(
    vendors: Annotated[
        list[str] | None, typer.Argument(metavar="VENDOR", help="Vendor to pretend. Default: all.", show_default=False)
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8790,
    vendor: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="The same, as an option that may be repeated.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON. Default: off.")] = False,
) -> None:
    """Pretend to be the vendors, on this machine only, so that a setup can be rehearsed without paying."""
    names = list(dict.fromkeys([*(vendors or ()), *(vendor or ())] or EVERY))
    try:
        app, _ = together(names)
    except ValueError as error:
        raise CommandError(f"VENDOR: {error}", exit_code=2) from error
    with open_socket(LOOPBACK, port) as sock:
        _say(f"http://{LOOPBACK}:{sock.getsockname()[1]}", names, json_)
        serve(app, sock)


def _say(url: str, names: list[str], as_json: bool) -> None:
    settings = settings_for(url, names)
    if as_json:
        keys = {name: EVERY[name].key for name in names}
        print(json.dumps({"url": url, "keys": keys, "settings": settings, "words": dict(WORDS)}), flush=True)
        return
    widest = max(map(len, WORDS))
    words = "\n".join(f"#   {word:<{widest}}  {meaning}" for word, meaning in WORDS.items())
    print(f"# Pretended vendors at {url}. In rushes.toml:\n\n{settings}", flush=False)
    print(
        f"# Words in a prompt:\n{words}\n# Told and steered at {url}/NAME/_fake/seen, tasks, plan, reset.", flush=True
    )
