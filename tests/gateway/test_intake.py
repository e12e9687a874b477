import json
import time
from dataclasses import replace
from enum import Enum
from typing import Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from rushes.endpoint import Delivery, Endpoint
from rushes.errors import Failure, ModelError
from rushes.fields import ImageUrl, WireModel
from rushes.gateway.intake import from_query, take


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Input(WireModel):
    prompt: str
    image_url: ImageUrl | None = None
    num_frames: int = Field(81, ge=81, le=100)
    scale: float = Field(1.0, gt=0, lt=10)
    step: int = Field(8, multiple_of=8)
    resolution: Literal["480p", "720p"] = "720p"
    level: Literal[1, 2, "it's"] = 1
    size: Size = Size.SMALL
    tags: list[str] = Field(["a"], min_length=1, max_length=2)
    even: int = 0
    anything: Any = None

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError(f"{value} is odd")
        return value


ENDPOINT = Endpoint(
    id="test/one",
    title="One",
    category="test",
    about="",
    input=Input,
    output=WireModel,
    units=lambda request, clip: 1.0,
    unit="request",
    engines={},
    reply=lambda request, made: WireModel(),
)


def problems(value: object) -> list[dict[str, Any]]:
    failure = take(ENDPOINT, json.dumps(value).encode()).failure
    assert failure is not None
    assert failure.status == 422
    detail: list[dict[str, Any]] = json.loads(failure.body)["detail"]
    assert all(entry["url"] == f"https://docs.fal.ai/errors/#{entry['type']}" for entry in detail)
    return detail


def test_a_good_body_is_kept_as_it_came() -> None:
    body = b' {"prompt": "a cat",  "num_frames": "90"}'
    intake = take(ENDPOINT, body)
    assert (intake.input, intake.failure, intake.warnings) == (body, None, ())


def test_an_empty_body_is_an_empty_object() -> None:
    intake = take(ENDPOINT, b"")
    assert intake.input == b"{}"
    assert intake.failure is not None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"num_frames": 80}, ("greater_than_equal", "num_frames", {"ge": 81})),
        ({"num_frames": 101}, ("less_than_equal", "num_frames", {"le": 100})),
        ({"scale": 0}, ("greater_than", "scale", {"gt": 0})),
        ({"scale": 10}, ("less_than", "scale", {"lt": 10})),
        ({"step": 9}, ("multiple_of", "step", {"multiple_of": 8})),
        ({"resolution": "4k"}, ("one_of", "resolution", {"expected": ["480p", "720p"]})),
        ({"level": 9}, ("one_of", "level", {"expected": [1, 2, "it's"]})),
        ({"size": "huge"}, ("one_of", "size", {"expected": ["small", "large"]})),
        ({"tags": []}, ("sequence_too_short", "tags", {"min_length": 1})),
        ({"tags": ["a"] * 3}, ("sequence_too_long", "tags", {"max_length": 2})),
        ({"num_frames": "many"}, ("int_parsing", "num_frames", None)),
        ({"image_url": 5}, ("string_type", "image_url", None)),
        ({"even": 3}, ("value_error", "even", {"error": "3 is odd"})),
    ],
)
def test_problems_carry_the_protocols_types(given: dict[str, Any], expected: tuple[str, str, object]) -> None:
    (problem,) = problems({"prompt": "x", **given})
    assert (problem["type"], problem["loc"], problem.get("ctx")) == (expected[0], ["body", expected[1]], expected[2])
    assert problem["input"] == next(iter(given.values()))


def test_messages_read_as_the_protocol_says() -> None:
    texts = {p["type"]: p["msg"] for p in problems({"resolution": "4k", "tags": []})}
    assert texts["one_of"] == "Input should be '480p' or '720p'"
    assert texts["sequence_too_short"] == "Sequence should have at least 1 items"
    assert texts["missing"] == "Field required"


def test_all_problems_are_told_at_once_with_list_indices_as_integers() -> None:
    found = problems({"num_frames": 1, "tags": ["a", 5]})
    assert [p["loc"] for p in found] == [["body", "prompt"], ["body", "num_frames"], ["body", "tags", 1]]


