import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rushes.accounts.voices import ClonedVoice, VoiceShelf
from rushes.db.sqlite import Database

MAKER = "a/clone"


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[VoiceShelf]:
    database = Database.open(tmp_path / "rushes.db")
    yield VoiceShelf(database, clock)
    database.close()


def test_a_voice_is_found_by_its_account(shelf: VoiceShelf) -> None:
    asyncio.run(shelf.add("me", "v1", "file1", MAKER))
    assert shelf.find("me", "v1") == ClonedVoice("v1", "file1", MAKER, 1_000.0)
    assert shelf.find("me", "v2") is None


def test_other_accounts_neither_see_nor_forget_it(shelf: VoiceShelf) -> None:
    asyncio.run(shelf.add("me", "v1", "file1", MAKER))
    assert shelf.find("you", "v1") is None
    assert shelf.list("you") == ()
    assert asyncio.run(shelf.forget("you", "v1")) is None
    assert shelf.find("me", "v1") is not None


def test_two_accounts_may_have_a_voice_of_the_same_id(shelf: VoiceShelf) -> None:
    async def both() -> None:
        await shelf.add("me", "v1", "file1", MAKER)
        await shelf.add("you", "v1", "file2", MAKER)
        await shelf.forget("me", "v1")

    asyncio.run(both())
    found = shelf.find("you", "v1")
    assert found is not None
    assert found.file_id == "file2"


def test_voices_are_listed_oldest_first(shelf: VoiceShelf, clock: Clock) -> None:
    async def three() -> None:
        for voice_id in ("b", "c", "a"):
            await shelf.add("me", voice_id, "f", MAKER)
            clock.now += 1

    asyncio.run(three())
    assert [voice.id for voice in shelf.list("me")] == ["b", "c", "a"]


def test_a_job_that_is_done_twice_leaves_one_voice_with_the_later_profile(shelf: VoiceShelf, clock: Clock) -> None:
    asyncio.run(shelf.add("me", "v1", "file1", MAKER))
    clock.now += 5
    asyncio.run(shelf.add("me", "v1", "file2", MAKER))
    assert shelf.list("me") == (ClonedVoice("v1", "file2", MAKER, 1_000.0),)


def test_forgetting_names_the_file_that_is_left_over(shelf: VoiceShelf) -> None:
    asyncio.run(shelf.add("me", "v1", "file1", MAKER))
    assert asyncio.run(shelf.forget("me", "v1")) == "file1"
    assert asyncio.run(shelf.forget("me", "v1")) is None
    assert shelf.list("me") == ()


def test_voices_outlive_a_restart(tmp_path: Path, clock: Clock) -> None:
    database = Database.open(tmp_path / "rushes.db")
    asyncio.run(VoiceShelf(database, clock).add("me", "v1", "file1", MAKER))
    database.close()
    again = Database.open(tmp_path / "rushes.db")
    assert VoiceShelf(again, clock).find("me", "v1") == ClonedVoice("v1", "file1", MAKER, 1_000.0)
    again.close()
