"""The sockets under a download or a webhook: connections go to checked addresses only, and no peer can hold one long.

A name is resolved once; the answers are judged and the socket is connected to one of them, so that a second DNS answer
has no say (rebinding). The name still decides the TLS name check and the Host header. Every wait ends at the total
deadline or when the peer stalls, and meanwhile `tick` is called, which may raise to cancel. Environment proxies play
no part. What is sent over the connection is its users' business.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any

import httpcore2

from rushes.outbound.addresses import Address, Network, read_literal, refusal

Resolver = Callable[[str, int], Sequence[Address]]
"""Turn a host name and a port into addresses, best first; raises OSError when there are none."""

_SLICE_S = 0.25  # how often a waiting connection shows a sign of life
_CONNECT_S = 10.0  # for one of several addresses


class Refused(Exception):
    """The address, or every address that the name has, must not be reached."""

    def __init__(self, host: str, address: Address, what: str) -> None:
        self.host = host
        self.address = address
        self.what = what
        super().__init__(f"{host} leads to {address}, {what}")


class TooSlow(Exception):
    """The whole exchange, or one wait in it, took longer than allowed; the text says which."""


class Unresolved(Exception):
    """The name has no address."""


@cache
def system_tls() -> ssl.SSLContext:
    """Certificates are checked against the system's store; made once, since loading it takes tens of milliseconds."""
    return ssl.create_default_context()


def resolve(host: str, port: int) -> list[Address]:
    """Ask the system's resolver."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers))


@dataclass(slots=True)
class Patience:
    """How long to wait: until `deadline` (of the monotonic clock) in all, and `stall_s` for less than `stall_bytes`.

    Counting bytes, not reads, is what makes a peer that sends a byte a second stall. `has_asked` tells whether all that
    was to be sent is with the system, so that an answer is waited for.
    """

    total_s: float
    stall_s: float
    stall_bytes: int
    tick: Callable[[], None]
    deadline: float = field(init=False)
    has_asked: bool = field(init=False, default=False)
    _since: float = field(init=False)
    _got: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._since = time.monotonic()
        self.deadline = self._since + self.total_s

    def received(self, size: int) -> None:
        """Note that bytes came; enough of them start a new window."""
        self._got += size
        if self._got >= self.stall_bytes:
            self._since, self._got = time.monotonic(), 0

    def restart(self) -> None:
        """Start a new window: a new connection begins."""
        self._since, self._got = time.monotonic(), 0

    def slice_s(self) -> float:
        """Show a sign of life and return how long to wait now; raises TooSlow when the time is up."""
        self.tick()
        now = time.monotonic()
        if now >= self.deadline:
            raise TooSlow(f"took longer than the {self.total_s:g} s allowed")
        if now >= self._since + self.stall_s:
            raise TooSlow(f"sent fewer than {self.stall_bytes} bytes in {self.stall_s:g} s")
        # Never 0: to a socket that means not to wait at all.
        return max(0.001, min(_SLICE_S, self.deadline - now, self._since + self.stall_s - now))


class CheckedBackend(httpcore2.NetworkBackend):
    """Connects only to addresses that pass `addresses.refusal`."""

    def __init__(self, allowed: Iterable[Network], patience: Patience, resolver: Resolver = resolve) -> None:
        self._allowed = tuple(allowed)
        self._patience = patience
        self._resolver = resolver

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Resolve, judge, connect; the other parameters of the contract have no use here."""
        failure: OSError | None = None
        # In turn: a name's first address is often of a network (IPv6) that doesn't work here.
        for address in self._checked(host, port):
            try:
                return _Stream(_connect(address, port, self._patience), self._patience)
            except OSError as error:
                failure = error
        raise httpcore2.ConnectError(_reason(failure)) from failure

    def _checked(self, host: str, port: int) -> list[Address]:
        """Return the addresses that may be reached.

        One bad answer among good ones refuses the name: an honest name has no private address among public ones, and
        a name that is used to probe for one should not get a second chance.
        """
        literal = read_literal(host)
        found = [literal] if literal is not None else _look_up(self._resolver, host, port, self._patience)
        for address in found:
            what = refusal(address, self._allowed)
            if what is not None:
                raise Refused(host, address, what)
        return found


class _Stream(httpcore2.NetworkStream):
    """A socket whose every wait is cut into slices, so that ticks and deadlines hold."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._patience.has_asked = True  # HTTP/1.1: nothing is read before the whole request is written
        try:
            data: bytes = self._patiently(partial(self._sock.recv, max_bytes))
        except OSError as error:
            raise httpcore2.ReadError(_reason(error)) from error
        self._patience.received(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        try:
            while rest:
                sent: int = self._patiently(partial(self._sock.send, rest))
                rest = rest[sent:]
                self._patience.restart()  # a peer that takes what is sent doesn't stall, however slow the line is
        except OSError as error:
            raise httpcore2.WriteError(_reason(error)) from error

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        # The handshake by hand, so that patience holds in it too.
        wrapped = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname, do_handshake_on_connect=False)
        stream = _Stream(wrapped, self._patience)
        try:
            stream._patiently(wrapped.do_handshake)
        except BaseException as error:  # the pool does not close what it never got
            wrapped.close()
            if isinstance(error, OSError):
                raise httpcore2.ConnectError(_reason(error)) from error
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        if info == "is_readable":  # asked before a connection is used again, which ours never is
            return True
        return None

    def _patiently(self, step: Callable[[], Any]) -> Any:
        """Repeat a socket call that ran into its slice's end until it is done or patience is."""
        while True:
            self._sock.settimeout(self._patience.slice_s())
            try:
                return step()
            except TimeoutError:
                continue


def _connect(address: Address, port: int, patience: Patience) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _await_connection(sock, (str(address), port), patience)
    except BaseException:
        sock.close()
        raise
    return sock


def _await_connection(sock: socket.socket, peer: tuple[str, int], patience: Patience) -> None:
    patience.restart()
    give_up = time.monotonic() + _CONNECT_S
    sock.setblocking(False)
    code = sock.connect_ex(peer)
    # Not `select`, which knows no descriptor above 1,023; a busy server has more.
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    while code == errno.EINPROGRESS:
        if time.monotonic() >= give_up:
            raise OSError(f"nothing answered within {_CONNECT_S:g} s")
        if poll.poll(patience.slice_s() * 1000):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _look_up(resolver: Resolver, host: str, port: int, patience: Patience) -> list[Address]:
    """Resolve in a thread, since a resolver that hangs cannot be interrupted, only left behind."""
    answers: SimpleQueue[Sequence[Address] | OSError | ValueError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolver(host, port))
        except (OSError, ValueError) as error:  # a name with a zero byte or an overlong label is a ValueError
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    while True:
        wait_s = patience.slice_s()
        try:
            answer = answers.get(timeout=wait_s)
        except Empty:
            continue
        if isinstance(answer, Exception) or not answer:
            raise Unresolved(f"the name {host!r} could not be resolved")
        return list(answer)


def _reason(error: OSError | None) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    return (error.strerror or str(error)) if error is not None else "no address to connect to"
