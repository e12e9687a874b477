"""Which files an output holds and where they are saved."""

from pathlib import Path

import pytest

from rushes.cli.client import Client
from rushes.cli.outputs import OutputFile, carried, files_in, targets

BASE = "http://127.0.0.1:1/files/b/id"


def test_files_are_found_in_order_through_lists_and_objects() -> None:
    output = {
        "video": {"url": f"{BASE}/a.mp4", "file_name": "film.mp4"},
        "images": [{"url": f"{BASE}/b%20c.png"}, {"url": "https://e.com/x.png?y=1"}],
        "timings": {"url": "no url", "deep": {"url": f"{BASE}/d"}},
        "seed": 7,
    }
    assert [file.name for file in files_in(output)] == ["film.mp4", "b c.png", "x.png", "d"]


@pytest.mark.parametrize(
    ("given", "name"),
    [("../../etc/passwd", "passwd"), ("a:b?.mp4", "a_b_.mp4"), (".hidden", "hidden"), ("", "v.mp4"), (None, "v.mp4")],
)
def test_a_server_s_name_can_not_lead_out_of_the_folder(given: str | None, name: str) -> None:
    (file,) = files_in({"url": f"{BASE}/v.mp4", "file_name": given})
    assert file.name == name


def test_a_url_without_a_name_gets_one() -> None:
    assert [file.name for file in files_in([{"url": "http://e.com/"}])] == ["output"]


FILM, OTHER = OutputFile("u", "film.mp4"), OutputFile("v", "film.mp4")


def test_nothing_that_is_there_is_overwritten_unless_it_was_named(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    assert targets([FILM, OTHER], None, tmp_path) == [tmp_path / "film-2.mp4", tmp_path / "film-3.mp4"]
    assert targets([FILM], tmp_path / "film.mp4", tmp_path) == [tmp_path / "film.mp4"]


def test_a_folder_takes_the_server_s_names(tmp_path: Path) -> None:
    assert targets([FILM], tmp_path, Path("elsewhere")) == [tmp_path / "film.mp4"]


def test_one_name_for_several_files_is_numbered(tmp_path: Path) -> None:
    assert targets([FILM, OTHER], tmp_path / "x.mp4", tmp_path) == [tmp_path / "x-1.mp4", tmp_path / "x-2.mp4"]


def test_a_file_that_the_output_carries_itself_is_a_file_too(tmp_path: Path) -> None:
    uri = "data:video/mp4;base64,ZmlsbQ=="
    assert [file.name for file in files_in([{"url": uri}, {"url": uri, "file_name": "a.mp4"}])] == [
        "output.mp4",
        "a.mp4",
    ]
    assert carried(uri) == b"film"
    with Client("http://127.0.0.1:9", None) as client:
        assert client.download(uri, tmp_path / "a.mp4") == 4
    assert (tmp_path / "a.mp4").read_bytes() == b"film"