def test_a_missing_field_names_the_misspelt_one() -> None:
    (problem,) = problems({"promt": "a cat"})
    assert problem["msg"] == "Field required; the input has 'promt', did you mean that?"
    assert problem["input"] == {"promt": "a cat"}


def test_unknown_fields_are_ignored_with_a_warning() -> None:
    intake = take(ENDPOINT, b'{"prompt": "x", "num_frame": 90, "zzzz": 1}')
    assert intake.failure is None
    assert intake.warnings == (
        "Unknown field 'num_frame' was ignored; did you mean 'num_frames'?",
        "Unknown field 'zzzz' was ignored",
    )


def test_a_thousand_unknown_fields_make_a_short_log() -> None:
    intake = take(ENDPOINT, json.dumps({"prompt": "x", **{f"q{i}": i for i in range(1000)}}).encode())
    assert len(intake.warnings) == 21
    assert intake.warnings[-1] == "980 more unknown fields were ignored"


def test_huge_values_are_cut_in_the_answer() -> None:
    uri = "data:image/png;base64," + "A" * 100_000
    found = problems({"image_url": uri, "step": int("9" * 4000), "tags": [uri] * 500})
    assert max(len(json.dumps(p)) for p in found) < 100_000
    assert next(p for p in found if p["type"] == "missing")["input"]["image_url"] == uri[:1000]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nope",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"prompt": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"a":' * 9999,
    ],
)
def test_what_is_no_json_is_refused_as_json_invalid(body: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        take(ENDPOINT, body)
    (problem,) = caught.value.problems
    assert (problem.type, problem.loc) == ("json_invalid", ("body",))
    assert caught.value.failure().status == 422


@pytest.mark.parametrize(
    ("body", "word"),
    [(b"[1]", "an array"), (b'"x"', "a string"), (b"true", "a boolean"), (b"null", "null"), (b"3", "a number")],
)
def test_what_is_no_object_is_refused(body: bytes, word: str) -> None:
    with pytest.raises(ModelError, match=f"should be a JSON object, not {word}"):
        take(ENDPOINT, body)


def test_of_a_repeated_member_the_last_counts() -> None:
    assert take(ENDPOINT, b'{"prompt": "a", "num_frames": 5, "num_frames": 90}').failure is None


def test_numbers_beyond_floats_are_answered_in_valid_json() -> None:
    failure = take(ENDPOINT, b'{"prompt": "a", "scale": 1e999}').failure
    assert failure is not None
    assert b"Infinity" not in failure.body


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_json_value_breaks_the_check(value: object) -> None:
    try:
        intake = take(ENDPOINT, json.dumps(value).encode())
    except ModelError as error:
        json.loads(error.failure().body)
    else:
        assert intake.failure is None or json.loads(intake.failure.body)["detail"]


def test_a_query_becomes_a_body() -> None:
    assert json.loads(from_query([("prompt", "x"), ("tags", "a"), ("tags", "b"), ("tags", "c")])) == {
        "prompt": "x",
        "tags": ["a", "b", "c"],
    }


class Voice(WireModel):
    voice_id: str
    speed: float = Field(1.0, ge=0.5, le=2)


class Strict(WireModel):
    seconds: int = 5
    pictures: list[str] = Field([], max_length=9)
    voice: Voice | None = None

    @field_validator("seconds")
    @classmethod
    def _seconds(cls, value: int) -> int:
        if value == 8:
            raise PydanticCustomError("one_of", "1080p takes 5 seconds only", {"expected": [5], "resolution": "1080p"})
        if value == 9:
            raise PydanticCustomError("one_of", "9 is not to be had", {"expected": "what fits"})
        if value == 10:
            raise PydanticCustomError("feature_not_supported", "{n} seconds need another model", {"n": 10, "at": None})
        return value

    @field_validator("pictures")
    @classmethod
    def _pairs(cls, value: list[str]) -> list[str]:
        if len(value) % 2:
            raise PydanticCustomError("too_short", "Pictures come in pairs", {"min_length": len(value) + 1})
        return value

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.voice and self.pictures:
            raise PydanticCustomError("feature_not_supported", "Give a voice or pictures, not both")
        return self


STRICT = replace(ENDPOINT, id="test/strict", input=Strict)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"seconds": 8},
            ("one_of", ["body", "seconds"], "1080p takes 5 seconds only", {"expected": [5], "resolution": "1080p"}),
        ),
        ({"seconds": 9}, ("one_of", ["body", "seconds"], "9 is not to be had", {"expected": ["what fits"]})),
        (
            {"seconds": 10},
            ("feature_not_supported", ["body", "seconds"], "10 seconds need another model", {"n": 10, "at": None}),
        ),
        (
            {"pictures": ["a"]},
            ("sequence_too_short", ["body", "pictures"], "Pictures come in pairs", {"min_length": 2}),
        ),
        (
            {"pictures": ["a"] * 10},
            ("sequence_too_long", ["body", "pictures"], "Sequence should have at most 9 items", {"max_length": 9}),
        ),
        (
            {"pictures": ["a", "b"], "voice": {"voice_id": "v"}},
            ("feature_not_supported", ["body"], "Give a voice or pictures, not both", None),
        ),
        (
            {"voice": {"voice_id": "v", "speed": 9}},
            ("less_than_equal", ["body", "voice", "speed"], "Input should be less than or equal to 2", {"le": 2.0}),
        ),
    ],
)
def test_what_a_familys_own_checks_say_keeps_its_type_place_words_and_context(
    given: dict[str, Any], expected: tuple[str, list[str], str, object]
) -> None:
    failure = take(STRICT, json.dumps(given).encode()).failure
    assert failure is not None
    (problem,) = json.loads(failure.body)["detail"]
    assert (problem["type"], problem["loc"], problem["msg"], problem.get("ctx")) == expected
    assert failure.status == 422


