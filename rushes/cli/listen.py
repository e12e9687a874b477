"""Where the server listens: which addresses are allowed, and the socket itself, opened before anything else is."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from rushes.cli.problem import CommandError
from rushes.settings import Settings

BACKLOG = 2048


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach that address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_reach(settings: Settings) -> None:
    """Refuse to be reachable from other machines over plain http, where every key would be readable on the way."""
    if not is_loopback(settings.host) and not settings.behind_proxy:
        raise CommandError(
            f"refusing to listen on {settings.host}: other machines could reach it, and keys would travel unencrypted. "
            "Listen on 127.0.0.1, or put a TLS proxy in front and pass --behind-proxy",
            exit_code=2,
        )


def open_socket(host: str, port: int) -> socket.socket:
    """Bind and listen at once, so that callers that come while the server still starts wait instead of failing."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}: {error.strerror}", exit_code=2) from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise CommandError(_why(host, port, error)) from error
    return sock


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with --port, or --port 0 for a free one"
    return f"cannot listen on {host} port {port}: {error.strerror}"


def url_of(sock: socket.socket) -> str:
    """Return the URL under which this machine reaches the socket; 0.0.0.0 and :: are reached over loopback."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
