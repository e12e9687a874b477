"""The loop that sends what the outbox says is due, until it is cancelled.

It wakes when a request ends, when a delivery is done, and when the next one is due. At most `at_once` deliveries are
under way, `per_peer` of them to one host and port, and three quarters of them of one account, so that neither a slow
receiver nor an account with many of them holds up anybody else. What is where is in the database alone: a server that
was killed sends what it had not yet recorded once more (W-03).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from rushes.jobs.events import Events, Watch
from rushes.jobs.store import ENDS, WriteFailed
from rushes.outbound.addresses import Address, Network
from rushes.webhooks.outbox import Due, Outbox, Try
from rushes.webhooks.schedule import Dice, Schedule, State, Verdict, what_next
from rushes.webhooks.signing import SigningKeys
from rushes.webhooks.target import shown

log = logging.getLogger(__name__)

WriteBody = Callable[[], bytes]
BodyOf = Callable[[str, str], WriteBody | None]
"""Of a request's id and the origin of addresses, read on the loop; what it returns is called in a sender's thread."""

_GATHER_S = 0.01  # ends come in bursts; one look for all of a moment's
_LONGEST_SLEEP_S = 60.0  # the clock may be set
_AFTER_FAILURE_S = 5.0
_GONE = "the request's result is no longer kept"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and which networks may be reached although they are not public."""

    at_once: int = 32
    per_peer: int = 4
    allowed: tuple[Network, ...] = ()

    @property
    def per_account(self) -> int:
        """Return how many may be of one account: names are cheap, and each of them is another peer."""
        return max(1, self.at_once * 3 // 4)


class Stopped(Exception):
    """The deliverer has been told to stop; what is under way is sent again by the next one."""


class Deliverer:
    """Sends deliveries; `run` it once. `resolver` and `tls` are for whoever has names or certificates of their own."""

    def __init__(
        self,
        outbox: Outbox,
        events: Events,
        keys: SigningKeys,
        body_of: BodyOf,
        *,
        schedule: Schedule,
        limits: Limits,
        clock: Callable[[], float],
        dice: Dice,
        resolver: Callable[[str, int], Sequence[Address]] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._outbox = outbox
        self._events = events
        self._keys = keys
        self._body_of = body_of
        self._schedule = schedule
        self._limits = limits
        self._clock = clock
        self._dice = dice
        self._resolver = resolver
        self._tls = tls
        self._under_way: dict[str, Due] = {}
        self._stopping = Event()

    async def run(self) -> None:
        """Deliver until cancelled; then nothing is under way any more."""
        threads = ThreadPoolExecutor(self._limits.at_once, thread_name_prefix="webhook")
        tasks: set[asyncio.Task[None]] = set()
        try:
            with self._events.watch_job(ENDS) as watch:
                while True:
                    try:
                        for due in self._startable():
                            self._under_way[due.id] = due
                            task = asyncio.create_task(self._deliver(due, threads, watch))
                            tasks.add(task)
                            task.add_done_callback(tasks.discard)
                        idle_s = self._idle_s()
                    except sqlite3.Error as error:  # were the loop to end here, nothing would be delivered any more
                        log.error("the outbox could not be read, next try in %g s: %s", _AFTER_FAILURE_S, error)
                        await asyncio.sleep(_AFTER_FAILURE_S)
                        continue
                    await watch.wait(idle_s)
                    await asyncio.sleep(_GATHER_S)
        finally:
            self._stopping.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Not waited for: they end at their next tick, and the loop has other things to stop.
            threads.shutdown(wait=False, cancel_futures=True)

    def _startable(self) -> list[Due]:
        """Return what may start now: all that is due, as far as the limits allow."""
        peers = Counter(due.peer for due in self._under_way.values())
        accounts = Counter(due.account for due in self._under_way.values())
        chosen: dict[str, Due] = {}
        while free := self._limits.at_once - len(self._under_way) - len(chosen):
            taken = self._under_way.keys() | chosen.keys()
            found = self._outbox.due(self._full(peers), taken, free, self._busy(accounts))
            for due in found:
                if peers[due.peer] < self._limits.per_peer and accounts[due.account] < self._limits.per_account:
                    peers[due.peer] += 1
                    accounts[due.account] += 1
                    chosen[due.id] = due
            if len(found) < free:
                break
        return list(chosen.values())

    def _full(self, peers: Counter[str]) -> list[str]:
        return [peer for peer, count in peers.items() if count >= self._limits.per_peer]

    def _busy(self, accounts: Counter[str]) -> list[str]:
        return [account for account, count in accounts.items() if count >= self._limits.per_account]

    def _idle_s(self) -> float:
        """Return how long there is nothing to do, unless something happens."""
        if len(self._under_way) >= self._limits.at_once:
            return _LONGEST_SLEEP_S
        full = self._full(Counter(due.peer for due in self._under_way.values()))
        busy = self._busy(Counter(due.account for due in self._under_way.values()))
        next_at = self._outbox.next_at(full, self._under_way.keys(), busy)
        return _LONGEST_SLEEP_S if next_at is None else min(max(0.0, next_at - self._clock()), _LONGEST_SLEEP_S)

    async def _deliver(self, due: Due, threads: ThreadPoolExecutor, watch: Watch) -> None:
        try:
            began = self._clock()
            status_code, error, final = await self._send(due, threads)
            now, attempt = self._clock(), due.attempts + 1
            verdict = (
                Verdict(State.GIVEN_UP) if final else what_next(self._schedule, status_code, attempt, now, self._dice())
            )
            await self._outbox.record(due, Try(began, status_code, error, max(0.0, now - began)), verdict)
            if error is not None:
                _tell(due, error, verdict)
        except (WriteFailed, sqlite3.Error) as error:
            # Still due, so it is sent again; not at once, or its receiver would hear it without a pause.
            log.error("webhook %s was sent, which could not be recorded, so it is sent again: %s", due.id, error)
            await asyncio.sleep(_AFTER_FAILURE_S)
        finally:
            del self._under_way[due.id]
            watch.hint(due.id)

    async def _send(self, due: Due, threads: ThreadPoolExecutor) -> tuple[int | None, str | None, bool]:
        """Return status code, error, and whether that is final."""
        try:
            write_body = self._body_of(due.job_id, due.origin)
            if write_body is None:
                return None, _GONE, True
            return await asyncio.get_running_loop().run_in_executor(threads, self._post, due, write_body)
        except Exception:  # were it to leave, this delivery would be tried again at once and for ever
            log.exception("webhook %s could not be sent", due.id)
            return None, "this server failed to send it; its log says why", False

    def _post(self, due: Due, write_body: WriteBody) -> tuple[int | None, str | None, bool]:
        # Loading an HTTP client takes longer than a server's start may be delayed by what only few requests need.
        from rushes.outbound.connection import resolve  # noqa: PLC0415
        from rushes.webhooks.sender import post  # noqa: PLC0415

        body = write_body()
        return post(
            due.url,
            body,
            self._keys.headers(due.job_id, due.account, body),
            timeout_s=self._schedule.timeout_s(due.attempts + 1),
            allowed=self._limits.allowed,
            tick=self._tick,
            resolver=resolve if self._resolver is None else self._resolver,
            tls=self._tls,
        )

    def _tick(self) -> None:
        if self._stopping.is_set():
            raise Stopped


def _tell(due: Due, error: str, verdict: Verdict) -> None:
    given_up = verdict.state == State.GIVEN_UP
    level, outcome = (logging.WARNING, "given up") if given_up else (logging.INFO, "to be tried again")
    log.log(level, "webhook %s to %s: %s; %s", due.id, shown(due.url), error, outcome)
