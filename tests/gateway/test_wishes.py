"""What callers may wish for, read from headers: what is understood, what is left out, what is refused."""

import json
from typing import Any

import pytest

from rushes.errors import RequestError
from rushes.gateway import wishes
from rushes.gateway.wishes import asked, extras, is_private, once, priority, refuses_retry, start_deadline
from rushes.jobs.job import NO_EXTRAS, Priority

ROUTE = ("mine", "animatic")


def given(**headers: str) -> wishes.Asked:
    return asked((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items())


def test_only_wishes_are_picked_out_and_the_last_of_repeated_ones_counts() -> None:
    headers = [(b"accept", b"*/*"), (b"x-fal-no-retry", b"0"), (b"x-fal-no-retry", b"1"), (b"x-fal-unknown", b"1")]
    assert asked(headers) == {b"x-fal-no-retry": "1"}


@pytest.mark.parametrize(("word", "low"), [("low", True), (" LOW ", True), ("normal", False), ("high", False)])
def test_low_is_low_and_any_other_word_is_normal(word: str, low: bool) -> None:
    assert (priority(given(x_fal_queue_priority=word)) is Priority.LOW) is low


@pytest.mark.parametrize("word", ["1", "true", "YES"])
def test_yes_and_no_have_three_words_each(word: str) -> None:
    assert refuses_retry(given(x_fal_no_retry=word))
    assert not is_private(given(x_fal_store_io=word))
    assert is_private(given(x_fal_store_io={"1": "0", "true": "false", "YES": "No"}[word]))
    assert not refuses_retry(given(x_fal_no_retry="maybe"))


def test_the_newer_name_of_the_start_deadline_wins() -> None:
    both = given(x_fal_request_start_timeout="2", x_fal_request_timeout="30.0")
    assert start_deadline(both, 100.0) == 102.0
    assert start_deadline(given(x_fal_request_timeout="30.0"), 100.0) == 130.0
    assert start_deadline({}, 100.0) is None


@pytest.mark.parametrize("text", ["0.1", "0", "-3", "soon", "", "nan", "inf", "1e999"])
def test_a_deadline_that_is_none_is_refused_by_its_header(text: str) -> None:
    with pytest.raises(RequestError, match=r"X-Fal-Request-Timeout header.*above 0\.1"):
        start_deadline(given(x_fal_request_timeout=text), 0.0)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("a, b ,,a", ("a", "b")),
        ('["a", 1, "a"]', ("a", "1")),
        ('{"team": "films", "n": 1}', ("team:films", "n:1")),
        ('"one"', ("one",)),
        ("[broken", ("[broken",)),
        ("", ()),
    ],
)
def test_tags_are_understood_in_every_form(text: str, tags: tuple[str, ...]) -> None:
    assert extras(given(x_fal_tags=text), ROUTE).tags == tags


def test_very_many_and_very_long_tags_are_cut() -> None:
    many = extras(given(x_fal_tags=",".join(f"t{n}" + "x" * 200 for n in range(50))), ROUTE).tags
    assert (len(many), {len(tag) for tag in many}) == (20, {100})


def test_what_only_tunes_is_never_refused() -> None:
    """F-07: a lifecycle that can't be followed is as none on submit and run."""
    assert extras(given(x_fal_object_lifecycle_preference="{", x_fal_runner_hint="  "), ROUTE) is NO_EXTRAS
    kept = extras(given(x_fal_object_lifecycle_preference='{"expiration_duration_seconds": 60}'), ROUTE)
    assert json.loads(kept.lifecycle or "") == {"expiration_duration_seconds": 60}
    assert len(extras(given(x_fal_runner_hint="h" * 999), ROUTE).hint or "") == 200


def test_equal_json_for_one_endpoint_is_the_same_request() -> None:
    def mark(endpoint: str, body: Any) -> str:
        found = once(given(idempotency_key=" k "), endpoint, body)
        assert found is not None
        assert found.key == "k"
        return found.fingerprint

    first = mark("a/b", b'{"x": 1, "y": [1, 2]}')
    assert mark("a/b", b'{"y":[1,2],"x":1}') == first
    assert len({first, mark("a/c", b'{"x": 1, "y": [1, 2]}'), mark("a/b", b'{"x": 1, "y": [2, 1]}')}) == 3
    assert once({}, "a/b", b"{}") is None
