"""Webhooks of a real server: the clients' own calls, the guide's receivers, a server killed at the worst moment."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest

from tests.cli.words import rushes
from tests.server import KEY, Server, start_server
from tests.webhooks.receiver import Receiver, receiving, verified

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide" / "webhooks.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
LOOPBACK = {"allow_addresses": "127.0.0.0/8"}
HEADERS = {"authorization": f"Key {KEY}"}
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    NODE is None or not (ROOT / "node_modules").exists(), reason="needs Node.js and `npm ci`"
)
SUBMIT_JS = """
import { createFalClient } from "@fal-ai/client";
const proxyUrl = { url: process.env.RUSHES_URL + "/api/fal/proxy", when: "always" };
const fal = createFalClient({ credentials: process.env.FAL_KEY, proxyUrl });
const { request_id } = await fal.queue.submit("rushes/echo", { input: { payload: 7 }, webhookUrl: process.env.HOOK });
console.log(request_id);
"""
SUBMIT_PY = """
import os, fal_client, rushes
rushes.connect()
print(fal_client.submit("rushes/echo", {"payload": 7}, webhook_url=os.environ["HOOK"]).request_id)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("webhooks") / "data", **LOOPBACK) as server:
        yield server


def blocks(kind: str) -> list[str]:
    return [text for this, text in BLOCKS if this == kind]


def of(server: Server, **more: str) -> dict[str, str]:
    return {**os.environ, "RUSHES_URL": server.url, "RUSHES_KEY": KEY, "FAL_KEY": KEY, **more}


def submit(server: Server, hook: str, **request: Any) -> str:
    response = httpx2.post(
        f"{server.url}/queue/rushes/echo", params={"fal_webhook": hook}, json=request, headers=HEADERS, trust_env=False
    )
    assert response.status_code == 200, response.text
    return str(response.json()["request_id"])


def perform(words: list[str], environment: dict[str, str], folder: Path = ROOT) -> str:
    done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def jwks(server: Server) -> Any:
    return httpx2.get(f"{server.url}/.well-known/jwks.json", trust_env=False).json()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([sys.executable, "-c", SUBMIT_PY], id="fal_client"),
        pytest.param([NODE or "node", "--input-type=module", "-e", SUBMIT_JS], id="fal-js", marks=needs_node),
    ],
)
def test_a_clients_own_call_asks_for_a_webhook(server: Server, words: list[str]) -> None:
    with receiving(200) as receiver:
        request_id = perform(words, of(server, HOOK=f"{receiver.url}/hook"))
        (posted,) = receiver.wait_for()
    assert posted.json == {
        "request_id": request_id,
        "gateway_request_id": request_id,
        "status": "OK",
        "payload": {"payload": 7},
    }
    assert verified(posted, jwks(server), time.time())
    assert verified(posted, jwks(server), time.time(), insists_on_padding=True)


def test_a_server_killed_before_the_answer_sends_again_after_its_start(tmp_path: Path) -> None:
    over = Event()

    def never(_: BaseHTTPRequestHandler) -> None:
        over.wait(20)

    with receiving(never, 200) as receiver:
        with start_server(tmp_path / "data", **LOOPBACK) as first:
            request_id = submit(first, receiver.url, payload="kept")
            receiver.wait_for()
            first.kill()
        over.set()
        with start_server(tmp_path / "data", **LOOPBACK) as second:
            again = receiver.wait_for(2)[1]
            assert again.json["payload"] == {"payload": "kept"}
            assert again.json["request_id"] == request_id
            assert verified(again, jwks(second), time.time())


def test_a_server_killed_before_the_job_ends_still_tells_it(tmp_path: Path) -> None:
    with receiving(200) as receiver:
        with start_server(tmp_path / "data", **LOOPBACK) as first:
            submit(first, receiver.url, payload="late", sleep_s=0.5, steps=5)
            first.kill()
        with start_server(tmp_path / "data", **LOOPBACK):
            (posted,) = receiver.wait_for()
            assert posted.json["payload"] == {"payload": "late"}


