"""Days of events by the injected clock: once all that is kept for a time is over, nothing has grown.

A real gateway with its webhook deliverer; runners are played by the test, so that a day takes seconds.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sqlite3
import tracemalloc
from collections.abc import Awaitable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from rushes.errors import ModelError
from rushes.gateway.webhooks import body_of
from rushes.jobs.job import LogLine, NewJob, Outcome
from rushes.webhooks.deliverer import Deliverer, Limits
from rushes.webhooks.schedule import Schedule
from tests.gateway.live import Gateway
from tests.gateway.test_realtime import LIVE, FakeRunner, call, gateway_with, live_endpoint, pack, read
from tests.runners.live import wait_for
from tests.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.acceptance

DAYS, HOURS, JOBS = 3, 24, 30
HOUR_S = 3_600.0
LONG_S = 100 * 86_400.0  # longer than anything is kept
CLOSED = "http://127.0.0.1:9/nobody"
CLIP = "fal-ai/clip"
GROWTH_BYTES = 300_000  # a day and 1,000 jobs, of which 40,000 are what pytest keeps of the log
GAP_LEVELS = 5
TABLES = ("jobs", "inputs", "outputs", "logs", "extras", "idempotency", "ledger", "webhooks", "webhook_attempts")
STORED = Outcome(b'{"ok": true}', "echo/1; model=echo", units=1.0, inference_s=0.1)
NUMBERS = count()


@contextmanager
def delivering(gateway: Gateway) -> Iterator[None]:
    """Deliver webhooks on the gateway's loop, as the application does."""
    services, settings = gateway.services, gateway.services.settings
    deliverer = Deliverer(
        services.outbox,
        services.events,
        services.webhook_keys,
        partial(body_of, services.jobs),
        schedule=Schedule.of(settings),
        limits=Limits(8, 8, settings.allowed_networks),
        clock=gateway.clock,
        dice=random.Random(1).random,
    )
    task = asyncio.run_coroutine_threadsafe(deliverer.run(), gateway.loop)
    try:
        yield
    finally:
        task.cancel()


async def all_of(works: list[Awaitable[Any]]) -> None:
    await asyncio.gather(*works)


def many_jobs(gateway: Gateway) -> None:
    """Jobs of every end, some of them private, put straight into the queue."""
    jobs, now = gateway.jobs, gateway.clock()
    news = [NewJob(str(uuid4()), CLIP, "me", b'{"prompt": "x"}', now, private=i % 5 == 0) for i in range(JOBS)]
    late = [NewJob(str(uuid4()), CLIP, "me", b"{}", now, start_deadline=now + 60) for _ in range(3)]
    gateway.call(all_of([jobs.submit(new) for new in news]))
    gateway.call(all_of([jobs.cancel(new.id, "me") for new in news[::4]]))
    for i in range(JOBS - len(news[::4])):
        lease = gateway.claim(CLIP).lease
        if i % 7 == 0:
            continue  # its runner is never heard of again
        lines = [LogLine(now, "a line")]
        if i % 5 == 0:
            failure = ModelError("generation_timeout").failure()
            gateway.call(jobs.fail(lease.job_id, lease.token, failure, lines))
        else:
            gateway.call(jobs.finish(lease.job_id, lease.token, STORED, lines))
    gateway.call(all_of([jobs.submit(new) for new in late]))


def an_hour_of_calls(gateway: Gateway, receiver: Receiver) -> None:
    """One of each thing that a caller does in the queue, in storage and with tokens."""
    hooks = {"fal_webhook": f"{receiver.url}/hook"}, {"fal_webhook": CLOSED}
    headers = {"x-fal-runner-hint": f"h{next(NUMBERS)}", "x-fal-tags": "a,b", "idempotency-key": f"k{next(NUMBERS)}"}
    for params in hooks:
        gateway.submit(params=params)
    first = gateway.submit(headers=headers)
    assert gateway.submit(headers=headers) == first
    done = gateway.claim(CLIP)
    gateway.log(done, "half of it")
    with gateway.client.stream("GET", f"/queue/{CLIP}/requests/{first['request_id']}/status/stream") as stream:
        next(stream.iter_lines())  # and the caller leaves
    gateway.finish(done)
    for _ in range(2):
        gateway.finish(gateway.claim(CLIP))
    assert gateway.get(f"/queue/{CLIP}/requests/{first['request_id']}/status/stream").status_code == 200
    token = gateway.client.post("/rest/tokens/", json={"allowed_apps": [LIVE], "token_expiration": 60})
    assert token.status_code in {200, 201}, token.text
    kept = {"x-fal-object-lifecycle": json.dumps({"expiration_duration_seconds": 3600})}
    text = str(next(NUMBERS)).encode()
    stored = gateway.client.post("/files/upload", content=text, headers={**kept, "content-type": "text/plain"})
    assert stored.status_code == 200, stored.text
    begun = gateway.client.post("/files/upload/multipart", headers={"content-type": "text/plain"}).json()
    url = f"{begun['access_url']}/multipart/{begun['uploadId']}/1"
    assert gateway.client.put(url, content=text).is_success  # and never completed


