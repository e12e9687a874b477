"""`rushes conformance`: the protocol's rules against a running server, or against one that is started for it.

What the rules are and how they are checked is in `rushes.conformance`.
"""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console

from rushes.cli.embedded import embedded_server
from rushes.cli.problem import CommandError
from rushes.conformance import suite
from rushes.conformance.probe import Probe
from rushes.conformance.receiver import Receiver, receiving
from rushes.conformance.report import Finding, as_json, counts, print_table
from rushes.conformance.rules import Failed
from rushes.conformance.target import Target

# Files and webhooks lead to a receiver on loopback; the short times are those that rules wait for.
OWN_SERVER = {
    "RUSHES_TEST_ENDPOINTS": "1",
    "RUSHES_ALLOW_ADDRESSES": "127.0.0.0/8,::1/128",
    "RUSHES_RUNNERS": "4",
    "RUSHES_SESSION_IDLE_S": "4",
    "RUSHES_WEBHOOK_RETRIES": "3",
    "RUSHES_WEBHOOK_RETRY_SPAN_S": "3",
}
"""Settings under which every rule can be tried."""


def conformance(
    url: Annotated[str | None, typer.Option(help="Server to test. Default: one of its own, started for it.")] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="Key for that server, as id:secret. Default: $RUSHES_KEY.", envvar="RUSHES_KEY", show_envvar=False
        ),
    ] = None,
    only: Annotated[str, typer.Option(metavar="IDS", help="Rules to try, such as Q-07,R-04 or W. Default: all.")] = "",
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Endpoint for ordinary requests. Default: the first that can be called."),
    ] = None,
    input_: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="Input that it takes. Default: made from its schema.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON. Default: off.")] = False,
) -> None:
    """Check a server against every rule of the protocol."""
    try:
        rules = suite.chosen(only.split(","))
    except ValueError as error:
        raise CommandError(f"--only: {error}", exit_code=2) from error
    given = _input(input_)
    progress = Console(stderr=True, highlight=False)
    with ExitStack() as stack:
        target = stack.enter_context(target_at(url, key, endpoint, given))
        with progress.status(f"trying {len(rules)} rules on {target.probe.base}"):
            try:
                findings = suite.run(target, rules)
            except Failed as failed:  # before the first rule: what answers there is no HTTP server
                raise CommandError(f"{target.probe.base} does not answer as an HTTP server: {failed.got}") from failed
        _say(target.probe.base, findings, json_)
    if counts(findings)["failed"]:
        raise typer.Exit(1)


@contextmanager
def target_at(
    url: str | None, key: str | None, endpoint: str | None = None, given: dict[str, Any] | None = None
) -> Iterator[Target]:
    """Reach the server at `url`, or start one, together with a receiver for its webhooks."""
    with ExitStack() as stack:
        own = url is None
        if url is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rushes-conformance-"))
            running = stack.enter_context(embedded_server(Path(folder), OWN_SERVER))
            url, key = running.url, running.key
        receiver = stack.enter_context(_receiver(url))
        probe = Probe(url, key)
        stack.callback(probe.close)
        yield Target(probe, own=own, given_endpoint=endpoint, given_input=given, receiver=receiver)


@contextmanager
def _receiver(url: str) -> Iterator[Receiver]:
    """Listen on the address from which the server is reached, so that it can reach us back."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # of brackets that don't match, or a port that is none
        sound = False
    if not sound:
        raise CommandError(f"--url: {url!r} is no http(s) URL", exit_code=2)
    try:
        with socket.create_connection((parts.hostname, port), timeout=10) as there:
            here = str(there.getsockname()[0])
    except (OSError, UnicodeError) as error:
        raise CommandError(f"cannot reach {url}: {error}") from error
    with receiving(here) as receiver:
        yield receiver


def _input(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--input is not JSON: {error}", exit_code=2) from error
    if not isinstance(value, dict):
        raise CommandError(f"--input must be a JSON object, got {text[:80]}", exit_code=2)
    return value


def _say(url: str, findings: list[Finding], as_text: bool) -> None:
    if as_text:
        typer.echo(as_json(url, findings))
    else:
        print_table(findings, Console(highlight=False))
