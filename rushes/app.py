"""Puts the parts together from settings: the only file that knows every implementation.

    build(settings) → Application;  await start();  serve `asgi`;  await stop()

The order of start and stop is the order of dependence: database, keys, files, queue, door, then what runs by itself
(the sweep, the local runners). Engines are named here, not imported: they live in the runners' processes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import Any

from starlette.types import Receive, Scope, Send

from rushes.accounts.keys import KeyRing
from rushes.accounts.storage import StorageDefaults
from rushes.accounts.usage import Usage
from rushes.accounts.voices import VoiceShelf
from rushes.db.sqlite import Database
from rushes.families import served
from rushes.files import credentials
from rushes.files.credentials import Credentials
from rushes.files.disk import DiskStore
from rushes.files.signing import Signer, load_secret
from rushes.gateway.attendance import Attendance
from rushes.gateway.routes import Door
from rushes.gateway.visit import Services
from rushes.gateway.webhooks import body_of
from rushes.jobs.events import Events
from rushes.jobs.store import JobStore
from rushes.jobs.sweep import run_sweep
from rushes.runners.deployments import complaints, keys_of, leaders, remote_leaders
from rushes.runners.local import LOCAL_PREFIX, LocalRunners, Recipe
from rushes.settings import Settings
from rushes.web.site import Site
from rushes.webhooks import signing
from rushes.webhooks.deliverer import BodyOf, Deliverer, Limits
from rushes.webhooks.outbox import Outbox
from rushes.webhooks.schedule import Schedule
from rushes.webhooks.signing import SigningKeys

log = logging.getLogger(__name__)

DATABASE_FILE = "rushes.db"
FILES_FOLDER = "files"


class WrongRoutes(ValueError):
    """Deployments or routes can't work as they are set; the text says which, and why."""


class Application:
    """One server: its parts, started and stopped together. `asgi` answers from `start` on."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.time, plain_url: str | None = None
    ) -> None:
        self._settings = settings
        self._plain_url = plain_url or loopback_url(settings)
        self._clock = clock
        self._door: Door | None = None
        self._loops: tuple[asyncio.Task[Any], ...] = ()
        self._runners: LocalRunners | None = None
        self._stops: list[Callable[[], object]] = []

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request through the door."""
        if self._door is None:
            raise RuntimeError("the application has not been started")
        await self._door(scope, receive, send)

    async def start(self) -> None:
        """Open what is stored and start what runs by itself; `settings.port` must be the real port by now.

        Raises WrongRoutes, and OSError or ValueError when the data folder or the key can't be used.
        """
        settings = self._settings
        endpoints = served(test_endpoints=settings.test_endpoints)
        if wrong := complaints(settings, endpoints, os.environ):
            raise WrongRoutes("; ".join(wrong))
        # 700: it holds keys, and everybody's files.
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = load_secret(settings.data)
        # While nothing is open yet: a given key that is no good ends the start here.
        signs = _credentials(settings, self._clock)
        database = Database.open(settings.data / DATABASE_FILE)
        self._stops.append(database.close)
        files = DiskStore(settings.data / FILES_FOLDER, secret, self._clock)
        self._stops.append(files.close)
        admin_key = settings.key.get_secret_value() if settings.key else None
        far_key = settings.runner_key.get_secret_value() if settings.runner_key else None
        keys = await KeyRing.open(database, self._clock, data=settings.data, admin_key=admin_key, far_key=far_key)
        events = Events()
        jobs = _queue(settings, database, events, self._clock, files)
        # Runners of an earlier life ended with their server: what they held goes back to the queue at once.
        await jobs.release_prefix(LOCAL_PREFIX)

        outbox = Outbox(database, events, self._clock, settings.result_retention_s)
        webhook_keys = SigningKeys(settings.data / signing.FOLDER, self._clock, settings.webhook_key_overlap_s)
        services = Services(
            settings=settings,
            endpoints=endpoints,
            jobs=jobs,
            events=events,
            files=files,
            signer=Signer(secret),
            keys=keys,
            voices=VoiceShelf(database, self._clock),
            usage=Usage(database),
            storage=StorageDefaults(database),
            outbox=outbox,
            webhook_keys=webhook_keys,
            clock=self._clock,
            attendance=Attendance(self._clock()),
            credentials=signs,
            wake_sessions=self._wake_sessions,
        )
        self._door = Door(services, Site().handle)
        self._run_by_itself(services)
        # Last: runners call as soon as they live.
        recipe = _recipe(settings, keys.runner_key, self._plain_url)
        self._runners = LocalRunners(recipe, settings.runners, jobs.release, _owner(settings, secret))
        await self._runners.start()

    async def stop_work(self) -> None:
        """Stop the runners while the door still answers: their jobs are handed back and no claim waits any longer."""
        if self._runners is not None:
            await self._runners.stop()

    async def stop(self) -> None:
        """Stop the runners, then everything else; what was acknowledged is on the disk before this returns."""
        await self.stop_work()
        for loop in self._loops:
            loop.cancel()
        # Whatever one of them ended with, the rest has to be stopped as well.
        for end in await asyncio.gather(*self._loops, return_exceptions=True):
            if isinstance(end, Exception):
                log.error("what ran by itself had ended long before: %s", end, exc_info=end)
        for stop in reversed(self._stops):  # the database last: what others still write reaches it
            stop()
        self._stops.clear()

    def _run_by_itself(self, services: Services) -> None:
        settings, jobs = self._settings, services.jobs
        # No beat could reach us while we were away: runners elsewhere, who work on, must not lose their jobs for that.
        hold_on = partial(jobs.extend_leases, settings.lease_s)
        self._loops = (
            asyncio.create_task(run_sweep(jobs, settings.sweep_s, clock=self._clock, after_absence=hold_on)),
            asyncio.create_task(run_sweep(services.files, settings.files_sweep_s)),
            asyncio.create_task(run_sweep(services.outbox, settings.files_sweep_s)),  # old deliveries: as little hurry
            asyncio.create_task(_deliverer(services, partial(body_of, jobs)).run()),
        )

    def _wake_sessions(self) -> None:
        if self._runners is not None:  # they come after the door, which is handed this
            self._runners.wake_sessions()


