"""The proxy as clients meet it: fal's hosts end here, others pass untouched, and nobody can hold it up."""

import asyncio
import socket
import ssl
import struct
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import uvloop

from rushes.intercept.authority import ensure
from rushes.intercept.proxy import Proxy
from tests.intercept.live import Recorder, asked, echoing, proxying, read_head

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


def connect(host: str, port: int, more: str = "") -> str:
    return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{more}\r\n"


def rest_of(caller: socket.socket) -> bytes:
    answer = b""
    while more := caller.recv(65_536):
        answer += more
    return answer


def ended(caller: socket.socket) -> bool:
    try:
        return caller.recv(1) == b""
    except ConnectionResetError:
        return True


def client(proxy: tuple[str, int], folder: Path) -> httpx.Client:
    trusted = ssl.create_default_context(cafile=str(ensure(folder).authority))
    return httpx.Client(proxy=f"http://{proxy[0]}:{proxy[1]}", verify=trusted, trust_env=False)


def test_fals_hosts_are_answered_here_over_tls(tmp_path: Path) -> None:
    with proxying(tmp_path) as proxy, client(proxy, tmp_path) as http:
        for host in ("fal.run", "queue.fal.run", "rest.fal.ai", "v3.fal.media", "unknown.fal.ai"):
            answer = http.post(f"https://{host}/a/b", content=b"x" * 3_000_000).json()
            assert answer == {
                "host": host,
                "path": "/a/b",
                "bytes": 3_000_000,
                "scheme": "https",
                "state": {"came": "intercepted"},
            }


def test_a_request_right_behind_the_handshake_is_not_lost(tmp_path: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(ensure(tmp_path).authority))
    request = b"GET /x HTTP/1.1\r\nHost: fal.run\r\nConnection: close\r\n\r\n"
    with proxying(tmp_path) as proxy:
        for _ in range(20):
            with asked(proxy, connect("fal.run", 443)) as (caller, head):
                assert head == OPEN
                with trusted.wrap_socket(caller, server_hostname="fal.run") as tls:
                    tls.sendall(request)
                    assert rest_of_tls(tls).startswith(b"HTTP/1.1 200 OK")


def rest_of_tls(tls: ssl.SSLSocket) -> bytes:
    answer = b""
    while more := tls.recv(65_536):
        answer += more
    return answer


def test_other_hosts_pass_untouched_with_their_own_certificate(tmp_path: Path) -> None:
    theirs = ensure(tmp_path / "theirs")
    with (
        echoing(theirs.certificate, theirs.certificate_key) as (_, port),
        proxying(tmp_path / "ours") as proxy,
        asked(proxy, connect("localhost", port)) as (caller, head),
    ):
        assert head == OPEN
        trusted = ssl.create_default_context(cafile=str(theirs.authority))
        with trusted.wrap_socket(caller, server_hostname="localhost") as tls:
            sent = b"0123456789" * 500_000
            tls.settimeout(20)
            received = b""
            for start in range(0, len(sent), 50_000):
                tls.sendall(sent[start : start + 50_000])
                received += tls.recv(65_536)
            while len(received) < len(sent):
                received += tls.recv(65_536)
    assert received == sent
    assert not (tmp_path / "ours").exists(), "no authority was needed"


def test_one_side_may_end_before_the_other(tmp_path: Path) -> None:
    with echoing() as (host, port), proxying(tmp_path) as proxy, asked(proxy, connect(host, port)) as (caller, _):
        caller.sendall(b"all")
        caller.shutdown(socket.SHUT_WR)
        assert rest_of(caller) == b"all"


def test_data_that_came_with_the_head_is_passed_on(tmp_path: Path) -> None:
    with echoing() as (host, port), proxying(tmp_path) as proxy:
        with asked(proxy, connect(host, port) + "early") as (caller, head):
            assert head == OPEN
            assert caller.recv(5) == b"early"
        with asked(proxy, connect("fal.run", 443) + "early") as (_, head):
            assert head.startswith(b"HTTP/1.1 400 ")


def test_only_other_hosts_go_to_the_environment_s_proxy(tmp_path: Path) -> None:
    with echoing() as address:
        recorder = Recorder(to=address)
        with proxying(tmp_path, {"HTTPS_PROXY": recorder.url}) as proxy, client(proxy, tmp_path) as http:
            assert http.get("https://queue.fal.run/x").status_code == 200
            with asked(proxy, connect("elsewhere.example", 443)) as (caller, head):
                assert head == OPEN
                caller.sendall(b"hello")
                assert caller.recv(5) == b"hello"
            for host, port in (("fal.run", 80), ("rest.fal.ai", 8443)):
                with asked(proxy, connect(host, port)) as (_, head):
                    assert head.startswith(b"HTTP/1.1 403 ")
        recorder.close()
    assert [line.split("\r\n")[0] for line in recorder.asked] == ["CONNECT elsewhere.example:443 HTTP/1.1"]


def test_what_the_environment_s_proxy_refuses_is_said(tmp_path: Path) -> None:
    recorder = Recorder()
    with (
        proxying(tmp_path, {"HTTPS_PROXY": recorder.url}) as proxy,
        asked(proxy, connect("a.example", 443)) as (caller, head),
    ):
        assert head.startswith(b"HTTP/1.1 502 ")
        assert b"answered 403 for a.example:443" in rest_of(caller)
    recorder.close()


