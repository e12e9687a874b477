"""How long a peer may take, and who is called at all; what travels over connections is their users' to test."""

import socket
import time
from ipaddress import ip_network

import pytest

from rushes.outbound.addresses import Address
from rushes.outbound.connection import CheckedBackend, Patience, Refused, TooSlow, Unresolved, resolve


def patience(total_s: float = 60.0, stall_s: float = 60.0) -> Patience:
    return Patience(total_s, stall_s, 1_000, lambda: None)


def test_time_in_all_and_time_without_enough_bytes_are_told_apart() -> None:
    with pytest.raises(TooSlow, match="longer than the 0 s"):
        patience(total_s=0).slice_s()
    slow = patience(stall_s=0)
    slow.received(999)
    with pytest.raises(TooSlow, match="fewer than 1000 bytes in 0 s"):
        slow.slice_s()


def test_a_wait_is_short_and_never_none_at_all() -> None:
    assert 0 < patience(total_s=0.5).slice_s() <= 0.25
    assert patience(total_s=0.0005).slice_s() == 0.001


def test_enough_bytes_or_a_new_connection_begin_a_new_window() -> None:
    one, other = patience(), patience()
    for window in (one, other):
        window._since -= 59.9
    one.received(600)
    one.received(400)
    other.restart()
    assert one.slice_s() == other.slice_s() == 0.25


def test_whoever_ticks_ends_a_wait() -> None:
    def tick() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Patience(60, 60, 1, tick).slice_s()


@pytest.mark.parametrize("host", ["localhost", "::1", "0x7f000001"])
def test_no_socket_is_opened_to_an_address_of_this_machine(host: str) -> None:
    with pytest.raises(Refused, match="a loopback address"):
        CheckedBackend((), patience()).connect_tcp(host, 9)


@pytest.mark.parametrize("error", [OSError("no such name"), ValueError("embedded null byte"), None])
def test_a_name_without_an_address_is_unresolved(error: Exception | None) -> None:
    def resolver(host: str, port: int) -> list[Address]:
        if error is not None:
            raise error
        return []

    with pytest.raises(Unresolved, match=r"'a\.example' could not be resolved"):
        CheckedBackend((), patience(), resolver).connect_tcp("a.example", 80)


def test_the_systems_resolver_names_each_address_once() -> None:
    found = resolve("localhost", 80)
    assert found
    assert len(found) == len(set(found))


def test_what_a_peer_takes_begins_a_new_window_so_that_a_slow_line_is_no_stall() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        peers: list[socket.socket] = []

        def answer() -> None:
            if peers and time.monotonic() > began + 1.02:
                peers[0].sendall(b"taken")

        waits = Patience(60.0, 1.0, 1_000, answer)
        began = time.monotonic()
        stream = CheckedBackend((ip_network("127.0.0.0/8"),), waits).connect_tcp("127.0.0.1", there.getsockname()[1])
        time.sleep(0.8)
        stream.write(b"x" * 1_000)
        assert not waits.has_asked
        with there.accept()[0] as peer:
            peers.append(peer)
            assert (stream.read(5), waits.has_asked) == (b"taken", True)
        stream.close()
