"""A crowd: idle status streams and realtime sessions on one server, while others poll, submit and move a camera.

    python bench/crowd.py PICTURE [--streams 1000] [--sessions 200] [--seconds 20] [--open-files 1024]

The server is a process of its own, started with so many open files as its soft limit. Its one runner is busy all the
time, so that every stream stays idle. Reported: polls, submits and frames that failed and how long they took, streams
and sessions that broke, CPU, memory and open files of the server.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.idle_streams import ENDPOINT, HEADERS, OPENING, Stream, cpu_s, rss_mib
from tests.server import Server, start_server

CAMERA = "rushes/camera"
BUSY_S = 600.0
FAILED = (httpx2.HTTPError, WebSocketException, OSError, TimeoutError, asyncio.IncompleteReadError)


class Timed:
    """How long something took each time, and how often it failed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.took: list[float] = []
        self.failed = 0

    async def repeat(self, once: Callable[[], Awaitable[bool]], seconds: float, pause_s: float) -> None:
        """Do it again and again."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            try:
                self.failed += not await once()
            except FAILED:
                self.failed += 1
            self.took.append(time.perf_counter() - began)
            await asyncio.sleep(pause_s)

    def __str__(self) -> str:
        ms = sorted(taken * 1e3 for taken in self.took)
        middle, late = ms[len(ms) // 2], ms[int(len(ms) * 0.95)]
        return (
            f"{self.name}: {len(ms)}, failed {self.failed}; median {middle:.1f} ms, p95 {late:.1f}, worst {ms[-1]:.1f}"
        )


def open_files(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def session(url: str, first: str) -> ClientConnection:
    """Open a session and wait for its first frame."""
    socket = await connect(
        f"{url.replace('http', 'ws')}/run/{CAMERA}/realtime",
        additional_headers=HEADERS,
        proxy=None,
        compression=None,
        open_timeout=60,
        ping_interval=None,
    )
    await socket.send(first)
    await answer(socket)
    return socket


async def answer(socket: ClientConnection) -> bool:
    """Read up to the next frame; whether it is a picture."""
    while True:
        said = json.loads(await asyncio.wait_for(socket.recv(), 60))
        if said.get("type") != "x-fal-message":
            return "images" in said


async def in_turns(count: int, one: Callable[[int], Awaitable[None]]) -> float:
    """Do something for each, OPENING at once; return the seconds it took."""
    began = time.monotonic()
    for at in range(0, count, OPENING):
        await asyncio.gather(*(one(index) for index in range(at, min(at + OPENING, count))))
    return time.monotonic() - began


async def measure(server: Server, given: argparse.Namespace) -> int:
    """Run the story and print what came of it; the exit code."""
    url, pid = server.url, server.process.pid
    host, port = url.removeprefix("http://").split(":")
    picture = base64.b64encode(given.picture.read_bytes()).decode()
    first = json.dumps({"image_url": f"data:image/jpeg;base64,{picture}"})
    streams = [Stream(host, int(port)) for _ in range(given.streams)]
    cameras: list[ClientConnection] = []
    async with httpx2.AsyncClient(base_url=url, headers=HEADERS, timeout=10, trust_env=False) as client:

        async def submit(**request: float) -> str:
            return str((await client.post(f"/queue/{ENDPOINT}", json=request)).json()["request_id"])

        await submit(sleep_s=BUSY_S)
        ids = [await submit() for _ in range(given.streams + 1)]
        path = f"/queue/{ENDPOINT}/requests/{ids[-1]}/status"
        before_mib = rss_mib(pid)

        async def open_stream(index: int) -> None:
            await streams[index].open(f"/queue/{ENDPOINT}/requests/{ids[index]}/status/stream")

        async def open_session(_: int) -> None:
            cameras.append(await session(url, first))

        opened = await in_turns(given.streams, open_stream), await in_turns(given.sessions, open_session)
        followers = [asyncio.create_task(stream.follow()) for stream in streams]
        print(f"{given.streams} streams opened in {opened[0]:.1f} s, {given.sessions} sessions in {opened[1]:.1f} s")

        async def poll() -> bool:
            return (await client.get(path)).status_code == 202

        async def move() -> bool:
            await cameras[0].send(json.dumps({"x": time.monotonic() % 1}))
            return await answer(cameras[0])

        async def add() -> bool:
            return bool(await submit())

        polls, submits, frames = Timed("polls"), Timed("submits"), Timed("frames")
        cpu, began = cpu_s(pid), time.monotonic()
        await asyncio.gather(
            polls.repeat(poll, given.seconds, 0.1),
            submits.repeat(add, given.seconds, 0.5),
            frames.repeat(move, given.seconds, 0.1),
        )
        used = (cpu_s(pid) - cpu) / (time.monotonic() - began)
        files = open_files(pid)
        grown_mib = rss_mib(pid) - before_mib
        lost = sum(camera.state.name != "OPEN" for camera in cameras)
        await asyncio.gather(*(camera.close() for camera in cameras))
        for follower in followers:
            follower.cancel()
    broken = sum(stream.broken for stream in streams)
    for timed in (polls, submits, frames):
        print(timed)
    print(f"streams broken {broken}, sessions broken {lost}")
    print(f"server: {used:.1%} of one core, {files} open files, {grown_mib:.0f} MiB more than before the crowd")
    return int(bool(polls.failed or submits.failed or frames.failed or broken or lost))


def main() -> int:
    """Start a server and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--open-files", type=int, default=1024)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (given.open_files, hard))  # the server's
    with tempfile.TemporaryDirectory() as folder, start_server(Path(folder) / "data", runners=1) as server:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return asyncio.run(measure(server, given))


if __name__ == "__main__":
    sys.exit(main())
