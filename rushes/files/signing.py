"""Short tokens that only this server can have written: upload URLs and CDN tokens; and the secret they are signed with.

A token carries its payload readably, so nothing secret belongs into it. It cannot be taken back before it expires.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.files.store import content_id

SECRET_BYTES = 32
FILE_NAME = "secret"
_MAC_BYTES = 16  # 128 bits


class Signer:
    """Signs with one secret; a token is valid for one purpose only, since the purpose is part of what is signed."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SECRET_BYTES:
            raise ValueError(f"the secret has {len(secret)} bytes; at least {SECRET_BYTES} are needed")
        self._secret = secret

    def sign(self, purpose: str, payload: Mapping[str, Any], expires_at: float) -> str:
        """Return a token of URL-safe characters that `read` accepts for this purpose until `expires_at`."""
        body = json.dumps([expires_at, dict(payload)], separators=(",", ":")).encode()
        return f"{_text(body)}.{_text(self._mac(purpose, body))}"

    def read(self, purpose: str, token: str, now: float) -> dict[str, Any] | None:
        """Return the payload; None when the token is not ours, for another purpose, or over."""
        head, _, tail = token.partition(".")
        try:
            body, mac = _bytes(head), _bytes(tail)
        except (binascii.Error, ValueError):
            return None
        # First of all: what is not ours is not even parsed.
        if not hmac.compare_digest(mac, self._mac(purpose, body)):
            return None
        expires_at, payload = json.loads(body)
        return payload if now < expires_at else None

    def derived_id(self, purpose: str, text: str) -> str:
        """Return the file id that belongs to a text: always the same, and only this server can tell it."""
        return content_id(self._secret, purpose, text)

    def _mac(self, purpose: str, body: bytes) -> bytes:
        return hmac.new(self._secret, purpose.encode() + b"\0" + body, hashlib.sha256).digest()[:_MAC_BYTES]


def load_secret(folder: Path) -> bytes:
    """Return the server's secret from FOLDER/secret; on the first start make one that only its owner can read.

    Raises ValueError when the file is there but too short to be a secret.
    """
    path = folder / FILE_NAME
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _write_once(path, secrets.token_bytes(SECRET_BYTES))
    secret = path.read_bytes()
    if len(secret) < SECRET_BYTES:
        raise ValueError(
            f"{path} holds {len(secret)} bytes; a secret has {SECRET_BYTES}. Delete it to get a new one: "
            "open upload URLs and tokens then stop working, stored files stay"
        )
    return secret


def _write_once(path: Path, content: bytes) -> None:
    """Link a finished file into place, so that of two processes that start together one wins and both read the same."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:  # base64 leaves bits unused: without this, several texts would be the same token
        raise ValueError("not the canonical spelling")
    return raw
