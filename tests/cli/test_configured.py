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


VENDOR = '[deployments.{name}]\nengine = "vendor"\nvendor = "kling"\n'


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("my kling", 'key = "SECRET"'),
        ("animatic", 'key = "SECRET"'),
        ("k", 'kye = "SECRET"'),
        ("k", 'keys = "SECRET"'),
        ("k", "key = {SECRET = 1}"),
        ("k", 'key_env = "SECRET:SECRET"'),
        ("k", 'key = "SECRET"\nconcurrency = 0'),
        ("k", 'keys = ["SECRET", 3]'),
    ],
)
def test_no_wrong_setting_of_a_deployment_tells_its_key(name: str, lines: str, tmp_path: Path) -> None:
    config = tmp_path / "rushes.toml"
    config.write_text(VENDOR.format(name=f'"{name}"') + lines)
    with pytest.raises(CommandError) as refused:
        settings_from(config)
    assert str(refused.value).startswith("deployments")
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("concurency = 3", "deployments.k.concurency: there is no such setting; concurrency is one"),
        ("zzz = 3", "deployments.k.zzz: there is no such setting; there are: engine, key, keys"),
        ("concurrency = 0", "deployments.k.concurrency: Input should be greater than or equal to 1, got 0"),
        ('url = "kling"', "deployments.k.url: String should match pattern '^https?://"),
        (
            '[routes]\n"fal-ai/*" = ["q"]',
            "routes: 'fal-ai/*' names 'q', which is no deployment; there are: k, animatic",
        ),
    ],
)
def test_a_wrong_setting_of_a_deployment_is_told_with_what_is_allowed(lines: str, told: str, tmp_path: Path) -> None:
    config = tmp_path / "rushes.toml"
    config.write_text(VENDOR.format(name="k") + f'key = "a:b"\n{lines}')
    with pytest.raises(CommandError) as refused:
        settings_from(config)
    assert str(refused.value).startswith(told)


def test_a_setting_that_is_mistyped_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    config = tmp_path / "rushes.toml"
    config.write_text("prot = 80")
    with pytest.raises(CommandError, match=r"^prot: there is no such setting; port is one$"):
        settings_from(config)
