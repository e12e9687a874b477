"""The cryptography behind content credentials: an authority, the certificate that it gives, ES256 signatures.

The only file of the station that loads the cryptography; where keys lie and when they are made is `credentials`'
business. The certificate follows the C2PA profile for claim signing: version 3, P-256, digital signatures only, and
both purposes that readers look for, since older ones know only the first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

# Nobody outside vouches for when something was signed, so a signature counts for as long as the certificate does.
LIFETIME = timedelta(days=30 * 365)
_CLOCKS_DIFFER = timedelta(days=1)
_CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")  # c2pa-kp-claimSigning
_PURPOSES = (
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ObjectIdentifier("1.3.6.1.5.5.7.3.36"),  # id-kp-documentSigning, RFC 9336
    _CLAIM_SIGNING,
)
_P256_BYTES = 32


class Made(NamedTuple):
    """What was made, as PEM."""

    authority: bytes
    authority_key: bytes
    certificate: bytes
    key: bytes


class SigningKey:
    """A private key with the certificates that say whose it is."""

    def __init__(self, private: ec.EllipticCurvePrivateKey, certificates: tuple[x509.Certificate, ...]) -> None:
        self._private = private
        # Whoever checks has the root or has not; one that comes along proves nothing.
        sent = [one for one in certificates if one.subject != one.issuer] or list(certificates[:1])
        self.chain = "".join(_pem(one).decode() for one in sent)

    @classmethod
    def read(cls, certificates: bytes, key: bytes, now: datetime) -> SigningKey:
        """Read PEM. Raises ValueError that says what is wrong with it."""
        chain = _read_certificates(certificates)
        private = _read_key(key)
        if chain[0].public_key() != private.public_key():
            raise ValueError("the certificate is not the key's; the first certificate in the file must be")
        _check(chain[0], now)
        return cls(private, chain)

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature (r, then s: RFC 9053, 2.1)."""
        r, s = decode_dss_signature(self._private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")


def make(now: datetime) -> Made:
    """Make an authority and a certificate of it; their names say nothing of the machine, since strangers read them."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]
    issuer = _name(f"Rushes authority {mark}")
    authority = (
        _begun(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _begun(_name(f"Rushes server {mark}"), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return Made(_pem(authority), _key_pem(authority_key), _pem(certificate) + _pem(authority), _key_pem(key))


def _check(certificate: x509.Certificate, now: datetime) -> None:
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        raise ValueError(f"the certificate counts from {since:%Y-%m-%d} to {until:%Y-%m-%d}, which is not now")
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    if not set(_PURPOSES) & set(purposes):
        allowed = ", ".join(one.dotted_string for one in _PURPOSES)
        raise ValueError(
            f"the certificate is not made for signing content; its extended key usage needs one of {allowed}"
        )


def _read_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise ValueError(f"no certificate in PEM: {error}") from error


def _read_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise ValueError(f"no private key in PEM that can be read without a password: {error}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        kind = private.curve.name if isinstance(private, ec.EllipticCurvePrivateKey) else type(private).__name__
        raise ValueError(f"expected a key on the curve P-256 (ES256), got {kind}")
    return private


def _begun(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Rushes"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
