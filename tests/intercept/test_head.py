"""What a client may ask of the proxy."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.intercept.head import Refusal, Wish, read


@pytest.mark.parametrize(
    ("target", "wish"),
    [
        ("example.org:443", Wish("example.org", 443)),
        ("Example.ORG.:8443", Wish("example.org", 8443)),
        ("[::1]:443", Wish("::1", 443)),
        ("10.0.0.1:22", Wish("10.0.0.1", 22)),
    ],
)
def test_a_tunnel_to_anywhere_is_understood(target: str, wish: Wish) -> None:
    assert read(f"CONNECT {target} HTTP/1.1\r\nHost: x".encode()) == wish
    assert not wish.is_fals


@pytest.mark.parametrize(
    "host", ["fal.run", "QUEUE.fal.run", "v3b.fal.media.", "anything.new.fal.ai", "queue.falrun.com"]
)
def test_every_host_below_fals_domains_ends_here(host: str) -> None:
    assert read(f"CONNECT {host}:443 HTTP/1.1".encode()).is_fals


@pytest.mark.parametrize("host", ["queue.example.org", "notfal.run", "fal.run.example", "fal.runs"])
def test_hosts_that_look_like_fals_are_strangers(host: str) -> None:
    assert not read(f"CONNECT {host}:443 HTTP/1.1".encode()).is_fals


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("CONNECT fal.run:80 HTTP/1.1", 403),
        ("CONNECT queue.fal.run:8443 HTTP/1.1", 403),
        ("GET http://example.org/ HTTP/1.1", 501),
        ("GET http://fal.run/x HTTP/1.1", 501),
        ("GET / HTTP/1.1", 400),
        ("CONNECT example.org HTTP/1.1", 400),
        ("CONNECT example.org:0 HTTP/1.1", 400),
        ("CONNECT example.org:65536 HTTP/1.1", 400),
        ("CONNECT [1:443 HTTP/1.1", 400),
        ("CONNECT [1.2.3]:443 HTTP/1.1", 400),
        ("CONNECT .:443 HTTP/1.1", 400),
        ("CONNECT ｆal.run:443 HTTP/1.1", 400),
        ("CONNECT fal.run%2e:443 HTTP/1.1", 400),
        ("CONNECT user@fal.run:443 HTTP/1.1", 400),
        ("CONNECT a:443", 400),
        ("\x16\x03\x01", 400),
        ("", 400),
    ],
)
def test_what_is_refused(head: str, status: int) -> None:
    with pytest.raises(Refusal) as caught:
        read(head.encode())
    assert caught.value.status == status
    top, _, body = caught.value.answer.partition(b"\r\n\r\n")
    assert top.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["detail"]


def test_proxies_on_the_way_are_told() -> None:
    head = b"CONNECT a.example:443 HTTP/1.1\r\nVia: 1.1 one, 1.1 two\r\nvia:1.0 three"
    assert read(head).via == ("1.1 one", "1.1 two", "1.0 three")


@given(st.binary(max_size=300) | st.builds(lambda t: f"CONNECT {t}:443 HTTP/1.1".encode(), st.text(max_size=40)))
def test_any_head_is_read_or_refused(head: bytes) -> None:
    try:
        wish = read(head)
    except Refusal:
        return
    assert wish.host
    assert not wish.is_fals or wish.port == 443
