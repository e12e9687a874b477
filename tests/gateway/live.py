"""A real gateway for tests: the Door on a uvicorn server in a thread, with a real store in a temporary folder.

Job states are driven from the test's thread: `gateway.call(gateway.jobs.claim(...))` runs on the server's event loop.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx2
import uvicorn

from rushes.accounts.keys import KeyRing
from rushes.accounts.storage import StorageDefaults
from rushes.accounts.usage import Usage
from rushes.accounts.voices import VoiceShelf
from rushes.db.sqlite import Database
from rushes.endpoint import Endpoint
from rushes.errors import Failure
from rushes.fields import ImageUrl, WireModel
from rushes.files.disk import DiskStore
from rushes.files.signing import Signer
from rushes.gateway.attendance import Attendance
from rushes.gateway.routes import Door
from rushes.gateway.visit import Services
from rushes.jobs.events import Events
from rushes.jobs.job import Claimed, LogLine, Outcome
from rushes.jobs.store import JobStore
from rushes.settings import Settings
from rushes.webhooks.outbox import Outbox
from rushes.webhooks.signing import SigningKeys
from tests.onloop import on_loop

T = TypeVar("T")

KEY = "me:secret"
AUTH = {"authorization": f"Key {KEY}"}
SERVED_BY = "animatic/0.1.0; model=animatic; stand-in"


class ClipInput(WireModel):
    """What the test endpoints take."""

    prompt: str
    image_url: ImageUrl | None = None
    num_frames: int = 81
    resolution: Literal["480p", "720p"] = "720p"


def an_endpoint(endpoint_id: str) -> Endpoint:
    """An endpoint that no engine serves: tests claim its jobs themselves."""
    return Endpoint(
        id=endpoint_id,
        title=endpoint_id,
        category="test",
        about="",
        input=ClipInput,
        output=WireModel,
        units=lambda request, clip: 1.0,
        unit="request",
        engines={},
        reply=lambda request, made: WireModel(),
    )


ENDPOINTS = {e: an_endpoint(e) for e in ("fal-ai/clip", "fal-ai/clip/v2/turbo", "fal-ai/other", "workflows/u/w/deep")}


@dataclass
class Clock:
    """Real time plus what a test adds."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        """Unix seconds."""
        return time.time() + self.ahead_s


@dataclass
class Gateway:
    """A running gateway: its address, its services, and the loop that they live on."""

    url: str
    services: Services
    loop: asyncio.AbstractEventLoop
    clock: Clock
    client: httpx2.Client = field(repr=False)

    @property
    def jobs(self) -> JobStore:
        """The real store, whose looks happen on the server's loop."""
        return on_loop(self.services.jobs, self.loop)

    @property
    def outbox(self) -> Outbox:
        """The real one, in the same way."""
        return on_loop(self.services.outbox, self.loop)

    @property
    def voices(self) -> VoiceShelf:
        """The real one, in the same way."""
        return on_loop(self.services.voices, self.loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the server's loop, wait for the result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        """GET with the admin key; never follows a redirect."""
        return self.client.get(path, **more)

    def submit(self, endpoint: str = "fal-ai/clip", **more: Any) -> dict[str, Any]:
        """Submit a valid request and return the answer."""
        response = self.client.post(f"/queue/{endpoint}", **{"json": {"prompt": "a cat"}, **more})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def claim(self, *endpoints: str) -> Claimed:
        """Take the next job, as a runner would."""
        claimed = self.call(self.jobs.claim("test-runner", endpoints or tuple(ENDPOINTS), 60.0))
        assert claimed is not None
        return claimed

    def finish(
        self, claimed: Claimed, output: bytes = b'{"ok": true}', files: tuple[str, ...] = (), **more: Any
    ) -> None:
        """End a claimed job well."""
        outcome = Outcome(output, SERVED_BY, units=1.25, inference_s=0.5, files=files, **more)
        assert self.call(self.jobs.finish(claimed.lease.job_id, claimed.lease.token, outcome))

    def fail(self, claimed: Claimed, failure: Failure) -> None:
        """End a claimed job badly."""
        assert self.call(self.jobs.fail(claimed.lease.job_id, claimed.lease.token, failure))

    def log(self, claimed: Claimed, *messages: str) -> None:
        """Send a beat with log lines."""
        lines = [LogLine(self.clock(), message) for message in messages]
        assert self.call(self.jobs.beat(claimed.lease.job_id, claimed.lease.token, 60.0, lines)) != "stale"


class PromptServer(uvicorn.Server):
    """uvicorn that ends when told to, where the original looks ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.end = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self.end.wait()


@contextmanager
def running(folder: Path, endpoints: Mapping[str, Endpoint] = ENDPOINTS, **settings: Any) -> Iterator[Gateway]:
    """Run a gateway until the block ends; its client sends the admin key."""
    options = Settings(data=folder, **{"key": KEY, **settings})
    started: list[tuple[PromptServer, asyncio.AbstractEventLoop, Services, Clock]] = []
    ready = threading.Event()
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for an acknowledgement

    async def serve() -> None:
        clock = Clock()
        database = Database.open(folder / "rushes.db")
        files = DiskStore(folder / "files", b"s" * 32, clock)
        services = await _services(options, endpoints, database, files, clock)
        config = uvicorn.Config(
            Door(services), ws="websockets-sansio", lifespan="off", log_config=None, log_level="critical"
        )
        server = PromptServer(config)
        started.append((server, asyncio.get_running_loop(), services, clock))
        ready.set()
        await server.serve(sockets=[sock])
        files.close()
        database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait(60)
    server, loop, services, clock = started[0]
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    try:
        with httpx2.Client(base_url=url, headers=AUTH, timeout=10, trust_env=False) as client:
            yield Gateway(url, services, loop, clock, client)
    finally:
        loop.call_soon_threadsafe(server.end.set)
        thread.join(60)
        sock.close()


async def _services(
    settings: Settings, endpoints: Mapping[str, Endpoint], database: Database, files: DiskStore, clock: Clock
) -> Services:
    events = Events()
    key = settings.key.get_secret_value() if settings.key else None
    return Services(
        settings=settings,
        endpoints=endpoints,
        jobs=JobStore(database, events, clock, prices=lambda endpoint: settings.price_usd(endpoint) or 0.0),
        events=events,
        files=files,
        signer=Signer(b"s" * 32),
        keys=await KeyRing.open(database, clock, data=settings.data, admin_key=key),
        voices=VoiceShelf(database, clock),
        usage=Usage(database),
        storage=StorageDefaults(database),
        outbox=Outbox(database, events, clock),
        webhook_keys=SigningKeys(settings.data / "webhook-keys", clock),
        clock=clock,
        attendance=Attendance(clock()),
    )