def a_quarter_of_a_day(gateway: Gateway) -> None:
    """What takes longer: a session, a caller who hangs up, a key with limits that comes and goes."""
    runner = FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack(i=1))
        read(socket)
    runner.join()
    with suppress(httpx2.TimeoutException):
        gateway.client.post(f"/run/{CLIP}", json={"prompt": "x"}, timeout=0.1)
    wanted = {"alias": f"a{next(NUMBERS)}", "max_concurrent": 2}
    again = {"idempotency-key": f"p{next(NUMBERS)}"}
    made = [gateway.client.post("/platform/v1/keys", json=wanted, headers=again) for _ in range(2)]
    assert made[0].is_success, made[0].text
    assert made[0].json() == made[1].json()
    key_id, secret = made[0].json()["key_id"], made[0].json()["key_secret"]
    gateway.submit(headers={"authorization": f"Key {key_id}:{secret}"})
    gateway.finish(gateway.claim(CLIP))
    assert gateway.client.delete(f"/platform/v1/keys/{key_id}").is_success


def pass_time(gateway: Gateway, seconds: float) -> None:
    """Move the clock and let all sweeps find what is due."""
    gateway.clock.ahead_s += seconds
    for sweeps in (gateway.jobs, gateway.services.files, gateway.services.outbox):
        gateway.call(sweeps.sweep())
    gateway.loop.call_soon_threadsafe(gateway.services.events.changed, "ends")


def a_day(gateway: Gateway, receiver: Receiver) -> None:
    for hour in range(HOURS):
        an_hour_of_calls(gateway, receiver)
        many_jobs(gateway)
        if hour % 6 == 0:
            a_quarter_of_a_day(gateway)
        pass_time(gateway, HOUR_S)
        while (claimed := gateway.call(gateway.jobs.claim("r", (CLIP,), 60.0))) is not None:
            gateway.finish(claimed)  # tried again after their runners were lost


def settle(gateway: Gateway, folder: Path) -> None:
    """Let every delivery come to its end, then everything that is kept for a time be over."""

    def none_due() -> bool:
        pass_time(gateway, HOUR_S)
        return rows(folder, "SELECT count(*) FROM webhooks WHERE state < 2") == [(0,)]

    wait_for(none_due)
    pass_time(gateway, LONG_S)


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "rushes.db")) as connection:
        return connection.execute(sql).fetchall()


def kept(gateway: Gateway, folder: Path) -> dict[str, int]:
    """Count what is left: rows, files, registers of the process."""
    counts = {table: int(rows(folder, f"SELECT count(*) FROM {table}")[0][0]) for table in (*TABLES, "lines")}
    counts["live keys"] = len(gateway.services.keys.listed())
    counts["files"] = sum(path.is_file() for path in (folder / "files").rglob("*"))
    counts["watchers"] = gateway.services.events.watchers
    counts["sessions"] = len(gateway.services.sessions)
    return counts


def traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_days_of_events_leave_nothing_behind(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"allow_addresses": "127.0.0.0/8", "webhook_retries": 2}
    left, sizes, memory = [], [], []
    with (
        gateway_with(tmp_path, live_endpoint(), **settings) as gateway,
        receiving(200) as receiver,
        delivering(gateway),
        tracing(),
    ):
        for _ in range(DAYS):
            a_day(gateway, receiver)
            ended = rows(tmp_path, "SELECT DISTINCT coalesce(status_code, 200) FROM jobs WHERE status = 2")
            states = rows(tmp_path, "SELECT DISTINCT state FROM webhooks")
            receiver.posted.clear()
            settle(gateway, tmp_path)
            left.append(kept(gateway, tmp_path))
            sizes.append((tmp_path / "rushes.db").stat().st_size)
            memory.append(traced())
        ((gaps,),) = rows(tmp_path, "SELECT count(*) FROM gaps")
    assert len(ended) >= 4, "jobs came to every end"
    assert {state for (state,) in states} >= {2, 3}, "webhooks were delivered and given up"
    assert {name: left[0][name] for name in TABLES} == dict.fromkeys(TABLES, 0)
    assert (left[0]["files"], left[0]["sessions"], left[0]["live keys"]) == (0, 0, 1)
    assert left[0]["watchers"] == 1, "the deliverer's own"
    assert left[1] == left[2] == left[0]
    assert gaps <= GAP_LEVELS * left[0]["lines"]
    assert sizes[2] <= sizes[1] * 1.1, f"the file grew: {sizes}"
    assert memory[2] - memory[1] < GROWTH_BYTES, f"memory grew: {memory}"


@contextmanager
def tracing() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
