"""A real proxy in a thread, a TLS server with a certificate of its own, and a recorder of what asks to leave."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from rushes.cli.wire import BoundedProtocol
from rushes.intercept.contexts import Contexts, local_chain
from rushes.intercept.proxy import Proxy

TIMEOUT_S = 10.0


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was asked, and how."""
    request = Request(scope, receive)
    body = await request.body()
    state = dict(scope["state"])
    answer = {"host": request.headers["host"], "path": request.url.path, "bytes": len(body), "state": state}
    await JSONResponse({**answer, "scheme": scope["scheme"]})(scope, receive, send)


@contextmanager
def proxying(folder: Path, environment: Mapping[str, str] | None = None, **limits: Any) -> Iterator[tuple[str, int]]:
    """Yield the address of a proxy whose answers come from `told`; its authority lies in `folder`."""
    sock = socket.create_server(("127.0.0.1", 0))
    address: tuple[str, int] = sock.getsockname()
    config = uvicorn.Config(told, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, log_level="error")
    config.load()
    server = uvicorn.Server(config)
    factory = config.get_loop_factory()
    loop = factory() if factory else asyncio.new_event_loop()
    ending = asyncio.Event()

    def answer() -> asyncio.Protocol:
        return BoundedProtocol(config, server.server_state, {"came": "intercepted"}, loop)

    async def run() -> None:
        proxy = Proxy(
            sock, answer, Contexts(local_chain(folder)).current, {} if environment is None else environment, **limits
        )
        await proxy.start()
        await ending.wait()
        await proxy.stop()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0.05)

    def live() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()


class Recorder:
    """An upstream proxy that notes each CONNECT and joins it to `to`, whatever the name; or refuses it."""

    def __init__(self, to: tuple[str, int] | None = None) -> None:
        self.asked: list[str] = []
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller:
            head = read_head(caller)
            self.asked.append(head.decode())
            if self._to is None:
                caller.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                return
            with socket.create_connection(self._to, TIMEOUT_S) as far:
                caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_pump, args=(far, caller))
                back.start()
                _pump(caller, far)
                back.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65_536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        return


def read_head(caller: socket.socket) -> bytes:
    """Read up to the empty line; what ends before is returned as it is."""
    head = b""
    while b"\r\n\r\n" not in head and (more := caller.recv(1)):
        head += more
    return head


@contextmanager
def echoing(certificate: Path | None = None, key: Path | None = None) -> Iterator[tuple[str, int]]:
    """Yield a server that sends back what it gets until the other side has ended, over TLS with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(caller: socket.socket) -> None:
        with caller:
            _pump(caller, caller)

    def accept() -> None:
        while True:
            try:
                caller, _ = listener.accept()
                spoken = context.wrap_socket(caller, server_side=True) if certificate else caller
            except ssl.SSLError:
                continue
            except OSError:
                return
            threading.Thread(target=serve, args=(spoken,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def asked(proxy: tuple[str, int], head: str) -> Iterator[tuple[socket.socket, bytes]]:
    """Send a head to the proxy and yield the connection and the head of its answer."""
    with socket.create_connection(proxy, TIMEOUT_S) as caller:
        caller.sendall(head.encode())
        yield caller, read_head(caller)
