"""Pretended vendors on a loopback port: a server in a thread, an answer that never comes, one that breaks off halfway.

What a vendor answers is the vendor's file's; how users steer it is in `control`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Literal, cast

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LOOPBACK = "127.0.0.1"
_HANG_UP = "rushes.hang_up"
_STARTS_WITHIN_S = 10.0
_CLOSED_WITHIN_S = 5.0


class LosableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, whose connection an answer may cut: ASGI itself has no word for that."""

    def on_message_begin(self) -> None:
        """Put the cut where `HangUp` finds it."""
        super().on_message_begin()
        cast(Scope, self.scope)["extensions"] = {_HANG_UP: {"cut": self.transport.abort, "close": self.transport.close}}


class HangUp(Response):
    """No answer: the connection ends as if the vendor's server had died after it read the request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection."""
        await _lose(scope, receive, "cut")


class BreaksOff(Response):
    """An answer that promises its whole length, sends half of it, and then the connection ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and half of the body."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _lose(scope, receive, "close")


async def _lose(scope: Scope, receive: Receive, how: Literal["cut", "close"]) -> None:
    """End the connection, at once or after what is written, and wait until the server has seen that it is gone."""
    end = cast(Callable[[], None], scope["extensions"][_HANG_UP][how])
    end()
    while (await receive())["type"] != "http.disconnect":
        continue


class _Server(uvicorn.Server):
    """uvicorn that ends when told to, where the original looks ten times a second."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()
        self._ready = ready

    async def main_loop(self) -> None:
        """Say that it answers, then wait for the end."""
        self._ready.set()
        await self.ended.wait()


def config(app: ASGIApp) -> uvicorn.Config:
    """Return how a pretended vendor is served: HTTP/1.1 only, silent, its connections may be cut."""
    return uvicorn.Config(
        app,
        http=LosableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )


def serve(app: ASGIApp, sock: socket.socket) -> None:
    """Serve `app` on a socket that listens, in this thread, until SIGINT or SIGTERM."""
    asyncio.run(uvicorn.Server(config(app)).serve(sockets=[sock]))


@contextmanager
def running(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve `app` on loopback in a thread until the block ends; yields its URL, without a slash at its end."""
    sock = socket.create_server((LOOPBACK, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for an acknowledgement
    ready = threading.Event()
    started: list[tuple[_Server, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        server = _Server(config(app), ready)
        started.append((server, asyncio.get_running_loop()))
        await server.serve(sockets=[sock])

    # A daemon: a test that dies on its way must not wait for it.
    thread = threading.Thread(target=_in_own_loop, args=(serve,), daemon=True)
    thread.start()
    try:
        if not ready.wait(_STARTS_WITHIN_S):
            raise RuntimeError(f"the pretended vendor did not answer within {_STARTS_WITHIN_S:g} s")
        yield f"http://{LOOPBACK}:{sock.getsockname()[1]}"
    finally:
        for server, loop in started:
            loop.call_soon_threadsafe(server.ended.set)
        thread.join(_CLOSED_WITHIN_S)
        sock.close()


def _in_own_loop(serve: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await serve()

    asyncio.run(main())
