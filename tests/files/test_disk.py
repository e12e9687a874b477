"""The folder store: the common contract, and what only a folder has: locks, leftovers, permissions, kill -9."""

import asyncio
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rushes.files.disk import DiskStore
from rushes.files.store import FileStore, new_id
from tests.files.contract import MIB, Clock, FileStoreContract, broken, content, join, put, stream
from tests.runners.live import wait_for

SECRET = b"s" * 32


def drafts(folder: Path) -> list[Path]:
    return list((folder / "incoming").glob("*/*"))


class TestDiskStore(FileStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, clock: Clock) -> Iterator[FileStore]:
        store = DiskStore(tmp_path / "files", SECRET, clock)
        yield store
        store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(folder: Path) -> Iterator[DiskStore]:
    store = DiskStore(folder, SECRET)
    yield store
    store.close()


def test_files_outlive_the_process(store: DiskStore, folder: Path) -> None:
    stored = asyncio.run(put(store))
    store.close()
    again = DiskStore(folder, SECRET)
    assert asyncio.run(again.stat(stored.id)) == stored
    assert asyncio.run(content(again, stored.id)) == b"hello"
    again.close()


def test_a_record_of_an_earlier_version_still_reads(store: DiskStore, folder: Path) -> None:
    stored = asyncio.run(put(store))
    record = folder / stored.id[:2] / stored.id / "record.json"
    facts = json.loads(record.read_text())
    del facts["acl"]
    record.write_text(json.dumps(facts))
    assert asyncio.run(store.stat(stored.id)) == stored


def test_stores_with_other_secrets_give_other_ids(tmp_path: Path) -> None:
    stores = [DiskStore(tmp_path / str(i), bytes([i]) * 32) for i in range(2)]
    assert len({asyncio.run(put(store)).id for store in stores}) == 2
    for store in stores:
        store.close()


def test_nothing_is_left_of_uploads_that_failed_or_were_repeated(store: DiskStore, folder: Path) -> None:
    async def some_of_each() -> None:
        await put(store)
        await put(store)
        with pytest.raises(ConnectionError):
            await store.put(broken(bytes(3 * MIB)), name="x", account="ann")

    asyncio.run(some_of_each())
    assert drafts(folder) == []


def test_a_cancelled_upload_leaves_nothing(store: DiskStore, folder: Path) -> None:
    async def start_and_cancel() -> None:
        waiting = asyncio.Event()

        async def forever() -> AsyncIterator[bytes]:
            yield bytes(2 * MIB)
            waiting.set()
            await asyncio.sleep(60)

        upload = asyncio.create_task(store.put(forever(), name="x", account="ann"))
        await waiting.wait()
        assert len(drafts(folder)) == 1
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload

    asyncio.run(start_and_cancel())
    assert drafts(folder) == []


def test_only_the_owner_can_read_the_folder_of_a_file(store: DiskStore, folder: Path) -> None:
    stored = asyncio.run(put(store))
    assert stat.S_IMODE((folder / stored.id[:2] / stored.id).stat().st_mode) == 0o700


def test_only_the_owner_can_list_the_ids_of_files(folder: Path) -> None:
    with closing(DiskStore(folder / "new", b"s" * 32)):
        assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o700


def test_two_processes_share_a_folder_without_sweeping_each_other(store: DiskStore, folder: Path) -> None:
    async def begin_while_another_starts() -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield bytes(2 * MIB)
            other = DiskStore(folder, SECRET)
            other.close()
            yield b"end"

        stored = await store.put(slow(), name="x", account="ann")
        assert stored.size_bytes == 2 * MIB + 3

    asyncio.run(begin_while_another_starts())


def test_an_id_in_use_keeps_its_file_when_the_same_folder_is_written_by_two(store: DiskStore, folder: Path) -> None:
    other = DiskStore(folder, SECRET)
    stored = asyncio.run(put(store, file_id=new_id()))
    assert asyncio.run(put(other, file_id=stored.id)) == stored
    other.close()


HALF_AN_UPLOAD = """
import asyncio, sys
from pathlib import Path
from rushes.files.disk import DiskStore

async def half():
    yield bytes(4 * 1024 * 1024)
    print("half way", flush=True)
    await asyncio.sleep(60)

async def main():
    store = DiskStore(Path(sys.argv[1]), b"s" * 32)
    async def whole():
        yield b"whole"
    done = await store.put(whole(), name="w", account="ann", file_id="aa" * 20)
    await store.put(half(), name="x", account="ann", file_id="bb" * 20)

asyncio.run(main())
"""


