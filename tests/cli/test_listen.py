"""Which addresses are allowed, and what the socket is."""

import socket

import pytest

from rushes.cli.listen import check_reach, is_loopback, open_socket, url_of
from rushes.cli.problem import CommandError
from rushes.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_loopback_needs_no_proxy(host: str) -> None:
    assert is_loopback(host)
    check_reach(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "studio.example"])
def test_beyond_loopback_needs_a_proxy_that_speaks_tls(host: str) -> None:
    with pytest.raises(CommandError, match="--behind-proxy"):
        check_reach(Settings(host=host))
    check_reach(Settings(host=host, behind_proxy=True))


def test_port_0_takes_a_free_one_and_the_url_names_it() -> None:
    with open_socket("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        assert url_of(sock) == f"http://127.0.0.1:{port}"
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            pass  # it listens from the start


def test_a_port_in_use_says_what_to_do() -> None:
    with open_socket("127.0.0.1", 0) as sock, pytest.raises(CommandError, match="in use; choose another with --port"):
        open_socket("127.0.0.1", sock.getsockname()[1])


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(CommandError, match="cannot listen on"):
        open_socket(host, 0)
