"""Opening the far side of a tunnel: a connection to the host itself, or through an upstream proxy's CONNECT."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from rushes.intercept.head import END, MOST_HEAD_BYTES, Refusal, Wish
from rushes.intercept.tunnel import Half
from rushes.intercept.upstream import Upstream

DIAL_S = 30.0


class _Asking(Half):
    """A half that first hears an upstream proxy's answer; what comes after its head is kept for the tunnel."""

    def __init__(self) -> None:
        super().__init__()
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:

        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        if self.status.done():
            super().data_received(data)
            return
        self.kept.append(data)
        head, end, rest = b"".join(self.kept).partition(END)
        if end or len(head) > MOST_HEAD_BYTES:
            assert self.transport is not None
            self.transport.pause_reading()
            # A far host that speaks first, as mail servers do, may have been heard already.
            self.kept = [rest] if rest else []
            self.status.set_result(_status(head) if end else 0)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.status.done():
            self.status.set_result(0)
        super().connection_lost(error)


def _status(head: bytes) -> int:
    # 0 for what is no answer: who joined a tunnel to that would talk to a stranger.
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1].isdigit() else 0


async def dial(wish: Wish, upstream: Upstream | None, ourselves: str, dial_s: float = DIAL_S) -> Half:
    """Return a half that is connected to the wished host and not read yet. Raises Refusal(502, 504)."""
    way = wish.authority if upstream is None else f"{wish.authority} through the proxy {upstream.host}:{upstream.port}"
    try:
        async with asyncio.timeout(dial_s):
            return await (_straight(wish) if upstream is None else _through(upstream, wish, ourselves))
    except TimeoutError:
        raise Refusal(504, f"{way} did not answer within {dial_s:g} s") from None
    except (OSError, UnicodeError) as error:  # a label of no or too many letters is a UnicodeError
        raise Refusal(502, f"cannot reach {way}: {error}") from None


async def _straight(wish: Wish) -> Half:
    loop = asyncio.get_running_loop()
    _, half = await loop.create_connection(Half, wish.host, wish.port)
    return half


async def _through(upstream: Upstream, wish: Wish, ourselves: str) -> Half:
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context() if upstream.tls else None
    transport, half = await loop.create_connection(_Asking, upstream.host, upstream.port, ssl=context)
    try:
        transport.write(upstream.request(wish, ourselves))
        status = await half.status
    except BaseException:
        transport.abort()
        raise
    if status // 100 != 2:
        transport.abort()
        said = f"answered {status}" if status else "gave no answer that can be understood"
        raise Refusal(502, f"the server's own proxy {upstream.host}:{upstream.port} {said} for {wish.authority}")
    return half
