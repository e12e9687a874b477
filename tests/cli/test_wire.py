"""What a caller may send besides bodies is bounded, whether it comes in one header, in many, or as trailers."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rushes.cli.wire import MOST_HEAD_BYTES, BoundedProtocol

CHUNK = b"a" * 65_536
SENT_AT_MOST = 64 * 1024 * 1024


async def length_of_body(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("", 499)(scope, receive, send)


class Hasty(BoundedProtocol):
    """Waits for a tenth of a second."""

    head_s = 0.1


@contextmanager
def listening(
    protocol: type[BoundedProtocol] = BoundedProtocol, app: ASGIApp = length_of_body
) -> Iterator[socket.socket]:
    """Yield a connection to a server that has the protocol."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            with socket.create_connection(listener.getsockname(), timeout=10) as caller:
                yield caller
        finally:
            server.should_exit = True
            thread.join()


def flood(caller: socket.socket, piece: bytes, pause_s: float = 0.0) -> int:
    """Send the piece until the server hangs up; return how many bytes it let us send."""
    sent = 0
    try:
        while sent < SENT_AT_MOST:
            sent += caller.send(piece)
            time.sleep(pause_s)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nhost: a\r\nx-long: ", CHUNK, id="one header"),
        pytest.param(b"GET / HTTP/1.1\r\nhost: a\r\n", b"x-many: " + CHUNK + b"\r\n", id="many headers"),
        pytest.param(b"GET /", CHUNK, id="path"),
        pytest.param(
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
            b"x-many: " + CHUNK + b"\r\n",
            id="trailers",
        ),
    ],
)
def test_a_head_that_never_ends_is_cut_off(start: bytes, piece: bytes) -> None:
    with listening() as caller:
        caller.sendall(start)
        assert flood(caller, piece) < SENT_AT_MOST


def test_it_says_why() -> None:
    with listening() as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nx-long: " + b"a" * MOST_HEAD_BYTES)
        assert caller.recv(4096).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"NONSENSE\r\n\r\n", id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
        pytest.param(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", id="path too long to parse"),
        pytest.param(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", id="broken chunk"),
    ],
)
def test_what_is_no_http_is_refused_as_json(request_: bytes) -> None:
    with listening() as caller:
        caller.sendall(request_)
        answer = b""
        while more := caller.recv(4096):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/json" in head
    assert b"content-length: %d" % len(body) in head
    assert isinstance(json.loads(body)["detail"], str)


def test_bodies_of_any_length_and_long_heads_pass_on_one_connection() -> None:
    size = 4 * MOST_HEAD_BYTES
    head = b"POST / HTTP/1.1\r\nhost: a\r\nx-long: " + b"a" * 100_000 + b"\r\n"
    whole = head + b"content-length: %d\r\n\r\n" % size + b"b" * size
    chunked = head + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\nb\r\n" * 50_000 + b"0\r\n\r\n"
    with listening() as caller:
        answers = b""
        for request, expected in ((whole, b"%d" % size), (chunked, b"50000")) * 3:
            caller.sendall(request)
            answers = b""
            while not answers.endswith(b"\r\n\r\n" + expected):
                more = caller.recv(4096)
                assert more, answers
                answers += more


def answer_to(caller: socket.socket) -> bytes:
    answer = b""
    while more := caller.recv(4096):
        answer += more
    return answer


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ", id="half a head"),
    ],
)
def test_a_head_that_does_not_come_is_not_waited_for(start: bytes) -> None:
    with listening(Hasty) as caller:
        caller.sendall(start)
        assert answer_to(caller).startswith(b"HTTP/1.1 408 ")


def test_a_head_in_drops_has_one_time_limit_not_one_for_each() -> None:
    with listening(Hasty) as caller:
        begun = time.monotonic()
        assert flood(caller, b"a", pause_s=0.02) < 50
        assert time.monotonic() - begun < 8


def test_the_start_of_a_next_request_does_not_cut_off_the_answer_to_this_one() -> None:
    with listening(Hasty) as caller:
        caller.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        caller.sendall(b"2")
        time.sleep(0.25)
        caller.sendall(b"\r\nbc\r\n0\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\n3"):
            more = caller.recv(4096)
            assert more, answer
            answer += more


def test_a_slow_body_and_a_quiet_connection_are_left_alone() -> None:
    with listening(Hasty) as caller:
        for _ in range(2):
            caller.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\na")
            time.sleep(0.25)
            caller.sendall(b"b")
            answer = b""
            while not answer.endswith(b"\r\n\r\n2"):
                more = caller.recv(4096)
                assert more, answer
                answer += more
            time.sleep(0.25)


def test_a_cancelled_request_has_a_reason_phrase() -> None:
    with listening(app=cancelled) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert caller.recv(65_536).startswith(b"HTTP/1.1 499 Client Closed Request\r\n")
