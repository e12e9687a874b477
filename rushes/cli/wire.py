"""uvicorn's HTTP/1.1 with a bound on what a caller may send besides bodies: request lines, header fields, trailers.

uvicorn with httptools keeps all of it until the head is complete, however long that takes, and does so before anybody
has shown a key: a single connection could fill the memory, and many that say nothing could hold every place. Bodies are
bounded by the gateway, which knows their limits. What never reaches the gateway is refused here, as JSON like every
other error (protocol R-16).
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MOST_HEAD_BYTES = 256 * 1024  # far above what proxies let through, and room for a long query
# Python has no phrase for it, and the phrase is all that JavaScript's client says of a cancelled request.
STATUS_LINE[499] = b"HTTP/1.1 499 Client Closed Request\r\n"
HEAD_S = 30.0  # for a whole head, from the connection's start or the head's first byte


def _refusal(status_line: bytes, detail: str) -> bytes:
    body = json.dumps({"detail": detail}).encode()
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status_line, len(body)) + body


_TOO_LATE = _refusal(b"408 Request Timeout", f"The head of the request did not come within {HEAD_S:g} s")
_TOO_LARGE = _refusal(
    b"431 Request Header Fields Too Large", f"The head of the request is larger than {MOST_HEAD_BYTES} bytes"
)


class BoundedProtocol(HttpToolsProtocol):
    """Counts what came since the last head ended or the last piece of a body came.

    Too much of it ends the connection, and so does too long a time in which it leads to nothing.
    """

    head_s = HEAD_S
    _unspent = 0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first head, but not for ever."""
        super().connection_made(transport)
        self._late = self.loop.call_later(self.head_s, self._too_late)

    def data_received(self, data: bytes) -> None:
        """Take what came; counted first, since what it completes sets the count back."""
        self._unspent += len(data)
        super().data_received(data)
        if self._unspent == 0:
            if self._late is not None:
                self._late.cancel()
                self._late = None
            return
        if self._unspent > MOST_HEAD_BYTES:
            self._refuse(_TOO_LARGE)
        elif self._late is None:
            self._late = self.loop.call_later(self.head_s, self._too_late)

    def on_headers_complete(self) -> None:
        """Count anew for what follows the head."""
        self._unspent = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count anew: a body is the gateway's to bound."""
        self._unspent = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Count anew: the end of a chunked body is no part of the next head."""
        self._unspent = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what can't be parsed; uvicorn would write plain text."""
        self.transport.write(_refusal(b"400 Bad Request", msg))
        self.transport.close()

    def _too_late(self) -> None:
        self._late = None
        if self.cycle is not None and not self.cycle.response_complete:  # an answer on its way is not cut off
            self._late = self.loop.call_later(self.head_s, self._too_late)
        else:
            self._refuse(_TOO_LATE)

    def _refuse(self, answer: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:  # else an answer to an earlier request is on its way
            self.transport.write(answer)
        self.transport.close()


def web_sockets(**given: Any) -> asyncio.Protocol:
    """Make what takes a connection over once it asks to become a WebSocket."""
    # 0.07 s of imports that most servers' first answer need not wait for.
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol  # noqa: PLC0415

    return WebSocketsSansIOProtocol(**given)
