"""What is told apart on the wire: never arrived, may have arrived, of no use to repeat; and what an error may show."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from rushes.engines.vendor.contract import Link, Part, Request
from rushes.engines.vendor.wire import Unanswered, Undelivered, Wire
from tests.engines.vendor.scripted import host, said


def nothing() -> None: ...


def test_nobody_there_means_that_nothing_arrived() -> None:
    with pytest.raises(Unanswered) as caught:
        Wire("http://127.0.0.1:9").ask(Request("POST", "http://127.0.0.1:9/x", json={}), nothing)
    assert (caught.value.sent, caught.value.final) == (False, False)


def test_a_line_that_breaks_may_have_brought_it() -> None:
    with host(None) as at, pytest.raises(Unanswered) as caught:
        Wire(at.url).ask(Request("POST", f"{at.url}/x", json={}), nothing)
    assert (caught.value.sent, caught.value.final) == (True, False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://10.0.0.1/x", "ftp://x/y", "http://[", ""])
def test_an_address_that_must_not_be_asked_is_refused_for_good(url: str) -> None:
    with host(said()) as at, pytest.raises(Unanswered) as caught:
        Wire(at.url).ask(Request("GET", url), nothing)
    assert (caught.value.sent, caught.value.final, at.asked) == (False, True, [])


@pytest.mark.parametrize("value", ["secret\r\nx: y", "secret\x00", "secret\n"])
def test_a_header_that_is_none_is_not_shown(value: str) -> None:
    with host(said()) as at, pytest.raises(Unanswered) as caught:
        Wire(at.url).ask(Request("GET", f"{at.url}/x", {"authorization": value}), nothing)
    assert "secret" not in str(caught.value)
    assert at.asked == []


def test_an_answer_beyond_all_bounds_is_not_read_on() -> None:
    with host(said(b"x" * 1_001)) as at, pytest.raises(Unanswered) as caught:
        Wire(at.url, most_answer_bytes=1_000).ask(Request("GET", f"{at.url}/x"), nothing)
    assert (caught.value.sent, caught.value.final) == (True, True)


def test_a_result_beyond_all_bounds_is_not_brought(tmp_path: Path) -> None:
    with host(said(b"x" * 1_001)) as at, pytest.raises(Undelivered) as caught:
        Wire(at.url, most_bytes=1_000).download(Link(f"{at.url}/x"), tmp_path / "x", nothing)
    assert caught.value.final


def test_the_key_goes_along_to_the_apis_own_host_only(tmp_path: Path) -> None:
    with host(said(b"film")) as there, host(said(b"", 302, location=f"{there.url}/film?signed=1")) as at:
        wire = Wire(at.url, allowed=(ip_network("127.0.0.0/8"),))
        wire.download(Link(f"{at.url}/result", {"authorization": "secret"}), tmp_path / "x", nothing)
    assert b"secret" in at.whole[0]
    assert b"secret" not in there.whole[0]


def test_what_is_signed_in_an_address_is_not_shown(tmp_path: Path) -> None:
    with host(said(b"", 404)) as at, pytest.raises(Undelivered) as caught:
        Wire(at.url).download(Link(f"{at.url}/film?signature=hush"), tmp_path / "x", nothing)
    assert caught.value.status == 404
    assert "hush" not in str(caught.value)


def test_a_form_has_its_texts_and_files() -> None:
    form: dict[str, str | Part] = {"prompt": "a boat", "image": Part(b"bytes", "image.png", "image/png")}
    with host(said()) as at:
        Wire(at.url).ask(Request("POST", f"{at.url}/x", form=form), nothing)
    assert b'name="prompt"\r\n\r\na boat' in at.whole[0]
    assert b'filename="image.png"\r\nContent-Type: image/png\r\n\r\nbytes' in at.whole[0]


@contextmanager
def one_that_stops_reading() -> Iterator[str]:
    """Take a connection and a little of its request, and nothing more."""
    over = threading.Event()
    sock = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = sock.accept()
        with connection:
            connection.recv(1_000)
            over.wait(30)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    over.set()
    thread.join(10)
    sock.close()


@pytest.mark.parametrize(("size", "sent"), [(64 * 1024 * 1024, False), (10, True)])
def test_of_a_request_that_was_taken_by_half_nothing_can_have_arrived(size: int, sent: bool) -> None:
    with one_that_stops_reading() as url, pytest.raises(Unanswered, match="fewer than 1 bytes") as caught:
        Wire(url).ask(Request("POST", url, content=b"x" * size), lambda: None, total_s=30, stall_s=0.3)
    assert caught.value.sent is sent
