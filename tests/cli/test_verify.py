"""`rushes verify`: what it says of real files, and the exit codes that scripts go by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rushes.cli.main import main
from rushes.endpoint import VideoFormat
from rushes.media.encode import encode_video
from rushes.media.provenance import sign_file
from tests.media.signing import Key, facts, given

TYPES = {"mp4": "video/mp4", "webm": "video/webm"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with its key, and signed films of two kinds beside it."""
    root = tmp_path_factory.mktemp("verify")
    key = Key(root / "data" / "provenance")
    (root / "in.jpg").write_bytes(Path("examples/mountain-path.jpg").read_bytes())
    says = facts(given("image_url", "image", root / "in.jpg", "image/jpeg"), prompt="a \x1b[31mred\x9b5m\u202e\nfilm")
    for suffix, content_type in TYPES.items():
        path = root / f"film.{suffix}"
        frames = np.full((4, 48, 64, 3), 90, np.uint8)
        encode_video(iter([frames]), path, width=64, height=48, fps=12, look=VideoFormat(container=suffix))
        shutil.copy(path, root / f"plain.{suffix}")
        sign_file(path, says, key.signature, title=path.name, content_type=content_type, folder=root)
    return root


def verify(*words: str | Path) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", *map(str, words)])
    return ended.value.code


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("suffix", TYPES)
def test_a_signed_file_is_valid_and_by_this_server(suffix: str, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(made / f"film.{suffix}", "--data", made / "data", "--json") == 0
    found = told(capsys)
    assert (found["state"], found["signer"]["standing"], found["problems"]) == ("valid", "this server", [])
    assert found["generation"]["engine"] == "animatic"
    assert found["inputs"][0]["field"] == "image_url"
    assert found["manifest"] == ("in the file" if suffix == "mp4" else str(made / "film.webm.c2pa"))


def test_it_says_so_in_words_that_move_no_cursor(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(made / "film.mp4", "--data", made / "data") == 0
    text = capsys.readouterr().out
    for part in ("as it was signed", "this server's key", "a stand-in", "seed        7", "image_url: image/jpeg"):
        assert part in text
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)
    assert verify(made / "film.mp4", "--data", made / "data", "--json") == 0
    assert capsys.readouterr().out.isascii()


@pytest.mark.parametrize("suffix", TYPES)
def test_a_changed_file_is_found(suffix: str, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray((made / f"film.{suffix}").read_bytes())
    content[-60] ^= 1
    (tmp_path / "film").write_bytes(content)
    beside = ["--manifest", made / "film.webm.c2pa"] if suffix == "webm" else []
    assert verify(tmp_path / "film", "--data", made / "data", "--json", *beside) == 1
    found = told(capsys)
    assert (found["state"], found["signer"]["standing"]) == ("invalid", "unknown")
    assert any("mismatch" in one["code"] for one in found["problems"])


def test_a_stranger_is_unknown_and_a_trusted_authority_is_known(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(made / "film.mp4", "--data", tmp_path, "--json") == 0
    assert told(capsys)["signer"]["standing"] == "unknown"
    authority = made / "data" / "provenance" / "authority.pem"
    assert verify(made / "film.mp4", "--data", tmp_path, "--json", "--trust", authority) == 0
    assert told(capsys)["signer"]["standing"] == "known"


@pytest.mark.parametrize("name", ["plain.mp4", "plain.webm", "text.txt", "empty"])
def test_a_file_without_a_manifest_is_told_apart(
    name: str, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made / name if name.startswith("plain") else tmp_path / name
    if name == "text.txt":
        path.write_text("no film at all")
    elif name == "empty":
        path.touch()
    assert verify(path, "--json") == 3
    assert told(capsys)["state"] == "no manifest"


@pytest.mark.parametrize("words", [["nowhere.mp4"], ["examples/mountain-path.jpg", "--trust", "README.md"], ["--json"]])
def test_what_is_mistyped_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(*words) == 2
    assert capsys.readouterr().err.startswith("rushes: ")
