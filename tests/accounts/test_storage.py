"""The accounts' settings for their files."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rushes.accounts.storage import StorageDefaults
from rushes.db.sqlite import Database


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(tmp_path / "rushes.db")) as database:
        yield database


@pytest.mark.anyio
async def test_settings_are_each_accounts_own_replaced_and_cleared(database: Database) -> None:
    defaults = StorageDefaults(database)
    assert defaults.find("ann") is None
    await defaults.keep("ann", "{}")
    await defaults.keep("ann", '{"a": 1}')
    assert (defaults.find("ann"), defaults.find("bob")) == ('{"a": 1}', None)
    assert StorageDefaults(database).find("ann") == '{"a": 1}'
    await defaults.keep("ann", None)
    assert defaults.find("ann") is None
