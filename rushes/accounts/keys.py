"""Keys: who may ask, as which account, with which scope. Only hashes of secrets are stored.

The server's own admin key comes from the settings, else from the file DATA/key, which is made (mode 600) when it is not
there. All live keys are held in memory, so that a check costs microseconds; secrets are long and random, which is why
one round of SHA-256 is enough. Local runners have a secret of their own, made at each start and never stored; runners
on other machines the one that the operator set.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from rushes.db.sqlite import Database, Row

Scope = Literal["API", "ADMIN"]

ADMIN_ACCOUNT = "admin"
KEY_FILE = "key"
SECRET_BYTES = 32  # 256 bits: nobody tries them all, hence one quick hash is enough
SERVERS_OWN = "the server's own key"
"""Alias of the key in the settings or in DATA/key; there is one such key at a time, and no other may be called so."""

_LIVE = "SELECT id, account, scope, secret_hash, max_concurrent, budget_usd FROM keys WHERE revoked_at IS NULL"
_LIST = (
    "SELECT id, account, scope, alias, created_at, max_concurrent, budget_usd, spent_usd, reserved_usd, running "
    "FROM keys WHERE revoked_at IS NULL AND (? IS NULL OR account = ?) ORDER BY created_at, id"
)
_LEFT = "SELECT budget_usd - spent_usd - reserved_usd FROM keys WHERE id = ?"
_ADD = (
    "INSERT INTO keys (id, account, scope, secret_hash, alias, created_at, max_concurrent, budget_usd) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_REVOKE = (
    "UPDATE keys SET revoked_at = ? "
    "WHERE id = ? AND (? IS NULL OR account = ?) AND alias IS NOT ? AND revoked_at IS NULL"
)
_REVOKE_OTHERS = "UPDATE keys SET revoked_at = ? WHERE alias = ? AND id != ? AND revoked_at IS NULL"
_SET = (
    "INSERT INTO keys (id, account, scope, secret_hash, alias, created_at) VALUES (?, ?, 'ADMIN', ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET account = excluded.account, scope = excluded.scope, "
    "secret_hash = excluded.secret_hash, alias = excluded.alias, revoked_at = NULL, "
    "max_concurrent = NULL, budget_usd = NULL"  # it may have been an ordinary key, with limits
)
_MOST_RECALLED = 1024  # headers; an account's ways to write its key are few, and each costs one hash to learn again
_NOBODY = b"\0" * 32  # compared with when the id is unknown, so that both cases take the same time


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked: jobs, files and costs belong to `account`."""

    account: str
    key_id: str
    scope: Scope
    max_concurrent: int | None = None  # jobs that may run at once
    budget_usd: float | None = None  # for all that the key ever starts

    @property
    def is_operator(self) -> bool:
        """Whether this is an admin of the server's own account, whose business all accounts are."""
        return self.scope == "ADMIN" and self.account == ADMIN_ACCOUNT


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is told of a key: everything but its secret, of which only a hash exists. `created_at` in Unix seconds."""

    id: str
    account: str
    scope: Scope
    alias: str | None
    created_at: float
    max_concurrent: int | None
    budget_usd: float | None
    spent_usd: float
    reserved_usd: float
    running: int


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key that works: whose it is, and SHA-256 of its secret."""

    caller: Caller
    secret_hash: bytes


