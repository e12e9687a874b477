"""A deliverer at work: real database, queue, outbox and keys in a temporary folder, a clock that tests move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from rushes.db.sqlite import Database
from rushes.gateway.webhooks import body_of
from rushes.jobs.events import Events
from rushes.jobs.job import NewJob, Outcome, Webhook
from rushes.jobs.store import ENDS, JobStore
from rushes.webhooks.deliverer import Deliverer, Limits
from rushes.webhooks.outbox import Delivery, Outbox
from rushes.webhooks.schedule import Schedule, State
from rushes.webhooks.signing import SigningKeys
from rushes.webhooks.target import peer_of

LOOPBACK = (ip_network("127.0.0.0/8"),)
ORIGIN = "http://here"


@dataclass
class Clock:
    """Real time plus what a test adds."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        """Unix seconds."""
        return time.time() + self.ahead_s


@dataclass
class Office:
    """The parts, and the few things that tests do with them."""

    database: Database
    events: Events
    clock: Clock
    jobs: JobStore
    outbox: Outbox
    keys: SigningKeys

    def pass_time(self, seconds: float) -> None:
        """Move the clock and let everybody look at it."""
        self.clock.ahead_s += seconds
        self.events.changed(ENDS)

    async def submit(self, job_id: str, url: str, account: str = "me", **more: Any) -> None:
        """Store a job with a webhook."""
        webhook = Webhook(url, ORIGIN, peer_of(url))
        await self.jobs.submit(NewJob(job_id, "a/b", account, b"{}", self.clock(), webhook=webhook, **more))

    async def end(self, job_id: str, url: str, output: bytes = b'{"ok":true}', account: str = "me") -> None:
        """Submit a job and finish it."""
        await self.submit(job_id, url, account)
        claimed = await self.jobs.claim("r", ("a/b",), 60)
        assert claimed is not None
        assert await self.jobs.finish(claimed.lease.job_id, claimed.lease.token, Outcome(output, "x", 1.0, 0.1))

    async def until(self, job_id: str, state: State, attempts: int = 1, account: str = "me") -> Delivery:
        """Wait until a delivery has come so far."""
        async with asyncio.timeout(20):
            while True:
                found = self.outbox.one(account, job_id)
                if found is not None and found.state == state and found.attempts >= attempts:
                    return found
                await asyncio.sleep(0.005)


@asynccontextmanager
async def office(
    folder: Path, schedule: Schedule | None = None, limits: Limits | None = None, **more: Any
) -> AsyncIterator[Office]:
    """Run a deliverer until the block ends; loopback may be reached unless `limits` say otherwise."""
    database, events, clock = Database.open(folder / "rushes.db"), Events(), Clock()
    jobs = JobStore(database, events, clock)
    parts = Office(
        database, events, clock, jobs, Outbox(database, events, clock), SigningKeys(folder / "webhook-keys", clock)
    )
    deliverer = Deliverer(
        parts.outbox,
        events,
        parts.keys,
        partial(body_of, jobs),
        schedule=schedule or Schedule(),
        limits=limits or Limits(allowed=LOOPBACK),
        clock=clock,
        dice=lambda: 0.5,
        **more,
    )
    task = asyncio.create_task(deliverer.run())
    try:
        yield parts
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        database.close()