def test_what_became_of_it_is_listed_shown_and_sent_again(server: Server) -> None:
    with receiving(301, 200) as receiver:
        request_id = submit(server, f"{receiver.url}/hook", payload=1)
        receiver.wait_for()
        line = wait_for_line(server, request_id, "given_up")
        assert line.endswith(f"1 try  answered 301: redirects are not followed  {receiver.url}/hook")
        assert rushes("webhooks", "replay", request_id, environment=of(server)).returncode == 0
        receiver.wait_for(2)
        wait_for_line(server, request_id, "delivered")
    shown = rushes("webhooks", "show", request_id, environment=of(server)).stdout.splitlines()
    assert [line.split()[0] for line in shown] == [request_id, "1", "2"]
    listed = rushes("webhooks", "list", "--json", "--limit", "1", environment=of(server)).stdout
    assert [one["request_id"] for one in json.loads(listed)] == [request_id]
    unknown = rushes("webhooks", "show", "nobody", environment=of(server))
    assert (unknown.returncode, unknown.stderr) == (1, "rushes: Webhook delivery not found (404)\n")


def wait_for_line(server: Server, request_id: str, state: str) -> str:
    for _ in range(20):
        done = rushes("webhooks", "list", "--state", state, environment=of(server))
        for line in done.stdout.splitlines():
            if line.startswith(f"{request_id}  {state} "):
                return line
        time.sleep(0.1)
    raise AssertionError(f"{request_id} never became {state}")


def test_w_07_both_keys_are_published_after_a_rotation(server: Server) -> None:
    before = jwks(server)["keys"][0]
    kid = rushes("webhooks", "rotate-key", environment=of(server)).stdout.strip()
    after = jwks(server)["keys"]
    assert after[0]["kid"] == kid
    assert before in after
    with receiving(200) as receiver:
        submit(server, receiver.url)
        (posted,) = receiver.wait_for()
    assert verified(posted, {"keys": after[:1]}, time.time())
    assert not verified(posted, {"keys": [before]}, time.time())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def guides_receiver(words: list[str], server: Server) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    port = free_port()
    process = subprocess.Popen(words, env=of(server, PORT=str(port)), stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/hook", process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([sys.executable, "-c", blocks("python")[1]], id="python"),
        pytest.param([NODE or "node", "--input-type=module", "-e", blocks("js")[0]], id="node", marks=needs_node),
    ],
)
def test_the_guides_receiver_believes_us_and_nobody_else(server: Server, words: list[str]) -> None:
    with guides_receiver(words, server) as (url, process), receiving(200) as tap:
        request_id = submit(server, url, payload="über")
        assert process.stdout is not None
        assert process.stdout.readline() == f"{request_id} OK {told('über', words)}\n"
        body, headers = genuine(server, tap)
        assert httpx2.post(url, content=body, headers=headers, trust_env=False).status_code == 204
        assert httpx2.post(url, content=body + b" ", headers=headers, trust_env=False).status_code == 401
        assert httpx2.post(url, content=body, trust_env=False).status_code == 401
        late = {**headers, "X-Fal-Webhook-Timestamp": str(int(time.time()) - 400)}
        assert httpx2.post(url, content=body, headers=late, trust_env=False).status_code == 401


def told(payload: str, words: list[str]) -> str:
    output = {"payload": payload}
    return (
        json.dumps(output)
        if words[0] == sys.executable
        else json.dumps(output, ensure_ascii=False, separators=(",", ":"))
    )


def genuine(server: Server, tap: Receiver) -> tuple[bytes, dict[str, str]]:
    """Catch a genuine delivery, to be changed."""
    submit(server, tap.url, payload="x")
    (posted,) = tap.wait_for()
    signed = {name: value for name, value in posted.headers.items() if name.lower().startswith("x-fal-")}
    return posted.body, {name.title(): value for name, value in signed.items()}


def test_the_guides_submit_runs(server: Server) -> None:
    with receiving(200) as receiver:
        block = blocks("python")[0].replace("http://127.0.0.1:8000", receiver.url)
        request_id = perform([sys.executable, "-c", block], of(server))
        (posted,) = receiver.wait_for(within_s=60)
    assert (posted.json["request_id"], posted.json["status"]) == (request_id, "OK")
    assert posted.json["payload"]["video"]["url"].startswith(server.url)


def test_the_guides_commands_exist() -> None:
    (lines,) = blocks("sh")
    for line in lines.splitlines():
        assert rushes(*line.split()[1:3], "--help").returncode == 0


def test_a_server_without_the_setting_refuses_loopback_on_submit(tmp_path: Path) -> None:
    with start_server(tmp_path / "data", runners=0) as server:
        response = httpx2.post(
            f"{server.url}/queue/rushes/echo?fal_webhook=http://127.0.0.1:9/", json={}, headers=HEADERS, trust_env=False
        )
        assert response.status_code == 400
        assert "RUSHES_ALLOW_ADDRESSES=127.0.0.0/8" in response.text
