"""Who may read files, signed addresses and an account's settings, over the platform's routes."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.gateway.live import Gateway, running

ACL, SIGN, SETTINGS = "/v1/storage/files/acl", "/v1/storage/files/sign", "/v1/storage/settings"
CLEARED = {"expiration_duration_seconds": None, "initial_acl": None}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("data")) as gateway:
        yield gateway


@pytest.fixture
def stranger(gateway: Gateway) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=gateway.url, trust_env=False) as client:
        yield client


@pytest.fixture
def bob(gateway: Gateway) -> dict[str, str]:
    key_id, secret = gateway.call(gateway.services.keys.create("bob", alias="test"))
    return {"authorization": f"Key {key_id}:{secret}"}


@pytest.fixture
def url(gateway: Gateway) -> str:
    answer = gateway.client.post("/files/upload", content=b"bytes", headers={"x-fal-object-lifecycle": "{}"})
    address: str = answer.json()["access_url"]
    assert put_acl(gateway, address, {}).is_success  # the same file for all tests: open again
    return address


def put_acl(gateway: Gateway, url: str, acl: Any, **more: Any) -> httpx2.Response:
    return gateway.client.put(ACL, params={"url": url}, json=acl, **more)


def test_a_public_files_list_is_open(gateway: Gateway, url: str) -> None:
    assert gateway.get(ACL, params={"url": url}).json() == {"default": "allow", "rules": []}


def test_a_list_is_replaced_and_holds_at_once(
    gateway: Gateway, stranger: httpx2.Client, bob: dict[str, str], url: str
) -> None:
    acl = {"default": "hide", "rules": [{"user": "bob", "decision": "allow"}]}
    assert put_acl(gateway, url, acl).json() == acl
    assert gateway.get(ACL, params={"url": url}).json() == acl
    assert [stranger.get(url).status_code, stranger.get(url, headers=bob).status_code] == [404, 200]
    assert put_acl(gateway, url, {"default": "forbid"}).json() == {"default": "forbid", "rules": []}
    assert [stranger.get(url).status_code, stranger.get(url, headers=bob).status_code] == [403, 403]
    assert put_acl(gateway, url, {}).is_success
    assert stranger.get(url).status_code == 200


def test_rules_for_accounts_that_nobody_knows_are_dropped(gateway: Gateway, bob: dict[str, str], url: str) -> None:
    rules = [{"user": user, "decision": "allow"} for user in ("bob", "nobody", "admin")]
    told = put_acl(gateway, url, {"default": "forbid", "rules": rules}).json()
    assert [rule["user"] for rule in told["rules"]] == ["bob", "admin"]


@pytest.mark.parametrize("acl", [{"default": "open"}, {"rules": [{"user": "bob"}]}, [], {"rules": "all"}])
def test_a_list_that_makes_no_sense_changes_nothing(gateway: Gateway, url: str, acl: Any) -> None:
    refused = put_acl(gateway, url, acl)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "validation_error")
    assert gateway.get(ACL, params={"url": url}).json() == {"default": "allow", "rules": []}


def test_to_others_a_file_looks_just_like_none(gateway: Gateway, bob: dict[str, str], url: str) -> None:
    for address in (url, url.replace("/files/b/", "/files/b/0"), "https://example.com/x.png", "nonsense", "http://["):
        for method, path, body in (("GET", ACL, None), ("PUT", ACL, {}), ("POST", SIGN, {"expiration_seconds": 5})):
            answer = gateway.client.request(method, path, params={"url": address}, json=body, headers=bob)
            assert answer.status_code == 404
            error = answer.json()["error"]
            assert (error["type"], error["message"]) == ("not_found", "File not found")


@pytest.mark.parametrize("path", [ACL, SETTINGS])
def test_a_key_is_needed(stranger: httpx2.Client, path: str) -> None:
    assert stranger.get(path, params={"url": "x"}).status_code == 401


def test_a_signed_address_opens_a_hidden_file(gateway: Gateway, stranger: httpx2.Client, url: str) -> None:
    put_acl(gateway, url, {"default": "hide"})
    signed = gateway.client.post(SIGN, params={"url": url}, json={"expiration_seconds": 60}).json()["signed_url"]
    assert signed.startswith(f"{url}?identity=")
    assert stranger.get(signed).content == b"bytes"
    gateway.clock.ahead_s += 61
    assert stranger.get(signed).status_code == 404


@pytest.mark.parametrize("seconds", [0, 604_801, "soon", None])
def test_a_signature_has_a_longest_and_a_shortest_time(gateway: Gateway, url: str, seconds: Any) -> None:
    refused = gateway.client.post(SIGN, params={"url": url}, json={"expiration_seconds": seconds})
    assert refused.status_code == 400
    assert "expiration_seconds" in refused.json()["error"]["message"]


def test_settings_are_replaced_whole_and_what_is_left_out_is_cleared(gateway: Gateway, bob: dict[str, str]) -> None:
    assert gateway.get(SETTINGS).json() == CLEARED
    wanted = {"expiration_duration_seconds": 60, "initial_acl": {"default": "forbid", "rules": []}}
    assert gateway.client.put(SETTINGS, json=wanted).json() == wanted
    assert gateway.get(SETTINGS).json() == wanted
    assert gateway.get(SETTINGS, headers=bob).json() == CLEARED
    only = {"expiration_duration_seconds": 5}
    assert gateway.client.put(SETTINGS, json=only).json() == CLEARED | only
    assert gateway.client.put(SETTINGS, json={}).json() == CLEARED
    assert gateway.get(SETTINGS).json() == CLEARED


def test_new_files_follow_the_settings(gateway: Gateway, stranger: httpx2.Client) -> None:
    gateway.client.put(SETTINGS, json={"expiration_duration_seconds": 60, "initial_acl": {"default": "forbid"}})
    url = gateway.client.post("/files/upload", content=b"new").json()["access_url"]
    gateway.client.put(SETTINGS, json={})
    assert stranger.get(url).status_code == 403
    gateway.clock.ahead_s += 61
    assert gateway.get(url).status_code == 404


@pytest.mark.parametrize("seconds", [-1, "soon", 1e13])
def test_settings_that_make_no_sense_are_refused(gateway: Gateway, seconds: Any) -> None:
    assert gateway.client.put(SETTINGS, json={"expiration_duration_seconds": seconds}).status_code == 400
