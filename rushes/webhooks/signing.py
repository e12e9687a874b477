"""The keys that deliveries are signed with (Ed25519), how they follow one another, and what receivers get to see.

Each key is a file of DATA/webhook-keys, named by when it was made and its id. The newest signs. One that was replaced
stays published for `overlap_s`, for receivers keep the set for up to a day, and is then deleted. Used from several
threads. The first key is made when the first one is needed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rushes.webhooks.ed25519 import PrivateKey

FOLDER = "webhook-keys"
_SUFFIX = ".pem"


class SigningKey(NamedTuple):
    """A key and since when it is the one that signs."""

    created_at: float
    private: PrivateKey


class SigningKeys:
    """The keys in a folder. `clock` gives Unix seconds."""

    def __init__(self, folder: Path, clock: Callable[[], float], overlap_s: float = 86_400.0) -> None:
        self._folder = folder
        self._clock = clock
        self._overlap_s = overlap_s
        self._lock = Lock()
        self._keys: list[SigningKey] = []  # oldest first

    def headers(self, request_id: str, account: str, body: bytes) -> dict[str, str]:
        """Return what signs a delivery now (protocol 6.4); `body` must be the very bytes that are sent."""
        timestamp = str(int(self._clock()))
        with self._lock:
            newest = self._current()[-1]
        signature = newest.private.sign(message(request_id, account, timestamp, body))
        return {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": account,
            "X-Fal-Webhook-Timestamp": timestamp,
            "X-Fal-Webhook-Signature": signature.hex(),
        }

    def published(self) -> dict[str, list[dict[str, str]]]:
        """Return the key set for receivers, newest first; afterwards the same keys with padding (W-05).

        A decoder that insists on padding refuses the first form, JWK libraries the second; receivers try every key.
        """
        with self._lock:
            keys = self._current()[::-1]
        return {"keys": [_entry(key, "") for key in keys] + [_entry(key, "=") for key in keys]}

    def rotate(self) -> str:
        """Make a key that signs from now on and return its id."""
        with self._lock:
            self._current()
            return self._add().private.kid

    def _current(self) -> list[SigningKey]:
        """Return the keys that are still published, at least one; what is older is deleted."""
        if not self._keys:
            self._keys = self._stored()
        if not self._keys:
            self._add()
        oldest_end = self._clock() - self._overlap_s
        while len(self._keys) > 1 and self._keys[1].created_at < oldest_end:
            self._path(self._keys.pop(0)).unlink(missing_ok=True)
        return self._keys

    def _add(self) -> SigningKey:
        now = self._clock()
        if self._keys:  # the clock may have been put back, and the newest must come last
            now = max(now, self._keys[-1].created_at + 0.001)
        # As its file's name tells it, so that order and overlap are the same after a restart.
        key = SigningKey(round(now, 3), _private_key().generate())
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(self._path(key), key.private.pem())
        self._keys.append(key)
        return key

    def _stored(self) -> list[SigningKey]:
        """Read the folder. Raises ValueError for a file that holds no key."""
        found = [_read(path) for path in self._folder.glob(f"*{_SUFFIX}") if not path.name.startswith(".")]
        return sorted(found, key=lambda key: key.created_at)

    def _path(self, key: SigningKey) -> Path:
        return self._folder / f"{key.created_at:.3f}_{key.private.kid}{_SUFFIX}"


def message(request_id: str, account: str, timestamp: str, body: bytes) -> bytes:
    """Return what is signed: four lines, of which the last is the body's hash."""
    return "\n".join((request_id, account, timestamp, hashlib.sha256(body).hexdigest())).encode()


def _entry(key: SigningKey, padding: str) -> dict[str, str]:
    # Ids within a set are distinct.
    return {"kty": "OKP", "crv": "Ed25519", "x": key.private.x + padding, "kid": key.private.kid + padding}


def _read(path: Path) -> SigningKey:
    try:
        return SigningKey(float(path.name.partition("_")[0]), _private_key().read(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path} holds no webhook key: {error}; remove the file to go on without it") from error


def _private_key() -> type[PrivateKey]:
    from rushes.webhooks.ed25519 import PrivateKey  # noqa: PLC0415  only who signs loads the cryptography, not `serve`

    return PrivateKey


def _write_private(path: Path, text: bytes) -> None:
    """Write a file that is complete and private from the moment it has its name."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
