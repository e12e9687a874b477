"""Long reads: beside the event loop, bounded in time and number."""

import asyncio
from pathlib import Path

import pytest

from rushes.db.aside import MOST_WAITING, Aside, TooLong, TooMany
from rushes.db.sqlite import Database, _reader

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Database.open(tmp_path / "db").close()
    return tmp_path / "db"


def test_a_look_that_takes_too_long_is_ended_and_the_next_one_works(path: Path) -> None:
    aside = Aside(lambda: _reader(path), limit_s=0.25)

    async def look() -> None:
        ticks = 0
        asked = asyncio.ensure_future(aside.look(ENDLESS))
        while not asked.done():
            await asyncio.sleep(0.005)
            ticks += 1
        assert ticks > 3, "the event loop goes on"
        with pytest.raises(TooLong, match=r"more than 0.25 s"):
            await asked
        assert await aside.look("SELECT 1") == [(1,)]

    asyncio.run(look())
    aside.close()


def test_no_more_wait_than_can_be_served_soon(path: Path) -> None:
    aside = Aside(lambda: _reader(path), limit_s=0.02)

    async def look() -> None:
        asked = [asyncio.ensure_future(aside.look(ENDLESS)) for _ in range(MOST_WAITING + 3)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(one, TooMany) for one in found) == 3

    asyncio.run(look())
    aside.close()


def test_it_cannot_write(path: Path) -> None:
    aside = Aside(lambda: _reader(path))
    with pytest.raises(Exception, match="readonly"):
        asyncio.run(aside.look("DELETE FROM jobs"))
    aside.close()


def test_closing_breaks_off_what_runs(path: Path) -> None:
    aside = Aside(lambda: _reader(path), limit_s=60.0)

    async def look() -> None:
        asked = asyncio.ensure_future(aside.look(ENDLESS))
        await asyncio.sleep(0.1)
        aside.close()
        with pytest.raises(TooLong):
            await asked

    asyncio.run(look())
