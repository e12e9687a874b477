"""A listener's certificate: loaded when it is needed, looked at again, and kept where the newer one is of no use."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from rushes.intercept.authority import ensure
from rushes.intercept.contexts import LOOK_AGAIN_S, Chain, Contexts


def shown(context: ssl.SSLContext, authority: Path) -> bool:
    """Whether the certificate that the context shows comes from this authority; a handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = ssl.create_default_context(cafile=str(authority)).wrap_bio(
        to_client, to_server, server_hostname="localhost"
    )
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return client.getpeercert() is not None


def test_a_newer_certificate_is_shown_after_half_a_day_and_a_broken_one_never(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = ensure(tmp_path / "old"), ensure(tmp_path / "new")
    lies, now, looks = [old.certificate], [0.0], [0]

    def chain() -> Chain:
        looks[0] += 1
        return str(lies[0]), str(lies[0].with_suffix(".key"))

    contexts = Contexts(chain, clock=lambda: now[0])

    def current(at: float) -> ssl.SSLContext:
        now[0] = at
        return asyncio.run(contexts.current())

    assert looks == [0], "nothing is loaded before somebody needs it"
    first = current(0.0)
    lies[0] = new.certificate
    assert current(LOOK_AGAIN_S - 1) is first
    assert (looks, shown(first, old.authority)) == ([1], True)
    assert current(LOOK_AGAIN_S) is first, "listeners hold it"
    assert (looks, shown(first, new.authority), shown(first, old.authority)) == ([2], True, False)
    lies[0] = tmp_path / "gone.pem"
    assert current(2 * LOOK_AGAIN_S) is first
    assert shown(first, new.authority)
    lies[0] = tmp_path / "half.pem"  # as where a renewal has written the certificate and not its key yet
    lies[0].write_bytes(old.certificate.read_bytes())
    lies[0].with_suffix(".key").write_bytes(new.certificate_key.read_bytes())
    assert current(3 * LOOK_AGAIN_S) is first
    assert shown(first, new.authority)
    assert "stays" in caplog.text


def test_a_key_behind_a_password_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    paths = ensure(tmp_path)
    key = serialization.load_pem_private_key(paths.certificate_key.read_bytes(), None)
    hidden = serialization.BestAvailableEncryption(b"secret")
    (tmp_path / "hidden.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    )
    contexts = Contexts(lambda: (str(paths.certificate), str(tmp_path / "hidden.key")))
    with pytest.raises(ssl.SSLError):
        asyncio.run(contexts.current())


def test_a_first_certificate_of_no_use_is_said_each_time(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("no certificate")
    contexts = Contexts(lambda: (str(tmp_path / "a.pem"), None))
    for _ in range(2):
        with pytest.raises(OSError, match="PEM"):
            asyncio.run(contexts.current())
