import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.files.names import MAX_NAME_BYTES, clean_name


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("x.png", "x.png"),
        ("my holiday + more.mp4", "my holiday + more.mp4"),
        ("föö-日本.png", "föö-日本.png"),
        ("fo\u0308o.png", "föo.png"),
        ("a/b/c.png", "c.png"),
        ("C:\\Users\\ann\\c.png", "c.png"),
        ("../../etc/passwd", "passwd"),
        ("folder/", "folder"),
        (".bashrc", "bashrc"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie_ x=1.png"),
        ("evil\u202e4pm.exe", "evil4pm.exe"),
        ("nul\0byte.png", "nulbyte.png"),
        ('q"u<o>t?e*.png', "q_u_o_t_e_.png"),
        ("trailing. . ", "trailing"),
        ("  many   spaces .png", "many spaces .png"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("console.txt", "console.txt"),
        ("100%.png", "100%.png"),
    ],
)
def test_a_name_keeps_what_is_harmless(given_name: str, kept: str) -> None:
    assert clean_name(given_name) == kept


@pytest.mark.parametrize("nothing", ["", ".", "..", "/", "///", " ", "\0", "../..", "\u200b"])
def test_without_a_name_it_is_called_file(nothing: str) -> None:
    assert clean_name(nothing, ".mp4") == "file.mp4"


def test_a_long_name_keeps_its_suffix_and_its_whole_letters() -> None:
    name = clean_name("日" * 500 + ".jpeg")
    assert name.endswith("日.jpeg")
    assert MAX_NAME_BYTES - 3 < len(name.encode()) <= MAX_NAME_BYTES


def test_a_suffix_that_is_no_suffix_is_cut_too() -> None:
    assert len(clean_name("a." + "b" * 500).encode()) == MAX_NAME_BYTES


@given(st.text(max_size=400))
def test_any_name_becomes_one_short_printable_segment(text: str) -> None:
    name = clean_name(text)
    assert name
    assert len(name.encode()) <= MAX_NAME_BYTES + 1  # a `_` before a device name
    assert not set('/\\<>:"|?*') & set(name)
    assert name not in {".", ".."}
    assert name[0] != "."
    assert all(unicodedata.category(letter)[0] != "C" for letter in name)
    assert quote(name, safe="").isascii()


@given(st.text(max_size=400))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_name(clean_name(text)) == clean_name(text)
