"""A data folder belongs to one server at a time."""

from pathlib import Path
from stat import S_IMODE

import pytest

from rushes.cli.folder import own_folder, write_url, written_url
from rushes.cli.problem import CommandError


def test_the_folder_is_made_and_held_by_one(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"
    with own_folder(data):
        assert data.is_dir()
        assert S_IMODE(data.stat().st_mode) == 0o700, "prompts and films are nobody else's on this machine"
        with pytest.raises(CommandError, match="another server runs on the data folder"), own_folder(data):
            pass
    with own_folder(data):
        pass


def test_the_address_is_there_while_the_server_is(tmp_path: Path) -> None:
    assert written_url(tmp_path) is None
    with own_folder(tmp_path):
        write_url(tmp_path, "http://127.0.0.1:1")
        assert written_url(tmp_path) == "http://127.0.0.1:1"
        with pytest.raises(CommandError, match=r"at http://127\.0\.0\.1:1; stop it"), own_folder(tmp_path):
            pass
    assert written_url(tmp_path) is None


def test_a_folder_that_can_not_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="cannot use the data folder"), own_folder(tmp_path / "file"):
        pass
