from pathlib import Path
from typing import Any

import pytest

from rushes.files.signing import Signer
from rushes.gateway.auth import JWT
from tests.gateway.live import AUTH, Gateway, running


def ask(gateway: Gateway, body: Any, path: str = "/tokens/", **more: Any) -> Any:
    response = gateway.client.post(path, json=body, **more)
    assert response.status_code == 200, response.text
    return response.json()


def stream(gateway: Gateway, token: str, endpoint: str = "fal-ai/clip") -> int:
    """POST to a stream as a browser does, with input that ends at once."""
    path = f"/run/{endpoint}/stream?{JWT}={token}"
    return gateway.client.post(path, json={}, headers={"authorization": ""}).status_code


@pytest.mark.parametrize("path", ["/tokens/", "/tokens", "/rest/tokens/"])
def test_the_old_route_answers_with_the_bare_string(gateway: Gateway, path: str) -> None:
    assert isinstance(ask(gateway, {"allowed_apps": ["clip"], "token_expiration": 120}, path), str)


def test_the_new_route_answers_with_an_object(gateway: Gateway) -> None:
    answer = ask(gateway, {"app": "fal-ai/clip/realtime", "duration": 60}, "/tokens/realtime")
    assert list(answer) == ["token"]


def test_a_token_opens_a_stream_of_its_app_only(gateway: Gateway) -> None:
    token = ask(gateway, {"allowed_apps": ["clip"]})
    assert stream(gateway, token) == 422  # let in: the input is what is wrong
    assert stream(gateway, token, "fal-ai/other") == 401
    assert stream(gateway, token + "x") == 401
    assert stream(gateway, "") == 401


def test_a_token_is_no_key_elsewhere(gateway: Gateway) -> None:
    token = ask(gateway, {"allowed_apps": ["clip"]})
    bare = {"authorization": ""}
    assert gateway.client.post(f"/run/fal-ai/clip?{JWT}={token}", json={}, headers=bare).status_code == 401
    assert gateway.client.post(f"/queue/fal-ai/clip?{JWT}={token}", json={}, headers=bare).status_code == 401
    assert gateway.client.post(f"/tokens/?{JWT}={token}", json={}, headers=bare).status_code == 401
    as_key = {"authorization": f"Key {token}"}
    assert gateway.client.post("/run/fal-ai/clip", json={}, headers=as_key).status_code == 401


def test_a_token_works_for_its_lifetime(gateway: Gateway) -> None:
    short = ask(gateway, {"allowed_apps": ["clip"], "token_expiration": 30})
    usual = ask(gateway, {"allowed_apps": ["clip"]})
    gateway.clock.ahead_s = 31
    assert (stream(gateway, short), stream(gateway, usual)) == (401, 422)
    gateway.clock.ahead_s = 121
    assert stream(gateway, usual) == 401


@pytest.mark.parametrize("asked_s", [10**9, 10**400])
def test_a_lifetime_is_bounded(gateway: Gateway, asked_s: int) -> None:
    token = ask(gateway, {"allowed_apps": ["clip"], "token_expiration": asked_s})
    gateway.clock.ahead_s = 86_401
    assert stream(gateway, token) == 401


def test_a_token_ends_with_its_key(gateway: Gateway) -> None:
    key_id, secret = gateway.call(gateway.services.keys.create("somebody", alias="page"))
    token = ask(gateway, {"allowed_apps": ["clip"]}, headers={"authorization": f"Key {key_id}:{secret}"})
    assert stream(gateway, token) == 422
    gateway.call(gateway.services.keys.revoke(key_id))
    assert stream(gateway, token) == 401


def test_another_servers_token_and_one_for_another_purpose_are_refused(gateway: Gateway) -> None:
    payload = {"account": "admin", "key_id": "me", "apps": ["clip"]}
    late = gateway.clock() + 60
    assert stream(gateway, Signer(b"o" * 32).sign("realtime", payload, late)) == 401
    assert stream(gateway, gateway.services.signer.sign("cdn", payload, late)) == 401
    assert stream(gateway, gateway.services.signer.sign("realtime", payload, late)) == 422


def test_the_status_stream_takes_a_token(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    gateway.finish(gateway.claim())
    path = f"/queue/fal-ai/clip/requests/{request_id}/status/stream"
    token = ask(gateway, {"allowed_apps": ["fal-ai/clip/v2/turbo"]})
    bare = {"authorization": ""}
    assert gateway.client.get(f"{path}?{JWT}={token}", headers=bare).status_code == 200
    assert gateway.client.get(f"{path}?{JWT}={ask(gateway, {'app': 'other'})}", headers=bare).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"allowed_apps": []},
        {"allowed_apps": [""]},
        {"allowed_apps": ["/"]},
        {"allowed_apps": [1]},
        {"allowed_apps": {"a": 1}},
        {"allowed_apps": ["a" * 201]},
        {"allowed_apps": ["a"] * 101},
        {"allowed_apps": ["a"], "token_expiration": 0},
        {"allowed_apps": ["a"], "token_expiration": -1},
        {"allowed_apps": ["a"], "token_expiration": "soon"},
        {"allowed_apps": ["a"], "token_expiration": True},
        {"allowed_apps": ["a"], "duration": [1]},
    ],
    ids=str,
)
def test_what_is_no_wish_for_a_token_is_refused(gateway: Gateway, body: Any) -> None:
    response = gateway.client.post("/tokens/", json=body)
    assert response.status_code == 422
    assert "expected" in response.json()["detail"][0]["msg"]


def test_a_token_needs_a_key(gateway: Gateway) -> None:
    body = {"allowed_apps": ["clip"]}
    assert gateway.client.post("/tokens/", json=body, headers={"authorization": ""}).status_code == 401
    assert gateway.client.get("/tokens/").status_code == 405
    assert gateway.client.post("/tokens/nothing", json=body).status_code == 404


def test_an_open_server_gives_tokens_to_all_and_still_refuses_bad_ones(tmp_path: Path) -> None:
    with running(tmp_path, open=True) as gateway:
        bare = {"authorization": ""}
        token = ask(gateway, {"allowed_apps": ["clip"]}, headers=bare)
        assert stream(gateway, token) == 422
        assert stream(gateway, "nonsense") == 401
        assert ask(gateway, {"allowed_apps": ["clip"]}, headers=AUTH)