def test_what_the_environment_s_proxy_says_may_be_no_http(tmp_path: Path) -> None:
    with (
        echoing() as (host, port),
        proxying(tmp_path, {"HTTPS_PROXY": f"http://{host}:{port}"}) as proxy,
        asked(proxy, connect("a.example", 443)) as (caller, head),
    ):
        assert head.startswith(b"HTTP/1.1 502 ")
        assert b"gave no answer that can be understood" in rest_of(caller)


def test_one_who_is_gone_before_being_met_leaves_nothing() -> None:
    problems: list[object] = []

    async def meet() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
        sock = socket.create_server(("127.0.0.1", 0))
        gone = socket.create_connection(sock.getsockname())
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes with a reset
        gone.close()
        proxy = Proxy(sock, asyncio.Protocol, no_context, {})
        await proxy.start()
        await asyncio.sleep(0.1)
        await proxy.stop()

    uvloop.run(meet())  # which the server runs on, and which tells no address of one who is gone
    assert problems == []


async def no_context() -> ssl.SSLContext:
    raise OSError("nobody asks for it")


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with proxying(tmp_path) as proxy, asked(proxy, connect("127.0.0.1", port)) as (caller, head):
        assert head.startswith(b"HTTP/1.1 502 Bad Gateway")
        assert b"cannot reach 127.0.0.1" in rest_of(caller)


def test_it_does_not_tunnel_to_itself(tmp_path: Path) -> None:
    with proxying(tmp_path) as proxy:
        for host in ("127.0.0.1", "localhost"):
            with asked(proxy, connect(host, proxy[1])) as (_, head):
                assert head.startswith(b"HTTP/1.1 508 ")


def test_two_proxies_that_name_each_other_do_not_loop(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    with (
        proxying(tmp_path / "a", environment) as one,
        proxying(tmp_path / "b", {"HTTPS_PROXY": f"http://127.0.0.1:{one[1]}"}) as two,
    ):
        environment["HTTPS_PROXY"] = f"http://127.0.0.1:{two[1]}"
        with asked(one, connect("a.example", 443)) as (caller, head):
            assert head.startswith(b"HTTP/1.1 502 ")
            assert b"answered 502 for a.example:443" in rest_of(caller)
        with asked(two, connect("a.example", 443)) as (_, head):
            assert head.startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize("head", [b"", b"CONN", b"CONNECT fal.run:443 HTTP/1.1\r\nHost: f"])
def test_a_head_that_does_not_come_is_not_waited_for(tmp_path: Path, head: bytes) -> None:
    with proxying(tmp_path, head_s=0.2) as proxy, socket.create_connection(proxy, 5) as caller:
        caller.sendall(head)
        assert rest_of(caller).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    with proxying(tmp_path) as proxy, socket.create_connection(proxy, 5) as caller:
        sent = 0
        try:
            while sent < 64_000_000:
                sent += caller.send(b"CONNECT " + b"a" * 10_000)
        except OSError:
            pass
        assert sent < 64_000_000


def test_a_far_side_that_takes_nothing_is_sent_no_more(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        proxying(tmp_path) as proxy,
        asked(proxy, connect("127.0.0.1", deaf.getsockname()[1])) as (caller, head),
    ):
        assert head == OPEN
        caller.settimeout(0.5)
        sent = 0
        with suppress(TimeoutError):
            while sent < 256_000_000:  # far more than the system's own buffers hold
                sent += caller.send(bytes(1_000_000))
    assert sent < 256_000_000


def test_a_tunnel_in_which_nothing_happens_ends(tmp_path: Path) -> None:
    with (
        echoing() as (host, port),
        proxying(tmp_path, idle_s=0.3) as proxy,
        asked(proxy, connect(host, port)) as (caller, _),
    ):
        for _ in range(4):
            time.sleep(0.15)
            caller.sendall(b"x")
            assert caller.recv(1) == b"x"
        assert ended(caller)


def test_more_connections_than_it_holds_are_refused_and_come_again_later(tmp_path: Path) -> None:
    with proxying(tmp_path, most_callers=2) as proxy:
        waiting = [socket.create_connection(proxy, 5) for _ in range(2)]
        time.sleep(0.1)
        with socket.create_connection(proxy, 5) as third:
            assert rest_of(third).startswith(b"HTTP/1.1 503 ")
        for caller in waiting:
            caller.close()
        time.sleep(0.1)
        with asked(proxy, connect("fal.run", 443)) as (_, head):
            assert head == OPEN


def test_a_client_that_does_not_trust_us_breaks_off_and_nothing_stays(tmp_path: Path) -> None:
    with proxying(tmp_path) as proxy:
        for _ in range(3):
            with asked(proxy, connect("fal.run", 443)) as (caller, _), pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(caller, server_hostname="fal.run")
        with client(proxy, tmp_path) as http:
            assert http.get("https://fal.run/").status_code == 200


def test_a_folder_that_takes_no_authority_is_said_and_nothing_leaves(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file")
    recorder = Recorder()
    with (
        proxying(tmp_path / "tls", {"HTTPS_PROXY": recorder.url}) as proxy,
        asked(proxy, connect("fal.run", 443)) as (caller, head),
    ):
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"no certificate to answer with" in rest_of(caller)
    recorder.close()
    assert recorder.asked == []


def test_a_tunnel_that_is_open_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with echoing() as (host, port):
        with proxying(tmp_path) as proxy:
            caller = socket.create_connection(proxy, 5)
            caller.sendall(connect(host, port).encode())
            assert read_head(caller) == OPEN
            begun = time.monotonic()
        assert time.monotonic() - begun < 8
        caller.close()
