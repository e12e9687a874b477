"""What a URL says, in the one spelling that is checked and sent; and what of it may stand in a message."""

from ipaddress import ip_address

import pytest

from rushes.outbound.targets import MOST_URL_CHARS, NotATarget, allow_hint, read_target, shown, without_credentials


@pytest.mark.parametrize(
    ("url", "peer", "authority"),
    [
        ("https://Example.COM/a", "example.com:443", "example.com"),
        ("http://example.com.:8080/a", "example.com:8080", "example.com:8080"),
        ("http://[::1]:8080/", "::1:8080", "[::1]:8080"),
        ("http://0x7f.1/", "127.0.0.1:80", "127.0.0.1"),
        ("http://2130706433/", "127.0.0.1:80", "127.0.0.1"),
        ("http://１２７.０.０.１/", "127.0.0.1:80", "127.0.0.1"),
        ("http://127。0。0。1/", "127.0.0.1:80", "127.0.0.1"),
        ("http://bücher.example/", "xn--bcher-kva.example:80", "xn--bcher-kva.example"),
        ("http://example.com#@127.0.0.1/", "example.com:80", "example.com"),
        ("http://example.com@127.0.0.1/", "127.0.0.1:80", "127.0.0.1"),
    ],
)
def test_a_host_has_one_spelling_which_is_judged_and_called(url: str, peer: str, authority: str) -> None:
    target = read_target(url)
    assert (target.peer, target.authority) == (peer, authority)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://a.example", "/"),
        ("http://a.example/a b?c d=%20", "/a%20b?c%20d=%20"),
        ("http://a.example/%2e%2e/ä", "/%2e%2e/%C3%A4"),
        ("http://a.example/x#part", "/x"),
        ("http://a.example/x\r\nHost: b.example", "/xHost:%20b.example"),
    ],
)
def test_what_is_sent_is_escaped_once_and_holds_no_second_line(url: str, sent: str) -> None:
    assert read_target(url).target == sent


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://a.example/", "the scheme 'ftp'"),
        ("//a.example/", "is not a URL"),
        ("http:///path", "no host or port"),
        ("http://a.example:0/", "no host or port"),
        ("http://a.example:70000/", "is not a URL"),
        ("http://[::1/", "is not a URL"),
        ("http://a..example/", "no valid name"),
        (f"http://{'a' * 64}.example/", "no valid name"),
        ("http://a.example/" + "x" * MOST_URL_CHARS, "a URL may have 16384"),
    ],
)
def test_what_leads_nowhere_says_why(url: str, why: str) -> None:
    with pytest.raises(NotATarget, match=why):
        read_target(url)


def test_user_and_password_are_sent_as_they_were_meant_and_never_shown() -> None:
    url = "https://me:p%40ss@a.example/x?token=secret#part"
    assert read_target(url).authorization == "Basic bWU6cEBzcw=="
    assert read_target("https://a.example/").authorization is None
    assert shown(url) == "https://a.example/x?…"
    assert without_credentials(url) == "https://a.example/x?token=secret#part"


def test_a_url_in_a_message_is_short_and_printable() -> None:
    assert shown("http://a.example/\x1b[31m") == "http://a.example/�[31m"
    assert len(shown("http://a.example/" + "x" * 500)) == 100


@pytest.mark.parametrize(
    ("address", "network"), [("127.0.0.9", "127.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("fd00::1", "fd00::1/128")]
)
def test_the_narrowest_network_that_helps_is_named(address: str, network: str) -> None:
    assert allow_hint(ip_address(address)).endswith(f"RUSHES_ALLOW_ADDRESSES={network}")
