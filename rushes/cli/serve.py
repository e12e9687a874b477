"""`rushes serve`: the gateway and its local runners, until SIGINT or SIGTERM.

The order: settings, sockets, application, then the HTTP server on those sockets. The first line on stdout is the
address and comes once requests are answered. What the parts are is decided in `rushes.app`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from rushes.app import Application, WrongRoutes
from rushes.app import build as build_application
from rushes.cli.configured import settings_from
from rushes.cli.descriptors import ENOUGH, raise_open_files
from rushes.cli.folder import KEY_FILE, own_folder, write_url
from rushes.cli.heap import keep_pages
from rushes.cli.listeners import HttpServer, Listeners, https_context, open_listeners
from rushes.cli.problem import CommandError
from rushes.cli.wire import BoundedProtocol, web_sockets
from rushes.db.sqlite import WriteFailed
from rushes.settings import Settings


def _about(setting: str) -> str:
    field = Settings.model_fields[setting]
    return f"{field.description} Default: {_shown(field.default)}."


def _shown(default: object) -> str:
    return "off" if default is False else str(default or "none")


def serve(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help=_about("host"))] = None,
    port: Annotated[int | None, typer.Option(metavar="NUMBER", help=_about("port"))] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help=_about("data"))] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="A rushes.toml. Default: none is read.")] = None,
    behind_proxy: Annotated[bool | None, typer.Option("--behind-proxy", help=_about("behind_proxy"))] = None,
    tls: Annotated[bool | None, typer.Option("--tls", help=_about("tls"))] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help=_about("tls_cert"))] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help=_about("tls_key"))] = None,
    tls_names: Annotated[str | None, typer.Option(metavar="NAMES", help=_about("tls_names"))] = None,
    intercept: Annotated[
        bool | None, typer.Option("--intercept/--no-intercept", show_default=False, help=_about("intercept"))
    ] = None,
    intercept_port: Annotated[int | None, typer.Option(metavar="NUMBER", help=_about("intercept_port"))] = None,
    open_: Annotated[bool | None, typer.Option("--open", help=_about("open"))] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the ready line as JSON. Default: off.")] = False,
    until_eof: Annotated[
        bool,
        typer.Option(
            "--until-eof", help="Stop when standard input ends, for programs that own a server. Default: off."
        ),
    ] = False,
) -> None:
    """Run the server and its local runners."""
    keep_pages()
    secure = {"tls": tls, "tls_cert": tls_cert, "tls_key": tls_key, "tls_names": tls_names}
    where = {"host": host, "port": port, "intercept": intercept, "intercept_port": intercept_port, **secure}
    settings = settings_from(config, data=data, behind_proxy=behind_proxy, open=open_, **where)
    if (files := raise_open_files()) < ENOUGH:
        typer.echo(
            f"rushes: the system allows only {files} open files, few for many callers; see `ulimit -n`", err=True
        )
    listeners = open_listeners(settings)
    settings = listeners.settings
    say = _say_json if json_ else _say
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    # The loop that uvicorn would choose: uvloop where it is installed.
    with own_folder(settings.data), asyncio.Runner(loop_factory=uvicorn.Config(app="").get_loop_factory()) as runner:
        runner.run(_serve(listeners, say, until_eof))


_NO_NEWS = ("timeout graceful shutdown exceeded", "ASGI callable returned without completing handshake")


def _is_news(record: logging.LogRecord) -> bool:
    """Calls that still wait when the server stops are cut off; uvicorn has a line and a traceback for each.

    So it has for each WebSocket whose caller sends text that is none, which is closed with 1007 as it should be, and a
    line for each whose handshake was answered with an error.
    """
    error = record.exc_info[1] if record.exc_info else None
    cut = isinstance(error, asyncio.CancelledError | UnicodeDecodeError)
    return not cut and not any(line in record.getMessage() for line in _NO_NEWS)


def _http_config(application: Application, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        application.asgi,
        interface="asgi3",  # not to be guessed from a bound method
        http=BoundedProtocol,
        ws=web_sockets,  # type: ignore[arg-type]  # uvicorn only ever calls it
        ws_max_size=settings.socket_message_bytes,
        ws_per_message_deflate=False,  # pictures are compressed already
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="error",
        proxy_headers=False,  # X-Forwarded-* is the gateway's to judge
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )


async def _serve(listeners: Listeners, say: Callable[[Listeners], None], until_eof: bool) -> None:
    settings = listeners.settings
    https = await https_context(listeners)
    application = build_application(settings, listeners.plain_url)
    server = HttpServer(_http_config(application, settings), listeners, https, ready=lambda: _announce(listeners, say))
    ending = asyncio.Event()
    _on_end(asyncio.get_running_loop(), ending, server, until_eof)
    await _start(application, settings)
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.wait((serving, asyncio.create_task(ending.wait())), return_when=asyncio.FIRST_COMPLETED)
        # First the runners, whose last words come through this very server.
        await application.stop_work()
        server.should_exit = True
        await serving
    finally:
        await application.stop()


async def _start(application: Application, settings: Settings) -> None:
    try:
        await application.start()
    except WrongRoutes as error:
        raise CommandError(f"the settings can't work: {error}") from error
    except (OSError, ValueError, sqlite3.Error, WriteFailed) as error:
        raise CommandError(f"cannot start on the data folder {settings.data}: {error}") from error


def _on_end(loop: asyncio.AbstractEventLoop, ending: asyncio.Event, server: uvicorn.Server, until_eof: bool) -> None:
    """Stop on the first signal (or the end of stdin); a second one no longer waits for anybody."""

    def end() -> None:
        server.force_exit = ending.is_set()
        ending.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    if until_eof:
        threading.Thread(target=_wait_for_eof, args=(loop, ending.set), daemon=True).start()


def _wait_for_eof(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(end)


def _announce(listeners: Listeners, say: Callable[[Listeners], None]) -> None:
    write_url(listeners.settings.data, listeners.url, listeners.proxy_url)
    say(listeners)
    sys.stdout.flush()


def key_place(settings: Settings) -> str:
    """Say where the admin key is to be found; the key itself is never printed."""
    return "RUSHES_KEY" if settings.key is not None else str((settings.data / KEY_FILE).absolute())


def _say(listeners: Listeners) -> None:
    settings = listeners.settings
    typer.echo(f"Rushes is listening on {listeners.url}")
    typer.echo("Anybody may call it: no key is asked for" if settings.open else f"The key is in {key_place(settings)}")
    typer.echo(f'Point clients at it: eval "$(rushes env --data {shlex.quote(str(settings.data))})"')


def _say_json(listeners: Listeners) -> None:
    settings = listeners.settings
    key_file = None if settings.key is not None else str((settings.data / KEY_FILE).absolute())
    told = {"url": listeners.url, "proxy": listeners.proxy_url, "key_file": key_file}
    typer.echo(json.dumps({**told, "data": str(settings.data.absolute()), "pid": os.getpid()}))
