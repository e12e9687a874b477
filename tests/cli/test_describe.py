"""Fields in words, and what a mistyped name may have meant."""

from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import Field

from rushes.cli.describe import endpoint_named, input_rows, output_rows, unknown_field
from rushes.cli.problem import CommandError
from rushes.families import ENDPOINTS
from rushes.fields import File, ImageUrl, WireModel


class Nested(WireModel):
    x: int = Field(description="How far right.")
    again: "Nested | None" = None


class Sample(WireModel):
    needed: str = Field(description="Must be given.")
    text: str = Field("", max_length=5000)
    some: int = Field(5, ge=1, le=9)
    above: float = Field(1.0, gt=0)
    choice: Literal["a", "b"] = "a"
    maybe: int | None = None
    several: list[str] = Field([], min_length=1, max_length=9)
    picture: ImageUrl | None = None
    inner: Nested | None = None
    points: list[Nested] | None = None
    anything: Any = None
    flag: bool = True


class Made(WireModel):
    video: File = Field(description="The film.")
    seed: int


SAMPLE = replace(ENDPOINTS["rushes/echo"], id="test/sample", input=Sample, output=Made)


def test_types_limits_and_defaults_are_said_in_words() -> None:
    assert [(row.name, row.words) for row in input_rows(SAMPLE) if "." not in row.name] == [
        ("needed", "string, required"),
        ("text", 'string, at most 5,000 characters, default ""'),
        ("some", "integer, 1 to 9, default 5"),
        ("above", "float, more than 0, default 1.0"),
        ("choice", 'a | b, default "a"'),
        ("maybe", "integer"),
        ("several", "list<string>, 1 to 9 items, default []"),
        ("picture", "string, a picture"),
        ("inner", "Nested"),
        ("points", "list<Nested>"),
        ("anything", "any"),
        ("flag", "boolean, default true"),
    ]
    assert input_rows(SAMPLE)[0].about == "Must be given."


def test_nested_fields_are_named_as_they_are_given_and_never_without_end() -> None:
    rows = {row.name: row for row in input_rows(SAMPLE)}
    assert rows["inner.x"].words == "integer, required"
    assert rows["points.0.x"].about == "How far right."
    assert "inner.again" in rows
    assert "inner.again.x" not in rows


def test_an_outputs_file_is_said_with_its_members() -> None:
    rows = output_rows(SAMPLE)
    assert rows[0].words == "File of url, content_type, file_name, file_size, file_data, required"
    assert (rows[0].about, rows[1].words) == ("The film.", "integer, required")


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda one: one.id)
def test_every_endpoint_can_be_described(endpoint: Any) -> None:
    assert [row.name for row in input_rows(endpoint) if not row.about] == []
    assert output_rows(endpoint)


def test_an_unknown_endpoint_names_the_nearest() -> None:
    with pytest.raises(CommandError, match="did you mean fal-ai/wan-i2v") as caught:
        endpoint_named("fal-ai/wan-i2w", test_endpoints=False)
    assert caught.value.exit_code == 2


def test_an_endpoint_like_nothing_points_at_the_list() -> None:
    with pytest.raises(CommandError, match="`rushes endpoints` lists"):
        endpoint_named("zzzzzzzz", test_endpoints=False)


def test_test_endpoints_are_offered_only_when_asked_for() -> None:
    assert endpoint_named("rushes/echo", test_endpoints=True).id == "rushes/echo"
    with pytest.raises(CommandError):
        endpoint_named("rushes/echo", test_endpoints=False)


def test_an_unknown_field_names_the_nearest_or_all() -> None:
    known = ["payload", "sleep_s", "steps"]
    assert "did you mean sleep_s or steps?" in str(unknown_field("a/b", "sleeps", known))
    assert "a/b has no field 'zzz'; it has payload, sleep_s" in str(unknown_field("a/b", "zzz", known))
    assert "no fields of its own" in str(unknown_field("a/b", "text.x", []))