def build(settings: Settings, plain_url: str | None = None) -> Application:
    """Make a server that isn't started yet; its runners call it at `plain_url`, over http from this machine."""
    return Application(settings, plain_url=plain_url)


def _queue(
    settings: Settings, database: Database, events: Events, clock: Callable[[], float], files: DiskStore
) -> JobStore:
    return JobStore(
        database,
        events,
        clock,
        retention_s=settings.result_retention_s,
        private_retention_s=settings.private_retention_s,
        ledger_retention_s=settings.ledger_retention_s,
        prices=lambda endpoint: settings.price_usd(endpoint) or 0.0,
        drop_file=None if settings.keep_result_files else files.delete,
    )


def _deliverer(services: Services, body: BodyOf) -> Deliverer:
    settings = services.settings
    return Deliverer(
        services.outbox,
        services.events,
        services.webhook_keys,
        body,
        schedule=Schedule.of(settings),
        limits=Limits(settings.webhooks_at_once, settings.webhooks_per_target, settings.allowed_networks),
        clock=services.clock,
        dice=random.random,
    )


def _credentials(settings: Settings, clock: Callable[[], float]) -> Credentials | None:
    """Return what results are signed with. Raises ValueError for a given key that is no good, while somebody looks."""
    if not settings.provenance:
        return None
    folder, given = settings.data / credentials.FOLDER, (settings.provenance_cert, settings.provenance_key)
    found = Credentials(folder, clock, certificate=given[0], key=given[1])
    found.check_given()
    return found


def _owner(settings: Settings, secret: bytes) -> str:
    """Name this data folder, so that no other server's leftovers in the temporary folder are taken for ours."""
    # With the folder's place: a copy of the folder is another server, though it has the same secret.
    return hashlib.sha256(secret + bytes(settings.data.resolve())).hexdigest()[:8]


def _recipe(settings: Settings, runner_key: str, url: str) -> Recipe:
    """Say how local runners reach this server and what they hold."""
    endpoints = served(test_endpoints=settings.test_endpoints)
    remote = remote_leaders(settings, endpoints)
    here = tuple(sorted(leaders(settings, endpoints) - set(remote)))
    return Recipe(url, runner_key, here, settings, remote, keys_of(settings, os.environ))


def loopback_url(settings: Settings) -> str:
    """Where this very machine reaches the server: an address for "any" is reached over loopback."""
    with suppress(ValueError):
        address = ip_address(settings.host)
        if address.is_unspecified:
            return f"http://{'127.0.0.1' if address.version == 4 else '[::1]'}:{settings.port}"
        if address.version == 6:
            return f"http://[{address}]:{settings.port}"
    return f"http://{settings.host}:{settings.port}"
