"""A server that is told to stop while callers wait: it ends in time, and they are told why they got nothing."""

from __future__ import annotations

import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.server import KEY, start_server

pytestmark = pytest.mark.acceptance

HEADERS = {"authorization": f"Key {KEY}"}


def test_a_direct_run_that_still_waits_is_told_to_come_again(tmp_path: Path) -> None:
    with start_server(tmp_path / "data") as server, ThreadPoolExecutor() as threads:

        def post(path: str, **body: float) -> httpx2.Response:
            return httpx2.post(f"{server.url}{path}", json=body, headers=HEADERS, timeout=30, trust_env=False)

        at_work = post("/queue/rushes/echo", sleep_s=60, steps=600).json()["status_url"]
        while httpx2.get(at_work, headers=HEADERS, trust_env=False).json()["status"] != "IN_PROGRESS":
            time.sleep(0.02)
        waiting = threads.submit(post, "/run/rushes/echo", sleep_s=1)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        answer = waiting.result()
        assert (answer.status_code, answer.headers["x-fal-error-type"]) == (503, "runner_disconnected")
        assert answer.json()["error_type"] == "runner_disconnected"
        assert server.process.wait(10) == 0
    with closing(sqlite3.connect(tmp_path / "data" / "rushes.db")) as database:
        left = database.execute("SELECT error_type FROM jobs WHERE id = ?", (answer.headers["x-fal-request-id"],))
        assert left.fetchall() == [("client_disconnected",)]  # nobody pays for what nobody can fetch
