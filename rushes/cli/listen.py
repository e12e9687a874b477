"""Where the server listens: which addresses are allowed, and the socket itself, opened before anything else is."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from rushes.cli.problem import CommandError
from rushes.settings import Settings

BACKLOG = 2048
LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach that address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_reach(settings: Settings) -> None:
    """Refuse to be reachable from other machines over plain http, where every key would be readable on the way."""
    if not (is_loopback(settings.host) or settings.behind_proxy or settings.serves_tls):
        raise CommandError(
            f"refusing to listen on {settings.host}: other machines could reach it, and keys would travel unencrypted. "
            "Listen on 127.0.0.1, serve https with --tls, or put a TLS proxy in front and pass --behind-proxy",
            exit_code=2,
        )


def open_socket(host: str, port: int, option: str = "--port") -> socket.socket:
    """Bind and listen at once, so that callers that come while the server still starts wait instead of failing."""
    try:
        # A name with several addresses is listened to at the first: one socket has one.
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
    except (OSError, UnicodeError) as error:  # a name with a label of no or too many letters is a UnicodeError
        raise CommandError(f"cannot listen on {host}: {getattr(error, 'strerror', error)}", exit_code=2) from error
    # A server that is started again need not wait until the last connections have faded away.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise CommandError(_why(host, port, error, option)) from error
    return sock


def _why(host: str, port: int, error: OSError, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with {option}, or {option} 0 for a free one"
    return f"cannot listen on {host} port {port}: {error.strerror}"


def open_proxy_socket(settings: Settings) -> socket.socket | None:
    """Bind the intercepting proxy's port, on loopback whatever the server listens on; None where it is off.

    `settings.port` must be the real one by now.
    """
    wanted = is_loopback(settings.host) if settings.intercept is None else settings.intercept
    if not wanted:
        return None
    if settings.intercept_port is not None:
        return open_socket(LOOPBACK, settings.intercept_port, "--intercept-port")
    try:
        return open_socket(LOOPBACK, settings.port + 1)
    except (CommandError, OverflowError):  # it is somebody else's, or beyond the last one
        return open_socket(LOOPBACK, 0)


def url_of(sock: socket.socket, scheme: str = "http") -> str:
    """Return the URL under which this machine reaches the socket; 0.0.0.0 and :: are reached over loopback."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
