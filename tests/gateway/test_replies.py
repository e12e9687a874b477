import json
from typing import Any

import pytest

from rushes.errors import ModelError, Rejection, RequestError
from rushes.gateway.replies import (
    failure_reply,
    json_reply,
    served_by_header,
    served_from_header,
    units_header,
    with_message,
)


@pytest.mark.parametrize(
    ("units", "written"),
    [(0, b"0"), (10, b"10"), (1.25, b"1.25"), (1e-6, b"0.000001"), (1e-9, b"0"), (1e20, b"100000000000000000000")],
)
def test_units_are_a_plain_decimal_number(units: float, written: bytes) -> None:
    assert units_header(units) == (b"x-fal-billable-units", written)


def test_names_become_headers_whatever_is_in_them() -> None:
    assert served_by_header("mödel\r\nx: y; 模型")[1] == "mödel  x: y; ??".encode("latin-1")
    assert served_from_header("läufer\n1")[1] == b"l?ufer 1"


def named(reply: Any) -> dict[bytes, bytes]:
    return {name: value for name, value in reply.headers if name.startswith(b"x-fal")}


def test_each_shape_of_failure_has_its_headers() -> None:
    """A-05: a refusal at the door carries no request id, and nothing about a request."""
    about = {b"x-fal-request-id": b"r", b"x-fal-billable-units": b"0"}
    model = failure_reply(ModelError("internal_server_error").failure(), "r")
    assert named(model) == {**about, b"x-fal-retryable": b"true", b"x-fal-needs-retry": b"1"}
    late = failure_reply(RequestError("request_timeout", by_caller=True).failure(), "r")
    assert named(late) == {
        **about,
        b"x-fal-retryable": b"true",
        b"x-fal-needs-retry": b"1",
        b"x-fal-error-type": b"request_timeout",
        b"x-fal-request-timeout-type": b"user",
    }
    assert b"x-fal-request-timeout-type" not in named(failure_reply(RequestError("request_timeout").failure(), "r"))
    assert named(failure_reply(Rejection(404, "none").failure(), "r")) == {}


def test_a_message_is_added_to_failures_alone_and_the_length_follows() -> None:
    failed = with_message(failure_reply(ModelError("image_too_small", loc=("body", "image_url")).failure(), "r"))
    body = json.loads(failed.body)
    assert (body["message"], body["detail"][0]["type"]) == ("body.image_url: Image too small", "image_too_small")
    assert dict(failed.headers)[b"content-length"] == b"%d" % len(failed.body)
    assert named(failed)[b"x-fal-request-id"] == b"r"
    fine = json_reply(200, {"detail": "no failure"})
    assert with_message(fine) is fine
