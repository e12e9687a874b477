import pytest

from rushes.gateway import proxy, run
from rushes.gateway.cors import ALLOWED, EVERY_ANSWER, preflight_headers


def allowed(requested: bytes | None) -> bytes:
    return dict(preflight_headers(requested))[b"access-control-allow-headers"]


def test_what_a_preflight_asks_for_is_allowed_by_its_name() -> None:
    assert allowed(None) == ALLOWED
    assert allowed(b"X-Fal-New, x-rushes-fallback") == ALLOWED + b", X-Fal-New, x-rushes-fallback"


@pytest.mark.parametrize("requested", [b"", b"a\r\nset-cookie: b", b"a; b", b'a"b', "é".encode(), b"a" * 2_001])
def test_what_is_no_list_of_names_does_not_come_back(requested: bytes) -> None:
    assert allowed(requested) == ALLOWED


def test_scripts_may_read_what_clients_decide_on() -> None:
    exposed = dict(EVERY_ANSWER)[b"access-control-expose-headers"].split(b", ")
    for name in (b"x-fal-request-id", b"x-fal-error-type", b"x-fal-request-timeout-type", b"etag", b"link"):
        assert name in exposed
    assert b"idempotency-replayed" in exposed


def test_every_method_that_a_route_takes_may_come_from_another_origin() -> None:
    allowed_methods = dict(preflight_headers(None))[b"access-control-allow-methods"].decode().split(", ")
    assert {*run.METHODS, *proxy.METHODS, "HEAD", "OPTIONS"} <= set(allowed_methods)
