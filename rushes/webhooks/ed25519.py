"""Ed25519 keys as files hold them and receivers see them; the only file of the station that loads the cryptography."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class PrivateKey:
    """A key that signs; `x` and `kid` are what a JWK says of it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.x = _base64url(private.public_key().public_bytes_raw())
        # RFC 7638: the id of a key is a hash of it, in one fixed spelling.
        spelled = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": self.x}, separators=(",", ":"))
        self.kid = _base64url(hashlib.sha256(spelled.encode()).digest())

    @classmethod
    def generate(cls) -> PrivateKey:
        """Make a new one."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, pem: bytes) -> PrivateKey:
        """Read a file's content. Raises ValueError for what is no such key."""
        try:
            private = serialization.load_pem_private_key(pem, password=None)
        except (TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
            raise ValueError(str(error)) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError(f"expected an Ed25519 key, got {type(private).__name__}")
        return cls(private)

    def pem(self) -> bytes:
        """Return what a file holds (PKCS #8, not encrypted)."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._private.sign(message)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
