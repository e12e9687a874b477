"""The key file of a Google service account as a key: each request is signed with it, and nothing has to be renewed.

The file travels as the key in base64, since keys hold no spaces or commas. The token is a self-signed JWT, which
Google's APIs take in place of an OAuth token (AIP-4111); nothing is fetched.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rushes.engines.vendor.contract import Trouble

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LIVES_S = 3_600  # the longest that is allowed
SKEW_S = 30  # of clocks that differ


def bearer(key: str, now: float) -> str:
    """Return what goes behind "Bearer": a token signed with the key file, else the key itself, a token already.

    `now` in Unix seconds. Raises Trouble where it is a key file that can't be used.
    """
    account = _key_file(key)
    return key if account is None else _signed(account, int(now))


def _key_file(key: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(base64.b64decode(key, validate=True))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _signed(account: Mapping[str, Any], now: int) -> str:
    try:
        private = load_pem_private_key(str(account["private_key"]).encode(), password=None)
        head = {"alg": "RS256", "typ": "JWT", "kid": account["private_key_id"]}
        email = account["client_email"]
    except (KeyError, ValueError, TypeError):
        raise Trouble("key", "the key is no whole key file of a service account") from None
    if not isinstance(private, RSAPrivateKey):
        raise Trouble("key", "the key file of the service account holds no RSA key")
    claims = {"iss": email, "sub": email, "scope": SCOPE, "iat": now - SKEW_S, "exp": now - SKEW_S + LIVES_S}
    said = f"{_part(head)}.{_part(claims)}"
    return f"{said}.{_text(private.sign(said.encode(), PKCS1v15(), SHA256()))}"


def _part(value: Mapping[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
