"""Realtime sessions: how long a frame takes over the socket, alone, and beside 200 idle sessions that are polled.

    python bench/realtime.py PICTURE

Starts a server of its own on a free loopback port; prints milliseconds from `send` to the decoded answer, at 512x288.
"""

from __future__ import annotations

import base64
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import fal_client
import httpx2

import rushes
from rushes.cli.embedded import embedded_server

APP = "rushes/camera"
FRAMES, IDLE = 300, 200


def frames(camera: Any, count: int) -> list[float]:
    """Move the camera and time each answer, in ms."""
    taken = []
    for number in range(count):
        started = time.perf_counter()
        camera.send({"x": number / count, "yaw": 5.0 * number / count})
        assert camera.recv()["images"][0]["content"]
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def say(what: str, taken: list[float]) -> None:
    """Print one line of the table."""
    ordered = sorted(taken)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(f"{what}: median {statistics.median(taken):.1f} ms, p95 {p95:.1f} ms, worst {ordered[-1]:.1f} ms")


def main() -> None:
    """Run both measurements."""
    picture = base64.b64encode(Path(sys.argv[1]).read_bytes()).decode()
    first = {"image_url": f"data:image/jpeg;base64,{picture}"}
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder), {}) as server:
        rushes.connect(server.url, server.key)
        started = time.perf_counter()
        with fal_client.realtime(APP) as camera:
            camera.send(first)
            camera.recv()
            print(f"first frame of the first session: {(time.perf_counter() - started) * 1000:.0f} ms")
            say("one session", frames(camera, FRAMES))
        with ExitStack() as stack:
            cameras = [stack.enter_context(fal_client.realtime(APP, use_jwt=False)) for _ in range(IDLE + 1)]
            for camera in cameras:
                camera.send(first)
            for camera in cameras:
                camera.recv()
            polls, failed, over = [0], [0], threading.Event()
            poller = threading.Thread(target=poll, args=(server, polls, failed, over))
            poller.start()
            say(f"one of {IDLE + 1} sessions, {IDLE} idle, polls beside", frames(cameras[0], FRAMES))
            over.set()
            poller.join()
            print(f"polls: {polls[0]}, failed: {failed[0]}")
            started = time.perf_counter()
            for camera in cameras:
                camera.send({"x": 0.5})
            for camera in cameras:
                camera.recv()
            print(f"a frame for each of {IDLE + 1} at once: {(time.perf_counter() - started) * 1000:.0f} ms")


def poll(server: Any, polls: list[int], failed: list[int], over: threading.Event) -> None:
    """Poll a request's status until it is over, a hundred times a second at most."""
    with httpx2.Client(base_url=server.url, headers={"authorization": f"Key {server.key}"}, trust_env=False) as client:
        request = client.post(f"/queue/{APP}", json={"image_url": "https://example.invalid/a.png"}).json()
        while not over.is_set():
            answer = client.get(f"/queue/{APP}/requests/{request['request_id']}/status")
            polls[0] += 1
            failed[0] += answer.status_code not in {200, 202}
            time.sleep(0.01)


if __name__ == "__main__":
    main()
