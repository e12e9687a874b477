"""A real gateway on loopback that can be stopped and started again on its port, and real runner processes for it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import uvicorn

from rushes.accounts.keys import KeyRing
from rushes.accounts.storage import StorageDefaults
from rushes.accounts.usage import Usage
from rushes.accounts.voices import VoiceShelf
from rushes.db.sqlite import Database
from rushes.families import served
from rushes.files.credentials import Credentials
from rushes.files.disk import DiskStore
from rushes.files.signing import Signer
from rushes.gateway.routes import Door
from rushes.gateway.visit import Services
from rushes.jobs.events import Events
from rushes.jobs.job import JobState, Result, Status
from rushes.jobs.store import JobStore
from rushes.settings import Settings
from rushes.webhooks.outbox import Outbox
from rushes.webhooks.signing import SigningKeys

T = TypeVar("T")
KEY = "me:secret"


@dataclass
class Live:
    """A running gateway."""

    url: str
    port: int
    services: Services
    loop: asyncio.AbstractEventLoop
    client: httpx2.Client

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the gateway's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=30)

    def submit(self, endpoint: str = "rushes/echo", **given: Any) -> str:
        """Submit a job, return its id."""
        answer = self.client.post(f"/queue/{endpoint}", json=given)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def state(self, job_id: str) -> JobState:
        """Where a job is."""
        return self.call(_now(lambda: self.services.jobs.state(job_id)))

    def lines(self, job_id: str) -> list[str]:
        """The messages of a job's log."""
        return [line.message for line in self.call(_now(lambda: self.services.jobs.logs(job_id)))]

    def running(self, job_id: str, lines: int = 0) -> None:
        """Wait until a runner has the job, and its log has so many lines."""
        wait_for(lambda: self.state(job_id).status == Status.IN_PROGRESS and len(self.lines(job_id)) >= lines)

    def result(self, job_id: str, within_s: float = 60.0) -> Result:
        """Wait for a job's end."""
        wait_for(lambda: self.state(job_id).status == Status.COMPLETED, within_s)
        return self.call(_now(lambda: self.services.jobs.result(job_id)))


async def _now(look: Callable[[], T | None]) -> T:
    found = look()
    assert found is not None
    return found


def wait_for(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until something is so."""
    give_up_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come to pass in time"
        time.sleep(0.005)


@contextmanager
def running(
    folder: Path, port: int = 0, keys: KeyRing | None = None, credentials: Credentials | None = None, **given: Any
) -> Iterator[Live]:
    """Run a gateway until the block ends; `keys` of an earlier one keep its runners' key valid."""
    settings = Settings(data=folder, key=KEY, test_endpoints=True, **given)
    ready: threading.Event = threading.Event()
    started: list[tuple[uvicorn.Server, Services, asyncio.AbstractEventLoop]] = []
    # With the protocol named, asyncio switches Nagle's delay off; without, each answer takes 40 ms longer.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))

    async def serve() -> None:
        database, events = Database.open(folder / "rushes.db"), Events()
        files = DiskStore(folder / "files", b"s" * 32, time.time)
        services = Services(
            settings=settings,
            endpoints=served(test_endpoints=True),
            jobs=JobStore(database, events, time.time),
            events=events,
            files=files,
            signer=Signer(b"s" * 32),
            keys=keys or await KeyRing.open(database, time.time, data=folder, admin_key=KEY),
            voices=VoiceShelf(database, time.time),
            usage=Usage(database),
            storage=StorageDefaults(database),
            outbox=Outbox(database, events, time.time),
            webhook_keys=SigningKeys(folder / "webhook-keys", time.time),
            clock=time.time,
            credentials=credentials,
        )
        config = uvicorn.Config(
            Door(services), ws="none", lifespan="off", log_level="critical", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        started.append((server, services, asyncio.get_running_loop()))
        ready.set()
        await server.serve(sockets=[sock])
        files.close()
        database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(60)
    server, services, loop = started[0]
    port = sock.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx2.Client(
            base_url=url, headers={"authorization": f"Key {KEY}"}, timeout=20, trust_env=False
        ) as client:
            yield Live(url, port, services, loop, client)
    finally:
        server.should_exit = True
        thread.join(60)
        sock.close()


@contextmanager
def worker(live: Live, name: str, deployments: str = "echo", **given: str) -> Iterator[subprocess.Popen[str]]:
    """Run a runner process until the block ends."""
    settings = {"RUSHES_TEST_ENDPOINTS": "1", "RUSHES_RUNNER_KEY": live.services.keys.runner_key}
    settings |= {f"RUSHES_{option.upper()}": value for option, value in given.items()}
    kept = {option: value for option, value in os.environ.items() if not option.startswith("RUSHES_")}
    command = [sys.executable, "-m", "rushes.runners.worker", "--url", live.url, "--name", name]
    process = subprocess.Popen(
        [*command, "--deployments", deployments], env=kept | settings, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
