"""fal as a vendor: what its answers mean for a task, by which of its addresses gave them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rushes.calls import VendorCall
from rushes.engines.vendor.contract import Account, Content, Done, Follow, Kind, Link, Response, Trouble, Waiting
from rushes.engines.vendor.vendors import fal

ACCOUNT = Account("id:secret", fal.QUEUE)
AT = f"{fal.QUEUE}/fal-ai/wan-i2v/requests/1"
TICKET = json.dumps({"status": f"{AT}/status", "response": AT, "cancel": f"{AT}/cancel"})
CALL = VendorCall("fal", "fal-ai/wan-i2v", "fal-ai/wan-i2v", {})
OF_REQUEST = {"x-fal-request-id": "1"}


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, headers or {}, json.dumps(body).encode())


def kind_of(response: Response, *, result: bool = False) -> tuple[Kind, str | None]:
    with pytest.raises(Trouble) as caught:
        fal.result(response) if result else fal.read(ACCOUNT, TICKET, response)
    return caught.value.kind, caught.value.member


def test_a_request_that_has_ended_is_asked_for_its_result() -> None:
    assert fal.read(ACCOUNT, TICKET, answer({"status": "IN_QUEUE", "queue_position": 3}, 202)) == Waiting("IN_QUEUE")
    state = fal.read(ACCOUNT, TICKET, answer({"status": "COMPLETED", "response_url": AT}))
    assert isinstance(state, Follow)
    assert (state.request.url, state.read) == (AT, fal.result)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_look_that_fails_is_not_the_requests_end(status: int) -> None:
    told = answer({"detail": "Internal error", "error_type": "internal_error"}, status, OF_REQUEST)
    assert kind_of(told) == ("server", None)
    assert kind_of(told, result=True) == ("server", "task")
    assert kind_of(Response(status, {}, b"<html>"), result=True) == ("server", None)


@pytest.mark.parametrize("status", [404, 410, 499])
def test_a_request_that_is_known_or_wanted_no_more_is_gone(status: int) -> None:
    for result in (False, True):
        assert kind_of(answer({"detail": "Request cancelled"}, status, OF_REQUEST), result=result) == ("gone", None)
    with pytest.raises(Trouble, match="unknown"):  # of an endpoint, nothing of ours is lost
        fal.accepted(CALL, answer({"detail": "Application not found"}, status))


def test_files_come_by_their_address_or_in_the_answer_itself() -> None:
    told = {"video": {"url": "data:video/mp4;base64,AAEC"}, "more": [{"url": "https://v3.fal.media/a.png"}], "seed": 7}
    done = fal.result(answer(told, headers=OF_REQUEST))
    assert done == Done(
        (Content(b"\0\1\2", "video/mp4"), Link("https://v3.fal.media/a.png")), {"requests": 1.0}, 7, value=told
    )
    plain = fal.result(answer({"file": {"url": "data:,a%20b"}}))
    assert plain.results == (Content(b"a b", None),)
    assert kind_of(answer({"file": {"url": "data:video/mp4;base64,?"}}), result=True) == ("unknown", None)


def test_what_the_caller_did_wrong_is_told_at_its_place() -> None:
    problem = {"loc": ["body", "prompt"], "msg": "too long", "type": "string_too_long"}
    assert kind_of(answer({"detail": [problem]}, 422, OF_REQUEST), result=True) == ("invalid", "prompt")
    downstream = {"loc": ["body"], "msg": "Downstream service error", "type": "downstream_service_error"}
    assert kind_of(answer({"detail": [downstream]}, 400, OF_REQUEST), result=True) == ("server", "task")
    flagged = {**problem, "type": "content_policy_violation"}
    assert kind_of(answer({"detail": [flagged]}, 422, OF_REQUEST), result=True) == ("moderated", "prompt")


def test_a_retry_behind_the_queue_is_forbidden_and_the_key_goes_to_its_own_host_only() -> None:
    request = fal.submit(ACCOUNT, CALL, CALL.model, {"prompt": "a boat"}, "job-1-x")
    assert request.headers["x-fal-no-retry"] == "1"
    assert fal.poll(ACCOUNT, TICKET).headers == {"authorization": "Key id:secret"}
    elsewhere = json.dumps({"status": "https://evil.example/status"})
    assert fal.poll(ACCOUNT, elsewhere).headers == {}
