"""Files inside the request."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import ModelError
from rushes.media.data_uri import is_data_uri, read_data_uri

LOC = ("body", "image_url")
BYTES = bytes(range(256))
TEXT = base64.b64encode(BYTES).decode()


def problem(url: str, max_bytes: int = 1000) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        read_data_uri(url, max_bytes, LOC)
    (only,) = caught.value.problems
    assert only.loc == LOC
    return only.type, only.msg


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{TEXT}",
        f"DATA:IMAGE/PNG;BASE64,{TEXT}",
        f"data:image/png;name=a.png;charset=utf-8;base64,{TEXT}",
        f"data:image/png;base64,{TEXT.rstrip('=')}",
        f"data:image/png;base64,{base64.urlsafe_b64encode(BYTES).decode()}",
        f"data:image/png;base64,{base64.encodebytes(BYTES).decode()}",
        f"data:image/png ; base64, {TEXT}",
        f"data:image/png;base64,{TEXT.replace('+', '%2B').replace('=', '%3D')}",
        "data:image/png," + "".join(f"%{byte:02x}" for byte in BYTES),
    ],
)
def test_all_spellings_give_the_same_bytes(url: str) -> None:
    assert is_data_uri(url)
    read = read_data_uri(url, 1000, LOC)
    assert (read.data, read.content_type) == (BYTES, "image/png")


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_come_back(data: bytes) -> None:
    url = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    assert read_data_uri(url, 300, LOC).data == data


def test_a_missing_type_is_text() -> None:
    assert read_data_uri("data:,hello%20there", 100, LOC).content_type == "text/plain"


def test_the_size_is_checked_before_decoding() -> None:
    kind, msg = problem("data:image/png;base64," + "!" * 4000, max_bytes=100)  # not even base64
    assert kind == "file_too_large"
    assert "at most 100" in msg
    assert problem("data:," + "x" * 101, max_bytes=100)[0] == "file_too_large"


def test_the_limit_itself_is_allowed() -> None:
    assert len(read_data_uri("data:;base64," + base64.b64encode(bytes(100)).decode(), 100, LOC).data) == 100


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("data:image/png;base64", "no comma"),
        ("data:image/png;base64,", "empty"),
        ("data:image/png;base64,A", "base64"),
        ("data:image/png;base64,AAAA*AAA", "base64"),
        ("data:image/png;base64,ÄÖÜ", "base64"),
        ("data:image/png;base64,AA=A", "base64"),
        ("data:image/png;base64,\ud800AAA", "base64"),
        ("data:" + "x" * 2000 + ",abc", "no comma"),
    ],
)
def test_unreadable_uris_say_why(url: str, says: str) -> None:
    kind, msg = problem(url)
    assert kind == "file_download_error"
    assert says in msg


@given(st.text(max_size=200), st.sampled_from(["data:;base64,", "data:,", "data:"]))
def test_hostile_text_gives_bytes_or_a_model_error(text: str, start: str) -> None:
    with suppress(ModelError):
        assert len(read_data_uri(start + text, 100, LOC).data) <= 100
