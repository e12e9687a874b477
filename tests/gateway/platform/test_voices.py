"""The list of an account's cloned voices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.live import Gateway, running


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path) as gateway:
        yield gateway


@pytest.mark.parametrize("path", ["/v1/voices", "/platform/v1/voices"])
def test_the_accounts_own_voices_are_listed_oldest_first(gateway: Gateway, path: str) -> None:
    for account, voice in (("admin", "second"), ("stranger", "theirs")):
        gateway.call(gateway.voices.add(account, voice, "f" * 40, "fal-ai/clone"))
    gateway.clock.ahead_s = -1_000
    gateway.call(gateway.voices.add("admin", "first", "f" * 40, "fal-ai/clone"))
    told = gateway.get(path).json()
    assert [voice["voice_id"] for voice in told["voices"]] == ["first", "second"]
    assert (told["next_cursor"], told["has_more"]) == (None, False)
    voice = told["voices"][0]
    assert set(voice) == {"voice_id", "created_at", "endpoint_id"}
    assert voice["endpoint_id"] == "fal-ai/clone"
    assert voice["created_at"].endswith("Z")


def test_an_account_without_voices_gets_an_empty_list(gateway: Gateway) -> None:
    assert gateway.get("/v1/voices").json() == {"voices": [], "next_cursor": None, "has_more": False}


def test_a_key_is_needed(gateway: Gateway) -> None:
    assert gateway.get("/v1/voices", headers={"authorization": ""}).status_code == 401


def test_only_looking_is_possible(gateway: Gateway) -> None:
    answer = gateway.client.post("/v1/voices", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_other_platform_paths_are_not_found(gateway: Gateway) -> None:
    error = gateway.get("/v1/elsewhere").json()["error"]
    assert (error["type"], error["message"]) == ("not_found", "Path /v1/elsewhere not found")
