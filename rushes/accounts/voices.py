"""Cloned voices: which account has which, and in which stored file the profile lies.

A voice's id means something to its own account only: for every other account it does not exist. The profile itself is a
file like any other; whoever forgets a voice deletes its file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from rushes.db.sqlite import Database

PROFILE_NAME, PROFILE_TYPE = "voice.json", "application/json"
"""How the file of a voice's profile is called."""

_COLUMNS = "SELECT id, file_id, endpoint, created_at FROM voices"
_KEEP = (
    "INSERT INTO voices (account, id, file_id, endpoint, created_at) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (account, id) DO UPDATE SET file_id = excluded.file_id"
)


@dataclass(frozen=True, slots=True)
class ClonedVoice:
    """A voice that an account has had made; `endpoint` is the one that made it, the time Unix seconds."""

    id: str
    file_id: str
    endpoint: str
    created_at: float


class VoiceShelf:
    """The voices of all accounts. Reads are synchronous and take microseconds; writes return after the commit."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def list(self, account: str) -> tuple[ClonedVoice, ...]:
        """Return the account's voices, oldest first."""
        # By id as well: voices of one moment must not change places between two looks.
        rows = self._database.read(f"{_COLUMNS} WHERE account = ? ORDER BY created_at, id", (account,))
        return tuple(ClonedVoice(*row) for row in rows)

    def find(self, account: str, voice_id: str) -> ClonedVoice | None:
        """Return a voice; None where this account has none of that id, whoever else may."""
        row = self._database.read_one(f"{_COLUMNS} WHERE account = ? AND id = ?", (account, voice_id))
        return None if row is None else ClonedVoice(*row)

    async def add(self, account: str, voice_id: str, file_id: str, endpoint: str) -> None:
        """Keep a voice. One that is there already gets the new profile and keeps its age: a job may be done twice."""
        row = (account, voice_id, file_id, endpoint, self._clock())

        def keep(connection: sqlite3.Connection) -> None:
            connection.execute(_KEEP, row)

        await self._database.write(keep)

    async def forget(self, account: str, voice_id: str) -> str | None:
        """Forget a voice and return its file's id, for the file to be deleted; None where there was no such voice."""

        def drop(connection: sqlite3.Connection) -> str | None:
            rows = connection.execute(
                "DELETE FROM voices WHERE account = ? AND id = ? RETURNING file_id", (account, voice_id)
            ).fetchall()
            return str(rows[0][0]) if rows else None

        return await self._database.write(drop)
