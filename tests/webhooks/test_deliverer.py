"""Deliveries from the end of a request to the receiver, with every reason for which one is tried again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from threading import Event

from rushes.errors import RequestError
from rushes.jobs.job import Outcome
from rushes.outbound.addresses import Address
from rushes.webhooks.deliverer import Limits
from rushes.webhooks.schedule import Schedule, State
from tests.runners.live import wait_for
from tests.webhooks.office import LOOPBACK, ORIGIN, office
from tests.webhooks.receiver import receiving, verified

FAST = Schedule(first_timeout_s=0.3, retry_timeout_s=0.3)
HOUR = 3_600.0


def test_an_end_is_told_once_and_signed(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path) as here:
            await here.end("r-1", f"{receiver.url}/hook?token=abc", b'{"seed": 42}')
            delivery = await here.until("r-1", State.DELIVERED)
            assert delivery.last is not None
            assert (delivery.last.status_code, delivery.last.error) == (200, None)
            (posted,) = receiver.posted
            assert posted.path == "/hook?token=abc"
            assert posted.body == (
                b'{"request_id":"r-1","gateway_request_id":"r-1","status":"OK","payload":{"seed": 42}}'
            )
            assert posted.headers["Content-Type"] == "application/json"
            assert posted.headers["X-Fal-Webhook-Request-Id"] == "r-1"
            assert posted.headers["X-Fal-Webhook-User-Id"] == "me"
            assert posted.headers["User-Agent"].startswith("rushes/")
            assert verified(posted, here.keys.published(), time.time())
            here.pass_time(24 * HOUR)
            await asyncio.sleep(0.1)
        assert len(receiver.posted) == 1

    with receiving(200) as receiver:
        asyncio.run(story())


def test_w_01_a_failure_is_tried_again_until_it_is_heard(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path) as here:
            await here.end("r-1", receiver.url)
            first = await here.until("r-1", State.DUE, 1)
            assert first.next_at is not None
            assert 6 < first.next_at - here.clock() < 8
            here.pass_time(8)
            await here.until("r-1", State.DUE, 2)
            here.pass_time(16)
            delivery = await here.until("r-1", State.DELIVERED, 3)
            tries = here.outbox.tries("me", "r-1")
            assert [(tried.i, tried.status_code, tried.error) for tried in tries] == [
                (1, 500, "answered 500"),
                (2, 404, "answered 404"),
                (3, 204, None),
            ]
            assert delivery.settled_at is not None
            assert receiver.posted[0].body == receiver.posted[2].body
            assert all(verified(posted, here.keys.published(), here.clock()) for posted in receiver.posted)

    with receiving(500, 404, 204) as receiver:
        asyncio.run(story())


def test_w_01_a_redirect_is_neither_followed_nor_tried_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path) as here:
            await here.end("r-1", receiver.url)
            delivery = await here.until("r-1", State.GIVEN_UP)
            assert delivery.last is not None
            assert delivery.last.error == "answered 302: redirects are not followed"
            here.pass_time(24 * HOUR)
            await asyncio.sleep(0.1)
        assert len(receiver.posted) == 1

    with receiving(302) as receiver:
        asyncio.run(story())


def test_w_02_after_ten_retries_it_is_given_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path) as here:
            await here.end("r-1", receiver.url)
            for attempt in range(1, 11):
                await here.until("r-1", State.DUE, attempt)
                here.pass_time(HOUR + 10)
            delivery = await here.until("r-1", State.GIVEN_UP, 11)
            assert (delivery.attempts, delivery.next_at) == (11, None)
            assert len(receiver.posted) == 11

    with receiving(503) as receiver:
        asyncio.run(story())


def test_a_receiver_that_says_nothing_or_is_not_there_is_tried_again(tmp_path: Path) -> None:
    over = Event()

    def silence(_: BaseHTTPRequestHandler) -> None:
        over.wait(10)

    async def story() -> None:
        async with office(tmp_path, FAST) as here:
            await here.end("silent", receiver.url)
            await here.end("absent", "http://127.0.0.1:1/")
            silent = await here.until("silent", State.DUE)
            absent = await here.until("absent", State.DUE)
            over.set()
            assert silent.last is not None
            assert absent.last is not None
            assert (silent.last.status_code, silent.last.error) == (None, "no answer within 0.3 s")
            assert (absent.last.status_code, absent.last.error) == (None, "no answer: Connection refused")

    with receiving(silence) as receiver:
        asyncio.run(story())


def test_every_way_to_end_is_told(tmp_path: Path) -> None:
    invalid = RequestError("bad_request", "no good").failure()

    async def story() -> None:
        async with office(tmp_path) as here:
            await here.submit("invalid", receiver.url, failure=invalid)
            await here.submit("cancelled", receiver.url)
            await here.jobs.cancel("cancelled", "me")
            await here.submit("late", receiver.url, start_deadline=here.clock() - 1)
            await here.jobs.sweep()
            await here.submit("failed", receiver.url)
            claimed = await here.jobs.claim("r", ("a/b",), 60)
            assert claimed is not None
            await here.jobs.fail("failed", claimed.lease.token, RequestError("internal_error").failure())
            told = {posted.json["request_id"]: posted.json for posted in await asyncio.to_thread(receiver.wait_for, 4)}
            for job_id in ("invalid", "cancelled", "late", "failed"):
                result = here.jobs.result(job_id)
                assert result is not None
                assert result.failure is not None
                body = told[job_id]
                assert (body["status"], body["gateway_request_id"]) == ("ERROR", job_id)
                assert body["error"] == f"Invalid status code: {result.failure.status}"
                assert body["payload"] == json.loads(result.failure.body)

    with receiving(200) as receiver:
        asyncio.run(story())


def test_a_slow_receiver_holds_up_nobody_else(tmp_path: Path) -> None:
    over = Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        over.wait(10)
        handler.send_response(200)
        handler.end_headers()

    async def story() -> None:
        limits = Limits(at_once=4, per_peer=2, allowed=LOOPBACK)
        async with office(tmp_path, limits=limits) as here:
            for number in range(20):
                await here.end(f"slow-{number}", tarpit.url)
            await here.end("quick", quick.url)
            await here.until("quick", State.DELIVERED)
            assert len(tarpit.posted) == 2
            over.set()
            for number in range(20):
                await here.until(f"slow-{number}", State.DELIVERED)
            assert sorted({posted.json["request_id"] for posted in tarpit.posted}) == sorted(
                f"slow-{number}" for number in range(20)
            )
            assert len(tarpit.posted) == 20

    with receiving(slow) as tarpit, receiving(200) as quick:
        asyncio.run(story())


def test_an_account_with_many_slow_receivers_holds_up_no_other(tmp_path: Path) -> None:
    over = Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        over.wait(10)
        handler.send_response(200)
        handler.end_headers()

    async def story() -> None:
        limits = Limits(at_once=4, per_peer=1, allowed=LOOPBACK)
        port = tarpit.url.rpartition(":")[2]
        async with office(tmp_path, limits=limits, resolver=lambda *_: [ip_address("127.0.0.1")]) as here:
            for number in range(8):
                await here.end(f"slow-{number}", f"http://n{number}.test:{port}/", account="greedy")
            await here.end("quick", quick.url, account="other")
            await here.until("quick", State.DELIVERED, account="other")
            assert len(tarpit.posted) == 3
            over.set()
            for number in range(8):
                await here.until(f"slow-{number}", State.DELIVERED, account="greedy")

    with receiving(slow) as tarpit, receiving(200) as quick:
        asyncio.run(story())


def test_a_name_that_changes_its_mind_is_not_followed_inside(tmp_path: Path) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("10.0.0.1" if len(asked) == 1 else "127.0.0.1")]

    async def story() -> None:
        async with office(tmp_path, resolver=rebinding) as here:
            await here.end("r-1", f"http://rebinding.test:{receiver.url.rpartition(':')[2]}/")
            delivery = await here.until("r-1", State.GIVEN_UP)
            assert delivery.last is not None
            assert delivery.last.error is not None
            assert "it leads to 10.0.0.1, a private address" in delivery.last.error
            assert "RUSHES_ALLOW_ADDRESSES=10.0.0.1/32" in delivery.last.error
        assert (asked, receiver.posted) == (["rebinding.test"], [])

    with receiving(200) as receiver:
        asyncio.run(story())


def test_without_permission_loopback_is_not_called(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path, limits=Limits()) as here:
            await here.end("r-1", receiver.url)
            await here.until("r-1", State.GIVEN_UP)
        assert receiver.posted == []

    with receiving(200) as receiver:
        asyncio.run(story())


def test_what_was_due_when_the_server_ended_is_sent_by_the_next_one(tmp_path: Path) -> None:
    over = Event()

    def never(_: BaseHTTPRequestHandler) -> None:
        over.wait(10)

    async def first_life() -> float:
        async with office(tmp_path) as here:
            await here.end("r-1", receiver.url)
            await asyncio.to_thread(receiver.wait_for)
            return time.monotonic()

    async def second_life() -> None:
        async with office(tmp_path) as here:
            await here.until("r-1", State.DELIVERED)

    with receiving(never, 200) as receiver:
        asked_to_stop = asyncio.run(first_life())
        assert time.monotonic() - asked_to_stop < 8  # though the receiver has not answered
        over.set()
        asyncio.run(second_life())
        assert len(receiver.posted) == 2


def test_what_cannot_be_written_down_is_not_sent_again_and_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path) as here:
            await here.database.write(lambda c: c.execute("ALTER TABLE webhook_attempts RENAME TO gone").fetchall())
            await here.end("r-1", receiver.url)
            await asyncio.to_thread(wait_for, lambda: bool(receiver.posted))
            await asyncio.sleep(0.3)
        assert len(receiver.posted) == 1

    with receiving(200) as receiver:
        asyncio.run(story())


def test_a_result_that_is_gone_is_given_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path) as here:
            await here.end("r-1", receiver.url)
            await here.until("r-1", State.DUE)
            here.clock.ahead_s += 8 * 24 * HOUR
            await here.jobs.sweep()
            here.pass_time(0)
            delivery = await here.until("r-1", State.GIVEN_UP, 2)
            assert delivery.last is not None
            assert delivery.last.error == "the request's result is no longer kept"

    with receiving(500) as receiver:
        asyncio.run(story())


def test_a_replay_sends_the_same_again_with_a_new_schedule(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path) as here:
            await here.end("r-1", receiver.url)
            await here.until("r-1", State.GIVEN_UP)
            assert await here.outbox.replay("other", "r-1") is None
            assert await here.outbox.replay("me", "r-1") == State.GIVEN_UP
            again = await here.until("r-1", State.DUE, 2)
            assert again.next_at is not None
            assert 6 < again.next_at - here.clock() < 8  # the first pause
            assert await here.outbox.replay("me", "r-1") == State.DUE
            await here.until("r-1", State.DELIVERED, 3)
            assert len({posted.body for posted in receiver.posted}) == 1

    with receiving(301, 500, 200) as receiver:
        asyncio.run(story())


def test_files_are_named_by_the_address_the_submitter_used(tmp_path: Path) -> None:
    async def story() -> None:
        async with office(tmp_path) as here:
            await here.submit("r-1", receiver.url)
            claimed = await here.jobs.claim("r", ("a/b",), 60)
            assert claimed is not None
            outcome = Outcome(b'{"video":{"url":"rushes-file:/f1/a%20b.mp4"}}', "x", 1.0, 0.1, files=("f1",))
            await here.jobs.finish("r-1", claimed.lease.token, outcome)
            await here.until("r-1", State.DELIVERED)
            url = receiver.posted[0].json["payload"]["video"]["url"]
            assert url == f"{ORIGIN}/files/b/f1/a%20b.mp4"

    with receiving(200) as receiver:
        asyncio.run(story())
