"""Endpoints without a key: what the operator named and nothing else, and each caller only by their request's id."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.gateway.public import is_open, is_public
from tests.gateway.live import KEY, Gateway, running

CLIP, OTHER = "/queue/fal-ai/clip", "/queue/fal-ai/other"
INPUT: dict[str, Any] = {"json": {"prompt": "x"}}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path, public_endpoints="fal-ai/clip, workflows/*") as gateway:
        yield gateway


@pytest.fixture
def stranger(gateway: Gateway) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=gateway.url, timeout=10, trust_env=False) as client:
        yield client


def test_a_stranger_submits_follows_and_cancels_by_id(gateway: Gateway, stranger: httpx2.Client) -> None:
    first, second = (stranger.post(CLIP, **INPUT).json() for _ in range(2))
    state = gateway.jobs.state(first["request_id"])
    assert state is not None
    assert state.account == "anonymous"
    assert stranger.get(first["status_url"]).status_code == 202
    gateway.finish(gateway.claim())
    assert stranger.get(first["response_url"]).json() == {"ok": True}
    assert stranger.get(first["status_url"] + "/stream").text.startswith("data: ")
    assert stranger.put(second["cancel_url"]).status_code == 202


@pytest.mark.parametrize(
    "path", [OTHER, "/queue/fal-ai/clip/v2/turbo", "/run/fal-ai/other", "/run/fal-ai/other/stream"]
)
def test_every_other_endpoint_needs_a_key(stranger: httpx2.Client, path: str) -> None:
    assert stranger.post(path, **INPUT).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/storage/upload/initiate",
        "/tokens/",
        "/v1/voices",
        "/runners/claim",
        "/rest/fal-ai/clip/requests/x",
        "/platform/v1/fal-ai/clip",
    ],
)
def test_nothing_but_running_is_public(stranger: httpx2.Client, path: str) -> None:
    assert stranger.post(path, json={}).status_code in {401, 403, 404, 405}


def test_a_request_made_with_a_key_does_not_exist_for_strangers(gateway: Gateway, stranger: httpx2.Client) -> None:
    mine = gateway.submit()
    theirs = stranger.post(CLIP, **INPUT).json()
    for url in (mine["status_url"], mine["response_url"], mine["status_url"] + "/stream"):
        assert stranger.get(url).status_code == 404
    assert stranger.put(mine["cancel_url"]).status_code == 404
    assert gateway.get(theirs["status_url"]).status_code == 404


def test_a_key_that_is_wrong_is_not_taken_for_none(stranger: httpx2.Client) -> None:
    for wrong in ("Key no:body", "Nonsense"):
        assert stranger.post(CLIP, **INPUT, headers={"authorization": wrong}).status_code == 401


def test_a_key_still_decides_the_account(gateway: Gateway, stranger: httpx2.Client) -> None:
    answer = stranger.post(CLIP, **INPUT, headers={"authorization": f"Key {KEY}"}).json()
    assert gateway.jobs.state(answer["request_id"]).account == "admin"  # type: ignore[union-attr]


def test_strangers_share_no_idempotency_key(stranger: httpx2.Client) -> None:
    answer = stranger.post(CLIP, **INPUT, headers={"idempotency-key": "1"})
    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("patterns", "path", "open_"),
    [
        ("", "a/b", False),
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/*", "a/b/c", True),
        ("a/b/c", "a/b/requests/1/status", True),
        ("a/b/c", "a/other/requests/1", False),
        ("*/turbo", "a/b/requests/1/status", True),
        ("a/*o/c", "a/b/requests/1", True),
        ("a/b*", "a/other/requests/1", False),
        ("a/bc/*", "a/b/requests/1", False),
        ("a/b", "a/b/stream", True),
        ("a/b", "a/b/realtime", True),
        ("a/b", "a/b/other", False),
        ("*", "workflows/u/w", True),
        ("A/B", "a/b", False),
    ],
)
def test_patterns_name_whole_ids(patterns: str, path: str, open_: bool) -> None:
    assert is_open(patterns, tuple(path.split("/"))) is open_
    assert is_public(patterns, "") is ("*" in patterns.split(","))
