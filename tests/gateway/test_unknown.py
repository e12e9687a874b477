"""Unknown members at any depth, and what they may have meant."""

from typing import Any

import pytest
from pydantic import Field

from rushes.fields import WireModel
from rushes.gateway.unknown import unknown_members, warnings


class Point(WireModel):
    x: int = 0
    deep: "Point | None" = None


class Setting(WireModel):
    speed: float = 1.0
    pitch: int = 0


class Input(WireModel):
    prompt: str = ""
    voice_setting: Setting | None = None
    path: list[Point] = Field([])
    grid: list[list[Point]] = Field([])
    either: Setting | Point | str | None = None
    renamed: Setting | None = Field(None, alias="renamedHere")
    anything: Any = None
    words: dict[str, str] = Field({})


def told(value: dict[str, Any]) -> tuple[str, ...]:
    return warnings(unknown_members(Input, value))


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"promt": 1}, "Unknown field 'promt' was ignored; did you mean 'prompt'?"),
        (
            {"voice_setting": {"sped": 1.2}},
            "Unknown field 'voice_setting.sped' was ignored; did you mean 'voice_setting.speed'?",
        ),
        ({"path": [{"x": 1}, {"qq": 1}]}, "Unknown field 'path.1.qq' was ignored"),
        ({"grid": [[{"y": 1}]]}, "Unknown field 'grid.0.0.y' was ignored"),
        (
            {"path": [{"deep": {"dep": 1}}]},
            "Unknown field 'path.0.deep.dep' was ignored; did you mean 'path.0.deep.deep'?",
        ),
        ({"either": {"speeed": 1}}, "Unknown field 'either.speeed' was ignored; did you mean 'either.speed'?"),
        (
            {"renamedHere": {"sped": 1}},
            "Unknown field 'renamedHere.sped' was ignored; did you mean 'renamedHere.speed'?",
        ),
    ],
)
def test_each_is_named_with_its_path_and_the_nearest_name(value: dict[str, Any], line: str) -> None:
    assert told(value) == (line,)


@pytest.mark.parametrize(
    "value",
    [
        {"prompt": "x", "voice_setting": {"speed": 1, "pitch": 2}},
        {"either": {"x": 1, "speed": 2}},
        {"either": "word"},
        {"voice_setting": None},
        {"voice_setting": "of a wrong type", "path": 5, "grid": [5]},
        {"anything": {"goes": 1}, "words": {"any": "key"}},
    ],
)
def test_known_members_and_values_of_other_types_are_none(value: dict[str, Any]) -> None:
    assert told(value) == ()


def test_the_outermost_come_first_and_many_are_counted() -> None:
    value = {"path": [{f"q{i}": 1} for i in range(100)], "zzzz": 1}
    lines = told(value)
    assert lines[0] == "Unknown field 'zzzz' was ignored"
    assert len(lines) == 21
    assert lines[-1] == "81 more unknown fields were ignored"


def test_a_very_long_name_is_cut() -> None:
    (line,) = told({"voice_setting": {"n" * 5_000: 1}})
    assert len(line) < 200
