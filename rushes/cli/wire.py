"""uvicorn's HTTP/1.1 with a bound on what a caller may send besides bodies: request lines, header fields, trailers.

uvicorn with httptools keeps all of it until the head is complete, however long that takes, and does so before anybody
has shown a key: a single connection could fill the memory. Bodies are bounded by the gateway, which knows their limits.
What never reaches the gateway is refused here, as JSON like every other error (protocol R-16).
"""

from __future__ import annotations

import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 256 * 1024  # far above what proxies let through, and room for a long query


def _refusal(status_line: bytes, detail: str) -> bytes:
    body = json.dumps({"detail": detail}).encode()
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status_line, len(body)) + body


_TOO_LARGE = _refusal(
    b"431 Request Header Fields Too Large", f"The head of the request is larger than {MOST_HEAD_BYTES} bytes"
)


class BoundedProtocol(HttpToolsProtocol):
    """Counts what came since the last head ended or the last piece of a body came; too much ends the connection."""

    _unspent = 0

    def data_received(self, data: bytes) -> None:
        """Take what came; counted first, since what it completes sets the count back."""
        self._unspent += len(data)
        super().data_received(data)
        if self._unspent > MOST_HEAD_BYTES:
            self._refuse()

    def on_headers_complete(self) -> None:
        """Count anew for what follows the head."""
        self._unspent = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count anew: a body is the gateway's to bound."""
        self._unspent = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what can't be parsed; uvicorn would write plain text."""
        self.transport.write(_refusal(b"400 Bad Request", msg))
        self.transport.close()

    def _refuse(self) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:  # else an answer to an earlier request is on its way
            self.transport.write(_TOO_LARGE)
        self.transport.close()