class KeyRing:
    """The live keys. `verify` reads memory only; what changes keys writes the table first."""

    def __init__(
        self, database: Database, live: Iterable[LiveKey], clock: Callable[[], float], far_key: str | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._live = {key.caller.key_id: key for key in live}
        self._recalled: dict[str, Caller] = {}
        self.runner_key = secrets.token_urlsafe(SECRET_BYTES)
        self._runner_hashes = [hash_secret(one) for one in (self.runner_key, far_key) if one]

    @classmethod
    async def open(
        cls,
        database: Database,
        clock: Callable[[], float],
        *,
        data: Path,
        admin_key: str | None = None,
        far_key: str | None = None,
    ) -> KeyRing:
        """Read the stored keys and set the server's own: `admin_key` (id:secret) if given, else DATA/key.

        Runners on other machines have the `far_key`.
        An earlier key of the server's own stops working. Raises ValueError for a key of another form.
        """
        key_id, secret = split_key(admin_key, "RUSHES_KEY") if admin_key else _from_file(data / KEY_FILE)
        digest, now = hash_secret(secret), clock()

        def set_own(connection: sqlite3.Connection) -> None:
            connection.execute(_SET, (key_id, ADMIN_ACCOUNT, digest, SERVERS_OWN, now))
            connection.execute(_REVOKE_OTHERS, (now, SERVERS_OWN, key_id))

        await database.write(set_own)  # before the live keys are read, of which it is one
        return cls(database, (_key(row) for row in database.read(_LIVE)), clock, far_key)

    def recall(self, credentials: str) -> Caller | None:
        """Return whose credentials these are, if `remember` was told; this spares every poll a hash."""
        return self._recalled.get(credentials)

    def remember(self, credentials: str, caller: Caller) -> None:
        """Keep in memory that these credentials, word for word, are this caller's. Forgotten when keys change."""
        if len(self._recalled) >= _MOST_RECALLED:
            self._recalled.clear()
        self._recalled[credentials] = caller

    def verify(self, key_id: str, secret: str) -> Caller | None:
        """Return who this key belongs to; None when there is no such key or the secret is another."""
        key = self._live.get(key_id)
        same = hmac.compare_digest(hash_secret(secret), key.secret_hash if key else _NOBODY)
        return key.caller if key and same else None

    def known(self, key_id: str) -> Caller | None:
        """Return whose live key has this id; for what a key has signed for before. None for a revoked one."""
        key = self._live.get(key_id)
        return key.caller if key else None

    def left_usd(self, key_id: str) -> float | None:
        """Return what a key may still spend; None where it has no budget."""
        row = self._database.read_one(_LEFT, (key_id,))
        return None if row is None else row[0]

    def listed(self, account: str | None = None) -> list[KeyFacts]:
        """Return the live keys of an account, oldest first; of all accounts without one."""
        return [KeyFacts(*row) for row in self._database.read(_LIST, (account, account))]

    async def create(
        self,
        account: str,
        *,
        alias: str,
        scope: Scope = "API",
        max_concurrent: int | None = None,
        budget_usd: float | None = None,
    ) -> tuple[str, str]:
        """Make a key and return its id and its secret, which is never shown again."""
        key_id, secret = split_key(new_key(), "a new key")
        digest = hash_secret(secret)
        row = (key_id, account, scope, digest, alias, self._clock(), max_concurrent, budget_usd)

        def add(connection: sqlite3.Connection) -> None:
            connection.execute(_ADD, row)

        await self._database.write(add)  # first: a key that works must not vanish with a restart
        self._live[key_id] = _key((key_id, account, scope, digest, max_concurrent, budget_usd))
        return key_id, secret

    async def revoke(self, key_id: str, account: str | None = None) -> bool:
        """Let a key stop working, given an account only one of its; False for an unknown one and the server's own.

        What was accepted under it is still done.
        """
        given = (self._clock(), key_id, account, account, SERVERS_OWN)

        def end(connection: sqlite3.Connection) -> int:
            return connection.execute(_REVOKE, given).rowcount

        if not await self._database.write(end):
            return False
        self._live.pop(key_id, None)
        self._recalled.clear()
        return True

    def verify_runner(self, secret: str) -> bool:
        """Say whether this is the secret of our local runners, or of those on other machines."""
        given = hash_secret(secret)
        # A list, so that all are compared: how long it takes says nothing about which was near.
        return any([hmac.compare_digest(given, one) for one in self._runner_hashes])

    async def prove_writable(self) -> None:
        """Write the server's own row anew; returns once it is on the disk. Raises what the database raises."""

        def touch(connection: sqlite3.Connection) -> None:
            # There and back: SQLite writes no page for a row that gets the values it has.
            for step in (1, -1):
                connection.execute("UPDATE keys SET running = running + ? WHERE alias = ?", (step, SERVERS_OWN))

        await self._database.write(touch)


def hash_secret(secret: str) -> bytes:
    """Return what is stored instead of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def split_key(text: str, where: str) -> tuple[str, str]:
    """Split `id:secret` at the first colon. Raises ValueError, which doesn't repeat the secret."""
    key_id, _, secret = text.strip().partition(":")
    # Only ASCII: clients disagree on how a header spells anything else.
    if not key_id or not secret or not text.isascii() or any(char.isspace() for char in text.strip()):
        told = f"expected id:secret in ASCII without spaces, got {len(text)} characters"
        raise ValueError(f"{where} holds no key: {told}")
    return key_id, secret


def new_key() -> str:
    """Make a key, id:secret."""
    return f"{secrets.token_hex(8)}:{secrets.token_urlsafe(SECRET_BYTES)}"


def _from_file(path: Path) -> tuple[str, str]:
    """Read the key, or make one; the file is complete and private from the moment it has its name."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(new_key() + "\n")
        os.replace(draft, path)
    return split_key(path.read_text(), str(path))


def _key(row: Row) -> LiveKey:
    key_id, account, scope, secret_hash, max_concurrent, budget_usd = row
    return LiveKey(Caller(account, key_id, cast(Scope, scope), max_concurrent, budget_usd), secret_hash)
