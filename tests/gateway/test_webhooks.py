"""The door's part of webhooks: what is refused on submit, the body that is sent, the published keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.errors import Failure, RequestError
from rushes.gateway.webhooks import body
from rushes.jobs.job import Result
from tests.gateway.live import Gateway, running


def submit_with(gateway: Gateway, url: str, **headers: str) -> tuple[int, str]:
    response = gateway.client.post(
        "/queue/fal-ai/clip", params={"fal_webhook": url}, json={"prompt": "x"}, headers=headers
    )
    return response.status_code, response.text


def ended(output: bytes, failure: Failure | None = None, files: tuple[str, ...] = ()) -> Result:
    return Result("r-1", "a/b", "me", output, failure, None, None, files)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "http://localhost/", "http://0x7f.1/", "http://[::1]/"])
def test_w_04_a_forbidden_address_is_refused_with_the_setting_that_allows_it(gateway: Gateway, url: str) -> None:
    status, text = submit_with(gateway, url)
    assert status == 400
    assert "Invalid fal_webhook" in text
    assert "a loopback address" in text
    assert "RUSHES_ALLOW_ADDRESSES=" in text
    assert gateway.jobs.queue_length("fal-ai/clip") == 0


def test_w_04_an_allowed_address_is_taken(tmp_path: Path) -> None:
    with running(tmp_path, allow_addresses="127.0.0.0/8") as gateway:
        assert submit_with(gateway, "http://127.0.0.1:9/hook")[0] == 200


@pytest.mark.parametrize("url", ["nonsense", "ftp://a.example/", "https://", "https://a b/"])
def test_what_is_no_url_is_refused(gateway: Gateway, url: str) -> None:
    status, text = submit_with(gateway, url)
    assert status == 400
    assert "expected an absolute http or https URL" in text


def test_a_refusal_does_not_repeat_the_password(gateway: Gateway) -> None:
    _, text = submit_with(gateway, "http://user:hunter2@10.0.0.1/?token=abc")
    assert "10.0.0.1" in text
    assert "hunter2" not in text
    assert "abc" not in text


def test_a_webhook_waits_for_its_requests_end(gateway: Gateway) -> None:
    submit_with(gateway, "https://user:pass@a.example/hook")
    outbox = gateway.services.outbox
    assert outbox.due((), (), 10) == []
    gateway.finish(gateway.claim())
    (due,) = outbox.due((), (), 10)
    assert (due.url, due.peer, due.account) == ("https://user:pass@a.example/hook", "a.example:443", "admin")
    assert due.origin == gateway.url


def test_a_repeated_idempotency_key_asks_for_one_webhook(gateway: Gateway) -> None:
    for _ in range(2):
        assert submit_with(gateway, "https://a.example/hook", **{"idempotency-key": "k-1"})[0] == 200
    assert len(gateway.outbox.listed("admin", limit=10)) == 1


def test_invalid_input_is_told_too(gateway: Gateway) -> None:
    response = gateway.client.post("/queue/fal-ai/clip", params={"fal_webhook": "https://a.example/"}, json={})
    assert response.status_code == 200
    (due,) = gateway.outbox.due((), (), 10)
    assert due.id == response.json()["request_id"]


def test_a_direct_run_has_no_webhook(gateway: Gateway) -> None:
    response = gateway.client.post("/run/fal-ai/clip", params={"fal_webhook": "https://a.example/"}, json={})
    assert response.status_code == 422
    assert gateway.outbox.listed("admin", limit=10) == []


def test_the_payload_is_what_the_result_route_answers(gateway: Gateway) -> None:
    request_id = gateway.submit("fal-ai/clip?fal_webhook=https://a.example/")["request_id"]
    gateway.finish(gateway.claim(), b'{"video": {"url": "rushes-file:/f1/a.mp4"}, "seed": 1e400}', files=("f1",))
    result = gateway.jobs.result(request_id)
    assert result is not None
    answered = gateway.get(f"/queue/fal-ai/clip/requests/{request_id}").content
    expected = (
        f'{{"request_id":"{request_id}","gateway_request_id":"{request_id}","status":"OK","payload":'.encode()
        + answered
        + b"}"
    )
    assert body(result, gateway.url) == expected


def test_a_failure_names_its_status_and_carries_its_body() -> None:
    failure = RequestError("request_timeout").failure()
    assert json.loads(body(ended(b"", failure), "http://here")) == {
        "request_id": "r-1",
        "gateway_request_id": "r-1",
        "status": "ERROR",
        "error": "Invalid status code: 504",
        "payload": json.loads(failure.body),
    }


@pytest.mark.parametrize("output", [b'{"score": NaN}', b"[Infinity]", b"not json", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_said_to_be_none(output: bytes) -> None:
    told = json.loads(body(ended(output), "http://here"))
    assert (told["status"], told["payload"]) == ("OK", None)
    assert told["payload_error"].startswith("Response payload is not JSON serializable.")


@pytest.mark.parametrize("host", ["rest.fal.ai", "queue.fal.run", "fal.run", "api.fal.ai", "rest.alpha.fal.ai"])
def test_the_keys_are_published_on_every_host_for_everybody(gateway: Gateway, host: str) -> None:
    headers = {"authorization": "", "host": host}
    response = gateway.get("/.well-known/jwks.json", headers=headers)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "public, max-age=300"
    assert [len(key["x"]) for key in response.json()["keys"]] == [43, 44]
    assert gateway.get("/rest/.well-known/jwks.json").json() == response.json()


def test_the_key_set_can_only_be_read(gateway: Gateway) -> None:
    response = gateway.client.post("/.well-known/jwks.json")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert gateway.client.head("/.well-known/jwks.json").status_code == 200
