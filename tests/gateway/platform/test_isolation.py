"""Nothing of one account is visible to another, on any route; and who may call what."""

import json

import pytest

from tests.gateway.live import Gateway
from tests.gateway.platform.conftest import CLIP, Account, error_of

ADMIN_ONLY = [
    ("GET", "/v1/models/usage"),
    ("GET", "/v1/models/billing-events"),
    ("GET", "/v1/keys"),
    ("POST", "/v1/keys"),
    ("DELETE", "/v1/keys/x"),
    ("GET", "/v1/account/billing"),
    ("DELETE", "/v1/models/requests/00000000-0000-4000-8000-000000000000/payloads"),
]
WITH_KEY = [
    ("GET", f"/v1/models/pricing?endpoint_id={CLIP}"),
    ("POST", "/v1/models/pricing/estimate"),
    ("GET", f"/v1/models/analytics?endpoint_id={CLIP}"),
    ("GET", f"/v1/models/requests/by-endpoint?endpoint_id={CLIP}"),
    ("GET", "/v1/models/requests/search"),
    ("GET", "/v1/models/requests/by-idempotency-key?idempotency_key=x"),
    ("GET", "/v1/workflows"),
    ("GET", f"/v1/serverless/apps/{CLIP}/queue"),
    ("DELETE", f"/v1/serverless/apps/{CLIP}/queue"),
    ("GET", "/v1/users/me"),
    ("GET", "/v1/user"),
    ("GET", "/users/me"),
    ("GET", "/v1/voices"),
]
SEEN_BY_ADMINS = [
    "/v1/models/usage?expand=time_series,summary,auth_method,auth_method_structured",
    "/v1/models/billing-events",
    f"/v1/models/analytics?endpoint_id={CLIP}&expand=summary,request_count",
    f"/v1/models/requests/by-endpoint?endpoint_id={CLIP}&expand=payloads",
    "/v1/models/requests/search",
    "/v1/keys?expand=creator_info",
    f"/v1/serverless/apps/{CLIP}/queue",
]


@pytest.mark.parametrize(("method", "path"), ADMIN_ONLY)
def test_an_admins_route_refuses_other_keys(shared: Gateway, method: str, path: str) -> None:
    key_id, secret = shared.call(shared.services.keys.create("carol", alias="api"))
    path = path.replace("/platform", "")
    answer = shared.client.request(method, f"/platform{path}", headers={"authorization": f"Key {key_id}:{secret}"})
    assert error_of(answer) == (403, "authorization_error", "Access denied")


@pytest.mark.parametrize(("method", "path"), ADMIN_ONLY + WITH_KEY)
@pytest.mark.parametrize("header", ["", "Key wrong:key", "Key", "nonsense"])
def test_a_route_with_a_key_refuses_callers_without_a_right_one(
    shared: Gateway, method: str, path: str, header: str
) -> None:
    path = path if path.startswith("/v1") else f"/platform{path}"
    answer = shared.client.request(method, path, headers={"authorization": header})
    assert error_of(answer) == (401, "authorization_error", "Authentication required")


@pytest.mark.parametrize("path", SEEN_BY_ADMINS)
def test_what_another_account_does_changes_no_answer(alice: Account, path: str) -> None:
    before = _figures(alice, path)
    other = alice.gateway
    other.finish(_claimed(other))
    other.submit()
    assert _figures(alice, path) == before


def test_the_servers_own_account_does_not_see_others_requests(alice: Account) -> None:
    for path in SEEN_BY_ADMINS[:5]:
        text = alice.gateway.get(path).text
        assert alice.request_id not in text
        assert "alice" not in text


def test_payloads_of_another_account_cannot_be_deleted(alice: Account, bob: Account) -> None:
    path = f"/v1/models/requests/{bob.request_id}/payloads"
    assert error_of(alice.send("DELETE", path))[0] == 404
    kept = bob.get(f"/v1/models/requests/by-endpoint?endpoint_id={CLIP}&expand=payloads").json()["items"]
    assert kept[0]["json_input"] == {"prompt": "bob's secret dog"}


def test_a_request_of_another_account_is_not_found_by_its_id(alice: Account, bob: Account) -> None:
    path = f"/v1/models/requests/by-endpoint?endpoint_id={CLIP}&request_id={bob.request_id}"
    assert (len(bob.get(path).json()["items"]), alice.get(path).json()["items"]) == (1, [])


def test_an_idempotency_key_is_found_by_its_own_account_only(alice: Account, bob: Account) -> None:
    request_id = alice.make(**{"idempotency-key": "once"})
    path = "/v1/models/requests/by-idempotency-key?idempotency_key=once"
    assert alice.get(path).json()["request_id"] == request_id
    assert error_of(bob.get(path))[0] == 404


def test_emptying_a_queue_leaves_other_accounts_requests_waiting(alice: Account, bob: Account) -> None:
    waiting = [account.make(finish=False) for account in (alice, bob)]
    queue = f"/v1/serverless/apps/{CLIP}/queue"
    assert alice.send("DELETE", queue).status_code == 204
    assert (alice.get(queue).json(), bob.get(queue).json()) == ({"queue_size": 0}, {"queue_size": 1})
    statuses = [
        account.get(f"/queue/{CLIP}/requests/{one}/status").json()["status"]
        for account, one in zip((alice, bob), waiting, strict=True)
    ]
    assert statuses == ["COMPLETED", "IN_QUEUE"]


def test_keys_of_another_account_cannot_be_seen_or_revoked(alice: Account, bob: Account) -> None:
    assert "bob" not in alice.get("/v1/keys").text
    assert alice.send("DELETE", f"/v1/keys/{bob.api.partition(':')[0]}").status_code == 204
    assert bob.get("/v1/users/me", key=bob.api).status_code == 200


def test_no_key_is_made_for_another_account_but_by_the_server_itself(alice: Account) -> None:
    wanted = {"alias": "x", "account": "bob"}
    assert error_of(alice.send("POST", "/v1/keys", json=wanted)) == (403, "authorization_error", "Access denied")
    assert alice.gateway.client.post("/v1/keys", json=wanted).status_code == 201


def _claimed(gateway: Gateway):  # type: ignore[no-untyped-def]
    gateway.submit()
    return gateway.claim()


def _figures(account: Account, path: str) -> str:
    return json.dumps(account.get(path).json())
