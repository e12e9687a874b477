"""What is spoken on which socket: https with a local or an own certificate, plain http inside, the proxy's port."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.cli.listeners import open_listeners
from rushes.cli.problem import CommandError
from rushes.intercept.authority import ensure
from rushes.settings import Settings
from tests.cli.words import rushes

KEY = "my:own"


@contextmanager
def serving(data: Path, *words: str) -> Iterator[dict[str, Any]]:
    """Yield what a server's ready line told."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rushes", "serve", "--port", "0", "--data", str(data), "--json", *words],
        env={**os.environ, "RUSHES_KEY": KEY, "RUSHES_TEST_ENDPOINTS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(timeout=10)


def ask(port: int, host: str, authority: Path, path: str) -> tuple[str, str]:
    """Call a host by its name, though the name leads to loopback: recipe U2 without a hosts file."""
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Key {KEY}\r\nContent-Length: 2\r\n"
        tls.sendall(f"{head}Connection: close\r\n\r\n{{}}".encode())
        answer = b""
        while more := tls.recv(65_536):
            answer += more
    status, _, body = answer.decode().partition("\r\n\r\n")
    return status.split("\r\n")[0], body


@pytest.mark.acceptance
def test_fals_names_are_answered_over_tls_and_jobs_are_done(tmp_path: Path) -> None:
    with serving(tmp_path, "--tls") as told:
        assert told["url"].startswith("https://127.0.0.1:")
        port, authority = int(told["url"].rpartition(":")[2]), tmp_path / "tls" / "ca.pem"
        for host in ("queue.fal.run", "queue.falrun.com"):
            status, body = ask(port, host, authority, "/rushes/echo")
            assert status == "HTTP/1.1 200 OK"
            assert json.loads(body)["status_url"].startswith(f"https://{host}/rushes/echo/requests/")
        for host in ("fal.run", "falrun.com"):
            assert ask(port, host, authority, "/rushes/echo") == ("HTTP/1.1 200 OK", '{"payload":null}')
        status, body = ask(port, "rest.fal.ai", authority, "/storage/upload/initiate")
        assert json.loads(body)["upload_url"].startswith("https://rest.fal.ai/files/")


@pytest.mark.acceptance
def test_our_command_trusts_what_ssl_cert_file_names(tmp_path: Path) -> None:
    with serving(tmp_path, "--tls") as told:
        environment = {"RUSHES_URL": told["url"], "RUSHES_KEY": KEY}
        trusting = {**environment, "SSL_CERT_FILE": str(tmp_path / "tls" / "bundle.pem")}
        assert rushes("voices", "--json", environment=trusting).returncode == 0
        refused = rushes("voices", environment={**environment, "SSL_CERT_FILE": ""})
        assert (refused.returncode, "certificate verify failed" in refused.stderr) == (1, True)
        exports = rushes("env", "--data", str(tmp_path), environment={"RUSHES_KEY": KEY}).stdout
        assert "NODE_EXTRA_CA_CERTS=" in exports


@pytest.mark.acceptance
def test_a_certificate_of_one_s_own_is_served(tmp_path: Path) -> None:
    own = ensure(tmp_path / "own", ["studio.example"])
    words = ("--tls-cert", str(own.certificate), "--tls-key", str(own.certificate_key), "--tls-names", "studio.example")
    with serving(tmp_path / "data", *words) as told:
        assert told["url"].startswith("https://studio.example:")
        port = int(told["url"].rpartition(":")[2])
        assert ask(port, "studio.example", own.authority, "/run/rushes/echo")[0] == "HTTP/1.1 200 OK"
    assert not (tmp_path / "data" / "tls").exists(), "nobody asked for the local authority"


@pytest.mark.acceptance
def test_without_tls_there_is_no_authority_until_it_is_needed(tmp_path: Path) -> None:
    with serving(tmp_path) as told:
        assert httpx2.get(f"{told['url']}/health", trust_env=False).status_code == 200
        assert (tmp_path / "proxy").read_text() == told["proxy"] + "\n"
        assert not (tmp_path / "tls").exists()
    assert not (tmp_path / "proxy").exists()


@pytest.mark.acceptance
def test_a_server_without_the_proxy_says_so_and_env_too(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-intercept") as told:
        assert told["proxy"] is None
        text = rushes("env", "--data", str(tmp_path), environment={"RUSHES_KEY": KEY}).stdout
        assert "HTTPS_PROXY" not in text
        assert "no intercepting proxy" in text


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--tls-cert", "nothing.pem"], "cannot serve https with the certificate nothing.pem: No such file"),
        (["--tls-cert", "broken.pem"], "broken.pem: it is no certificate in PEM with its unencrypted key"),
        (["--tls-key", "some.key"], "tls_key: a key without a certificate"),
        (["--tls", "--tls-names", "a b"], "'a b' is no name for a certificate"),
    ],
)
def test_a_certificate_of_no_use_is_one_line(tmp_path: Path, words: list[str], complaint: str) -> None:
    (tmp_path / "broken.pem").write_text("nonsense")
    done = rushes("serve", "--port", "0", "--data", str(tmp_path / "data"), *words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def closed(**given: Any) -> tuple[str, str | None, bool]:
    """Open, close, and tell URL, proxy, and whether callers have a socket of their own."""
    listeners = open_listeners(Settings(**given))
    try:
        return listeners.url, listeners.proxy_url, listeners.plain is not listeners.callers
    finally:
        for sock in {listeners.callers, listeners.plain, listeners.proxy} - {None}:
            assert sock is not None
            sock.close()


def test_the_proxy_is_the_next_port_if_that_is_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        url, proxy, _ = closed(data=tmp_path, port=port - 1)
        assert url == f"http://127.0.0.1:{port - 1}"
        assert proxy not in (None, f"http://127.0.0.1:{port}")
        with pytest.raises(
            CommandError, match=f"port {port} on 127.0.0.1 is in use; choose another with --intercept-port"
        ):
            closed(data=tmp_path, port=0, intercept_port=port)
    assert closed(data=tmp_path, port=port - 1)[1] == f"http://127.0.0.1:{port}"
    assert closed(data=tmp_path, port=65_535)[1] is not None


def test_beyond_loopback_needs_tls_and_has_no_proxy_unless_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="serve https with --tls"):
        closed(data=tmp_path, host="0.0.0.0", port=0)
    url, proxy, apart = closed(data=tmp_path, host="0.0.0.0", port=0, tls=True)
    assert url.startswith("https://127.0.0.1:")
    assert (proxy, apart) == (None, True)
    assert (closed(data=tmp_path, host="0.0.0.0", port=0, tls=True, intercept=True)[1] or "").startswith("http://127.")
