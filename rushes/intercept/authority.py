"""The local certificate authority: made on first use in DATA/tls, able to vouch for fal's names and this machine only.

Its name constraints are critical, so that whoever steals the key can impersonate nothing else to those who trust it.
Several processes may ask at once: one makes what is missing, under a lock, and every file is replaced whole.

    ensure(folder) -> Paths        what is there and still good is kept; the rest is made anew
    joined(paths, roots, to)       roots and ours in one file, for clients that read one only
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rushes.gateway.hosts import DOMAINS

FOLDER = "tls"
AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=397)  # the longest that every client takes
RENEW_BEFORE = timedelta(days=30)
CLOCKS_DIFFER = timedelta(days=1)  # certificates count from a day ago

LOOPBACK_NETWORKS = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
# A star stands for one label only, and rest.alpha.fal.ai has two.
FALS_NAMES = (*(name for domain in DOMAINS for name in (domain, f"*.{domain}")), "*.alpha.fal.ai")
_PRIVATE = 0o600
_PUBLIC = 0o644

Key = ec.EllipticCurvePrivateKey
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of an authority's folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate: what Node and browsers add to their own."""
        return self.folder / "ca.pem"

    @property
    def authority_key(self) -> Path:
        """Its private key; nobody but the owner may read it."""
        return self.folder / "ca.key"

    @property
    def bundle(self) -> Path:
        """Public roots and ours, for clients whose SSL_CERT_FILE replaces what they trust."""
        return self.folder / "bundle.pem"

    def beside(self, variable: str) -> Path:
        """Ours behind the roots that a shell's variable named before."""
        return self.folder / f"{variable.lower()}.pem"

    @property
    def certificate(self) -> Path:
        """The server's certificate."""
        return self.folder / "server.pem"

    @property
    def certificate_key(self) -> Path:
        """The server's private key."""
        return self.folder / "server.key"


def _now() -> datetime:
    return datetime.now(UTC)


def ensure(folder: Path, names: Sequence[str] = (), now: Callable[[], datetime] = _now) -> Paths:
    """Return an authority in `folder` and a leaf for fal's names, this machine and `names`, all good for a month more.

    `names` are host names (a first label of `*` stands for any) and addresses. An authority that may not vouch for one
    of them is replaced, and has to be trusted anew. Raises OSError when the folder can't be written, ValueError for
    what is no name.
    """
    paths = Paths(folder)
    wanted = tuple(dict.fromkeys((*FALS_NAMES, *LOCAL_NAMES, *map(_plain, names))))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder):
        authority, key = _authority(paths, wanted, now())
        if not _leaf_is_good(paths, authority, wanted, now()):
            _make_leaf(paths, authority, key, wanted, now())
        # Ours stands last in the bundle, so that its end tells whether it is the one of now.
        if not paths.bundle.exists() or not paths.bundle.read_bytes().endswith(_pem(authority)):
            _write(paths.bundle, _bundle(authority, certifi.where()), _PUBLIC)
    return paths


def joined(paths: Paths, roots: str | None, to: Path) -> Path:
    """Write the certificates of the file `roots` (None: certifi's) and ours to `to`, and return it.

    A file that isn't there counts as none, as for those who read it. `ensure` must have been called.
    """
    with _alone(paths.folder):
        authority = x509.load_pem_x509_certificate(paths.authority.read_bytes())
        content = _bundle(authority, roots if roots and Path(roots).is_file() else certifi.where())
        if not to.exists() or to.read_bytes() != content:
            _write(to, content, _PUBLIC)
    return to


def _plain(name: str) -> str:
    """Return a name as certificates write it. Raises ValueError for what is none."""
    text = name.strip().lower().rstrip(".").strip("[]")
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    labels = text.removeprefix("*.").split(".")
    # The lengths are those of DNS (RFC 1035).
    sound = text.isascii() and len(text) < 254 and all(0 < len(label) < 64 for label in labels)
    if not sound or not all(char.isalnum() or char in "-_" for label in labels for char in label):
        raise ValueError(f"{name!r} is no name for a certificate: expected one such as studio.example, or an address")
    return text


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, content: bytes, mode: int) -> None:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _bundle(authority: x509.Certificate, roots: str | Path) -> bytes:
    return Path(roots).read_bytes().rstrip() + b"\n\n# Rushes local authority\n" + _pem(authority)


