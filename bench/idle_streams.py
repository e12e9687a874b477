"""How well the server holds idle status streams: N streams of waiting jobs stay open while one client polls.

    python bench/idle_streams.py [--streams 1000] [--seconds 20]

The server is a process of its own without runners, so that every job waits. Reported: polls that failed, their latency
with and without the streams, streams that broke or missed a change of place, CPU and memory of the server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import httpx2

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.server import KEY, start_server

ENDPOINT = "rushes/echo"
HEADERS = {"authorization": f"Key {KEY}"}
OPENING = 50  # streams that are opened at once


class Stream:
    """One status stream, read by hand, so that a thousand cost the measuring side little."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.places: list[int] = []
        self.broken = False

    async def open(self, path: str) -> None:
        """Ask, and read up to the first event."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        head = f"GET {path} HTTP/1.1\r\nhost: {self._host}\r\nauthorization: {HEADERS['authorization']}\r\n\r\n"
        self._writer.write(head.encode())
        await self._reader.readuntil(b"\r\n\r\n")
        await self._next()

    async def follow(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                await self._next()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.broken = True

    async def _next(self) -> None:
        text = await self._reader.readuntil(b"\n\n")
        at = text.find(b"data: ")
        if at >= 0:
            self.places.append(json.loads(text[at + 6 :].strip())["queue_position"])


async def poll(client: httpx2.AsyncClient, path: str, seconds: float) -> tuple[list[float], int]:
    """Poll as the Python client does, every 100 ms; return the latencies and how many failed."""
    took, failed, until = [], 0, time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            failed += (await client.get(path)).status_code != 202
        except httpx2.HTTPError:
            failed += 1
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.1)
    return took, failed


def cpu_s(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def rss_mib(pid: int) -> float:
    """Its memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def measure(url: str, pid: int, count: int, seconds: float) -> int:
    """Run the story and print what came of it; the exit code."""
    host, port = url.removeprefix("http://").split(":")
    async with httpx2.AsyncClient(base_url=url, headers=HEADERS, timeout=10, trust_env=False) as client:
        ids = []
        for _ in range(count + 1):
            ids.append((await client.post(f"/queue/{ENDPOINT}", json={})).json()["request_id"])
        path = f"/queue/{ENDPOINT}/requests/{{}}/status"
        alone, _ = await poll(client, path.format(ids[-1]), min(seconds, 5))
        before_mib = rss_mib(pid)
        streams = [Stream(host, int(port)) for _ in range(count)]
        for at in range(0, count, OPENING):
            pairs = zip(streams[at : at + OPENING], ids[at:], strict=False)
            await asyncio.gather(*(stream.open(f"{path.format(one)}/stream") for stream, one in pairs))
        followers = [asyncio.create_task(stream.follow()) for stream in streams]
        opened_mib, cpu, began = rss_mib(pid), cpu_s(pid), time.monotonic()
        took, failed = await poll(client, path.format(ids[-1]), seconds)
        used = (cpu_s(pid) - cpu) / (time.monotonic() - began)
        await client.put(f"/queue/{ENDPOINT}/requests/{ids[0]}/cancel")  # everybody else moves up by one
        await asyncio.sleep(3)
        for follower in followers:
            follower.cancel()
    missed = sum(stream.places[-1:] != [place - 1] for place, stream in enumerate(streams) if place)
    broken = sum(stream.broken for stream in streams[1:])
    print(f"streams {count}, broken {broken}, missed the change of place {missed}")
    print(f"polls {len(took)}, failed {failed}; {_ms(took)} with the streams, {_ms(alone)} without")
    print(f"server: {used:.1%} of one core; {(opened_mib - before_mib) * 1024 / count:.0f} KiB a stream")
    return int(bool(failed or broken or missed))


def _ms(took: list[float]) -> str:
    return f"{median(took) * 1e3:.1f} ms median, {quantiles(took, n=20)[-1] * 1e3:.1f} ms p95"


def main() -> int:
    """Start a server and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    with tempfile.TemporaryDirectory() as folder, start_server(Path(folder) / "data", runners=0) as server:
        return asyncio.run(measure(server.url, server.process.pid, given.streams, given.seconds))


if __name__ == "__main__":
    sys.exit(main())
