"""`rushes env`: exports that a shell can take, whatever the values are."""

from pathlib import Path

import pytest

from rushes.cli.embedded import Running
from rushes.cli.env import answers
from tests.cli.words import rushes


@pytest.mark.acceptance
def test_the_running_server_of_the_folder_is_found(server: Running) -> None:
    done = rushes("env", "--data", str(server.data))
    assert f"export RUSHES_URL={server.url}\n" in done.stdout
    assert f"export FAL_KEY={server.key}\n" in done.stdout
    assert done.stderr == ""
    assert all(line.startswith(("export ", "#")) for line in done.stdout.splitlines())


def test_a_server_that_is_not_running_is_mentioned_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("id:secret\n")
    done = rushes("env", "--data", str(tmp_path), "--url", "http://127.0.0.1:9/")
    assert done.returncode == 0
    assert "export RUSHES_URL=http://127.0.0.1:9\n" in done.stdout
    assert "nothing listens on http://127.0.0.1:9 yet" in done.stderr


def test_an_address_that_is_none_is_not_exported(tmp_path: Path) -> None:
    done = rushes("env", "--url", "http://x:abc", folder=tmp_path, environment={"RUSHES_KEY": "my:own"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rushes: 'http://x:abc' is no address of a server")


def test_the_key_of_the_settings_wins(tmp_path: Path) -> None:
    done = rushes("env", "--data", str(tmp_path), environment={"RUSHES_KEY": "my:own"})
    assert "export FAL_KEY=my:own\n" in done.stdout


def test_a_folder_without_a_key_is_an_error_on_one_line(tmp_path: Path) -> None:
    done = rushes("env", "--data", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rushes: cannot read the key in ")
    assert done.stderr.count("\n") == 1


def test_an_address_that_is_none_answers_nothing() -> None:
    assert not answers("http://127.0.0.1:9")
    assert not answers("nonsense")
