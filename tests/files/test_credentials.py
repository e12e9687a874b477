"""The key that results are signed with: made once, private, or given; and what is wrong with a bad one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from rushes.files.credentials import AUTHORITY, CERTIFICATE, MAX_CLAIM_BYTES, Credentials, claim_in
from rushes.files.es256 import make

CLAIM = b"\x84jSignature1 and so on"


def verify(chain: str, signature: bytes) -> None:
    public = x509.load_pem_x509_certificate(chain.encode()).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    public.verify(encode_dss_signature(r, s), CLAIM, ec.ECDSA(hashes.SHA256()))


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    Credentials(tmp_path / "p", time.time).check_given()
    assert not (tmp_path / "p").exists()


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    first = Credentials(folder, time.time)
    verify(first.chain, first.sign(claim_in(CLAIM)))
    assert Credentials(folder, time.time).chain == first.chain
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes["key.pem"] == modes["authority.key"] == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_certificate_comes_from_the_authority_and_is_for_signing_content(tmp_path: Path) -> None:
    chain = Credentials(tmp_path, time.time).chain
    certificate = x509.load_pem_x509_certificate(chain.encode())
    authority = x509.load_pem_x509_certificate((tmp_path / AUTHORITY).read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert chain.count("BEGIN") == 1  # the root proves nothing by coming along
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert "1.3.6.1.4.1.62558.2.1" in {one.dotted_string for one in purposes}


def test_two_servers_have_two_keys(tmp_path: Path) -> None:
    one, other = Credentials(tmp_path / "1", time.time), Credentials(tmp_path / "2", time.time)
    with pytest.raises(InvalidSignature):
        verify(one.chain, other.sign(claim_in(CLAIM)))


@pytest.mark.parametrize("data", [b"", b"anything", b"\x30\x82 a certificate", CLAIM + bytes(MAX_CLAIM_BYTES)])
def test_only_claims_are_signed(data: bytes) -> None:
    with pytest.raises(ValueError, match="claim"):
        claim_in(data)


def test_a_given_key_signs(tmp_path: Path) -> None:
    made = make(datetime.now(UTC))
    (tmp_path / "cert.pem").write_bytes(made.certificate)
    (tmp_path / "key.pem").write_bytes(made.key)
    (tmp_path / "both.pem").write_bytes(made.certificate + made.key)
    for certificate, key in (("cert.pem", tmp_path / "key.pem"), ("both.pem", None)):
        given = Credentials(tmp_path / "p", time.time, certificate=tmp_path / certificate, key=key)
        given.check_given()
        verify(given.chain, given.sign(claim_in(CLAIM)))
    assert not (tmp_path / "p").exists()


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (pem(ec.generate_private_key(ec.SECP256R1())), "not the key's"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "P-256 .* secp384r1"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "P-256 .* Ed25519"),
        (pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "password"),
        (b"nothing", "no private key"),
    ],
)
def test_a_given_key_that_is_no_good_is_told_at_once(key: bytes, says: str, tmp_path: Path) -> None:
    certificate, file = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(make(datetime.now(UTC)).certificate)
    file.write_bytes(key)
    with pytest.raises(ValueError, match=says):
        Credentials(tmp_path, time.time, certificate=certificate, key=file).check_given()


def test_a_missing_file_and_one_that_holds_no_certificate_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read .*nowhere\.pem"):
        Credentials(tmp_path, time.time, certificate=tmp_path / "nowhere.pem").check_given()
    (tmp_path / "odd.pem").write_text("odd")
    with pytest.raises(ValueError, match=r"odd\.pem.*no certificate"):
        Credentials(tmp_path, time.time, certificate=tmp_path / "odd.pem").check_given()


def test_a_certificate_that_is_over_or_for_something_else_is_told(tmp_path: Path) -> None:
    made = make(datetime(1990, 1, 1, tzinfo=UTC))
    (tmp_path / "old.pem").write_bytes(made.certificate + made.key)
    with pytest.raises(ValueError, match="1989-12-31 to"):
        Credentials(tmp_path, time.time, certificate=tmp_path / "old.pem").check_given()


def test_a_damaged_folder_says_what_to_do(tmp_path: Path) -> None:
    assert Credentials(tmp_path, time.time).chain
    (tmp_path / CERTIFICATE).write_text("cut short")
    with pytest.raises(ValueError, match="remove the folder"):
        _ = Credentials(tmp_path, time.time).chain
