"""Idempotency-Key on the platform: one call, one effect, for ten minutes, for nobody else."""

from concurrent.futures import ThreadPoolExecutor

from tests.gateway.platform.conftest import Account

ONCE = {"idempotency-key": "once"}


def create(account: Account, key: str | None = None, **more: str):  # type: ignore[no-untyped-def]
    return account.send("POST", "/v1/keys", key, json={"alias": "x"}, headers={**ONCE, **more})


def test_the_first_answer_is_given_again_for_ten_minutes(alice: Account) -> None:
    first, again = create(alice), create(alice)
    assert (first.json(), again.headers["idempotency-replayed"]) == (again.json(), "true")
    assert "idempotency-replayed" not in first.headers
    alice.gateway.clock.ahead_s = 601
    assert create(alice).json()["key_id"] != first.json()["key_id"]


def test_calls_at_the_same_moment_have_one_effect(alice: Account) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = {answer.json()["key_id"] for answer in pool.map(lambda _: create(alice), range(6))}
    assert len(made) == 1


def test_no_other_key_gets_the_answer(alice: Account, bob: Account) -> None:
    first = create(alice)
    assert create(alice, alice.api).status_code == 403
    assert create(bob).json()["key_id"] != first.json()["key_id"]
    assert create(alice, "wrong:key").status_code == 401


def test_another_path_under_the_same_key_is_another_call(alice: Account) -> None:
    key_id = create(alice).json()["key_id"]
    assert alice.send("DELETE", f"/v1/keys/{key_id}", headers=ONCE).status_code == 204
    assert key_id not in alice.get("/v1/keys").text
