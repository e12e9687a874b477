"""Two connections joined: what comes from one goes to the other, no faster than that one takes it, until both end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import cast

IDLE_S = 3_600.0  # a tunnel through which nothing comes for so long is forgotten by both its ends


class Half(asyncio.Protocol):
    """One side. Keeps what comes until it is joined, and lets no more come than a read or two."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Half | None = None
        self.ended = asyncio.get_running_loop().create_future()
        self.kept: list[bytes] = []
        self.last_heard = 0.0
        self._eof = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out; reading waits until `join`."""

        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self.last_heard = asyncio.get_running_loop().time()
        other = self.other.transport if self.other else None
        if other is None:
            self.kept.append(data)
        elif not other.is_closing():
            other.write(data)

    def eof_received(self) -> bool:
        """Tell the other side; the way back stays open where the transport can do that."""
        self._eof = True
        other = self.other.transport if self.other else None
        # TLS has no half-closed connections: there one end ends both.
        if other is None or other.is_closing() or not other.can_write_eof():
            return False
        other.write_eof()
        return True

    def pause_writing(self) -> None:
        """This side takes no more for now: the other one is read no further."""
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """This side takes more."""
        other = self.other.transport if self.other else None
        if other is not None and not other.is_closing():
            other.resume_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        """End the other side too, once it has what was sent."""
        if not self.ended.done():
            self.ended.set_result(None)
        if self.other and self.other.transport:
            self.other.transport.close()

    def abort(self) -> None:
        """Hang up at once, also on one who takes nothing any more."""
        if self.transport is not None:
            self.transport.abort()


async def join(one: Half, two: Half, idle_s: float = IDLE_S) -> None:
    """Join two connected halves until both have ended, or nothing came for `idle_s`; both are gone on return."""
    one.other, two.other = two, one
    loop = asyncio.get_running_loop()
    try:
        for half, other in ((one, two), (two, one)):
            half.last_heard = loop.time()
            assert half.transport is not None
            assert other.transport is not None
            # First what came before the other side was there, such as data right behind a head.
            other.transport.writelines(half.kept)
            half.kept.clear()
        for half in (one, two):
            with suppress(RuntimeError):  # it ended in the meantime
                half.transport.resume_reading()  # type: ignore[union-attr]
        while not (one.ended.done() and two.ended.done()):
            quiet = loop.time() - max(one.last_heard, two.last_heard)
            if quiet >= idle_s:
                return
            await asyncio.wait((one.ended, two.ended), timeout=idle_s - quiet, return_when=asyncio.ALL_COMPLETED)
    finally:
        one.abort()
        two.abort()