def test_killed_in_mid_upload_the_acknowledged_file_stays_and_the_half_one_is_swept(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HALF_AN_UPLOAD, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half way\n"
        os.kill(process.pid, signal.SIGKILL)
    assert len(drafts(folder)) == 1
    store = DiskStore(folder, SECRET)
    assert drafts(folder) == []
    assert asyncio.run(content(store, "aa" * 20)) == b"whole"
    assert asyncio.run(store.stat("bb" * 20)) is None
    store.close()


def test_strange_files_in_its_folders_are_no_harm(store: DiskStore, folder: Path) -> None:
    stored = asyncio.run(put(store))
    for place in (folder, folder / "incoming", folder / stored.id[:2], folder / stored.id[:2] / stored.id):
        (place / ".DS_Store").write_bytes(b"x")
    with closing(DiskStore(folder, SECRET)) as again:
        assert asyncio.run(again.sweep()) == 0
        assert asyncio.run(content(again, stored.id)) == b"hello"
        assert asyncio.run(again.delete(stored.id))


def test_a_file_that_was_cut_by_hand_is_an_error_and_not_a_short_answer(store: DiskStore, folder: Path) -> None:
    stored = asyncio.run(put(store, b"0123456789"))
    os.truncate(folder / stored.id[:2] / stored.id / "content", 4)
    with pytest.raises(OSError, match="ends at byte 4, expected 10"):
        asyncio.run(content(store, stored.id))


def test_parts_that_were_cut_by_hand_are_not_joined(store: DiskStore, folder: Path) -> None:
    part = asyncio.run(put(store, b"0123456789", file_id=new_id()))
    os.truncate(folder / part.id[:2] / part.id / "content", 4)
    with pytest.raises(OSError, match="not the 10 bytes"):
        asyncio.run(join(store, part))


def test_nothing_is_left_of_parts_that_were_joined(store: DiskStore, folder: Path) -> None:
    async def put_and_join() -> None:
        await join(store, *[await put(store, bytes([n]), file_id=new_id()) for n in range(20)])

    asyncio.run(put_and_join())
    assert len(list(folder.glob("??/*"))) == 1
    store.close()
    assert drafts(folder) == []


def test_a_disk_that_refuses_is_told_of_and_nothing_is_left(store: DiskStore, folder: Path) -> None:
    async def fill() -> None:
        with pytest.raises(OSError, match="File too large"):
            await store.put(stream(*[bytes(MIB)] * 40), name="x", account="ann")

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 * MIB, hard))
    try:
        asyncio.run(fill())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert drafts(folder) == []


def test_a_reader_who_goes_while_the_disk_answers_leaves_no_open_file(store: DiskStore, folder: Path) -> None:
    async def read_and_go() -> None:
        stored = await put(store)
        place = folder / stored.id[:2] / stored.id / "content"
        place.unlink()
        os.mkfifo(place)  # opening it takes until somebody writes, as with a slow disk
        reading = asyncio.create_task(content(store, stored.id))
        writer = await opened_for_writing(place)
        reading.cancel()  # open by now, in a thread, but the reader has not heard of it yet
        with pytest.raises(asyncio.CancelledError):
            await reading
        os.close(writer)
        await asyncio.to_thread(wait_for, lambda: place not in open_files())

    asyncio.run(read_and_go())


async def opened_for_writing(fifo: Path) -> int:
    while True:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            await asyncio.sleep(0.001)


def open_files() -> set[Path]:
    handles = Path("/proc/self/fd").iterdir()
    return {handle.readlink() for handle in handles if handle.is_symlink()}


def test_what_is_put_again_while_its_old_end_is_swept_stays(folder: Path, clock: Clock) -> None:
    with closing(DiskStore(folder, SECRET, clock)) as other:
        again: list[None] = []

        def interrupted() -> float:
            """Somebody puts the same file anew, just when the sweep has found that the old one is over."""
            if again:
                again.clear()
                asyncio.run(put(other))
            return clock.now

        with closing(DiskStore(folder, SECRET, interrupted)) as store:
            stored = asyncio.run(put(store, expires_at=clock.now + 10))
            clock.now += 20
            again.append(None)
            assert asyncio.run(store.sweep()) == 0
            assert asyncio.run(content(store, stored.id)) == b"hello"


def test_a_record_that_cannot_be_read_keeps_no_other_file_past_its_end(folder: Path, clock: Clock) -> None:
    with closing(DiskStore(folder, SECRET, clock)) as store:
        made = [asyncio.run(put(store, bytes([n]), expires_at=clock.now + 10)) for n in range(3)]
        for broken_record, text in zip(made, ("{", "[]"), strict=False):
            (folder / broken_record.id[:2] / broken_record.id / "record.json").write_text(text)
        clock.now += 20
        assert asyncio.run(store.sweep()) == 1
        assert not (folder / made[2].id[:2] / made[2].id).exists()


def test_memory_stays_flat(store: DiskStore) -> None:
    import tracemalloc

    async def put_and_read() -> None:
        stored = await store.put(stream(*[bytes(64 * 1024)] * 1024), name="x", account="ann")
        async with store.open(stored.id) as chunks:
            async for _ in chunks:
                pass

    tracemalloc.start()
    asyncio.run(put_and_read())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MIB
