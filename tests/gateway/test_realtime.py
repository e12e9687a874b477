"""Callers' sessions against a real gateway; the runner is a few lines here, so that each test says what it answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from socket import create_connection
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from rushes.endpoint import Endpoint, Realtime
from rushes.errors import Failure, ModelError
from rushes.gateway.auth import JWT
from rushes.jobs.job import Claimed, Status
from rushes.jobs.protocol import SESSION_CANCELLED, Fail
from tests.gateway.live import AUTH, ENDPOINTS, Gateway, an_endpoint, running

LIVE = "rushes/live"


def live_endpoint(idle_s: float = 5.0, buffering: int = 60) -> Endpoint:
    realtime = Realtime(kept=(), reply=lambda request, frames: {}, idle_s=idle_s, buffering=buffering)
    return replace(an_endpoint(LIVE), realtime=realtime)


@contextmanager
def gateway_with(folder: Path, endpoint: Endpoint, **settings: Any) -> Iterator[Gateway]:
    with running(folder, {**ENDPOINTS, LIVE: endpoint}, **settings) as gateway:
        yield gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with gateway_with(tmp_path, live_endpoint()) as gateway:
        yield gateway


class FakeRunner:
    """Claims one session and answers its inputs by `answer(n, input)`, which gives an output or a failure."""

    def __init__(self, gateway: Gateway, answer: Any = None) -> None:
        self.gateway, self.answer = gateway, answer or (lambda n, given: {"seen": given, "n": n})
        self.claimed: Claimed | None = None
        self.socket: ClientConnection | None = None
        self.seen: list[Any] = []
        self.code: int | None = None
        self.go = threading.Event()
        self.go.set()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        give_up_at = time.monotonic() + 30
        while self.claimed is None and time.monotonic() < give_up_at:
            self.claimed = self.gateway.call(self.gateway.jobs.claim("session-runner", (f"{LIVE}/realtime",), 60.0))
            time.sleep(0.01)
        assert self.claimed is not None
        with runner_socket(self.gateway, self.claimed.lease.job_id, self.claimed.lease.token) as self.socket:
            try:
                while True:
                    given = msgpack.unpackb(self.socket.recv())
                    self.seen.append(given)
                    self.go.wait(10)
                    made = self.answer(given["n"], given["input"])
                    token = self.claimed.lease.token
                    kind = (
                        {"failure": Fail.of(token, made).model_dump()}
                        if isinstance(made, Failure)
                        else {"output": made}
                    )
                    self.socket.send(msgpack.packb({"n": given["n"], "units": float(given["n"]), **kind}))
            except ConnectionClosed as closed:
                self.code = closed.rcvd.code if closed.rcvd else None

    def join(self) -> None:
        self.thread.join(10)
        assert not self.thread.is_alive()


def runner_socket(gateway: Gateway, job_id: str, token: int, key: str | None = None) -> ClientConnection:
    headers = {"authorization": f"Key {key or gateway.services.keys.runner_key}", "x-rushes-token": str(token)}
    return connect(
        f"{gateway.url.replace('http', 'ws')}/runners/jobs/{job_id}/session", additional_headers=headers, proxy=None
    )


def call(gateway: Gateway, query: str = "", path: str = f"{LIVE}/realtime", **more: Any) -> ClientConnection:
    return connect(
        f"{gateway.url.replace('http', 'ws')}/run/{path}{query}", **{"additional_headers": AUTH, "proxy": None, **more}
    )


def read(socket: ClientConnection) -> Any:
    """Return the next message but timings."""
    while True:
        frame = socket.recv(timeout=10)
        value = msgpack.unpackb(frame) if isinstance(frame, bytes) else json.loads(frame)
        if value.get("type") != "x-fal-message":
            return value


def ending(socket: ClientConnection) -> tuple[Any, int]:
    """Return the last message and the close code."""
    last = read(socket)
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    return last, closed.value.rcvd.code


def token(gateway: Gateway, **body: Any) -> str:
    return str(gateway.client.post("/tokens/", json={"allowed_apps": ["live"], **body}).json())


def pack(**given: Any) -> bytes:
    frame: bytes = msgpack.packb(given)
    return frame


def test_binary_inputs_are_answered_in_binary_and_text_in_text(gateway: Gateway) -> None:
    runner = FakeRunner(gateway, lambda n, given: {"picture": b"\x00\xff", "given": given})
    with call(gateway) as socket:
        socket.send(pack(x=1, raw=b"\x01\x02"))
        answer = msgpack.unpackb(socket.recv())
        assert (answer["picture"], answer["given"]) == (b"\x00\xff", {"x": 1, "raw": b"\x01\x02"})
        assert json.loads(socket.recv())["action"] == "timings"
        socket.send('{"x": 2}')
        answer = json.loads(socket.recv())
        assert answer["picture"] == "data:application/octet-stream;base64,AP8="
        assert json.loads(socket.recv())["timing"] > 0
    runner.join()
    assert runner.code == 1000


def test_a_request_id_comes_back_or_is_made_up(gateway: Gateway) -> None:
    FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack(request_id="mine"))
        assert read(socket)["request_id"] == "mine"
        made_up = set()
        for _ in range(2):
            socket.send(pack())
            made_up.add(read(socket)["request_id"])
        assert len(made_up) == 2


def test_of_inputs_that_wait_the_oldest_are_dropped(gateway: Gateway) -> None:
    runner = FakeRunner(gateway)
    runner.go.clear()
    with call(gateway, "?max_buffering=2") as socket:
        socket.send(pack(i=0))
        while not runner.seen:
            time.sleep(0.01)
        for i in range(1, 6):
            socket.send(pack(i=i))
        time.sleep(0.2)
        runner.go.set()
        assert [read(socket)["seen"]["i"] for _ in range(3)] == [0, 4, 5]


def test_without_a_wish_all_inputs_are_answered_in_order(gateway: Gateway) -> None:
    FakeRunner(gateway)
    with call(gateway) as socket:
        for i in range(30):
            socket.send(pack(i=i))
        assert [read(socket)["seen"]["i"] for _ in range(30)] == list(range(30))


@pytest.mark.parametrize("text", ["0", "61", "-1", "many", "9" * 50, "", "%C2%B2"])
def test_a_buffering_out_of_range_is_an_error(gateway: Gateway, text: str) -> None:
    with call(gateway, f"?max_buffering={text}") as socket:
        last, code = ending(socket)
    assert (last["error"], code) == ("VALIDATION_ERROR", 1000)
    assert "from 1 to 60" in last["reason"]


@pytest.mark.parametrize("frame", [b"\xc1", "no json", pack(**{"a": msgpack.Timestamp(0)}), b""], ids=str)
def test_what_is_no_input_ends_the_session_after_what_came_before(gateway: Gateway, frame: bytes | str) -> None:
    FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack(i=1))
        socket.send(frame)
        assert read(socket)["seen"] == {"i": 1}
        last, code = ending(socket)
    assert (last["type"], last["error"], code) == ("x-fal-error", "VALIDATION_ERROR", 1000)


def test_a_models_error_ends_the_session_with_its_reason(gateway: Gateway) -> None:
    failure = ModelError("image_too_small", loc=("body", "image_url")).failure()
    FakeRunner(gateway, lambda n, given: failure)
    with call(gateway) as socket:
        socket.send(pack(request_id="r9"))
        last, code = ending(socket)
    assert code == 1000
    assert (last["error"], last["error_type"], last["request_id"]) == ("VALIDATION_ERROR", "image_too_small", "r9")
    assert last["reason"] == "body.image_url: Image too small"


def test_a_crash_of_the_engine_is_an_internal_error(gateway: Gateway) -> None:
    FakeRunner(gateway, lambda n, given: ModelError("internal_server_error").failure())
    with call(gateway) as socket:
        socket.send(pack())
        last, code = ending(socket)
    assert (last["error"], code) == ("INTERNAL_ERROR", 1000)


def test_an_idle_session_is_told_and_closed_normally(tmp_path: Path) -> None:
    with gateway_with(tmp_path, live_endpoint(idle_s=0.3)) as gateway:
        runner = FakeRunner(gateway)
        with call(gateway) as socket:
            socket.send(pack(i=1))
            assert read(socket)["seen"] == {"i": 1}
            last, code = ending(socket)
        assert last == {"type": "x-fal-error", "error": "TIMEOUT", "reason": "no inputs, reconnect when needed!"}
        assert code == 1000
        runner.join()


def test_an_operator_can_say_how_long_a_session_may_be_idle(tmp_path: Path) -> None:
    with gateway_with(tmp_path, live_endpoint(idle_s=60.0), session_idle_s=0.2) as gateway:
        FakeRunner(gateway)
        with call(gateway) as socket:
            last, code = ending(socket)
    assert (last["error"], code) == ("TIMEOUT", 1000)


def test_a_session_outlives_its_token(gateway: Gateway) -> None:
    FakeRunner(gateway)
    with call(gateway, f"?{JWT}={token(gateway, token_expiration=10)}", additional_headers={}) as socket:
        socket.send(pack(i=1))
        assert read(socket)["seen"] == {"i": 1}  # its runner has come, so that no start deadline matters any more
        gateway.clock.ahead_s = 60
        socket.send(pack(i=2))
        assert read(socket)["seen"] == {"i": 2}


@pytest.mark.parametrize("query", [f"?{JWT}=nonsense", f"?{JWT}=", f"?{JWT}=undefined&max_buffering=3", ""])
def test_a_bad_token_is_told_on_the_open_socket(gateway: Gateway, query: str) -> None:
    with call(gateway, query, additional_headers={}) as socket:
        assert ending(socket) == ({"status": "error", "error": "Unauthorized"}, 1000)


def test_a_token_for_another_app_or_one_that_is_over_is_unauthorized(gateway: Gateway) -> None:
    other, old = token(gateway, allowed_apps=["clip"]), token(gateway, token_expiration=5)
    gateway.clock.ahead_s = 6
    for one in (other, old):
        with call(gateway, f"?{JWT}={one}", additional_headers={}) as socket:
            assert ending(socket)[0] == {"status": "error", "error": "Unauthorized"}


def test_a_wrong_key_is_refused_at_the_handshake(gateway: Gateway) -> None:
    with pytest.raises(InvalidStatus) as refused:
        call(gateway, additional_headers={"authorization": "Key me:wrong"})
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body or b"")["detail"] == "No user found for Key ID and Secret"


@pytest.mark.parametrize(("public", "opens"), [("rushes/li*", True), (f"{LIVE}/*", False), ("fal-ai/clip", False)])
def test_a_public_endpoints_sessions_need_no_key_either(tmp_path: Path, public: str, opens: bool) -> None:
    with gateway_with(tmp_path, live_endpoint(), public_endpoints=public) as gateway:
        with call(gateway, additional_headers={}) as socket:
            if opens:
                runner = FakeRunner(gateway)
                socket.send(pack(a=1))
                assert read(socket)["seen"] == {"a": 1}
                assert runner.claimed is not None
                assert runner.claimed.account == "anonymous"
            else:
                assert ending(socket) == ({"status": "error", "error": "Unauthorized"}, 1000)
        with pytest.raises(InvalidStatus):
            call(gateway, additional_headers={"authorization": "Key no:body"})


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nobody/knows/realtime", 404),
        (f"{LIVE}/raw", 404),
        (LIVE, 404),
        ("fal-ai/clip/realtime", 403),
        ("fal-ai/clip", 403),
    ],
)
def test_a_path_without_sessions_is_refused_at_the_handshake(gateway: Gateway, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        call(gateway, path=path)
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["detail"]


def test_fals_own_host_needs_no_prefix(gateway: Gateway) -> None:
    FakeRunner(gateway)
    sock = create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])))
    with connect(f"ws://fal.run/{LIVE}/realtime", sock=sock, additional_headers=AUTH) as socket:
        socket.send(pack(i=1))
        assert read(socket)["seen"] == {"i": 1}


def test_a_session_is_a_job_of_its_own_in_queue_and_ledger(gateway: Gateway) -> None:
    runner = FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack())
        read(socket)
        assert runner.claimed is not None
        job_id = runner.claimed.lease.job_id
        state = gateway.jobs.state(job_id)
        assert state is not None
        assert (state.endpoint, state.status) == (f"{LIVE}/realtime", Status.IN_PROGRESS)
        status = gateway.get(f"/queue/{LIVE}/requests/{job_id}/status").json()
        assert status["status"] == "IN_PROGRESS"
    runner.join()


def test_a_caller_who_leaves_before_a_runner_comes_leaves_no_job_behind(gateway: Gateway) -> None:
    with call(gateway):
        while not gateway.jobs.queue_length(f"{LIVE}/realtime"):
            time.sleep(0.01)
    deadline = time.monotonic() + 30
    while len(gateway.services.sessions) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert gateway.jobs.queue_length(f"{LIVE}/realtime") == 0
    assert len(gateway.services.sessions) == 0


def test_a_session_that_finds_no_runner_says_so(tmp_path: Path) -> None:
    with gateway_with(tmp_path, live_endpoint(), session_start_s=0.3) as gateway, call(gateway) as socket:
        socket.send(pack())
        last, code = ending(socket)
    assert (last["error"], code) == ("RUNNER_SCHEDULING_FAILURE", 1013)


def test_a_runner_that_dies_ends_the_session_with_an_error(gateway: Gateway) -> None:
    runner = FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack())
        read(socket)
        assert runner.socket is not None
        runner.socket.socket.shutdown(2)
        with suppress(ConnectionClosed):  # the session may have ended already
            socket.send(pack())
        last, code = ending(socket)
    assert (last["error"], code) == ("RUNNER_DISCONNECTED", 1011)


def test_a_runner_that_is_lost_while_nothing_is_asked_ends_the_session(gateway: Gateway) -> None:
    FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack())
        read(socket)
        gateway.call(gateway.jobs.release("session-runner"))
        last, code = ending(socket)
    assert (last["error"], code) == ("RUNNER_DISCONNECTED", 1011)


def test_a_cancelled_session_ends_and_its_runner_hears_of_it(gateway: Gateway) -> None:
    runner = FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack())
        read(socket)
        assert runner.claimed is not None
        gateway.client.put(f"/queue/{LIVE}/requests/{runner.claimed.lease.job_id}/cancel")
        last, code = ending(socket)
    assert (last["error"], code) == ("REQUEST_CANCELLED", 1000)
    runner.join()
    assert runner.code == SESSION_CANCELLED


def test_a_key_at_its_limit_hears_so_on_the_socket(gateway: Gateway) -> None:
    key_id, secret = gateway.call(gateway.services.keys.create("somebody", alias="page", max_concurrent=1))
    headers = {"authorization": f"Key {key_id}:{secret}"}
    FakeRunner(gateway)
    with call(gateway, additional_headers=headers) as first:
        first.send(pack())
        read(first)
        with call(gateway, additional_headers=headers) as second:
            last, code = ending(second)
    assert (last["error"], code) == ("CONCURRENT_REQUESTS_LIMIT", 1000)


def test_a_session_ends_when_its_keys_budget_is_spent(tmp_path: Path) -> None:
    with gateway_with(tmp_path, live_endpoint(), unit_price_usd={LIVE: 1.0}) as gateway:
        key_id, secret = gateway.call(gateway.services.keys.create("somebody", alias="page", budget_usd=2.5))
        FakeRunner(gateway)
        with call(gateway, additional_headers={"authorization": f"Key {key_id}:{secret}"}) as socket:
            for i in range(3):
                socket.send(pack(i=i))
            assert [read(socket)["n"] for _ in range(3)] == [1, 2, 3]
            last, code = ending(socket)
    assert (last["error"], code) == ("USER_LOCKED", 1000)


def test_sessions_of_one_key_spend_its_budget_together(tmp_path: Path) -> None:
    with gateway_with(tmp_path, live_endpoint(), unit_price_usd={LIVE: 1.0}) as gateway:
        key_id, secret = gateway.call(gateway.services.keys.create("somebody", alias="page", budget_usd=2.5))
        headers = {"authorization": f"Key {key_id}:{secret}"}
        FakeRunner(gateway)
        with call(gateway, additional_headers=headers) as one:
            one.send(pack(i=0))
            read(one)
            one.send(pack(i=1))
            read(one)
            FakeRunner(gateway)
            with call(gateway, additional_headers=headers) as two:
                two.send(pack(i=0))
                assert read(two)["n"] == 1
                last, code = ending(two)
    assert (last["error"], code) == ("USER_LOCKED", 1000)


def test_own_files_are_named_to_the_runner(gateway: Gateway) -> None:
    url = gateway.client.post("/files/upload", content=b"x", headers={"x-fal-file-name": "a.png"}).json()["access_url"]
    runner = FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack(image_url=url, prompt=7))
        read(socket)
        socket.send(pack(image_url="https://example.com/a.png"))
        read(socket)
    assert list(runner.seen[0]["own_files"]) == [url]
    assert runner.seen[1]["own_files"] == {}


def test_an_inputs_names_may_be_any(gateway: Gateway) -> None:
    runner = FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack(cls=1, _fields_set=[2], self=3))
        read(socket)
    assert runner.seen[0]["input"] == {"cls": 1, "_fields_set": [2], "self": 3}


def test_a_runners_end_is_for_the_jobs_runner_only(gateway: Gateway) -> None:
    runner = FakeRunner(gateway)
    with call(gateway) as socket:
        socket.send(pack())
        read(socket)
        assert runner.claimed is not None
        lease = runner.claimed.lease
        for key, number, status in (
            ("me:secret", lease.token, 401),
            (None, lease.token + 1, 410),
            (None, lease.token, 410),
        ):
            with pytest.raises(InvalidStatus) as refused:
                runner_socket(gateway, lease.job_id, number, key)
            assert refused.value.response.status_code == status


def test_what_is_no_websocket_path_is_refused(gateway: Gateway) -> None:
    for path in ("queue/rushes/live", "rest/tokens", "nothing"):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{gateway.url.replace('http', 'ws')}/{path}", additional_headers=AUTH, proxy=None)
        assert refused.value.response.status_code == 404
