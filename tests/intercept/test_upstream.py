"""Which way other hosts' tunnels leave."""

import pytest

from rushes.intercept.head import Refusal, Wish
from rushes.intercept.upstream import Upstream, spares, upstream_of

OURSELVES = ("127.0.0.1", 8788)
WISH = Wish("example.org", 443)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://corp:3128"}, Upstream("corp", 3128, False, None)),
        ({"https_proxy": "corp:3128"}, Upstream("corp", 3128, False, None)),
        ({"ALL_PROXY": "https://corp"}, Upstream("corp", 443, True, None)),
        ({"HTTPS_PROXY": "http://a:b%40@corp"}, Upstream("corp", 80, False, "Basic YTpiQA==")),
        ({"HTTPS_PROXY": "http://corp", "NO_PROXY": "x, example.org"}, None),
        ({"HTTPS_PROXY": "http://127.0.0.1:8788"}, None),
        ({"HTTPS_PROXY": "http://localhost:8788"}, None),
        ({"HTTP_PROXY": "http://corp:3128"}, None),
    ],
)
def test_the_environment_names_the_way(environment: dict[str, str], expected: Upstream | None) -> None:
    assert upstream_of(WISH, environment, OURSELVES) == expected


@pytest.mark.parametrize("url", ["socks5://corp:1080", "http://", "http://corp:port", "http://[corp"])
def test_a_proxy_that_can_not_be_spoken_to_is_no_reason_to_go_past_it(url: str) -> None:
    with pytest.raises(Refusal, match="HTTPS_PROXY"):
        upstream_of(WISH, {"HTTPS_PROXY": url}, OURSELVES)


def test_the_variable_that_is_meant_is_named() -> None:
    with pytest.raises(Refusal, match="own ALL_PROXY is no http"):
        upstream_of(WISH, {"all_proxy": "socks5://corp:1080"}, OURSELVES)


@pytest.mark.parametrize(
    ("entry", "host", "port", "spared"),
    [
        ("*", "a.b", 443, True),
        ("", "a.b", 443, False),
        ("b", "a.b", 443, True),
        (".b", "a.b", 443, True),
        ("*.b", "a.b", 443, True),
        ("b", "ab", 443, False),
        ("A.B:443", "a.b", 443, True),
        ("a.b:80", "a.b", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("[::1]:443", "::1", 443, True),
        ("::1", "::1", 443, True),
    ],
)
def test_no_proxy(entry: str, host: str, port: int, spared: bool) -> None:
    assert spares(entry, host, port) is spared


def test_the_request_names_us_behind_those_before_us() -> None:
    request = Upstream("corp", 1, False, "Basic x").request(Wish("::1", 443, ("1.1 one",)), "rushes-1")
    assert request == (
        b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nVia: 1.1 one, 1.1 rushes-1\r\n"
        b"Proxy-Authorization: Basic x\r\n\r\n"
    )
