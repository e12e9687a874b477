"""Keys through the Platform API: shown once, limited, revoked, and never more than their maker may give."""

import pytest

from tests.gateway.live import Gateway
from tests.gateway.platform.conftest import CLIP, PRICE, UNITS, Account, error_of


def test_a_key_is_shown_once_and_works_until_it_is_revoked(alice: Account) -> None:
    made = alice.send("POST", "/v1/keys", json={"alias": "studio", "budget_usd": 5, "max_concurrent": 2})
    assert made.status_code == 201
    key = made.json()
    assert key["key"] == f"{key['key_id']}:{key['key_secret']}"
    assert alice.get("/v1/users/me", key=key["key"]).json()["username"] == "alice"
    listed = alice.get("/v1/keys").text
    assert key["key_id"] in listed
    assert key["key_secret"] not in listed
    for _ in range(2):
        assert alice.send("DELETE", f"/v1/keys/{key['key_id']}").status_code == 204
    assert alice.get("/v1/users/me", key=key["key"]).status_code == 401


def test_what_a_budget_was_spent_on_is_listed(alice: Account) -> None:
    made = alice.send("POST", "/v1/keys", json={"alias": "rich", "budget_usd": 1}).json()
    alice.api = made["key"]
    alice.make()
    alice.make(finish=False)
    (item,) = [one for one in alice.get("/v1/keys").json()["keys"] if one["key_id"] == made["key_id"]]
    assert (item["spent_usd"], item["reserved_usd"]) == (pytest.approx(PRICE * UNITS), pytest.approx(PRICE))
    credits = alice.get("/v1/account/billing?expand=credits").json()["credits"]
    assert credits == {
        "current_balance": pytest.approx(1 - PRICE * UNITS - PRICE),
        "currency": "USD",
        "unlimited": True,
    }
    assert alice.get("/v1/account/billing").json() == {"username": "alice"}


def test_a_limited_admin_cannot_make_a_key_without_limits(alice: Account) -> None:
    wanted = {"alias": "limited", "scope": "ADMIN", "budget_usd": 1}
    limited = alice.send("POST", "/v1/keys", json=wanted).json()["key"]
    assert error_of(alice.send("POST", "/v1/keys", limited, json={"alias": "free"}))[:2] == (403, "authorization_error")


def test_the_servers_own_key_stays(priced: Gateway) -> None:
    told = error_of(priced.client.delete("/v1/keys/me"))
    assert told[:2] == (400, "validation_error")
    assert "RUSHES_KEY" in told[2]
    assert priced.get("/v1/users/me").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"alias": ""},
        {"alias": "a" * 256},
        {"alias": "a\nb"},
        {"alias": "the server's own key"},
        {"alias": "a", "budget_usd": -1},
        {"alias": "a", "budget_usd": "1"},
        {"alias": "a", "max_concurrent": 0},
        {"alias": "a", "max_concurrent": True},
        {"alias": "a", "scope": "GOD"},
        {"alias": "a", "account": "../x"},
        {"alias": "a", "max_concurent": 1},
        [],
        "x",
    ],
)
def test_a_key_of_nonsense_is_refused(priced: Gateway, wanted: object) -> None:
    assert error_of(priced.client.post("/v1/keys", json=wanted))[:2] == (400, "validation_error")


def test_keys_come_in_pages(alice: Account) -> None:
    found, cursor = [], ""
    while cursor is not None:
        page = alice.get(f"/v1/keys?limit=1&expand=creator_info&cursor={cursor}").json()
        found += [one["alias"] for one in page["keys"]]
        cursor = page["next_cursor"]
    assert sorted(found) == ["alice ADMIN", "alice API"]


def test_a_queue_is_counted_for_its_account(alice: Account) -> None:
    alice.make(finish=False)
    assert alice.get(f"/v1/serverless/apps/{CLIP}/queue").json() == {"queue_size": 1}
    assert error_of(alice.get("/v1/serverless/apps/no/such/queue"))[0] == 404
