"""What the checks see of a server, and what a report tells of a request."""

from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from rushes.conformance.probe import Answer, Probe
from rushes.conformance.rules import Failed
from tests.conformance.serving import serving

STREAM = ": hello\n\ndata: one\ndata:two\n\nevent: x\ndata: {}\n\n"


async def stream(_: Request) -> Response:
    return PlainTextResponse(STREAM, media_type="text/event-stream")


async def named(request: Request) -> Response:
    return PlainTextResponse(f"{request.headers['host']} {request.url.path}")


async def greet(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"{websocket.headers['host']} {websocket.url.path}")
    await websocket.close()


async def patient(request: Request) -> Response:
    return PlainTextResponse(await request.body())


APP = Starlette(
    routes=[
        Route("/run/patient", patient, methods=["POST"]),
        Route("/run/stream", stream, methods=["POST"]),
        Route("/{rest:path}", named),
        WebSocketRoute("/{rest:path}", greet),
    ]
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(APP) as address:
        yield address


def test_an_event_stream_is_read_as_data_and_comments(url: str) -> None:
    with closing(Probe(url, None)) as probe, probe.stream("POST", "run", "/stream") as answered:
        events = list(answered.events())
    assert [(event.data, event.comment) for event in events] == [(None, "hello"), ("one\ntwo", None), ("{}", None)]


def test_a_group_is_named_by_a_prefix_or_by_the_host(url: str) -> None:
    host = url.removeprefix("http://")
    with closing(Probe(url, None)) as by_prefix, closing(Probe(url, None, "H")) as by_host:
        assert by_prefix.get("queue", "/a/b").body.decode() == f"{host} /queue/a/b"
        assert by_host.get("queue", "/a/b").body.decode() == "queue.fal.run /a/b"
        with by_prefix.socket("/a/b") as connection:
            assert connection.recv() == f"{host} /run/a/b"
        with by_host.socket("/a/b") as connection:
            assert connection.recv() == "fal.run /a/b"


def test_a_server_that_waits_for_what_was_promised_is_told_as_such(url: str) -> None:
    with closing(Probe(url, None)) as probe:
        probe.patience = 0.005
        with pytest.raises(Failed, match=r"got none within 0\.3 s") as caught:
            probe.raw("POST", "run", "/patient", {"Content-Length": "10"}, b"less")
    assert caught.value.sent == "POST /run/patient"


def test_a_secret_in_an_answer_is_not_told() -> None:
    body = b'{"key_id": "made", "key": "made:very-secret", "key_secret" : "very-secret", "nested": {"token": "secret"}}'
    got = Answer("POST /v1/keys", 200, httpx2.Headers({"content-type": "application/json"}), body).got
    assert 'secret",' not in got
    assert '"key_id": "made"' in got
    assert got.count('"…"') == 3


def test_neither_key_nor_token_is_told(url: str) -> None:
    with closing(Probe(url, "id:secret")) as probe:
        sent = probe.get("run", "/a?fal_jwt_token=very-secret", headers={"x-fal-tags": "seen"}).sent
    assert "secret" not in sent
    assert "x-fal-tags: seen" in sent