def test_a_missing_member_of_a_nested_type_names_the_misspelt_one_beside_it() -> None:
    intake = take(STRICT, b'{"voice": {"voice_di": "v", "sped": 1}}')
    assert intake.failure is not None
    (problem,) = json.loads(intake.failure.body)["detail"]
    assert problem["loc"] == ["body", "voice", "voice_id"]
    assert problem["msg"] == "Field required; the input has 'voice.voice_di', did you mean that?"
    assert intake.warnings == (
        "Unknown field 'voice.voice_di' was ignored; did you mean 'voice.voice_id'?",
        "Unknown field 'voice.sped' was ignored; did you mean 'voice.speed'?",
    )


def test_a_request_for_results_that_are_kept_nowhere_is_private() -> None:
    def delivery(request: Input) -> Delivery:
        return Delivery(form="data_uri" if request.anything == "sync" else "url")

    endpoint = replace(ENDPOINT, delivery=delivery)
    assert take(endpoint, b'{"prompt": "x", "anything": "sync"}').private
    assert not take(endpoint, b'{"prompt": "x"}').private
    assert not take(endpoint, b'{"anything": "sync"}').private, "it never runs; its failure is an ordinary one"


class Points(WireModel):
    class Point(WireModel):
        x: int
        y: int

    path: list[Point] = Field(max_length=60)


def test_many_problems_beside_many_unknown_members_are_judged_in_time() -> None:
    others = {f"other_{number}": number for number in range(100_000)}

    def judged(problems: int) -> tuple[float, Failure | None]:
        body = json.dumps({**others, "path": [{}] * problems}).encode()
        before = time.process_time()
        failure = take(replace(ENDPOINT, input=Points), body).failure
        return time.process_time() - before, failure

    one_s, _ = judged(1)
    many_s, failure = judged(60)
    assert many_s < 10 * one_s, "while a body is judged, nobody else is answered"
    assert failure is not None
    assert len(json.loads(failure.body)["detail"]) == 100


def test_a_body_of_millions_of_values_is_refused_at_once() -> None:
    body = b'{"prompt": "x", "more": [' + b"[]," * 2 * 10**6 + b"[]]}"
    before = time.process_time()
    with pytest.raises(ModelError, match="more values than"):
        take(ENDPOINT, body)
    refused_s = time.process_time() - before
    json.loads(body)
    assert refused_s < (time.process_time() - before) / 2, "it was not even read"
