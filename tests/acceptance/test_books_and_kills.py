"""Kills at random moments, with limits, budgets, webhooks and Idempotency-Keys in play: the books stay exact.

Each acknowledged request ends once and is told at least once; what was never sent is told to nobody.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.server import KEY, Server, start_server
from tests.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.acceptance

ROUNDS = 8
PRICE = 0.1
SETTINGS = {
    "unit_price_usd": json.dumps({"rushes/echo": PRICE}),
    "allow_addresses": "127.0.0.0/8",
    "webhook_retry_span_s": "5",
    "webhooks_per_target": "16",
}
LIMITS: tuple[dict[str, Any], ...] = (
    {"max_concurrent": 2},
    {"budget_usd": 1000.0},
    {"max_concurrent": 1, "budget_usd": 1000.0},
)
BODIES: tuple[dict[str, Any], ...] = (
    {"sleep_s": 0.05, "steps": 2},
    {"sleep_s": 0.4, "steps": 8},
    {"sleep_s": "x"},
    {"fail": "content_policy_violation"},
    {"fail": "runner_connection_error"},
)


class Request(NamedTuple):
    """One that a caller sends; every other one has an Idempotency-Key, under which it may be sent again."""

    number: int
    key: str
    body: dict[str, Any]

    @property
    def once(self) -> dict[str, str]:
        return {"idempotency-key": f"once-{self.number}"} if self.number % 2 else {}


@dataclass
class Callers:
    """What they sent and what they know of it."""

    receiver: Receiver
    keys: list[str]
    dice: random.Random
    acknowledged: dict[str, Request] = field(default_factory=dict)
    ids: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    unanswered: list[Request] = field(default_factory=list)
    sent: int = 0

    async def work(self, server: Server) -> None:
        """Send, send again, and cancel, until the server is gone."""
        async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=10) as http:
            again, self.unanswered = [one for one in self.unanswered if one.once], []
            for request in again:
                await self.submit(http, request)
            await asyncio.gather(*(self._caller(http) for _ in range(3)))

    async def submit(self, http: httpx2.AsyncClient, request: Request) -> str | None:
        """Return the request's id; None when there was no answer."""
        where = {"fal_webhook": f"{self.receiver.url}/{request.number}"}
        headers = {"authorization": f"Key {request.key}", **request.once}
        try:
            answer = await http.post("/queue/rushes/echo", params=where, json=request.body, headers=headers)
        except httpx2.TransportError:
            self.unanswered.append(request)
            return None
        assert answer.status_code == 200, answer.text
        request_id = str(answer.json()["request_id"])
        self.acknowledged[request_id] = request
        self.ids[request.number].add(request_id)
        return request_id

    async def _caller(self, http: httpx2.AsyncClient) -> None:
        while True:
            self.sent += 1
            request = Request(self.sent, self.dice.choice(self.keys), self.dice.choice(BODIES))
            request_id = await self.submit(http, request)
            if request_id is None:
                return
            await asyncio.sleep(self.dice.uniform(0, 0.2))
            if self.dice.random() < 0.3:
                cancel = f"/queue/rushes/echo/requests/{request_id}/cancel"
                try:
                    await http.put(cancel, headers={"authorization": f"Key {request.key}"})
                except httpx2.TransportError:
                    return


def limited_keys(server: Server) -> Iterator[str]:
    for limits in LIMITS:
        wanted = {"alias": "limited", **limits}
        headers = {"authorization": f"Key {KEY}"}
        yield str(httpx2.post(f"{server.url}/v1/keys", json=wanted, headers=headers, trust_env=False).json()["key"])


def wait_until_all_is_told(database: sqlite3.Connection) -> None:
    for _ in range(600):
        jobs = database.execute("SELECT count(*) FROM jobs WHERE status < 2").fetchone()
        hooks = database.execute("SELECT count(*) FROM webhooks WHERE state < 2").fetchone()
        if jobs == hooks == (0,):
            return
        time.sleep(0.1)
    raise AssertionError(f"after a minute {jobs[0]} requests have not ended, {hooks[0]} webhooks were not sent")


def check_books(database: sqlite3.Connection, callers: Callers) -> None:
    ledger = {row[0]: row for row in database.execute("SELECT job_id, units, unit_price_usd, status_code FROM ledger")}
    assert set(ledger) == {row[0] for row in database.execute("SELECT id FROM jobs")} >= set(callers.acknowledged)
    for _, units, price, status in ledger.values():
        assert (units, price) == (float(status == 200), PRICE)
    assert all(len(ids) == 1 for number, ids in callers.ids.items())
    spent = "SELECT sum(l.units * l.unit_price_usd) FROM ledger l WHERE l.key_id = k.id"
    for budget, running, was_spent, reserved, in_ledger in database.execute(
        f"SELECT budget_usd, running, spent_usd, reserved_usd, coalesce(({spent}), 0) FROM keys k"
    ):
        assert (running, reserved) == (0, 0.0)
        assert was_spent == pytest.approx(in_ledger if budget else 0.0)


def check_webhooks(database: sqlite3.Connection, callers: Callers) -> None:
    told: dict[str, list[str]] = defaultdict(list)
    for posted in callers.receiver.posted:
        told[posted.json["request_id"]].append(posted.json["status"])
    known = dict(database.execute("SELECT job_id, status_code FROM ledger").fetchall())
    assert set(callers.acknowledged) <= set(told) <= set(known)
    for request_id, statuses in told.items():
        assert set(statuses) == {"OK" if known[request_id] == 200 else "ERROR"}
    tries = "SELECT count(*) FROM webhook_attempts a WHERE a.webhook = w.id"
    for request_id, state, tried in database.execute(f"SELECT w.job_id, w.state, ({tries}) FROM webhooks w"):
        assert state == 2
        assert 1 <= tried <= len(told[request_id])


def test_what_was_acknowledged_is_booked_once_and_told_whatever_is_killed(tmp_path: Path) -> None:
    dice = random.Random(4)
    with receiving(200, 503, 200) as receiver:
        callers = Callers(receiver, [], dice)
        for _ in range(ROUNDS):
            with start_server(tmp_path / "data", runners=2, **SETTINGS) as server:
                callers.keys = callers.keys or [KEY, *limited_keys(server)]
                asyncio.run(until_killed(server, callers))
        with (
            start_server(tmp_path / "data", runners=2, **SETTINGS) as server,
            closing(sqlite3.connect(tmp_path / "data" / "rushes.db")) as database,
        ):
            wait_until_all_is_told(database)
            check_books(database, callers)
            check_webhooks(database, callers)
        assert len(callers.acknowledged) > ROUNDS


async def until_killed(server: Server, callers: Callers) -> None:
    loop, at = asyncio.get_running_loop(), callers.dice.uniform(0.3, 2.0)
    if callers.dice.random() < 0.4:
        loop.call_later(at / 2, server.kill_runners)
    loop.call_later(at, server.process.kill)
    await callers.work(server)
