import asyncio
import contextlib

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from rushes.conformance.probe import Probe
from rushes.conformance.realtime import closing, output
from rushes.conformance.rules import Failed
from tests.conformance.serving import serving

TIMINGS = '{"type": "x-fal-message", "action": "timings", "timing": 0.1}'


async def chatter(websocket: WebSocket) -> None:
    """Timings, for longer than anybody here listens, and never an output."""
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        for _ in range(100):
            await websocket.send_text(TIMINGS)
            await asyncio.sleep(0.005)


APP = Starlette(routes=[WebSocketRoute("/run/a/b/realtime", chatter)])


def test_a_server_that_never_stops_talking_is_not_listened_to_for_ever() -> None:
    with (
        serving(APP) as url,
        contextlib.closing(Probe(url, None)) as probe,
        probe.socket("/a/b/realtime") as connection,
    ):
        with pytest.raises(TimeoutError):
            output(connection, 0.1)
        with pytest.raises(Failed, match="close within"):
            closing(connection, 0.1)