def _authority(paths: Paths, wanted: Sequence[str], now: datetime) -> tuple[x509.Certificate, Key]:
    found = _pair(paths.authority, paths.authority_key)
    if found is not None and _lasts(found[0], now) and _covers(found[0], wanted):
        return found
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _authority_certificate(key, wanted, now)
    # The key first: a crash in between leaves a pair that doesn't fit, which the next call replaces.
    _write(paths.authority_key, _key_pem(key), _PRIVATE)
    _write(paths.authority, _pem(certificate), _PUBLIC)
    return certificate, key


def _authority_certificate(key: Key, wanted: Sequence[str], now: datetime) -> x509.Certificate:
    # A name of its own for each, or a client that still has the last one would look for its key.
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Rushes"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Rushes local authority {os.urandom(4).hex()}"),
        ]
    )
    return (
        _started(name, name, key, now, AUTHORITY_LIFE)
        # It vouches for servers, never for another authority.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.NameConstraints(_permitted(wanted), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _permitted(wanted: Sequence[str]) -> list[x509.GeneralName]:
    """The subtrees of all wanted names. An empty list of a kind would allow every name of that kind."""
    names = [x509.DNSName(name) for name in dict.fromkeys(name.removeprefix("*.") for name in _hosts(wanted))]
    networks: list[Network] = [*LOOPBACK_NETWORKS]
    networks += [ip_network(address) for address in _addresses(wanted) if not _within(address, LOOPBACK_NETWORKS)]
    return [*names, *(x509.IPAddress(network) for network in networks)]


def _make_leaf(
    paths: Paths, authority: x509.Certificate, authority_key: Key, wanted: Sequence[str], now: datetime
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Rushes server")])
    alternatives: list[x509.GeneralName] = [x509.DNSName(host) for host in _hosts(wanted)]
    alternatives += [x509.IPAddress(address) for address in _addresses(wanted)]
    issuer_id = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _started(name, authority.subject, key, now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write(paths.certificate_key, _key_pem(key), _PRIVATE)
    _write(paths.certificate, _pem(certificate), _PUBLIC)


def _started(
    subject: x509.Name, issuer: x509.Name, key: Key, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + life)
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


def _leaf_is_good(paths: Paths, authority: x509.Certificate, wanted: Sequence[str], now: datetime) -> bool:
    found = _pair(paths.certificate, paths.certificate_key)
    if found is None or not _lasts(found[0], now):
        return False
    leaf = found[0]
    try:
        leaf.verify_directly_issued_by(authority)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        return False
    held = {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}
    return held >= set(wanted)


def _pair(certificate: Path, key: Path) -> tuple[x509.Certificate, Key] | None:
    """Return what lies there if it can be read and belongs together."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or found.public_key() != private.public_key():
        return None
    # One that was copied or restored here may be readable by others.
    key.chmod(_PRIVATE)
    return found, private


def _lasts(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now and certificate.not_valid_after_utc - now > RENEW_BEFORE


def _covers(authority: x509.Certificate, wanted: Sequence[str]) -> bool:
    try:
        permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return False
    trees = [tree.value for tree in permitted if isinstance(tree, x509.DNSName)]
    networks = [tree.value for tree in permitted if isinstance(tree, x509.IPAddress)]
    hosts = (host.removeprefix("*.") for host in _hosts(wanted))
    return all(any(host == tree or host.endswith(f".{tree}") for tree in trees) for host in hosts) and all(
        _within(address, [n for n in networks if isinstance(n, IPv4Network | IPv6Network)])
        for address in _addresses(wanted)
    )


def _addresses(names: Sequence[str]) -> list[IPv4Address | IPv6Address]:
    return [ip_address(name) for name in names if _is_address(name)]


def _hosts(names: Sequence[str]) -> list[str]:
    return [name for name in names if not _is_address(name)]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _within(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
