"""A server of one's own for as long as it is needed: a child process on a free loopback port.

`rushes run`, the examples and the tests use it. The child ends with its parent, even when that one is killed, because
it watches the pipe that is its standard input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rushes.cli.problem import CommandError

STOP_TIMEOUT_S = 10.0
_ANOTHERS = ("RUSHES_TLS", "RUSHES_INTERCEPT_PORT")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers at `url` and knows `key`; `pid` is its process."""

    url: str
    key: str
    pid: int
    data: Path


@contextmanager
def embedded_server(data: Path, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start a server on `data`, yield it once it answers, stop it and its runners at the end.

    `environment` is added to this process's own. Raises CommandError with the child's last words if it cannot start.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "rushes.cli", "serve", "--port", "0", "--data", str(data), "--json", "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # On loopback whatever the settings say: for other addresses it would want TLS, which its caller can do without.
        env={**_ours(), "RUSHES_HOST": "127.0.0.1", **(environment or {})},
        text=True,
    )
    try:
        yield _ready(child, {**os.environ, **(environment or {})})
    finally:
        _stop(child)


def _ours() -> dict[str, str]:
    """This process's environment without what another server is set up by: https, and a port that it may hold."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_ANOTHERS)}


def _ready(child: subprocess.Popen[str], environment: Mapping[str, str]) -> Running:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise CommandError(f"the server did not start: it ended with exit code {child.wait()}; its reason stands above")
    told = json.loads(line)
    key = Path(told["key_file"]).read_text().strip() if told["key_file"] else environment["RUSHES_KEY"]
    return Running(told["url"], key, told["pid"], Path(told["data"]))


def _stop(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    # The end of its input tells it to stop, as it would if this process were killed.
    child.stdin.close()
    try:
        child.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()
