"""HTTP over a WebSocket: one input after the other on one socket, each answered in three messages."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from rushes.gateway.auth import JWT
from tests.gateway.live import AUTH, Gateway


def call(gateway: Gateway, path: str = "fal-ai/clip", headers: dict[str, str] | None = AUTH) -> ClientConnection:
    return connect(f"{gateway.url.replace('http', 'ws')}/ws/{path}", additional_headers=headers, proxy=None)


def finishing(gateway: Gateway, output: bytes) -> threading.Thread:
    """Do the next job, in a thread of its own."""

    def work() -> None:
        while not gateway.jobs.queue_length("fal-ai/clip"):
            time.sleep(0.01)
        gateway.finish(gateway.claim(), output)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def answer(socket: ClientConnection) -> list[Any]:
    return [json.loads(socket.recv(timeout=10)) for _ in range(3)]


def test_each_input_is_a_run_answered_in_order(gateway: Gateway) -> None:
    ids = set()
    with call(gateway) as socket:
        for number in range(2):
            work = finishing(gateway, b'{"n": %d}' % number)
            socket.send('{"prompt": "a cat"}')
            start, body, end = answer(socket)
            work.join()
            assert (start["type"], start["status"], body, end["type"]) == ("start", 200, {"n": number}, "end")
            assert start["headers"]["x-fal-request-id"] == start["request_id"] == end["request_id"]
            assert end["time_to_first_byte_seconds"] > 0
            ids.add(start["request_id"])
    assert len(ids) == 2


def test_a_wrong_input_has_the_status_it_has_elsewhere_and_the_socket_stays(gateway: Gateway) -> None:
    with call(gateway) as socket:
        socket.send("{}")
        start, body, _ = answer(socket)
        assert (start["status"], body["detail"][0]["loc"]) == (422, ["body", "prompt"])
        socket.send("no json")
        problem = json.loads(socket.recv(timeout=10))
        assert (problem["type"], problem["error"]) == ("x-fal-error", "JSON_INVALID")
        work = finishing(gateway, b'{"ok": true}')
        socket.send('{"prompt": "a cat"}')
        assert answer(socket)[1] == {"ok": True}
        work.join()


def test_what_cannot_be_kept_is_told_on_the_socket(gateway: Gateway) -> None:
    with call(gateway) as socket:
        gateway.services.keys._database._writer.close()
        socket.send('{"prompt": "a cat"}')
        problem = json.loads(socket.recv(timeout=10))
        assert (problem["type"], problem["error"]) == ("x-fal-error", "STORAGE_UNAVAILABLE")


def test_a_caller_who_leaves_cancels_the_run(gateway: Gateway) -> None:
    with call(gateway) as socket:
        socket.send('{"prompt": "a cat"}')
        while not gateway.jobs.queue_length("fal-ai/clip"):
            time.sleep(0.01)
    give_up_at = time.monotonic() + 30
    while gateway.jobs.queue_length("fal-ai/clip") and time.monotonic() < give_up_at:
        time.sleep(0.01)
    assert gateway.jobs.queue_length("fal-ai/clip") == 0


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("nobody/knows", AUTH, 404), ("fal-ai/clip", {}, 401), (f"fal-ai/clip?{JWT}=nonsense", {}, 401)],
)
def test_what_is_refused_is_refused_at_the_handshake(
    gateway: Gateway, path: str, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        call(gateway, path, headers)
    assert refused.value.response.status_code == status
