"""The TLS context of a listener: made at the first need, and given the newer certificate when there is one.

A server runs for longer than a certificate lasts, whether ours or one that a client of an ACME authority renews: files
are looked at again twice a day, and connections that come after that get what lies there then.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

LOG = logging.getLogger(__name__)

LOOK_AGAIN_S = 12 * 3_600.0

Chain = tuple[str, str | None]
"""Files of a certificate and of its key; None: the key lies in the certificate's file."""


class Contexts:
    """Hands out one server context; `chain` says, each time, which files are to be loaded now."""

    def __init__(self, chain: Callable[[], Chain], clock: Callable[[], float] = time.monotonic) -> None:
        self._chain = chain
        self._clock = clock
        self._loaded: tuple[ssl.SSLContext, float] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def current(self) -> ssl.SSLContext:
        """Return the context. Raises OSError (ssl.SSLError too) or ValueError where its files can't be used at all."""
        async with self._one_at_a_time:
            now = self._clock()
            if self._loaded is None or now - self._loaded[1] >= LOOK_AGAIN_S:
                self._loaded = (await self._load(), now)
            return self._loaded[0]

    async def _load(self) -> ssl.SSLContext:
        if self._loaded is None:
            context = server_context()
            await asyncio.to_thread(_load, context, self._chain)
            return context
        try:
            # Into the same context: listeners hold it, and take the newer certificate from their next connection on.
            await asyncio.to_thread(_load, self._loaded[0], self._chain)
        except (OSError, ValueError) as error:
            LOG.error("the certificate cannot be read again, so the one that was loaded stays: %s", error)
        return self._loaded[0]


def server_context() -> ssl.SSLContext:
    """Return a context of a server, without a certificate: TLS 1.2 or newer, HTTP/1.1 only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def local_chain(folder: Path, names: Sequence[str] = ()) -> Callable[[], Chain]:
    """Return a `chain` that is vouched for by the local authority in `folder`."""
    return partial(_ensured, folder, tuple(names))


def _load(context: ssl.SSLContext, chain: Callable[[], Chain]) -> None:
    certificate, key = chain()
    # First into another context: where certificate and key don't belong together, as in the midst of a renewal, OpenSSL
    # has taken the one and dropped the other by the time it says so, and nobody could be answered any more.
    for into in (server_context(), context):
        # No password, or OpenSSL would ask the terminal for one, also half a day later in the midst of serving.
        into.load_cert_chain(certificate, key, password="")


def _ensured(folder: Path, names: Sequence[str]) -> Chain:
    # cryptography takes longer to load than a server may take to start, and most servers never get here.
    from rushes.intercept.authority import ensure  # noqa: PLC0415

    paths = ensure(folder, names)
    return str(paths.certificate), str(paths.certificate_key)
