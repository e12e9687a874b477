"""The intercepting proxy: CONNECT on loopback. fal's hosts end here, over TLS; every other host is joined untouched.

What answers fal's hosts is handed in: a maker of protocols (one for each connection) and the TLS context, which is
asked for at the first such call, since an authority that nobody needs is not made. Nothing asked of one of fal's hosts
ever leaves this machine: what can't be answered here is refused. What may be asked is decided in `head`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from typing import cast

from rushes.intercept.dial import dial
from rushes.intercept.head import END, MOST_HEAD_BYTES, Refusal, Wish, read
from rushes.intercept.tunnel import IDLE_S, Half, join
from rushes.intercept.upstream import upstream_of

MOST_CALLERS = 1_024  # with a head to come, a handshake under way, or a tunnel; not those that were handed over
HEAD_S = 30.0
HANDSHAKE_S = 30.0
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"

LOG = logging.getLogger(__name__)


class _Caller(Half):
    """A client until its head is complete; then one side of a tunnel, or handed to TLS."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._proxy = proxy
        self._asked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        # Before `admit`: one who is refused is lost at once, which ends this timer.
        self._late = asyncio.get_running_loop().call_later(self._proxy.head_s, self._too_late)
        try:
            self._proxy.admit(self)
        except Refusal as refusal:
            self.refuse(refusal)

    def data_received(self, data: bytes) -> None:
        if self._asked:
            super().data_received(data)
            return
        self.kept.append(data)
        head, end, rest = b"".join(self.kept).partition(END)
        if len(head) > MOST_HEAD_BYTES:
            self.refuse(Refusal(431, f"The head of the request is larger than {MOST_HEAD_BYTES} bytes"))
        elif end:
            assert self.transport is not None
            self._asked = True
            self._late.cancel()
            self.transport.pause_reading()
            self.kept = [rest] if rest else []
            self._proxy.serve(self, head)

    def connection_lost(self, error: Exception | None) -> None:
        self._late.cancel()
        self._proxy.leave(self)
        super().connection_lost(error)

    def refuse(self, refusal: Refusal) -> None:
        """Say no and hang up."""
        self._asked = True
        self._late.cancel()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(refusal.answer)
            self.transport.close()

    def _too_late(self) -> None:
        self.refuse(Refusal(408, f"No whole request came within {self._proxy.head_s:g} s"))


class _Waiting(asyncio.Protocol):
    """Keeps what comes right behind a TLS handshake, before the protocol that is to answer it stands there."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.kept.append(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost = True


class Proxy:
    """Serves one listening socket from `start` to `stop`.

    `answer()` makes the protocol that answers a connection to one of fal's hosts. `environment` says through which
    proxy other hosts are reached.
    """

    def __init__(
        self,
        sock: socket.socket,
        answer: Callable[[], asyncio.Protocol],
        context: Callable[[], Awaitable[ssl.SSLContext]],
        environment: Mapping[str, str] = os.environ,
        *,
        head_s: float = HEAD_S,
        idle_s: float = IDLE_S,
        most_callers: int = MOST_CALLERS,
    ) -> None:
        self.head_s = head_s
        self._sock = sock
        self._address: tuple[str, int] = sock.getsockname()[:2]
        self._answer = answer
        self._context = context
        self._environment = environment
        self._idle_s = idle_s
        self._most = most_callers
        self._name = f"rushes-{secrets.token_hex(4)}"
        self._callers: set[_Caller] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take callers."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Caller(self), sock=self._sock)

    async def stop(self) -> None:
        """Take no more, and end every tunnel; connections that were handed over are the HTTP server's to end."""
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for caller in list(self._callers):
            caller.abort()

    def admit(self, caller: _Caller) -> None:
        """Count a new caller. Raises Refusal for one that isn't on this machine, or one too many."""
        assert caller.transport is not None
        peer = caller.transport.get_extra_info("peername")  # None: it has hung up already
        if peer is None or not ip_address(peer[0]).is_loopback:
            raise Refusal(403, "This proxy serves the machine that it runs on only")
        if len(self._callers) >= self._most:
            raise Refusal(503, f"This proxy has {self._most} connections, which is as many as it holds")
        self._callers.add(caller)

    def leave(self, caller: _Caller) -> None:
        """Forget a caller that is gone or handed over."""
        self._callers.discard(caller)

    def serve(self, caller: _Caller, head: bytes) -> None:
        """Do what a caller's head asks for."""
        task = asyncio.get_running_loop().create_task(self._serve(caller, head))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, caller: _Caller, head: bytes) -> None:
        try:
            wish = read(head)
            await (self._end_here(caller) if wish.is_fals else self._join(caller, wish))
        except Refusal as refusal:
            caller.refuse(refusal)
        except Exception:
            LOG.exception("the proxy failed on a connection")
            caller.abort()

    async def _end_here(self, caller: _Caller) -> None:
        # It came unencrypted, so it is no part of a handshake, and `start_tls` would lose it.
        if caller.kept:
            raise Refusal(400, "Data came before the tunnel was open")
        try:
            context = await self._context()
        except (OSError, ValueError) as error:
            LOG.error("no certificate for intercepted calls: %s", error)
            raise Refusal(503, f"The server has no certificate to answer with: {error}") from None
        transport = caller.transport
        assert transport is not None
        if transport.is_closing():
            return
        loop = asyncio.get_running_loop()
        waiting = _Waiting()
        transport.write(OPEN)
        try:
            tls = await loop.start_tls(transport, waiting, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S)
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError: it doesn't trust us, or left
            LOG.info("a client broke off the TLS handshake: %s", error)
            transport.abort()
            return
        except asyncio.CancelledError:
            transport.abort()
            raise
        finally:
            self.leave(caller)
        if tls is not None and not waiting.lost:
            self._hand_over(tls, waiting)

    def _hand_over(self, tls: asyncio.Transport, waiting: _Waiting) -> None:
        inner = self._answer()
        inner.connection_made(tls)
        tls.set_protocol(inner)
        for data in waiting.kept:
            inner.data_received(data)

    async def _join(self, caller: _Caller, wish: Wish) -> None:
        if f"1.1 {self._name}" in wish.via or (wish.host, wish.port) == self._address:
            raise Refusal(508, "This tunnel leads back to this very proxy")
        upstream = upstream_of(wish, self._environment, self._address)
        far = await dial(wish, upstream, self._name)
        assert far.transport is not None
        assert caller.transport is not None
        # A name that leads here is known as such only once it is connected.
        if (far.transport.get_extra_info("peername") or ())[:2] == self._address:
            far.abort()
            raise Refusal(508, "This tunnel leads back to this very proxy")
        if caller.transport.is_closing():
            far.abort()
            return
        caller.transport.write(OPEN)
        await join(caller, far, self._idle_s)
