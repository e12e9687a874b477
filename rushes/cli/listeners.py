"""The sockets of one server and what is spoken on each: http or https for callers, plain http inside, the proxy.

A server that speaks https keeps a plain socket on loopback: its own runners use it whatever names its certificate has,
and intercepted clients fetch files from it. Without https that is the callers' own socket.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import uvicorn

from rushes.cli.listen import LOOPBACK, check_reach, open_proxy_socket, open_socket, url_of
from rushes.cli.problem import CommandError
from rushes.gateway.links import FILES_AT
from rushes.intercept.contexts import Contexts, local_chain
from rushes.intercept.proxy import HANDSHAKE_S, Proxy
from rushes.settings import Settings

TLS_FOLDER = "tls"


@dataclass(frozen=True, slots=True)
class Listeners:
    """Open sockets. `settings` are those that were given, with the real port; `plain` is `callers` without https."""

    settings: Settings
    callers: socket.socket
    plain: socket.socket
    proxy: socket.socket | None
    local: Contexts
    https: Contexts | None

    @property
    def url(self) -> str:
        """Where callers reach the server; one with a certificate of its own is called by the name that is told."""
        if self.https is None:
            return url_of(self.callers)
        if self.settings.tls_cert is not None and self.settings.own_names:
            return f"https://{self.settings.own_names[0]}:{self.settings.port}"
        return url_of(self.callers, "https")

    @property
    def plain_url(self) -> str:
        """Where this machine reaches it over http."""
        return url_of(self.plain)

    @property
    def proxy_url(self) -> str | None:
        """Where unchanged clients of this machine find the intercepting proxy."""
        return url_of(self.proxy) if self.proxy else None


def open_listeners(settings: Settings) -> Listeners:
    """Bind everything, so that callers who come while the server starts wait. Raises CommandError."""
    check_reach(settings)
    callers = open_socket(settings.host, settings.port)
    settings = settings.model_copy(update={"port": callers.getsockname()[1]})
    local = Contexts(local_chain(settings.data / TLS_FOLDER, settings.own_names if settings.tls_cert is None else ()))
    https = None
    if settings.tls_cert is not None:
        https = Contexts(partial(_given, settings))
    elif settings.serves_tls:
        https = local
    plain = open_socket(LOOPBACK, 0) if https else callers
    try:
        proxy = open_proxy_socket(settings)
    except CommandError:
        callers.close()
        plain.close()
        raise
    return Listeners(settings, callers, plain, proxy, local, https)


def _given(settings: Settings) -> tuple[str, str | None]:
    return str(settings.tls_cert), str(settings.tls_key) if settings.tls_key else None


async def https_context(listeners: Listeners) -> ssl.SSLContext | None:
    """Return the context of https, None for a server without. Raises CommandError for a certificate of no use."""
    if listeners.https is None:
        return None
    settings = listeners.settings
    try:
        return await listeners.https.current()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if isinstance(error, ssl.SSLError):  # whose own words are OpenSSL's names of functions
            reason = "it is no certificate in PEM with its unencrypted key"
        what = f"the certificate {settings.tls_cert}" if settings.tls_cert else f"a certificate in {settings.data}"
        key = f" with the key {settings.tls_key}" if settings.tls_key else ""
        raise CommandError(f"cannot serve https with {what}{key}: {reason}", exit_code=2) from error


class HttpServer(uvicorn.Server):
    """uvicorn on all of them. Calls `ready` once it answers; signals are the command's, which stops runners first."""

    def __init__(
        self, config: uvicorn.Config, listeners: Listeners, https: ssl.SSLContext | None, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._listeners = listeners
        self._https = https
        self._ready = ready
        self._proxy: Proxy | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, on everything that is open."""
        # uvicorn itself has the plain socket; https is added to its servers, and so ends with them.
        await super().startup([self._listeners.plain])
        loop = asyncio.get_running_loop()
        if self._https is not None:
            # Not uvicorn's own way to it, which gives a handshake twice as long.
            server = await loop.create_server(
                self._answer, sock=self._listeners.callers, ssl=self._https, ssl_handshake_timeout=HANDSHAKE_S
            )
            self.servers.append(server)
        if self._listeners.proxy is not None:
            intercepted = partial(self._answer, {FILES_AT: self._listeners.plain_url})
            self._proxy = Proxy(self._listeners.proxy, intercepted, self._listeners.local.current)
            await self._proxy.start()
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Look for a newer certificate now and then; nearly always that is a comparison."""
        # Ticks come ten times a second, so this is once a minute.
        if self._listeners.https is not None and counter % 600 == 0:
            await self._listeners.https.current()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End tunnels, then as uvicorn does."""
        if self._proxy is not None:
            await self._proxy.stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    def _answer(self, state: dict[str, object] | None = None) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=state or {}
        )
