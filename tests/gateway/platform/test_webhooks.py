"""The platform's routes about webhooks: whose deliveries are told, sent again, and who may make keys."""

from __future__ import annotations

import pytest

from rushes.webhooks.outbox import Try
from rushes.webhooks.schedule import State, Verdict
from tests.gateway.live import Gateway

LIST = "/v1/webhooks/deliveries"


@pytest.fixture
def other(gateway: Gateway) -> dict[str, str]:
    key_id, secret = gateway.call(gateway.services.keys.create("other", alias="theirs", scope="ADMIN"))
    return {"authorization": f"Key {key_id}:{secret}"}


def with_webhook(gateway: Gateway, url: str = "https://a.example/hook", *, end: bool = True) -> str:
    request_id = str(gateway.submit(f"fal-ai/clip?fal_webhook={url}")["request_id"])
    if end:
        gateway.finish(gateway.claim())
    return request_id


def settle(gateway: Gateway, request_id: str, state: State, status_code: int | None, error: str | None) -> None:
    due = next(one for one in gateway.outbox.due((), (), 100) if one.id == request_id)
    gateway.call(gateway.outbox.record(due, Try(gateway.clock(), status_code, error, 0.25), Verdict(state)))


def test_a_delivery_is_told_with_its_tries(gateway: Gateway) -> None:
    request_id = with_webhook(gateway, "https://user:pass@a.example/hook?x=1")
    settle(gateway, request_id, State.GIVEN_UP, 302, "answered 302: redirects are not followed")
    told = gateway.get(f"{LIST}/{request_id}").json()
    assert told["url"] == "https://a.example/hook?x=1"
    assert (told["state"], told["attempts"], told["next_attempt_at"]) == ("given_up", 1, None)
    (tried,) = told["history"]
    assert tried == told["last_attempt"]
    assert (tried["number"], tried["status_code"], tried["duration_s"]) == (1, 302, 0.25)
    assert tried["error"] == "answered 302: redirects are not followed"


def test_the_list_is_newest_first_in_pages_and_by_state(gateway: Gateway) -> None:
    ids = [with_webhook(gateway, end=number < 4) for number in range(5)]
    settle(gateway, ids[0], State.DELIVERED, 200, None)
    seen, cursor = [], None
    while True:
        page = gateway.get(LIST, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [delivery["id"] for delivery in page["deliveries"]]
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
        if cursor is None:
            break
    assert seen == ids[::-1]

    def of_state(state: str) -> list[str]:
        return [one["id"] for one in gateway.get(LIST, params={"state": state}).json()["deliveries"]]

    assert of_state("delivered") == [ids[0]]
    assert of_state("due") == ids[3:0:-1]
    assert of_state("waiting") == [ids[4]]
    assert of_state("given_up") == []
    (one,) = gateway.get(LIST, params={"request_id": ids[2]}).json()["deliveries"]
    assert one["id"] == ids[2]
    assert gateway.get(LIST, params={"request_id": ids[2], "state": "delivered"}).json()["deliveries"] == []


@pytest.mark.parametrize("query", [{"state": "lost"}, {"limit": "0"}, {"limit": "101"}, {"cursor": "nonsense"}])
def test_what_cannot_be_listed_is_refused(gateway: Gateway, query: dict[str, str]) -> None:
    response = gateway.get(LIST, params=query)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "validation_error")


def test_nothing_of_one_account_is_seen_or_sent_by_another(gateway: Gateway, other: dict[str, str]) -> None:
    request_id = with_webhook(gateway)
    assert gateway.get(LIST, headers=other).json()["deliveries"] == []
    assert gateway.get(LIST, params={"request_id": request_id}, headers=other).json()["deliveries"] == []
    assert gateway.get(f"{LIST}/{request_id}", headers=other).status_code == 404
    assert gateway.client.post(f"{LIST}/{request_id}/replay", headers=other).status_code == 404
    assert gateway.get(LIST, headers={"authorization": ""}).status_code == 401


@pytest.mark.parametrize("name", ["nobody", "%00", "a%0Ab", "%ED%A0%80", "x" * 99])
def test_an_unknown_delivery_is_not_found(gateway: Gateway, name: str) -> None:
    assert gateway.get(f"{LIST}/{name}").status_code == 404


def test_a_settled_delivery_is_sent_again(gateway: Gateway) -> None:
    request_id = with_webhook(gateway)
    settle(gateway, request_id, State.DELIVERED, 200, None)
    told = gateway.client.post(f"{LIST}/{request_id}/replay").json()
    assert (told["state"], told["attempts"], told["settled_at"]) == ("due", 1, None)
    assert [due.attempts for due in gateway.outbox.due((), (), 10)] == [0]


def test_what_has_not_ended_or_is_no_longer_kept_cannot_be_sent_again(gateway: Gateway) -> None:
    waiting = with_webhook(gateway, end=False)
    response = gateway.client.post(f"{LIST}/{waiting}/replay")
    assert (response.status_code, "has not ended" in response.text) == (409, True)
    gateway.finish(gateway.claim())
    settle(gateway, waiting, State.DELIVERED, 200, None)
    gateway.clock.ahead_s = 8 * 86_400
    gateway.call(gateway.jobs.sweep())
    response = gateway.client.post(f"{LIST}/{waiting}/replay")
    assert (response.status_code, "no longer kept" in response.text) == (409, True)


def test_only_the_operator_makes_keys(gateway: Gateway, other: dict[str, str]) -> None:
    before = gateway.get("/.well-known/jwks.json").json()["keys"]
    assert gateway.client.post("/v1/webhooks/keys/rotate", headers=other).status_code == 403
    kid = gateway.client.post("/v1/webhooks/keys/rotate").json()["kid"]
    after = gateway.get("/.well-known/jwks.json").json()["keys"]
    assert after[0]["kid"] == kid
    assert [key["x"] for key in after[1::2]] == [before[0]["x"], before[1]["x"]]
