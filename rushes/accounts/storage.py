"""What each account wants for its files where a request says nothing: the wire's lifecycle JSON, kept as text.

What the text means is read by the gateway, which alone knows the wire.
"""

from __future__ import annotations

import sqlite3

from rushes.db.sqlite import Database

_FIND = "SELECT lifecycle FROM storage_settings WHERE account = ?"
_KEEP = (
    "INSERT INTO storage_settings (account, lifecycle) VALUES (?, ?) "
    "ON CONFLICT (account) DO UPDATE SET lifecycle = excluded.lifecycle"
)
_CLEAR = "DELETE FROM storage_settings WHERE account = ?"


class StorageDefaults:
    """The accounts' settings for stored files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, account: str) -> str | None:
        """Return the account's lifecycle JSON; None when it has set nothing."""
        row = self._database.read_one(_FIND, (account,))
        return None if row is None else str(row[0])

    async def keep(self, account: str, lifecycle: str | None) -> None:
        """Replace the account's settings; None clears them."""

        def write(connection: sqlite3.Connection) -> None:
            if lifecycle is None:
                connection.execute(_CLEAR, (account,))
            else:
                connection.execute(_KEEP, (account, lifecycle))

        await self._database.write(write)
