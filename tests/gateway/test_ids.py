import tracemalloc
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.gateway.ids import RequestPath, app_of, endpoint_id, names, new_id, request_path, split_path
from rushes.gateway.public import is_open

SEGMENT = st.text("abcXYZ019-_.", min_size=1, max_size=12).filter(lambda text: text != "requests")
ENDPOINT = st.lists(SEGMENT, min_size=2, max_size=6)


@pytest.mark.parametrize(
    ("endpoint", "app"),
    [
        ("fal-ai/flux", "fal-ai/flux"),
        ("fal-ai/flux/dev", "fal-ai/flux"),
        ("fal-ai/wan/v2.2-a14b/turbo", "fal-ai/wan"),
        ("workflows/u/w", "workflows/u/w"),
        ("workflows/u/w/deep/er", "workflows/u/w"),
        ("comfy/u/w", "comfy/u/w"),
        ("single", "single"),
    ],
)
def test_an_app_has_two_segments_or_three_after_a_namespace(endpoint: str, app: str) -> None:
    assert app_of(endpoint) == app


def test_the_legacy_form_is_rewritten() -> None:
    assert endpoint_id(("110602490-lora",)) == "110602490/lora"
    assert endpoint_id(("110602490-lora", "x")) == "110602490-lora/x"
    assert endpoint_id(("lora",)) == "lora"


@pytest.mark.parametrize("path", [b"/fal-ai/flux/dev", b"//fal-ai//flux/dev/", b"/fal%2Dai/flux/d%65v"])
def test_slashes_and_escapes_make_no_difference(path: bytes) -> None:
    assert split_path(path) == ("fal-ai", "flux", "dev")


@given(st.binary(max_size=60))
def test_any_bytes_split_into_segments(path: bytes) -> None:
    assert all(isinstance(segment, str) and segment for segment in split_path(path.replace(b"%", b"")))


@pytest.mark.parametrize(
    ("tail", "part"),
    [
        ((), "result"),
        (("response",), "result"),
        (("status",), "status"),
        (("status", "stream"), "stream"),
        (("cancel",), "cancel"),
    ],
)
@given(endpoint=ENDPOINT)
def test_a_request_is_found_under_its_app_and_under_the_whole_id(
    tail: tuple[str, ...], part: str, endpoint: list[str]
) -> None:
    whole = "/".join(endpoint)
    for prefix in (whole, app_of(whole)):
        path = request_path((*prefix.split("/"), "requests", "some-id", *tail))
        assert path == RequestPath(prefix, "some-id", part)  # type: ignore[arg-type]
        assert names(path.endpoint, whole)


@given(ENDPOINT)
def test_an_endpoint_names_no_request(endpoint: list[str]) -> None:
    assert request_path(tuple(endpoint)) is None


def test_the_last_requests_counts() -> None:
    path = request_path(("a", "requests", "requests", "id"))
    assert path == RequestPath("a/requests", "id", "result")


@pytest.mark.parametrize("tail", [("status", "x"), ("nothing",), ("cancel", "now")])
def test_unknown_words_after_the_id_name_no_request(tail: tuple[str, ...]) -> None:
    assert request_path(("a", "b", "requests", "id", *tail)) is None


def test_another_app_does_not_name_an_endpoint() -> None:
    assert not names("fal-ai/flux", "fal-ai/wan-i2v")
    assert not names("", "fal-ai/wan-i2v")


def test_request_ids_are_random_uuids() -> None:
    ids = [new_id() for _ in range(200)]
    assert all(UUID(one).version == 4 and str(UUID(one)) == one for one in ids)
    assert {UUID(one).variant for one in ids} == {UUID(ids[0]).variant}
    assert len(set(ids)) == 200


def test_what_strangers_call_endpoints_is_not_kept() -> None:
    """Paths of up to 256 KiB are looked at before anybody has shown a key, and what they name is cached."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n in range(100):
            name = f"{n}/" + "x" * 60_000
            assert app_of(name) == name
            assert not is_open("a/*", (str(n), "x" * 60_000))
            assert not is_open("a/*", (str(n), "x" * 60_000, "requests", "1"))
        assert tracemalloc.get_traced_memory()[0] - before < 1_000_000
    finally:
        tracemalloc.stop()
