"""How every command ends: one line on stderr, exit codes, and nothing loaded that was not asked for."""

import subprocess
import sys

import pytest

from rushes import __version__
from rushes.cli.main import COMMANDS, build
from tests.cli.words import rushes


def test_the_version_is_printed() -> None:
    assert rushes("--version").stdout == f"rushes {__version__}\n"


def test_without_words_the_help_is_shown_and_the_exit_code_says_mistyped() -> None:
    done = rushes()
    assert done.returncode == 2
    assert all(name in done.stderr for name in COMMANDS)


def test_the_list_of_commands_says_all_of_it_on_a_narrow_terminal() -> None:
    done = rushes("--help", environment={"COLUMNS": "60"})
    assert all(about in " ".join(done.stdout.split()) for about in COMMANDS.values())


@pytest.mark.parametrize(
    "words", [["endpoints", "--nix"], ["nix"], ["serve", "--port", "eighty"], ["endpoints", "a", "b"]]
)
def test_a_mistyped_command_is_one_line_and_exit_code_2(words: list[str]) -> None:
    done = rushes(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rushes: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["serve", "--port", "eighty"], "--port"),
        (["keys", "create", "x", "--max-concurrent", "0"], "--max-concurrent"),
        (["keys", "create"], "ALIAS"),
        (["webhooks", "list", "--state", "lost"], "'--state': 'lost' is not one of 'waiting'"),
    ],
)
def test_what_was_mistyped_is_named(words: list[str], named: str) -> None:
    done = rushes(*words)
    assert done.returncode == 2
    assert named in done.stderr


def test_only_the_command_that_was_named_is_loaded() -> None:
    assert [command.name for command in build(["env", "--help"]).registered_commands] == ["env"]
    everything = build([])
    assert len(everything.registered_commands) + len(everything.registered_groups) == len(COMMANDS)


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    line = f"{sys.executable} -m rushes endpoints fal-ai/wan-i2v | true"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=30, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    shown = rushes(name, "--help").stdout
    options = [line for line in shown.splitlines() if line.strip().startswith("-")]
    assert options
    assert [
        line for line in options if len(line.split("  ")) < 3 and len(line.split()) < 3 and line.strip() != "--help"
    ] == []
