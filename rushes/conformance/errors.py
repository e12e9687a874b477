"""E: shapes, types, statuses and headers of errors (protocol section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rushes.conformance.probe import Answer
from rushes.conformance.rules import must, rule
from rushes.conformance.target import Target

REJECTED = 422
# The table of model errors (protocol 8.2), and below that of request errors (8.3).
MODEL_STATUSES: Mapping[str, tuple[int, ...]] = {
    "internal_server_error": (500,),
    "generation_timeout": (504,),
    "downstream_service_error": (400, 500),  # the documentation has had both
    "downstream_service_unavailable": (500,),
    **dict.fromkeys(
        [
            "content_policy_violation",
            "no_media_generated",
            "image_too_small",
            "image_too_large",
            "image_load_error",
            "file_download_error",
            "face_detection_error",
            "file_too_large",
            "greater_than",
            "greater_than_equal",
            "less_than",
            "less_than_equal",
            "multiple_of",
            "sequence_too_short",
            "sequence_too_long",
            "one_of",
            "feature_not_supported",
            "invalid_archive",
            "archive_file_count_below_minimum",
            "archive_file_count_exceeds_maximum",
            "audio_duration_too_long",
            "audio_duration_too_short",
            "unsupported_audio_format",
            "unsupported_image_format",
            "unsupported_video_format",
            "video_duration_too_long",
            "video_duration_too_short",
        ],
        (REJECTED,),
    ),
}
REQUEST_STATUSES: Mapping[str, int] = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "bad_request": 400,
    "internal_error": 500,
}
NO_RETRY = {"x-fal-no-retry": "1"}  # or the queue would try a 503 ten times before it tells of it


def is_model_error(answer: Answer) -> list[Mapping[str, Any]]:
    """Require the model error's shape and headers; return its entries."""
    entries = answer.object().get("detail")
    answer.must(isinstance(entries, list) and entries, "a detail list")
    for entry in entries or []:
        whole = isinstance(entry.get("loc"), list) and isinstance(entry.get("msg"), str)
        answer.must(whole and isinstance(entry.get("type"), str), "loc, msg and type in every entry")
        answer.must(entry["loc"] and entry["loc"][0] in {"body", "query", "path"}, "a loc that begins with body")
        answer.must(str(entry.get("url", "")).endswith(f"#{entry['type']}"), "a url that ends in #type")
    must(
        answer.header("x-fal-retryable") in {"true", "false"},
        "true or false",
        answer.headers["x-fal-retryable"],
        answer.sent,
    )
    must(answer.header("x-fal-needs-retry") in {"1", "0"}, "1 or 0", answer.headers["x-fal-needs-retry"], answer.sent)
    answer.header("x-fal-request-id")
    if answer.status == REJECTED:
        answer.header("x-fal-retryable", "false")
        answer.header("x-fal-billable-units", "0")
    return list(entries or [])


@rule("E-01", "A missing required member: 422 with loc, msg 'Field required', type missing, input and url")
def e_01(t: Target) -> None:
    endpoint, given, missing = t.strict
    wrong = {name: value for name, value in given.items() if name != missing}
    answers = [t.result(t.finished(wrong, endpoint)), t.probe.post("run", f"/{endpoint}", json=wrong)]
    for answer in answers:
        entry = is_model_error(answer.is_status(REJECTED))[0]
        answer.must(entry["loc"] == ["body", missing], f"loc ['body', {missing!r}]")
        answer.must(entry["type"] == "missing" and entry["msg"] == "Field required", "type missing, msg Field required")
        answer.must("input" in entry, "the member input")


@rule("E-02", "loc is made of strings, but for places in a list")
def e_02(t: Target) -> None:
    endpoint, given, member = t.strict
    # The AI SDK shows nothing but the reason phrase where one loc holds a number.
    wrong: tuple[Any, ...] = ({"an": "object"}, 17, [], None)
    for value in wrong:
        answer = t.result(t.finished({**given, member: value}, endpoint)).is_status(REJECTED)
        for entry in is_model_error(answer):
            answer.must(all(isinstance(part, str) for part in entry["loc"]), "strings in loc: no list is involved")
            answer.must(entry["loc"][:2] == ["body", member], f"a loc that begins with body, {member}")
    whole = t.probe.post("run", f"/{endpoint}", json=["no", "object"])
    for entry in is_model_error(whole.is_status(REJECTED)):
        whole.must(entry["loc"] == ["body"], "loc ['body'] for an input that is no object")


@rule("E-03", "Unknown input members are ignored")
def e_03(t: Target) -> None:
    job = t.finished({**t.input, "no_such_member_anywhere": {"deep": [1, 2]}})
    t.result(job).is_status(200)


def ended_with(t: Target, error_type: str) -> tuple[Answer, Mapping[str, Any]]:
    """Make a request end with this error; return its result and its status object."""
    job = t.submit(t.fails(error_type), headers=NO_RETRY)
    status = t.done(job).object()
    return t.result(job), status


@rule("E-04", "X-Fal-Request-Timeout-Type: user stands on a 504 only if the caller's own deadline caused it")
def e_04(t: Target) -> None:
    for error_type in ("generation_timeout", "startup_timeout", "request_timeout"):
        answer, _ = ended_with(t, error_type)
        answer.is_status(504)
        found = answer.headers.get("x-fal-request-timeout-type")
        must(found != "user", "no X-Fal-Request-Timeout-Type: user", found, answer.sent)


@rule("E-05", "Every error type has its status and headers; 502, 503 and 504 carry x-fal-request-id")
def e_05(t: Target) -> None:
    for error_type, statuses in MODEL_STATUSES.items():
        answer, status = ended_with(t, error_type)
        entry = is_model_error(answer.is_status(*statuses))[0]
        answer.must(entry["type"] == error_type, f"type {error_type}")
        must(status.get("error_type") == error_type, f"error_type {error_type} in the status", status, answer.sent)
    for error_type, code in REQUEST_STATUSES.items():
        answer, status = ended_with(t, error_type)
        told = answer.is_status(code).object()
        answer.must(
            told.get("error_type") == error_type and isinstance(told.get("detail"), str), "detail and error_type"
        )
        answer.header("x-fal-error-type", error_type)
        answer.header("x-fal-request-id")
        # The Python client takes that word in a 502, 503 or 504 for the ingress's, and may repeat the request.
        answer.must(b"nginx" not in answer.body, "a body without the word nginx")
        must(status.get("error_type") == error_type, f"error_type {error_type} in the status", status, answer.sent)
