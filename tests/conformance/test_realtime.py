"""The rules about sockets, against one that minds none of them; each check finds what it is there for."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from rushes.conformance.probe import Probe
from rushes.conformance.realtime import closing, output
from rushes.conformance.rules import RULES, Failed
from rushes.conformance.target import Target
from tests.conformance import careless
from tests.conformance.serving import serving

TIMINGS = '{"type": "x-fal-message", "action": "timings", "timing": 0.1}'


async def chatter(websocket: WebSocket) -> None:
    """Timings, for longer than anybody here listens, and never an output."""
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        for _ in range(100):
            await websocket.send_text(TIMINGS)
            await asyncio.sleep(0.005)


async def token(_: Request) -> Response:
    return JSONResponse("a token")


APP = Starlette(
    routes=[
        Route("/rest/tokens/", token, methods=["POST"]),
        Route("/platform/v1/models", careless.models),
        Route("/api/openapi/queue/openapi.json", careless.document),
        WebSocketRoute("/run/rushes/echo/realtime", careless.talk),
        WebSocketRoute("/run/a/b/realtime", chatter),
    ]
)


@pytest.fixture(scope="module")
def probe() -> Iterator[Probe]:
    with serving(APP) as url, contextlib.closing(Probe(url, "some:key")) as asked:
        asked.patience = 0.01
        yield asked


def test_a_server_that_never_stops_talking_is_not_listened_to_for_ever(probe: Probe) -> None:
    with probe.socket("/a/b/realtime") as connection:
        with pytest.raises(TimeoutError):
            output(connection, 0.1)
        with pytest.raises(Failed, match="close within"):
            closing(connection, 0.1)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("T-05", "a binary frame for a binary input"),
        ("T-06", "expected request_id"),
        ("T-07", "the request_id of an input"),
        ("T-08", "close within"),
        ("T-09", "close within"),
        ("T-10", "close within"),
    ],
)
def test_each_rule_finds_what_a_careless_socket_does(probe: Probe, rule: str, expected: str) -> None:
    with pytest.raises(Failed, match=expected):
        RULES[rule].check(Target(probe, own=True))
