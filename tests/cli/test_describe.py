"""Fields in words, and what a mistyped name may have meant."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from rushes.cli.describe import endpoint_named, rows, unknown_field
from rushes.cli.problem import CommandError
from rushes.families import ENDPOINTS


class Nested(BaseModel):
    x: int


class Sample(BaseModel):
    needed: str = Field(description="Must be given.")
    some: int = Field(5, ge=1, le=9)
    above: float = Field(1.0, gt=0)
    below: int = Field(0, lt=4)
    choice: Literal["a", "b"] = "a"
    maybe: int | None = None
    several: list[str] = []
    inner: Nested | None = None
    anything: Any = None
    flag: bool = True


def test_types_and_defaults_are_said_in_words() -> None:
    assert [(row.name, row.type, row.default) for row in rows(Sample)] == [
        ("needed", "string", "required"),
        ("some", "integer 1–9", "5"),
        ("above", "number from 0", "1.0"),
        ("below", "integer up to 4", "0"),
        ("choice", '"a" | "b"', '"a"'),
        ("maybe", "integer", ""),
        ("several", "list of string", "[]"),
        ("inner", "object", ""),
        ("anything", "any", ""),
        ("flag", "boolean", "true"),
    ]
    assert rows(Sample)[0].about == "Must be given."


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
    echo = ENDPOINTS["rushes/echo"]
    assert "did you mean sleep_s or steps?" in str(unknown_field(echo, "sleeps"))
    assert "it has payload, sleep_s" in str(unknown_field(echo, "zzz"))
