"""Which sockets there are, and what a handshake is answered with where there is none."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.gateway.live import AUTH, Gateway


def refused(gateway: Gateway, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Status and body of the answer to a handshake."""
    with pytest.raises(InvalidStatus) as caught:
        connect(f"{gateway.url.replace('http', 'ws')}/{path}", additional_headers=headers, proxy=None)
    answer = caught.value.response
    return answer.status_code, json.loads(answer.body or b"{}")


def test_paths_without_a_socket_are_unknown(gateway: Gateway) -> None:
    for path in ("", "queue/fal-ai/clip", "v1/models", "runners/claim", "runners/jobs/x"):
        status, body = refused(gateway, path, AUTH)
        assert (status, body["detail"].startswith("There is no WebSocket at /")) == (404, True)


def test_a_runner_needs_its_own_key_and_a_lease(gateway: Gateway) -> None:
    assert refused(gateway, "runners/jobs/x/session", AUTH)[0] == 401
    runner = {"authorization": f"Key {gateway.services.keys.runner_key}"}
    for token in ({}, {"x-rushes-token": "7"}, {"x-rushes-token": "9" * 5_000}):
        assert refused(gateway, "runners/jobs/x/session", {**runner, **token})[0] == 410


def test_a_disk_that_takes_nothing_is_told_as_everywhere(gateway: Gateway) -> None:
    gateway.services.keys._database._writer.close()
    headers = {"authorization": f"Key {gateway.services.keys.runner_key}", "x-rushes-token": "7"}
    status, body = refused(gateway, "runners/jobs/x/session", headers)
    assert (status, body["error_type"]) == (503, "storage_unavailable")
