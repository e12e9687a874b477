"""uvicorn's HTTP/1.1 with a bound on what a caller may send besides bodies: request lines, header fields, trailers.

uvicorn with httptools keeps all of it until the head is complete, however long that takes, and does so before anybody
has shown a key: a single connection could fill the memory. Bodies are bounded by the gateway, which knows their limits.
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 256 * 1024  # far above what proxies let through, and room for a long query
_BODY = b'{"detail": "The head of the request is larger than %d bytes"}' % MOST_HEAD_BYTES
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_BODY), _BODY)
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

    def _refuse(self) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:  # else an answer to an earlier request is on its way
            self.transport.write(_REFUSAL)
        self.transport.close()
