"""What the door refuses by a webhook URL's text alone."""

from ipaddress import ip_network

import pytest

from rushes.webhooks.target import peer_of, refusal

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/hook?x=1#part",
        "http://93.184.216.34:8080/",
        "https://user:pass@a.example/",
        "https://ü.example",
    ],
)
def test_what_may_be_called(url: str) -> None:
    assert refusal(url, ()) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/x", "leads to 127.0.0.1, a loopback address"),
        ("http://2130706433/", "leads to 127.0.0.1, a loopback address"),
        ("http://0x7f.1/", "leads to 127.0.0.1"),
        ("http://localhost:3000/", "leads to 127.0.0.1"),
        ("http://a.localhost./", "leads to 127.0.0.1"),
        ("http://user@10.0.0.1/", "leads to 10.0.0.1, a private address"),
        ("http://169.254.169.254/latest", "a cloud's metadata service"),
        ("http://[::1]/", "leads to ::1"),
        ("http://[::ffff:127.0.0.1]/", "written as IPv6"),
    ],
)
def test_forbidden_addresses_are_named_with_the_setting_that_allows_them(url: str, why: str) -> None:
    told = refusal(url, ()) or ""
    assert why in told
    assert "RUSHES_ALLOW_ADDRESSES=" in told


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "/hook",
        "https://",
        "https://a.example:0/",
        "https://a.example:99999/",
        "http://[::1",
        "https://a.example/\n",
        "https://a.example/ x",
        "https://a.example/" + "x" * 2048,
        "javascript:alert(1)",
    ],
)
def test_what_is_no_url(url: str) -> None:
    assert "expected an absolute http or https URL" in (refusal(url, ()) or "")


def test_what_the_operator_allows_may_be_called() -> None:
    assert refusal("http://127.0.0.1:9/", LOOPBACK) is None
    assert refusal("http://localhost:9/", LOOPBACK) is None


def test_a_peer_is_host_and_port() -> None:
    assert peer_of("https://A.example/x") == "a.example:443"
    assert peer_of("http://0x7f.1:81/") == "127.0.0.1:81"
