"""The parts put together: what runs by itself, and how the server ends."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rushes.app import Application, loopback_url
from rushes.db.sqlite import Database
from rushes.files.disk import DiskStore
from rushes.files.signing import load_secret
from rushes.settings import Settings
from tests.runners.live import wait_for

DAY_S = 86_400.0


def run(folder: Path, test: Callable[[], Awaitable[None]], clock: Callable[[], float], **settings: Any) -> None:
    """Run a server without runners that sweeps all the time, and a test beside it."""

    async def main() -> None:
        application = Application(Settings(data=folder, runners=0, sweep_s=0.01, files_sweep_s=0.01, **settings), clock)
        await application.start()
        try:
            await test()
        finally:
            await application.stop()

    asyncio.run(main())


async def store(folder: Path, clock: Callable[[], float], **more: Any) -> str:
    """Store a file and return its id."""
    files = DiskStore(folder / "files", load_secret(folder), clock)
    path = folder / "some.mp4"
    path.write_bytes(b"film")
    stored = await files.put(path, name="some.mp4", account="me", **more)
    files.close()
    return stored.id


def place(folder: Path, file_id: str) -> Path:
    return folder / "files" / file_id[:2] / file_id


def add_ended_job(folder: Path, file_id: str, ended_at: float) -> None:
    Database.open(folder / "rushes.db").close()
    connection = sqlite3.connect(folder / "rushes.db")
    connection.execute("INSERT INTO lines (id, endpoint, priority, returned) VALUES (1, 'a/b', 0, 0)")
    connection.execute(
        "INSERT INTO jobs (n, id, line, place, status, account, created_at, ended_at, files) "
        "VALUES (1, 'old', 1, 1, 2, 'me', ?, ?, ?)",
        (ended_at, ended_at, f'["{file_id}"]'),
    )
    connection.commit()
    connection.close()


def jobs_left(folder: Path) -> int:
    connection = sqlite3.connect(folder / "rushes.db")
    ((count,),) = connection.execute("SELECT count(*) FROM jobs").fetchall()
    connection.close()
    return int(count)


def test_expired_files_are_removed_while_the_server_runs(tmp_path: Path) -> None:
    expired = asyncio.run(store(tmp_path, lambda: 0.0, expires_at=50.0))

    async def test() -> None:
        await asyncio.to_thread(wait_for, lambda: not place(tmp_path, expired).exists())

    run(tmp_path, test, lambda: 100.0)


@pytest.mark.parametrize("keep", [True, False])
def test_a_forgotten_requests_files_stay_unless_told_otherwise(tmp_path: Path, keep: bool) -> None:
    file_id = asyncio.run(store(tmp_path, lambda: 0.0))
    add_ended_job(tmp_path, file_id, ended_at=1.0)

    async def test() -> None:
        await asyncio.to_thread(wait_for, lambda: jobs_left(tmp_path) == 0)

    run(tmp_path, test, lambda: 8 * DAY_S, keep_result_files=keep)
    assert place(tmp_path, file_id).exists() == keep


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8787"),
        ("0.0.0.0", "http://127.0.0.1:8787"),
        ("::", "http://[::1]:8787"),
        ("::1", "http://[::1]:8787"),
        ("192.0.2.7", "http://192.0.2.7:8787"),
        ("studio.local", "http://studio.local:8787"),
    ],
)
def test_its_runners_reach_it_from_this_machine(host: str, url: str) -> None:
    assert loopback_url(Settings(host=host)) == url


def test_nothing_is_answered_before_the_start() -> None:
    async def call() -> None:
        await Application(Settings(runners=0)).asgi({"type": "http"}, asyncio.Event().wait, asyncio.Event().wait)  # type: ignore[arg-type]

    with pytest.raises(RuntimeError, match="has not been started"):
        asyncio.run(call())
