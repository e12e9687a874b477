import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import ModelError, RequestError
from rushes.files.urls import stored_url
from rushes.gateway.links import Links
from rushes.gateway.replies import failure_reply, served_by_header, units_header
from rushes.gateway.results import with_addresses

LINKS = Links("http://h", "http://h/queue")


@given(st.text(min_size=1), st.booleans())
def test_a_files_mark_becomes_its_address_whatever_its_name(name: str, ascii_only: bool) -> None:
    name = name.encode("utf-8", "replace").decode()
    output = json.dumps({"url": stored_url("f1", name), "n": [name]}, ensure_ascii=ascii_only).encode()
    assert json.loads(with_addresses(output, ("f1",), LINKS)) == {"url": LINKS.file("f1", name), "n": [name]}


@pytest.mark.parametrize("text", ['he said "rushes-file:/f1/x" twice', "rushes-file:/f2/x", "see rushes-file:/f1/x"])
def test_text_that_only_looks_like_a_mark_stays(text: str) -> None:
    output = json.dumps({"prompt": text, "b\\": text}).encode()
    assert with_addresses(output, ("f1",), LINKS) == output


@pytest.mark.parametrize(
    ("units", "text"), [(0.0, b"0"), (1.0, b"1"), (1.25, b"1.25"), (1e-5, b"0.00001"), (100.0, b"100")]
)
def test_units_are_plain_decimals(units: float, text: bytes) -> None:
    assert units_header(units)[1] == text


def test_headers_hold_one_line_of_latin_1() -> None:
    assert served_by_header("a\r\nx: ✓é") == (b"x-rushes-served-by", "a  x: ?é".encode("latin-1"))


def test_what_clients_decide_on_is_in_the_headers() -> None:
    timeout = dict(failure_reply(RequestError("request_timeout", by_caller=True).failure(), "id").headers)
    model = dict(failure_reply(ModelError("generation_timeout").failure(), "id").headers)
    assert timeout[b"x-fal-request-timeout-type"] == b"user"
    assert (timeout[b"x-fal-retryable"], timeout[b"x-fal-error-type"]) == (b"true", b"request_timeout")
    assert (model[b"x-fal-retryable"], model[b"x-fal-needs-retry"]) == (b"true", b"1")
    assert b"x-fal-error-type" not in model
    assert model[b"x-fal-request-id"] == b"id"
