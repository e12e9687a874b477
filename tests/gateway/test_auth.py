from pathlib import Path

import httpx2
import pytest

from tests.gateway.live import KEY, Gateway, running

MALFORMED = "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."


def ask(gateway: Gateway, authorization: str | None, path: str = "/queue/fal-ai/clip/v2/turbo") -> httpx2.Response:
    headers = {} if authorization is None else {"authorization": authorization}
    return httpx2.post(gateway.url + path, headers=headers, json={"prompt": "x"}, trust_env=False)


@pytest.mark.parametrize("scheme", ["Key", "key", "KEY", "Bearer", "bearer"])
def test_the_scheme_may_be_written_in_any_case(gateway: Gateway, scheme: str) -> None:
    assert ask(gateway, f"{scheme} {KEY}").status_code == 200


def test_without_credentials_the_application_is_named(gateway: Gateway) -> None:
    response = ask(gateway, None)
    text = 'Cannot access application "fal-ai/clip". Authentication is required to access this application.'
    assert (response.status_code, response.json()) == (401, {"detail": text})
    assert "x-fal-request-id" not in response.headers


@pytest.mark.parametrize("credentials", ["me:wrong", "you:secret", "me:secret2", "me:se:cret"])
def test_an_unknown_key_is_401(gateway: Gateway, credentials: str) -> None:
    response = ask(gateway, f"Key {credentials}")
    assert (response.status_code, response.json()) == (401, {"detail": "No user found for Key ID and Secret"})
    assert "x-fal-request-id" not in response.headers


@pytest.mark.parametrize("header", ["Key", "Key me", "Key me:", "Key :secret", "Basic bWU6c2VjcmV0", KEY])
def test_a_malformed_header_is_401_with_the_expected_form(gateway: Gateway, header: str) -> None:
    response = ask(gateway, header)
    assert (response.status_code, response.json()) == (401, {"detail": MALFORMED})


@pytest.mark.parametrize("path", ["", "/status", "/status/stream"])
def test_reading_a_request_needs_a_key_too(gateway: Gateway, path: str) -> None:
    url = gateway.submit()["response_url"]
    assert httpx2.get(url + path, trust_env=False).status_code == 401


@pytest.mark.parametrize("header", [None, "Key who:ever", "Nonsense", f"Key {KEY}"])
def test_open_mode_takes_everyone(tmp_path: Path, header: str | None) -> None:
    with running(tmp_path, open=True) as gateway:
        answer = ask(gateway, header)
        assert answer.status_code == 200
        account = gateway.jobs.state(answer.json()["request_id"]).account  # type: ignore[union-attr]
        assert account == ("admin" if header == f"Key {KEY}" else "local")


def test_a_runner_needs_the_runners_secret(gateway: Gateway) -> None:
    claim = {"runner": "r", "endpoints": ["fal-ai/clip"], "wait_s": 0.0}
    for header, status in ((None, 401), (f"Key {KEY}", 401), (f"Key {gateway.services.keys.runner_key}", 204)):
        headers = {} if header is None else {"authorization": header}
        response = httpx2.post(f"{gateway.url}/runners/claim", json=claim, headers=headers, trust_env=False)
        assert response.status_code == status
