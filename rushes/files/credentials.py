"""The key that results are signed with (content credentials, C2PA), which never leaves this process.

It is given by the settings, or made when the first result needs it, with a small authority of its own, in
DATA/provenance. Runners send what is to be signed and get 64 bytes back. Nothing but the claim of a manifest is
signed, so that the key can't be made to vouch for anything else. Used from several threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from rushes.files.es256 import SigningKey

FOLDER = "provenance"
AUTHORITY, CERTIFICATE = "authority.pem", "certificate.pem"  # what may be handed around
_AUTHORITY_KEY, _KEY = "authority.key", "key.pem"
MAX_CLAIM_BYTES = 48 * 1024
"""Largest claim: the hashes of a manifest's parts, with its certificates; ordinary ones have 1 or 2 KB."""

_BEGINS = b"\x84jSignature1"  # an array of four that begins with this text: COSE, RFC 9052, 4.4


Claim = NewType("Claim", bytes)
"""What may be signed: `claim_in` has looked at it."""


def claim_in(data: bytes) -> Claim:
    """Return the bytes as a claim. Raises ValueError for anything else, such as a certificate that is to be signed."""
    if len(data) > MAX_CLAIM_BYTES:
        raise ValueError(f"the claim has {len(data)} bytes; at most {MAX_CLAIM_BYTES} are signed")
    if not data.startswith(_BEGINS):
        raise ValueError("only the claim of a C2PA manifest is signed (a COSE Sig_structure)")
    return Claim(data)


class Credentials:
    """The key in a folder, or the one whose files are given. `clock` gives Unix seconds."""

    def __init__(
        self, folder: Path, clock: Callable[[], float], *, certificate: Path | None = None, key: Path | None = None
    ) -> None:
        self._given = certificate is not None
        self._folder = folder
        self._certificate = certificate or folder / CERTIFICATE
        self._key_file = key or certificate or folder / _KEY  # one file may hold both
        self._clock = clock
        self._lock = Lock()
        self._key: SigningKey | None = None

    @property
    def chain(self) -> str:
        """The certificates that go along with a signature, as PEM. Raises ValueError, OSError."""
        return self._current().chain

    def sign(self, claim: Claim) -> bytes:
        """Return the 64 bytes of the signature. Raises ValueError when there is no good key, OSError."""
        return self._current().sign(claim)

    def check_given(self) -> None:
        """Read the key that the settings name, if they do. Raises ValueError that says what is wrong."""
        if self._given:
            self._current()

    def _current(self) -> SigningKey:
        with self._lock:
            if self._key is None:
                self._key = self._read()
            return self._key

    def _read(self) -> SigningKey:
        # Only who signs loads the cryptography: `serve` answers its first caller without.
        from rushes.files.es256 import SigningKey, make  # noqa: PLC0415

        now = datetime.fromtimestamp(self._clock(), UTC)
        if not self._given and not self._certificate.exists():
            made = make(now)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_private(self._folder / _AUTHORITY_KEY, made.authority_key)
            _write_private(self._folder / AUTHORITY, made.authority, mode=0o644)
            _write_private(self._key_file, made.key)
            _write_private(self._certificate, made.certificate, mode=0o644)  # last: where it lies, the rest does
        remedy = "" if self._given else "; remove the folder to have a new key made"
        try:
            return SigningKey.read(self._certificate.read_bytes(), self._key_file.read_bytes(), now)
        except OSError as error:
            raise ValueError(f"cannot read {error.filename}: {error.strerror}{remedy}") from error
        except ValueError as error:
            raise ValueError(f"{self._certificate} and {self._key_file}: {error}{remedy}") from error


def _write_private(path: Path, text: bytes, mode: int = 0o600) -> None:
    """Write a file that is complete from the moment it has its name."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
