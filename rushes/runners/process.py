"""How a runner's process begins and ends, whatever it does in between: arguments, key, signals and exit codes.

A process is told to stop by SIGTERM or Ctrl-C: `Stopped` is raised in its main thread, which then takes leave; what
takes longer than a second is ended by the kernel. What is loaded and done stands in `worker` and `sessions`.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from rushes.runners.client import Refused
from rushes.runners.deployments import UnknownDeployment
from rushes.runners.overhear import TRANSPORT
from rushes.runners.parent import KEY_VARIABLE, die_with_parent
from rushes.settings import Settings, read_settings

STOP_S = 2  # after SIGTERM; the kernel ends what takes longer
PROMPT_KEY_VARIABLE = "RUSHES_PROMPT_KEY"


class Stopped(BaseException):
    """SIGTERM came. No Exception, so that nothing on the way out takes it for a failing job."""


class Life(Protocol):
    """What a runner's process does between its start and its end."""

    def run(self) -> None:
        """Work until the parent is gone. Raises Refused when the gateway takes no claim of ours."""
        ...

    def leave(self) -> None:
        """Give back what is held, in the little time there is."""
        ...


class Given(argparse.Namespace):
    """The command line of a runner's process."""

    url: str
    deployments: str
    name: str
    parent: int | None
    config: Path | None

    @property
    def wanted(self) -> list[str]:
        """The deployments by name."""
        return [name.strip() for name in self.deployments.split(",") if name.strip()]


def run_process(argv: Sequence[str] | None, module: str, begin: Callable[[Given, str, Settings], Life]) -> int:
    """Run the process that `begin(given, key, settings)` sets up.

    The exit code is 0 after a signal or the parent's end, 2 when it cannot start or is refused.
    """
    given = _arguments(module).parse_args(argv, Given())
    _log_as(given.name)
    # A secret of this process and no setting: taken out, so that no process that an engine starts inherits it.
    key = os.environ.pop(KEY_VARIABLE, "")
    if not key:
        return _give_up(f"{KEY_VARIABLE} is not set; it holds the key with which this runner asks for work")
    if given.parent is not None:
        die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        settings = read_settings(given.config)
        os.environ.pop(PROMPT_KEY_VARIABLE, None)  # as the runner's own key
        life = begin(given, key, settings)
        try:
            life.run()
        except Stopped:
            life.leave()
    except Stopped:
        return 0  # while it was still loading
    except (UnknownDeployment, Refused) as error:
        return _give_up(str(error))
    return 0


def _arguments(module: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="A runner's process of Rushes.")
    parser.add_argument("--url", required=True, help="where the gateway is, for example http://127.0.0.1:8787")
    parser.add_argument("--deployments", required=True, help="what to load, separated by commas: animatic,echo")
    parser.add_argument("--name", required=True, help="a name that no other runner process has or had")
    parser.add_argument("--parent", type=int, help="process id of the server that this runner ends with; default: none")
    parser.add_argument("--config", type=Path, help="a rushes.toml, for a runner on another machine; default: none")
    return parser


def _log_as(name: str) -> None:
    logging.basicConfig(stream=sys.stderr, format=f"%(asctime)s {name} %(levelname)s %(message)s")
    logging.getLogger("rushes.runners").setLevel(logging.INFO)
    for transport in TRANSPORT:  # else a line for each beat, now that what engines log at INFO is passed on
        logging.getLogger(transport).setLevel(logging.WARNING)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.alarm(STOP_S)  # its default action ends the process, whatever C code it is in
    raise Stopped


def _give_up(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 2
