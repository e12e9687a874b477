"""Fetching by URL: a real server on loopback that plays every trick, and a resolver passed in."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest

from rushes.errors import ModelError
from rushes.media.download import DownloadLimits, Fetched, fetch
from rushes.outbound.addresses import Address
from rushes.outbound.targets import shown

CERTIFICATE = Path(__file__).parent / "pictures.test.pem"  # self-signed, with its key, for this name only
LOC = ("body", "image_url")
LOOPBACK = (ip_network("127.0.0.0/8"),)
BODY = b"\x89PNG" + bytes(range(256)) * 40

Answer = Callable[[socket.socket, str, Event], None]


class Server:
    """A server of raw bytes: `answers` maps a path to what writes its answer; `asked` holds the requests."""

    def __init__(self, server_tls: Path | None = None) -> None:
        self.greeting = b""
        self.named: list[str | None] = []
        self._tls: ssl.SSLContext | None = None
        if server_tls is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(server_tls)
            self._tls.sni_callback = lambda _, name, __: self.named.append(name)
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.closing = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while not self.closing.is_set():
            peer, _ = self._listener.accept()
            if self.closing.is_set():
                peer.close()
                return
            thread = Thread(target=self._answer, args=(peer,))
            self._threads.append(thread)
            thread.start()

    def _answer(self, peer: socket.socket) -> None:
        try:
            with peer if self._tls is None else self._tls.wrap_socket(peer, server_side=True) as stream:
                stream.sendall(self.greeting)
                request = _read_request(stream)
                if request:
                    self.asked.append(request)
                    path = request.split()[1].partition("?")[0]
                    self.answers[path](stream, path, self.closing)
        except OSError:
            return  # the client hung up, which is what it is here to do

    def close(self) -> None:
        self.closing.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()


def _read_request(stream: socket.socket) -> str:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        more = stream.recv(4096)
        if not more:
            return ""
        request += more
    return request.decode()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    running.answers["/picture.png"] = sends(head(f"Content-Type: Image/PNG; q=1\r\nContent-Length: {len(BODY)}") + BODY)
    yield running
    running.close()


def head(headers: str = "", status: str = "200 OK") -> bytes:
    return "\r\n".join(filter(None, (f"HTTP/1.1 {status}", headers, "Connection: close"))).encode() + b"\r\n\r\n"


def sends(data: bytes) -> Answer:
    def answer(peer: socket.socket, path: str, closing: Event) -> None:
        peer.sendall(data)

    return answer


def redirects(to: str) -> Answer:
    return sends(head(f"Location: {to}\r\nContent-Length: 0", "302 Found"))


def drips(first: bytes, drop: bytes, every_s: float) -> Answer:
    def answer(peer: socket.socket, path: str, closing: Event) -> None:
        peer.sendall(first)
        while not closing.wait(every_s):
            peer.sendall(drop)

    return answer


def get(
    url: str,
    tmp_path: Path,
    limits: DownloadLimits | None = None,
    tick: Callable[[], None] = lambda: None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> Fetched:
    known = names or {}

    def resolver(host: str, port: int) -> list[Address]:
        if host not in known:
            raise OSError("no such name")
        return [ip_address(text) for text in known[host]]

    return fetch(url, tmp_path / "input", limits or DownloadLimits(1_000_000, allowed=LOOPBACK), LOC, tick, resolver)


@contextmanager
def refused(tmp_path: Path, *says: str, kind: str = "file_download_error") -> Iterator[None]:
    with pytest.raises(ModelError) as caught:
        yield
    (problem,) = caught.value.problems
    assert (problem.type, problem.loc) == (kind, LOC)
    for word in says:
        assert word in problem.msg, problem.msg
    assert not (tmp_path / "input").exists()


def test_a_file_is_fetched_with_its_type_and_size(server: Server, tmp_path: Path) -> None:
    fetched = get(f"{server.url}/picture.png", tmp_path)
    assert fetched == Fetched(tmp_path / "input", len(BODY), "image/png")
    assert fetched.path.read_bytes() == BODY
    assert "accept-encoding: identity" in server.asked[0].lower()


def test_a_name_is_resolved_once_and_sent_as_host(server: Server, tmp_path: Path) -> None:
    looked_up: list[str] = []

    def rebinding(host: str, port: int) -> list[Address]:
        looked_up.append(host)
        return [ip_address("127.0.0.1" if len(looked_up) == 1 else "10.0.0.1")]

    limits = DownloadLimits(1_000_000, allowed=LOOPBACK)
    fetch(f"http://pictures.test:{server.port}/picture.png", tmp_path / "input", limits, LOC, resolver=rebinding)
    assert looked_up == ["pictures.test"]
    assert f"Host: pictures.test:{server.port}" in server.asked[0]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::1]",
        "[::1%25lo]",
        "１２７.0.0.1",
        "127。0。0。1",
        "0",
        "user:secret@127.0.0.1",
        "example.com@127.0.0.1",
        "localhost.test",
        "LOCALHOST.TEST.",
        "mixed.test",
        "metadata.test",
        "169.254.169.254",
    ],
)
def test_no_spelling_leads_to_an_address_that_is_not_public(host: str, server: Server, tmp_path: Path) -> None:
    names = {
        "localhost.test": ["127.0.0.1"],
        "mixed.test": ["93.184.215.14", "127.0.0.1"],
        "metadata.test": ["fd00:ec2::254"],
    }
    with refused(tmp_path, "which this server does not fetch from", "RUSHES_ALLOW_ADDRESSES="):
        get(f"http://{host}:{server.port}/picture.png", tmp_path, DownloadLimits(1000), names=names)
    assert server.asked == []


@pytest.mark.parametrize(
    "host",
    ["127.2", "0x7f.2", "2130706434", "[::ffff:127.0.0.2]", "user@127.0.0.2", "0", "169.254.169.254", "inside.test"],
)
@pytest.mark.parametrize("scheme", ["http:", "https:", ""])
def test_no_redirect_leads_there_either(host: str, scheme: str, server: Server, tmp_path: Path) -> None:
    server.answers["/go"] = redirects(f"{scheme}//{host}:{server.port}/picture.png")
    only_the_server = DownloadLimits(1000, allowed=(ip_network("127.0.0.1/32"),))
    with refused(tmp_path, "which this server does not fetch from"):
        get(f"{server.url}/go", tmp_path, only_the_server, names={"inside.test": ["10.0.0.1"]})
    assert len(server.asked) == 1


def test_the_refusal_says_what_it_is_and_who_can_change_it(tmp_path: Path) -> None:
    says = "http://127.0.0.1:9/ leads to 127.0.0.1, a loopback address, which this server does not fetch from"
    with refused(tmp_path, says, "RUSHES_ALLOW_ADDRESSES=127.0.0.0/8"):
        get("http://127.0.0.1:9/", tmp_path, DownloadLimits(1000))


def test_user_and_password_of_a_url_go_to_its_own_host_and_no_further(server: Server, tmp_path: Path) -> None:
    other = Server()
    other.answers["/there.png"] = server.answers["/picture.png"]
    server.answers["/on"] = redirects(f"{other.url}/there.png")
    server.answers["/here"] = redirects("/picture.png")
    where = server.url.replace("//", "//us%3Aer:p%40ss@")
    try:
        for path in ("/on", "/here"):
            fetch(f"{where}{path}", tmp_path / "x", DownloadLimits(10_000_000, allowed=LOOPBACK), LOC)
    finally:
        other.close()
    sent = "Authorization: Basic dXM6ZXI6cEBzcw=="
    assert [sent in request for request in server.asked] == [True, True, True]
    assert not any("uthorization" in request for request in other.asked)


def test_redirects_are_followed_up_to_five(server: Server, tmp_path: Path) -> None:
    for number in range(7):
        server.answers[f"/{number}"] = redirects(f"/{number + 1}")
    server.answers["/5"] = sends(head("Content-Length: 2") + b"ok")
    assert get(f"{server.url}/0", tmp_path).size_bytes == 2
    server.answers["/5"] = redirects("/6")
    with refused(tmp_path, "redirected more than 5 times"):
        get(f"{server.url}/0", tmp_path)


@pytest.mark.parametrize(
    ("location", "says"),
    [("file:///etc/passwd", "'file'"), ("ftp://a/b", "'ftp'"), ("http://[::1", "not a URL"), ("http://:8/", "no host")],
)
def test_redirects_lead_to_http_only(location: str, says: str, server: Server, tmp_path: Path) -> None:
    server.answers["/go"] = redirects(location)
    with refused(tmp_path, says):
        get(f"{server.url}/go", tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "picture.png",
        "file:///etc/passwd",
        "ftp://a.test/b",
        "gopher://a.test/",
        "http://",
        "http:///x",
        "//a.test/b",
        "http://a.test:99999/",
        "http://a.test:0/",
        "http://[::1/",
        "javascript:alert(1)",
        "http://" + "a" * 300 + ".test/",
        "http://a.test/" + "x" * 20_000,
        "http://a\x00b.test/",
        "http://exa mple.test/",
        "http://.../",
    ],
)
def test_what_is_no_web_address_is_refused_helpfully(url: str, tmp_path: Path) -> None:
    with refused(tmp_path):
        get(url, tmp_path)


@pytest.mark.parametrize("url", ["", " \n"])
def test_an_empty_url_is_called_so(url: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        get(url, tmp_path)
    assert caught.value.problems[0].msg.startswith("the URL is empty; give ")


def test_statuses_are_told(server: Server, tmp_path: Path) -> None:
    server.answers["/gone"] = sends(head("Content-Length: 0", "404 Not Found"))
    with refused(tmp_path, f"{server.url}/gone?… answered 404 Not Found"):
        get(f"{server.url}/gone?token=secret", tmp_path)
    server.answers["/odd"] = sends(head("Content-Length: 0", "299 Odd"))
    with refused(tmp_path, "answered 299"):
        get(f"{server.url}/odd", tmp_path)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (head("Content-Length: 99999999999"), "file_too_large", "99999999999 bytes"),
        (head("Transfer-Encoding: chunked") + b"1f40\r\n" + bytes(8000), "file_too_large", "at most 5000"),
        (head() + bytes(8000), "file_too_large", "at most 5000"),
        (head("Content-Length: 100") + b"short", "file_download_error", "broke off"),
        (head("Transfer-Encoding: chunked") + b"zz\r\n", "file_download_error", "did not speak HTTP"),
        (head("Content-Length: -1") + b"x", "file_download_error", "did not speak HTTP"),
        (head("Content-Length: 0"), "file_download_error", "empty"),
        (head("Content-Encoding: gzip\r\nContent-Length: 3") + b"abc", "file_download_error", "compressed"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "file_download_error", "did not speak HTTP"),
        (b"", "file_download_error", "broke off"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "file_download_error", "did not speak HTTP"),
    ],
)
def test_bad_answers_are_told_apart(answer: bytes, kind: str, says: str, server: Server, tmp_path: Path) -> None:
    server.answers["/bad"] = sends(answer)
    with refused(tmp_path, says, kind=kind):
        get(f"{server.url}/bad", tmp_path, DownloadLimits(5000, allowed=LOOPBACK))


def test_an_empty_content_encoding_is_none(server: Server, tmp_path: Path) -> None:
    server.answers["/plain"] = sends(head("Content-Encoding:\r\nContent-Length: 3") + b"abc")
    assert get(f"{server.url}/plain", tmp_path).size_bytes == 3


def test_too_large_names_the_limit_for_machines(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        get(f"{server.url}/picture.png", tmp_path, DownloadLimits(100, allowed=LOOPBACK))
    assert caught.value.problems[0].ctx == {"max_size": 100}


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX: ", head() + b"start"])
def test_dripping_defeats_neither_limit(first: bytes, server: Server, tmp_path: Path) -> None:
    server.answers["/drip"] = drips(first, b"x", 0.02)
    with refused(tmp_path, "took longer than the 0.4 s"):
        get(f"{server.url}/drip", tmp_path, DownloadLimits(10**6, total_s=0.4, allowed=LOOPBACK))
    with refused(tmp_path, "fewer than 1024 bytes in 0.3 s"):
        get(f"{server.url}/drip", tmp_path, DownloadLimits(10**6, total_s=9, stall_s=0.3, allowed=LOOPBACK))


def test_an_endless_body_ends_at_the_size_limit(server: Server, tmp_path: Path) -> None:
    server.answers["/endless"] = drips(head(), bytes(65_536), 0)
    with refused(tmp_path, kind="file_too_large"):
        get(f"{server.url}/endless", tmp_path)


def test_a_resolver_that_hangs_is_left_behind(tmp_path: Path) -> None:
    answered = Event()

    def hanging(host: str, port: int) -> list[Address]:
        answered.wait(5)
        return []

    with refused(tmp_path, "took longer than"):
        fetch("http://slow.test/", tmp_path / "input", DownloadLimits(10, total_s=0.2), LOC, resolver=hanging)
    answered.set()


class Stop(Exception):
    pass


def test_ticks_come_while_nothing_does_and_may_cancel(server: Server, tmp_path: Path) -> None:
    server.answers["/silent"] = drips(b"", b"", 0.05)
    ticks: list[float] = []

    def tick() -> None:
        ticks.append(time.monotonic())
        if len(ticks) > 4:
            raise Stop

    with pytest.raises(Stop):
        get(f"{server.url}/silent", tmp_path, tick=tick)
    assert max(later - earlier for earlier, later in pairwise(ticks)) < 1
    assert not (tmp_path / "input").exists()


def test_nobody_there_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with refused(tmp_path, "could not be reached", "refused"):
        get(f"http://127.0.0.1:{port}/", tmp_path)
    with refused(tmp_path, "'nowhere.test' could not be resolved"):
        get("http://nowhere.test/", tmp_path)


def test_the_next_address_is_tried_when_one_is_dead(server: Server, tmp_path: Path) -> None:
    names = {"two.test": ["127.0.0.2", "127.0.0.1"]}
    assert get(f"http://two.test:{server.port}/picture.png", tmp_path, names=names).size_bytes == len(BODY)


def test_proxies_of_the_environment_play_no_part(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(f"{server.url}/picture.png", tmp_path).size_bytes == len(BODY)


@pytest.fixture
def tls_server() -> Iterator[Server]:
    running = Server(server_tls=CERTIFICATE)
    running.answers["/x"] = sends(head("Content-Length: 2") + b"ok")
    yield running
    running.close()


def test_tls_is_checked_by_name_although_the_address_is_pinned(tls_server: Server, tmp_path: Path) -> None:
    def anywhere(host: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.1")]

    limits = DownloadLimits(100, total_s=5, allowed=LOOPBACK)
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    url = f"https://pictures.test:{tls_server.port}/x"
    assert fetch(url, tmp_path / "input", limits, LOC, resolver=anywhere, tls=trusting).size_bytes == 2
    assert tls_server.named == ["pictures.test"]
    (tmp_path / "input").unlink()
    with refused(tmp_path, "certificate is not valid", "Hostname mismatch"):
        fetch(url.replace("pictures", "other"), tmp_path / "input", limits, LOC, resolver=anywhere, tls=trusting)
    with refused(tmp_path, "certificate is not valid", "self-signed"):
        fetch(url, tmp_path / "input", limits, LOC, resolver=anywhere)


def test_a_server_that_never_shakes_hands_is_given_up(server: Server, tmp_path: Path) -> None:
    with refused(tmp_path, "took longer than"):
        get(f"https://127.0.0.1:{server.port}/", tmp_path, DownloadLimits(100, total_s=0.3, allowed=LOOPBACK))


def test_plain_http_behind_https_is_told(server: Server, tmp_path: Path) -> None:
    server.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with refused(tmp_path, "could not be reached: TLS failed"):
        get(f"https://127.0.0.1:{server.port}/", tmp_path)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://user:pass@a.test/x.png?sig=secret#frag", "https://a.test/x.png?…"),
        ("https://a.test/" + "x" * 200, "https://a.test/" + "x" * 84 + "…"),
        ("http://a.test/\n\x1b[31m", "http://a.test/��[31m"),
        ("no url", "no url"),
    ],
)
def test_messages_show_urls_without_secrets(url: str, text: str) -> None:
    assert shown(url) == text
