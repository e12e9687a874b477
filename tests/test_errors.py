"""The errors' tables and forms: what the wire says of each type, and how several become one answer."""

import json

import pytest

from rushes.errors import (
    CANCELLED,
    LEFT,
    MODEL_ERRORS,
    REQUEST_ERRORS,
    CallerError,
    Cancelled,
    ModelError,
    Problem,
    Rejection,
    RequestError,
    kind_of,
)


def test_a_model_error_takes_status_and_retryability_from_its_first_problem() -> None:
    error = ModelError.of([Problem("generation_timeout", "late"), Problem("image_too_small", "small")])
    failure = error.failure()
    assert (failure.status, failure.retryable, failure.type, failure.shape) == (
        504,
        True,
        "generation_timeout",
        "model",
    )
    assert [one["type"] for one in json.loads(failure.body)["detail"]] == ["generation_timeout", "image_too_small"]
    assert failure.message == "body: late; body: small"


def test_a_type_of_the_validation_is_a_422() -> None:
    assert (kind_of("string_type").status, kind_of("string_type").retryable) == (422, False)
    assert ModelError("missing", "Field required", loc=("body", "prompt")).failure().status == 422


def test_an_entry_says_only_what_there_is_to_say() -> None:
    bare = Problem("missing", "Field required", ("body", "a", 0)).wire()
    assert bare == {
        "loc": ["body", "a", 0],
        "msg": "Field required",
        "type": "missing",
        "url": "https://docs.fal.ai/errors/#missing",
    }
    full = Problem("less_than", "too much", ctx={"lt": 5}, input=None, has_input=True).wire()
    assert (full["ctx"], full["input"]) == ({"lt": 5}, None)


def test_what_a_validator_puts_into_its_context_never_hides_the_problem() -> None:
    body = ModelError("value_error", "odd", ctx={"error": ValueError("why")}).failure().body
    assert json.loads(body)["detail"][0]["ctx"] == {"error": "why"}


def test_a_rejection_is_a_plain_text_with_what_its_route_adds() -> None:
    failure = Rejection(404, "Request not found", extra={"status": "NOT_FOUND"}).failure()
    assert json.loads(failure.body) == {"status": "NOT_FOUND", "detail": "Request not found"}
    assert (failure.status, failure.type, failure.message) == (404, "", "Request not found")


@pytest.mark.parametrize(("left", "error_type"), [(False, CANCELLED), (True, LEFT)])
def test_a_cancelled_job_ends_with_499(left: bool, error_type: str) -> None:
    failure = Cancelled(left).failure
    assert (failure.status, failure.type, failure.retryable) == (499, error_type, False)
    assert json.loads(failure.body)["error_type"] == error_type


def test_only_the_callers_own_deadline_is_marked_as_theirs() -> None:
    assert RequestError("request_timeout", by_caller=True).failure().by_caller
    assert not RequestError("request_timeout").failure().by_caller


def test_no_type_stands_in_both_tables_and_clients_are_never_told_to_stop_waiting() -> None:
    """409 and 408 are tried again by Python's client, up to ten times (Q-22)."""
    assert not MODEL_ERRORS.keys() & REQUEST_ERRORS.keys()
    assert {kind.status for kind in (*MODEL_ERRORS.values(), *REQUEST_ERRORS.values())} == {
        *(400, 422, 429, 499),
        *(500, 502, 503, 504),
    }


def test_an_error_without_a_form_for_the_wire_says_so() -> None:
    with pytest.raises(TypeError, match="CallerError has no wire form"):
        CallerError().failure()
