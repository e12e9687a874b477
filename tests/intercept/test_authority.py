"""The local authority: what it may vouch for, what lasts, and what two processes do to it at once."""

import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_IMODE

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rushes.intercept.authority import Paths, ensure, joined

HOSTS = [
    "fal.run",
    "queue.fal.run",
    "rest.fal.ai",
    "rest.alpha.fal.ai",
    "v3b.fal.media",
    "queue.falrun.com",
    "localhost",
]


def handshake(paths: Paths, name: str, certificate: Path | None = None, key: Path | None = None) -> None:
    """Shake hands in memory; raises ssl.SSLCertVerificationError where a client would refuse."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate or paths.certificate, key or paths.certificate_key)
    client = ssl.create_default_context(cafile=str(paths.authority))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = client.wrap_bio(to_client, to_server, server_hostname=name)
    here = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (there, here):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def signed_by_thief(paths: Paths, name: str) -> tuple[Path, Path]:
    """A leaf for `name`, made with the authority's stolen key."""
    authority = x509.load_pem_x509_certificate(paths.authority.read_bytes())
    stolen = serialization.load_pem_private_key(paths.authority_key.read_bytes(), password=None)
    assert isinstance(stolen, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .sign(stolen, hashes.SHA256())
    )
    certificate, private = paths.folder / "thief.pem", paths.folder / "thief.key"
    certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@pytest.mark.parametrize("name", [*HOSTS, "127.0.0.1", "::1"])
def test_it_vouches_for_fals_hosts_and_this_machine(tmp_path: Path, name: str) -> None:
    handshake(ensure(tmp_path), name)


def test_a_stolen_key_impersonates_nothing_else(tmp_path: Path) -> None:
    paths = ensure(tmp_path)
    handshake(paths, "more.fal.run", *signed_by_thief(paths, "more.fal.run"))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(paths, "bank.example", *signed_by_thief(paths, "bank.example"))


def test_keys_are_the_owner_s_and_the_folder_too(tmp_path: Path) -> None:
    paths = ensure(tmp_path / "data" / "tls")
    assert [S_IMODE(path.stat().st_mode) for path in (paths.authority_key, paths.certificate_key)] == [0o600, 0o600]
    assert S_IMODE(paths.folder.stat().st_mode) == 0o700


def test_what_is_good_is_kept(tmp_path: Path) -> None:
    ensure(tmp_path, ["studio.example"])
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ensure(tmp_path, ["studio.example"])
    ensure(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_a_leaf_is_renewed_a_month_early_by_the_same_authority(tmp_path: Path) -> None:
    paths = ensure(tmp_path)
    authority, leaf = paths.authority.read_bytes(), paths.certificate.read_bytes()
    ensure(tmp_path, now=lambda: datetime.now(UTC) + timedelta(days=360))
    assert paths.certificate.read_bytes() == leaf
    ensure(tmp_path, now=lambda: datetime.now(UTC) + timedelta(days=370))
    assert (paths.authority.read_bytes(), paths.certificate.read_bytes() != leaf) == (authority, True)
    ensure(tmp_path, now=lambda: datetime.now(UTC) + timedelta(days=3640))
    assert paths.authority.read_bytes() != authority
    assert paths.bundle.read_bytes().endswith(paths.authority.read_bytes())


def test_names_of_the_operator_s_are_covered_and_need_a_new_authority(tmp_path: Path) -> None:
    old = ensure(tmp_path).authority.read_bytes()
    paths = ensure(tmp_path, ["Studio.Example.", "*.film.example", "192.168.7.7"])
    assert paths.authority.read_bytes() != old
    for name in ("studio.example", "a.film.example", "192.168.7.7", *HOSTS):
        handshake(paths, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(paths, "192.168.7.8")


@pytest.mark.parametrize("name", ["", "a b", "..", "a..b", "-*-.x", "b*.c", "x" * 64, "ü.example", "http://x"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a certificate"):
        ensure(tmp_path, [name])


@pytest.mark.parametrize("broken", ["ca.key", "ca.pem", "server.key", "server.pem", "bundle.pem"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_what_is_lost_or_broken_is_made_anew(tmp_path: Path, broken: str, content: bytes | None) -> None:
    paths = ensure(tmp_path)
    if content is None:
        (tmp_path / broken).unlink()
    else:
        (tmp_path / broken).write_bytes(content)
    ensure(tmp_path)
    handshake(paths, "fal.run")
    assert paths.bundle.read_bytes().endswith(paths.authority.read_bytes())


def test_a_pair_that_does_not_fit_together_is_made_anew(tmp_path: Path) -> None:
    paths, other = ensure(tmp_path / "a"), ensure(tmp_path / "b")
    paths.authority_key.write_bytes(other.authority_key.read_bytes())  # a crash between the two files
    ensure(tmp_path / "a")
    handshake(paths, "fal.run")


def test_many_at_once_agree(tmp_path: Path) -> None:
    code = (
        f"from pathlib import Path; from rushes.intercept.authority import ensure; p = ensure(Path({str(tmp_path)!r}));"
    )
    code += "print(p.authority.read_bytes() + p.certificate.read_bytes())"

    def one(_: int) -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(4)))) == 1


def test_roots_of_one_s_own_are_joined_and_missing_ones_are_certifi_s(tmp_path: Path) -> None:
    paths = ensure(tmp_path / "tls")
    own = tmp_path / "corp.pem"
    own.write_text("CORP\n")
    text = joined(paths, str(own), paths.beside("SSL_CERT_FILE")).read_text()
    assert text.startswith("CORP\n")
    assert text.endswith(paths.authority.read_text())
    plain = joined(paths, str(tmp_path / "gone.pem"), paths.bundle).read_text()
    assert plain.startswith(Path(certifi.where()).read_text()[:1000])
    assert len(ssl.create_default_context(cafile=str(paths.bundle)).get_ca_certs()) > 100
