"""Which server a command asks: that of the folder, one for the moment, or none where the folder is wrong."""

from pathlib import Path

import pytest

from rushes.cli.asked import asked, printable
from rushes.cli.embedded import Running
from rushes.cli.folder import own_folder
from rushes.cli.problem import CommandError
from tests.cli.words import rushes

COMMANDS = [
    ["keys", "list"],
    ["keys", "revoke", "someone"],
    ["webhooks", "list"],
    ["webhooks", "show", "one"],
    ["voices"],
]


@pytest.mark.acceptance
@pytest.mark.parametrize("words", [["keys", "list"], ["webhooks", "list"], ["voices"]])
def test_the_folder_of_a_running_server_leads_to_it(server: Running, words: list[str]) -> None:
    done = rushes(*words, "--data", str(server.data))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_a_folder_on_which_no_server_ran_is_an_error_and_stays_away(tmp_path: Path, words: list[str]) -> None:
    wrong = tmp_path / "mistyped"
    done = rushes(*words, "--data", str(wrong))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"rushes: no server has run on {wrong} yet; ")
    assert done.stderr.count("\n") == 1
    assert not wrong.exists()


def test_without_server_and_folder_it_is_said_what_to_name() -> None:
    with pytest.raises(CommandError, match="whose films") as told, asked("films", None):
        raise AssertionError
    assert told.value.exit_code == 2


@pytest.mark.acceptance
def test_a_folder_whose_server_is_gone_gets_one_for_the_moment(tmp_path: Path) -> None:
    with own_folder(tmp_path / "data"):
        pass
    with asked("keys", tmp_path / "data") as client:
        (key,) = client.platform("GET", "/v1/keys")["keys"]
    assert key["account"] == "admin"


def test_what_would_steer_a_terminal_is_not_shown() -> None:
    assert printable("a\x1b[31mb\n") == "a?[31mb?"
