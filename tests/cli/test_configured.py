"""A wrong setting is one line that names it, for every command that reads settings."""

from pathlib import Path

import pytest

from rushes.cli.configured import settings_from
from rushes.cli.problem import CommandError
from tests.cli.words import rushes


@pytest.mark.parametrize("words", [["env"], ["endpoints"], ["run", "fal-ai/wan-i2v"], ["serve"]])
def test_a_wrong_setting_in_the_environment_is_one_line(words: list[str], tmp_path: Path) -> None:
    done = rushes(*words, folder=tmp_path, environment={"RUSHES_PORT": "eighty"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rushes: port: Input should be a valid integer")
    assert done.stderr.count("\n") == 1


def test_a_table_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_UNIT_PRICE_USD", "{")
    with pytest.raises(CommandError, match=r"unit_price_usd.*JSON"):
        settings_from()


def test_a_file_that_is_no_text_is_no_toml(tmp_path: Path) -> None:
    config = tmp_path / "picture.png"
    config.write_bytes(b"\x89PNG\xff")
    with pytest.raises(CommandError, match="is not valid TOML"):
        settings_from(config)
