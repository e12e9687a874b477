"""What every FileStore must do; a backend's test file inherits FileStoreContract and makes the store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.files.acl import Acl, Rule
from rushes.files.store import FileMissing, FileStore, FileTaken, FileTooLarge, StoredFile, is_id, new_id

Arrange = Callable[[FileStore], Awaitable[None]]
MIB = 1024 * 1024
ONLY_BOB = Acl("forbid", (Rule("bob", "allow"),))


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def broken(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    raise ConnectionError("the caller went away")


async def content(store: FileStore, file_id: str, start: int = 0, stop: int | None = None) -> bytes:
    async with store.open(file_id, start, stop) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def put(store: FileStore, data: bytes = b"hello", **wish: object) -> StoredFile:
    given = {"name": "a.txt", "account": "ann", "content_type": "text/plain", **wish}
    return await store.put(stream(data), **given)  # type: ignore[arg-type]


async def join(store: FileStore, *parts: StoredFile, **wish: object) -> StoredFile:
    given = {"name": "j.txt", "account": "ann", "content_type": "text/plain", "file_id": new_id(), **wish}
    return await store.join([part.id for part in parts], **given)  # type: ignore[arg-type]


@pytest.mark.anyio
class FileStoreContract:
    """Every test gets a fresh, empty `store` that tells time by `clock`."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    async def test_what_was_put_is_there_with_all_that_is_known(self, store: FileStore, clock: Clock) -> None:
        stored = await put(store, b"hello", expires_at=clock.now + 5)
        assert is_id(stored.id)
        digest = hashlib.sha256(b"hello").hexdigest()
        assert stored == StoredFile(stored.id, "a.txt", "text/plain", 5, digest, "ann", clock.now, clock.now + 5)
        assert await store.stat(stored.id) == stored
        assert await content(store, stored.id) == b"hello"

    @pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 7])
    async def test_any_size_in_any_chunks_comes_back_whole(self, store: FileStore, size: int) -> None:
        data = bytes(i * 31 % 251 for i in range(1000)) * (size // 1000 + 1)
        data = data[:size]
        pieces = [data[i : i + 70_001] for i in range(0, size, 70_001)]
        stored = await store.put(stream(*pieces), name="x", account="ann")
        assert stored.size_bytes == size
        assert await content(store, stored.id) == data

    async def test_a_path_is_copied_and_left_alone(self, store: FileStore, tmp_path: Path) -> None:
        source = tmp_path / "made.mp4"
        source.write_bytes(b"frames" * 400_000)
        stored = await store.put(source, name="made.mp4", account="ann", content_type="video/mp4")
        assert await content(store, stored.id) == source.read_bytes()

    @pytest.mark.parametrize(("start", "stop"), [(0, 0), (2, 5), (5, None), (0, 999), (-3, None), (9, 4), (10, 20)])
    async def test_a_part_is_what_slicing_gives(self, store: FileStore, start: int, stop: int | None) -> None:
        stored = await put(store, b"0123456789")
        assert await content(store, stored.id, start, stop) == b"0123456789"[start:stop]

    async def test_the_same_upload_twice_is_one_file(self, store: FileStore) -> None:
        assert (await put(store)).id == (await put(store)).id

    @pytest.mark.parametrize("other", [{"account": "bob"}, {"name": "b.txt"}, {"content_type": "text/csv"}])
    async def test_another_account_name_or_type_is_another_file(self, store: FileStore, other: dict[str, str]) -> None:
        assert (await put(store)).id != (await put(store, b"hello", **other)).id

    async def test_knowing_the_content_does_not_tell_the_id(self, store: FileStore) -> None:
        stored = await put(store)
        assert hashlib.sha256(b"hello").hexdigest()[:8] not in stored.id

    async def test_a_promised_id_is_kept(self, store: FileStore) -> None:
        file_id = new_id()
        assert (await put(store, file_id=file_id)).id == file_id
        assert await content(store, file_id) == b"hello"

    async def test_the_same_bytes_under_a_promised_id_again_are_no_error(self, store: FileStore) -> None:
        first = await put(store, file_id=new_id())
        assert await put(store, file_id=first.id) == first

    async def test_other_bytes_under_a_used_id_are_refused_and_change_nothing(self, store: FileStore) -> None:
        first = await put(store, file_id=new_id())
        with pytest.raises(FileTaken, match="already holds other content"):
            await put(store, b"other", file_id=first.id)
        assert await content(store, first.id) == b"hello"

    async def test_of_many_puts_to_one_id_at_once_one_wins_and_is_whole(self, store: FileStore) -> None:
        file_id = new_id()
        puts = [put(store, bytes([i]) * 100_000, file_id=file_id) for i in range(8)]
        done = await asyncio.gather(*puts, return_exceptions=True)
        won = [result for result in done if isinstance(result, StoredFile)]
        assert len(won) == 1
        assert all(isinstance(result, FileTaken) for result in done if result is not won[0])
        assert hashlib.sha256(await content(store, file_id)).hexdigest() == won[0].sha256

    @pytest.mark.parametrize("file_id", ["", "x", "../../etc/passwd", "A" * 40, "ab" * 19, "ab" * 21, "é" * 40])
    async def test_what_is_no_id_is_absent_and_never_stored(self, store: FileStore, file_id: str) -> None:
        assert await store.stat(file_id) is None
        assert not await store.delete(file_id)
        with pytest.raises(FileMissing):
            await content(store, file_id)
        with pytest.raises(ValueError, match="not a file id"):
            await put(store, file_id=file_id)

    async def test_an_id_never_given_out_is_absent(self, store: FileStore) -> None:
        assert await store.stat(new_id()) is None
        with pytest.raises(FileMissing):
            await content(store, new_id())

    async def test_one_byte_too_many_is_refused_and_leaves_nothing(self, store: FileStore) -> None:
        file_id = new_id()
        with pytest.raises(FileTooLarge, match="larger than 4 bytes"):
            await put(store, file_id=file_id, max_bytes=4)
        assert await store.stat(file_id) is None
        assert (await put(store, file_id=file_id, max_bytes=5)).size_bytes == 5

    async def test_a_path_that_is_too_large_is_refused(self, store: FileStore, tmp_path: Path) -> None:
        source = tmp_path / "big"
        source.write_bytes(bytes(10))
        with pytest.raises(FileTooLarge):
            await store.put(source, name="big", account="ann", max_bytes=9)

    async def test_an_upload_that_breaks_off_is_never_seen(self, store: FileStore) -> None:
        file_id = new_id()
        with pytest.raises(ConnectionError):
            await store.put(broken(b"x" * 3 * MIB), name="x", account="ann", file_id=file_id)
        assert await store.stat(file_id) is None
        assert (await put(store, file_id=file_id)).size_bytes == 5

    async def test_deleted_is_gone(self, store: FileStore) -> None:
        stored = await put(store)
        assert await store.delete(stored.id)
        assert await store.stat(stored.id) is None
        assert not await store.delete(stored.id)

    async def test_a_file_deleted_while_it_is_read_is_read_to_its_end(self, store: FileStore) -> None:
        stored = await put(store, bytes(2 * MIB))
        async with store.open(stored.id) as chunks:
            size = len(await anext(chunks))
            await store.delete(stored.id)
            async for chunk in chunks:
                size += len(chunk)
        assert size == 2 * MIB

    async def test_an_expired_file_is_absent_and_swept_once(self, store: FileStore, clock: Clock) -> None:
        stored = await put(store, expires_at=clock.now + 60)
        kept = await put(store, b"for good")
        clock.now += 59
        assert await store.stat(stored.id) == stored
        assert await store.sweep() == 0
        clock.now += 1
        assert await store.stat(stored.id) is None
        assert [await store.sweep(), await store.sweep()] == [1, 0]
        assert await store.stat(kept.id) == kept

    async def test_put_again_the_later_expiry_holds(self, store: FileStore, clock: Clock) -> None:
        first = await put(store, expires_at=clock.now + 60)
        later = await put(store, expires_at=clock.now + 90)
        assert later == replace(first, expires_at=clock.now + 90)
        assert await put(store, expires_at=clock.now + 30) == later
        assert (await put(store)).expires_at is None
        assert (await put(store, expires_at=clock.now + 30)).expires_at is None
        assert await store.stat(first.id) == replace(first, expires_at=None)

    async def test_an_expired_file_can_be_put_again(self, store: FileStore, clock: Clock) -> None:
        first = await put(store, expires_at=clock.now + 60)
        clock.now += 60
        again = await put(store, expires_at=clock.now + 60)
        assert again.id == first.id
        assert await store.stat(first.id) == again

    async def test_without_a_type_it_is_read_off_the_content(self, store: FileStore) -> None:
        stored = await store.put(stream(b"\x89PNG", b"\r\n\x1a\nrest"), name="", account="ann")
        assert (stored.content_type, stored.name) == ("image/png", "file.png")

    async def test_the_name_is_cleaned(self, store: FileStore) -> None:
        assert (await put(store, name="../../etc/pass wd")).name == "pass wd"

    async def test_the_stored_form_of_the_url_names_id_and_name(self, store: FileStore) -> None:
        assert store.url("ab" * 20, "a b.mp4") == f"rushes-file:/{'ab' * 20}/a%20b.mp4"

    async def test_who_may_read_a_file_is_kept_with_it_and_can_be_replaced(
        self, store: FileStore, clock: Clock
    ) -> None:
        stored = await put(store, acl=ONLY_BOB, expires_at=clock.now + 60)
        assert stored.acl == ONLY_BOB
        assert await store.stat(stored.id) == stored
        assert await store.set_acl(stored.id, Acl("hide"))
        assert await store.stat(stored.id) == replace(stored, acl=Acl("hide"))
        assert await store.set_acl(stored.id, None)
        assert await store.stat(stored.id) == replace(stored, acl=None)
        assert await content(store, stored.id) == b"hello"

    async def test_a_list_that_says_nothing_is_not_kept(self, store: FileStore) -> None:
        stored = await put(store, acl=Acl("allow", (Rule("bob", "allow"),)))
        assert stored.acl is None
        assert stored.id == (await put(store)).id

    async def test_restricted_and_public_bytes_are_two_files(self, store: FileStore) -> None:
        public, restricted = await put(store), await put(store, acl=ONLY_BOB)
        assert public.id != restricted.id
        assert (await put(store, acl=ONLY_BOB)).id == restricted.id

    async def test_put_again_a_file_keeps_the_list_that_it_got_meanwhile(self, store: FileStore, clock: Clock) -> None:
        stored = await put(store, expires_at=clock.now + 60)
        await store.set_acl(stored.id, ONLY_BOB)
        assert await put(store) == replace(stored, acl=ONLY_BOB, expires_at=None)

    async def test_a_file_that_is_absent_or_over_has_no_list(self, store: FileStore, clock: Clock) -> None:
        stored = await put(store, expires_at=clock.now + 60)
        clock.now += 60
        assert not await store.set_acl(stored.id, ONLY_BOB)
        assert not await store.set_acl(new_id(), ONLY_BOB)
        assert not await store.set_acl("../../etc", ONLY_BOB)

    async def test_lists_and_expiries_that_are_changed_at_once_are_both_kept(
        self, store: FileStore, clock: Clock
    ) -> None:
        stored = await put(store, expires_at=clock.now + 1)
        await asyncio.gather(
            *(put(store, expires_at=clock.now + i) for i in range(2, 9)), store.set_acl(stored.id, ONLY_BOB)
        )
        assert await store.stat(stored.id) == replace(stored, acl=ONLY_BOB, expires_at=clock.now + 8)

    async def test_parts_become_one_file_in_the_order_given_and_are_gone(self, store: FileStore) -> None:
        first, second, none = [await put(store, data, file_id=new_id()) for data in (b"he", b"llo", b"")]
        joined = await join(store, first, none, second)
        assert (joined.size_bytes, joined.name, joined.content_type) == (5, "j.txt", "text/plain")
        assert await store.stat(joined.id) == joined
        assert await content(store, joined.id) == b"hello"
        assert await content(store, joined.id, 1, 4) == b"ell"
        assert [await store.stat(part.id) for part in (first, second, none)] == [None] * 3

    async def test_parts_larger_than_any_buffer_are_joined_whole(self, store: FileStore) -> None:
        data = bytes(range(256)) * 9 * 4096
        parts = [await put(store, data[:at], file_id=new_id()) for at in (MIB, 3 * MIB + 7, len(data))]
        joined = await join(store, *parts)
        assert await content(store, joined.id) == b"".join(data[:at] for at in (MIB, 3 * MIB + 7, len(data)))

    async def test_joined_in_another_order_is_another_content(self, store: FileStore) -> None:
        digests = []
        for order in ((0, 1), (1, 0)):
            parts = [await put(store, data, file_id=new_id()) for data in (b"he", b"llo")]
            digests.append((await join(store, *(parts[i] for i in order))).sha256)
        assert digests[0] != digests[1]

    async def test_where_a_part_is_missing_nothing_is_joined_and_the_others_stay(self, store: FileStore) -> None:
        part, file_id = await put(store, file_id=new_id()), new_id()
        with pytest.raises(FileMissing):
            await store.join([part.id, new_id()], name="j", account="ann", file_id=file_id)
        assert await store.stat(file_id) is None
        assert await store.stat(part.id) == part

    async def test_parts_that_are_too_large_together_are_refused_and_stay(self, store: FileStore) -> None:
        parts = [await put(store, b"12345", file_id=new_id()) for _ in range(2)]
        with pytest.raises(FileTooLarge):
            await store.join([p.id for p in parts], name="j", account="ann", file_id=new_id(), max_bytes=9)
        assert [await store.stat(part.id) for part in parts] == parts
        assert (await join(store, *parts, max_bytes=10)).size_bytes == 10

    async def test_a_joined_file_has_a_type_an_end_and_a_list_like_others(self, store: FileStore, clock: Clock) -> None:
        parts = [await put(store, data, file_id=new_id()) for data in (b"\x89PNG\r", b"\n\x1a\nrest")]
        joined = await join(store, *parts, content_type=None, acl=ONLY_BOB, expires_at=clock.now + 60)
        assert (joined.content_type, joined.acl) == ("image/png", ONLY_BOB)
        clock.now += 60
        assert await store.stat(joined.id) is None

    async def test_an_id_that_holds_other_content_takes_no_joined_file(self, store: FileStore) -> None:
        taken, part = await put(store, file_id=new_id()), await put(store, b"other", file_id=new_id())
        with pytest.raises(FileTaken):
            await join(store, part, file_id=taken.id)
        assert await content(store, taken.id) == b"hello"
