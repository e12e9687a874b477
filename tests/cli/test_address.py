import pytest

from rushes.cli.address import server_address
from rushes.cli.client import Client
from rushes.cli.problem import CommandError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8787/", "http://127.0.0.1:8787"),
        ("https://films.example/rushes//", "https://films.example/rushes"),
        (" http://[::1]:80\n", "http://[::1]:80"),
    ],
)
def test_an_address_loses_what_stands_at_its_ends(text: str, address: str) -> None:
    assert server_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "127.0.0.1:8787",
        "ftp://x",
        "http://",
        "http://[::1",
        "http://x:abc",
        "http://x:0",
        "http://x y",
    ],
)
def test_what_is_no_address_is_said_with_one_that_is(text: str) -> None:
    with pytest.raises(CommandError, match="is no address of a server; one looks like http://") as caught:
        server_address(text)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("key", ["id:schlüssel", "id:se\ncret", "id:\x00"])
def test_a_key_that_no_header_carries_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(CommandError, match="characters that no key has") as caught:
        Client("http://127.0.0.1:9", key)
    assert key not in str(caught.value)
