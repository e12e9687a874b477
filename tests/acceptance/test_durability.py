"""What a crash may not do: lose an acknowledged job, finish one twice, or leave a result that can't be fetched."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server import KEY, Server, start_server

pytestmark = pytest.mark.acceptance

JOBS = 200
HEADERS = {"Authorization": f"Key {KEY}"}


@asynccontextmanager
async def client(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.url, headers=HEADERS, timeout=10) as session:
        yield session


async def submit_until_refused(server: Server, acknowledged: dict[str, int], dice: random.Random) -> None:
    """Submit numbered jobs from four callers until all are out or the server is gone; keep what was acknowledged."""
    numbers = iter(range(len(acknowledged), JOBS))

    async def caller(session: httpx2.AsyncClient) -> None:
        for number in numbers:
            body = {"payload": number, "sleep_s": 0.01, "steps": 2}
            try:
                reply = await session.post("/queue/rushes/echo", json=body)
            except httpx2.TransportError:
                return
            acknowledged[reply.json()["request_id"]] = number
            await asyncio.sleep(dice.uniform(0, 0.03))

    async with client(server) as session:
        await asyncio.gather(*(caller(session) for _ in range(4)))


async def completed(session: httpx2.AsyncClient, request_id: str, within_s: float = 60) -> dict[str, Any]:
    async with asyncio.timeout(within_s):
        while True:
            reply = await session.get(f"/queue/rushes/echo/requests/{request_id}/status", params={"logs": "1"})
            body: dict[str, Any] = reply.json()
            if body["status"] == "COMPLETED":
                return body
            await asyncio.sleep(0.05)


async def check_every_result(server: Server, acknowledged: dict[str, int]) -> None:
    async with client(server) as session:
        for request_id, number in acknowledged.items():
            status = await completed(session, request_id)
            assert "error" not in status, status
            result = await session.get(f"/queue/rushes/echo/requests/{request_id}")
            assert (result.status_code, result.json()) == (200, {"payload": number})


async def submit_and_kill(data: Path, dice: random.Random) -> tuple[dict[str, int], int]:
    """Kill the server at random moments until all jobs are submitted; return what was acknowledged, and the kills."""
    acknowledged: dict[str, int] = {}
    kills = 0
    while len(acknowledged) < JOBS:
        with start_server(data, runners=2) as server:
            killer = asyncio.get_running_loop().call_later(dice.uniform(0.05, 0.6), server.kill)
            await submit_until_refused(server, acknowledged, dice)
            killer.cancel()
            server.kill()
            kills += 1
    return acknowledged, kills


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_server_loses_no_acknowledged_job_and_finishes_each_once(tmp_path: Path, seed: int) -> None:
    acknowledged, kills = asyncio.run(submit_and_kill(tmp_path / "data", random.Random(seed)))
    assert kills > 1
    with start_server(tmp_path / "data", runners=2) as server:
        asyncio.run(check_every_result(server, acknowledged))


def test_a_killed_runners_job_is_done_by_the_next_one(tmp_path: Path) -> None:
    with start_server(tmp_path / "data", runners=1) as server:

        async def scenario() -> None:
            async with client(server) as session:
                body = {"payload": "kept", "sleep_s": 1.5, "steps": 15}
                request_id = (await session.post("/queue/rushes/echo", json=body)).json()["request_id"]
                first = await running(session, request_id)
                server.kill_runners()
                status = await completed(session, request_id)
                result = await session.get(f"/queue/rushes/echo/requests/{request_id}")
                assert result.json() == {"payload": "kept"}
                assert "error" not in status
                assert first["status"] == "IN_PROGRESS"

        asyncio.run(scenario())


async def running(session: httpx2.AsyncClient, request_id: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            body: dict[str, Any] = (await session.get(f"/queue/rushes/echo/requests/{request_id}/status")).json()
            if body["status"] == "IN_PROGRESS":
                return body
            await asyncio.sleep(0.02)


def test_a_job_that_hangs_in_a_step_does_not_hold_up_the_queue_for_good(tmp_path: Path) -> None:
    async def main(server: Server) -> None:
        async with client(server) as session:
            hung = await session.post("/queue/rushes/echo", json={"sleep_s": 3600})
            after = await session.post("/queue/rushes/echo", json={"payload": "after"})
            assert "error" not in await completed(session, after.json()["request_id"])
            status = await completed(session, hung.json()["request_id"])
            # Its lease runs out while it hangs, or its process is ended first.
            assert status["error_type"] in {"runner_connection_timeout", "runner_disconnected"}

    with start_server(tmp_path / "data", lease_s="0.5", hang_s="1") as server:
        asyncio.run(main(server))
