"""A disk without room for what is kept beside the queue: it is said, nothing changes, and it passes with the reason."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.server import KEY, Server, start_server

pytestmark = pytest.mark.acceptance

HEADERS = {"authorization": f"Key {KEY}"}


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    none = resource.RLIM_INFINITY
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, none))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (none, none))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("full") / "data", runners=0) as server:
        yield server


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, headers=HEADERS, trust_env=False, timeout=20) as client:
        yield client


def test_a_signing_key_that_cannot_be_kept_is_not_used(server: Server, http: httpx2.Client) -> None:
    before = http.get("/.well-known/jwks.json").json()
    with full_disk(server):
        refused = http.post("/v1/webhooks/keys/rotate")
        assert (refused.status_code, refused.json()["error"]["type"]) == (503, "server_error")
        assert "cannot store anything" in refused.json()["error"]["message"]
    assert http.get("/.well-known/jwks.json").json() == before
    assert http.post("/v1/webhooks/keys/rotate").status_code == 200


def test_who_may_read_a_file_stays_as_it_was(server: Server, http: httpx2.Client) -> None:
    wanted = {"content_type": "text/plain", "file_name": "a.txt"}
    target = http.post("/storage/upload/initiate", json=wanted).json()
    assert http.put(target["upload_url"], content=b"x").status_code == 200
    where = {"url": target["file_url"]}
    with full_disk(server):
        refused = http.put("/v1/storage/files/acl", params=where, json={"default": "forbid"})
        assert refused.status_code == 503
    assert http.get("/v1/storage/files/acl", params=where).json()["default"] == "allow"
    assert http.put("/v1/storage/files/acl", params=where, json={"default": "forbid"}).status_code == 200
    assert httpx2.get(target["file_url"], trust_env=False).status_code != 200


def test_a_session_that_cannot_be_kept_is_told_to_come_later(server: Server) -> None:
    with full_disk(server):
        last, code = session_end(server)
    assert (last["type"], last["error"], code) == ("x-fal-error", "STORAGE_UNAVAILABLE", 1013)


def session_end(server: Server) -> tuple[dict[str, Any], int]:
    address = f"{server.url.replace('http', 'ws')}/run/rushes/camera/realtime"
    with connect(address, additional_headers=HEADERS, proxy=None) as socket:
        last = json.loads(socket.recv(timeout=10))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    return last, closed.value.rcvd.code
