"""One delivery over the wire: what is sent, and what is made of every kind of answer."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address, ip_network
from threading import Event, Thread
from typing import Any

import pytest

from rushes.webhooks.sender import Answer, post
from tests.media.test_download import CERTIFICATE
from tests.webhooks.receiver import receiving

LOOPBACK = (ip_network("127.0.0.0/8"),)
BODY = '{"name": "\u00fc"}'.encode()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def hear(stream: socket.socket) -> None:
    """Read a whole request: closing on bytes that were not read would take the answer back."""
    heard = b""
    while b"\r\n\r\n" not in heard and (piece := stream.recv(65_536)):
        heard += piece
    head, _, body = heard.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    missing = (int(length[1]) if length else 0) - len(body)
    while missing > 0 and (piece := stream.recv(65_536)):
        missing -= len(piece)


@contextmanager
def raw(answer: bytes, tls: ssl.SSLContext | None = None, connections: int = 1) -> Iterator[int]:
    """Answer with these bytes as soon as anything came; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(60)

    def serve() -> None:
        for _ in range(connections):
            try:
                peer = listener.accept()[0]
            except OSError:
                return  # the test is over and fewer came
            peer.settimeout(60)
            try:
                with peer if tls is None else tls.wrap_socket(peer, server_side=True) as stream:
                    hear(stream)
                    stream.sendall(answer)
            except OSError:
                continue  # the sender hung up, which is what it is here to do
            finally:
                peer.close()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(10)


def send(url: str, **more: Any) -> Answer:
    options: dict[str, Any] = {"timeout_s": 30.0, "allowed": LOOPBACK, "tick": lambda: None, **more}
    return post(url, BODY, {"X-One": "1"}, **options)


def test_the_very_bytes_are_sent_with_their_length_and_nothing_asks_for_more() -> None:
    with receiving(200) as receiver:
        assert send(f"{receiver.url}/a%20b/ü?q=1&r=ä#part") == Answer(200, None)
    (posted,) = receiver.posted
    assert posted.body == BODY
    assert posted.path == "/a%20b/%C3%BC?q=1&r=%C3%A4"
    assert posted.headers["Content-Length"] == str(len(BODY))
    assert posted.headers["Host"] == receiver.url.removeprefix("http://")
    assert posted.headers["X-One"] == "1"
    assert "Authorization" not in posted.headers


def test_user_and_password_in_the_url_become_basic_authentication() -> None:
    with receiving(200) as receiver:
        send(receiver.url.replace("http://", "http://us%40er:p%3Ass@"))
    (posted,) = receiver.posted
    assert base64.b64decode(posted.headers["Authorization"].removeprefix("Basic ")) == b"us@er:p:ss"
    assert "@" not in posted.headers["Host"]


def test_the_environments_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with receiving(202) as receiver:
        assert send(receiver.url).status_code == 202


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_is_told_as_what_it_is(status: int) -> None:
    with receiving(status) as receiver:
        assert send(receiver.url) == Answer(status, f"answered {status}: redirects are not followed")
    assert len(receiver.posted) == 1


def test_an_answer_without_end_does_not_hold_the_sender() -> None:
    over = Event()

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not over.is_set():
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            return

    began = time.monotonic()
    with receiving(endless) as receiver:
        assert send(receiver.url) == Answer(200, None)
        over.set()
    assert time.monotonic() - began < 8


def test_an_answer_that_drips_counts_by_its_status() -> None:
    over = Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(204 if handler.path == "/good" else 500)
        handler.end_headers()
        handler.wfile.flush()
        over.wait(10)

    began = time.monotonic()
    with receiving(drip) as receiver:
        assert send(f"{receiver.url}/good") == Answer(204, None)
        assert send(f"{receiver.url}/bad").status_code == 500
        over.set()
    assert time.monotonic() - began < 8


def test_a_receiver_that_answers_before_it_has_read_the_body_is_heard() -> None:
    with raw(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n") as port:
        url = f"http://127.0.0.1:{port}/"
        answer = post(url, b"x" * 3_000_000, {}, timeout_s=5.0, allowed=LOOPBACK, tick=lambda: None)
    # Whether its answer or its hanging up arrives first is up to the network; both are tried again.
    assert answer.status_code in (413, None)
    assert answer.error is not None
    assert not answer.final


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200"])
def test_what_is_no_answer_is_none(said: bytes) -> None:
    with raw(said) as port:
        answer = send(f"http://127.0.0.1:{port}/")
    assert answer.status_code is None
    assert (answer.error or "").startswith("no answer: ")
    assert not answer.final


def test_time_is_up_in_every_phase() -> None:
    over = Event()

    def silence(_: BaseHTTPRequestHandler) -> None:
        over.wait(10)

    with receiving(silence) as receiver:
        began = time.monotonic()
        assert send(receiver.url, timeout_s=0.2) == Answer(None, "no answer within 0.2 s")
        over.set()
    resolving = Event()

    def asleep(host: str, port: int) -> list[Any]:
        resolving.wait(5)
        return []

    slow = send("http://slow.test/", timeout_s=0.2, resolver=asleep)
    assert slow == Answer(None, "no answer within 0.2 s")
    resolving.set()
    assert time.monotonic() - began < 8


def test_a_name_without_address_may_have_one_later() -> None:
    def nowhere(host: str, port: int) -> list[Any]:
        raise OSError

    answer = send("http://nowhere.test/", resolver=nowhere)
    assert answer == Answer(None, "the name 'nowhere.test' could not be resolved")


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "169.254.169.254", "0x7f000001", "①②⑦.0.0.1"])
def test_a_forbidden_address_is_never_called(host: str) -> None:
    answer = send(f"http://{host}:9/", allowed=())
    assert (answer.status_code, answer.final) == (None, True)
    assert "which this server does not call" in (answer.error or "")


def test_one_bad_address_among_good_ones_is_enough() -> None:
    with receiving(200) as receiver:
        port = receiver.url.rpartition(":")[2]
        both = [ip_address("127.0.0.1"), ip_address("10.0.0.1")]
        assert send(f"http://two.test:{port}/", resolver=lambda host, port: both).final
    assert receiver.posted == []


def test_a_certificate_is_checked_against_the_name() -> None:
    here = [ip_address("127.0.0.1")]
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(CERTIFICATE)
    with raw(OK, serving, connections=3) as port:
        url, other = (f"https://{name}.test:{port}/" for name in ("pictures", "other"))
        assert send(url, resolver=lambda host, port: here, tls=trusting) == Answer(200, None)
        for refused in (
            send(url, resolver=lambda host, port: here),
            send(other, resolver=lambda host, port: here, tls=trusting),
        ):
            assert "certificate is not valid" in (refused.error or "")


def test_whoever_ticks_may_give_up() -> None:
    class Enough(Exception):
        pass

    def tick() -> None:
        raise Enough

    with receiving(200) as receiver, pytest.raises(Enough):
        send(receiver.url, tick=tick)


def test_what_no_header_can_carry_is_no_answer_and_no_second_header() -> None:
    with receiving(200) as receiver:
        answer = post(receiver.url, BODY, {"X-One": "1\r\nX-Two: 2"}, timeout_s=5, allowed=LOOPBACK, tick=lambda: None)
    assert answer.status_code is None
    assert receiver.posted == []
