"""A WebSocket as ASGI gives it, with the three things that are done with one: open, read frames, say and close.

Whoever has gone is told nothing: saying something to them raises Left, closing does nothing. What is said on which
socket is decided elsewhere.
"""

from __future__ import annotations

from starlette.types import Message, Receive, Send

from rushes.errors import Failure

Frame = bytes | str

# Close codes of RFC 6455 (7.4.1) and, from 1012 on, of IANA's register.
NORMAL, GOING_AWAY, NO_CODE, INTERNAL, RESTART, TRY_LATER = 1000, 1001, 1005, 1011, 1012, 1013
_MOST_REASON_BYTES = 120  # a close frame has room for 123


class Left(Exception):
    """The other side has closed the socket, or its connection is lost."""


class Socket:
    """One end of a WebSocket. `code` is what the other side closed it with, once it has."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._over = False
        self.opened = False
        self.code: int | None = None

    async def open(self) -> None:
        """Take the handshake. Raises Left."""
        if (await self._receive())["type"] != "websocket.connect":
            self._over = True
            raise Left
        await self._tell({"type": "websocket.accept"})
        self.opened = True

    async def refuse(self, failure: Failure) -> None:
        """Answer the handshake with an HTTP error."""
        await self._receive()  # the handshake itself, which ASGI wants taken first
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(failure.body))]
        await self._tell({"type": "websocket.http.response.start", "status": failure.status, "headers": headers})
        await self._tell({"type": "websocket.http.response.body", "body": failure.body})
        self._over = True

    async def next(self) -> Frame | None:
        """Return the next frame; None when the other side is gone."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            frame: Frame | None = message.get("bytes")  # an empty frame is b"", which is one too
            return frame if frame is not None else message["text"]
        self._over, self.code = True, message.get("code", NO_CODE)
        return None

    async def say(self, frame: Frame) -> None:
        """Send a frame; waits while the other side is slow. Raises Left."""
        kind = "bytes" if isinstance(frame, bytes) else "text"
        await self._tell({"type": "websocket.send", kind: frame})

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close it, if it is still open."""
        if not self._over:
            # "ignore": the cut may go through a letter.
            short = reason.encode()[:_MOST_REASON_BYTES].decode("utf-8", "ignore")
            try:
                await self._tell({"type": "websocket.close", "code": code, "reason": short})
            except Left:
                return
            self._over = True

    async def _tell(self, message: Message) -> None:
        if self._over:
            raise Left
        try:
            await self._send(message)
        except OSError:  # what ASGI servers raise for a caller who has gone
            self._over = True
            raise Left from None
