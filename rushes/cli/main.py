"""Which commands there are, and how every one of them ends: one-line errors, exit codes 1 (failed) and 2 (mistyped).

Only the file of the command that was asked for is loaded: `rushes serve` must answer within a second of its start, and
never needs the progress bars of `rushes run`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated

import typer

from rushes import __version__
from rushes.cli.problem import CommandError

COMMANDS: Mapping[str, str] = {
    "serve": "Run the server and its local runners.",
    "run": "Make something: submit to an endpoint, wait, download the files.",
    "endpoints": "List what can be asked, or the price and fields of one endpoint.",
    "doctor": "Look at this machine and the settings; say which open weights fit.",
    "runner": "Fetch what deployments need; run a runner on this machine for a server elsewhere.",
    "voices": "List the voices you have cloned.",
    "keys": "Make, list and revoke keys; give them limits and budgets.",
    "webhooks": "List webhook deliveries, send one again, or make a new signing key.",
    "verify": "Say who made a file, with what, and whether it is as it was signed.",
    "costs": "Show what requests cost at vendors, beside what they were billed.",
    "env": "Print shell exports that point clients at a server.",
    "fakes": "Pretend to be the vendors, to rehearse a setup without paying.",
    "conformance": "Check a server against every rule of the protocol.",
}
"""Each command and its line in the help; the function of that name, or the group, lies in the file of that name."""

RAW_HELP = {"run"}
"""Commands that answer --help themselves."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rushes {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A self-hosted studio for generative video that speaks fal's model API."""


def build(words: Sequence[str]) -> typer.Typer:
    """Return the application with the command that `words` names, or with all of them."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_root)
    named = next((word for word in words if not word.startswith("-")), "")
    # Without a command that there is, the help lists them all, and so loads them all.
    for name in [named] if named in COMMANDS else COMMANDS:
        command = getattr(import_module(f"rushes.cli.{name}"), name)
        if isinstance(command, typer.Typer):  # it has commands of its own
            app.add_typer(command, name=name, help=COMMANDS[name], short_help=COMMANDS[name])
            continue
        app.command(name, help=COMMANDS[name], short_help=COMMANDS[name], add_help_option=name not in RAW_HELP)(command)
    return app


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        # Not standalone: errors come back as exceptions, and every one becomes a line of ours.
        code = build(given)(args=given, prog_name="rushes", standalone_mode=False)
    except CommandError as error:
        sys.exit(_complain(str(error), error.exit_code))
    except typer.Abort:
        sys.exit(128 + signal.SIGINT)
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.exit(_complain_with_help(str(error)))
        told = error.format_message() if isinstance(error, typer.BadParameter) else str(error)  # with the option's name
        sys.exit(_complain(told.replace("Value error, ", ""), 2))
    except BrokenPipeError:
        # Who reads has enough, as `head` does; at its end Python would complain of what it could not flush.
        sys.stderr.close()
        sys.exit(1)
    sys.exit(code or 0)


def _complain(message: str, code: int) -> int:
    typer.echo("rushes: " + " ".join(message.split()), err=True)
    return code


def _complain_with_help(text: str) -> int:
    typer.echo(text, err=True)
    return 2
