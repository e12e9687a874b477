from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, SecretStr

from rushes.endpoint import Endpoint
from rushes.families import ENDPOINTS
from rushes.fields import File, Image, ImageUrl, WireModel
from rushes.gateway.schema import WireTypes, wire_types
from rushes.routing import VendorDeployment
from rushes.settings import Settings
from rushes.web import pages

VIDEO = ENDPOINTS["fal-ai/wan-i2v"]


class Point(WireModel):
    wire_name: ClassVar[str] = "Spot"

    x: int = Field(ge=0)


class Takes(WireModel):
    prompt: str = Field(description="What to make.", max_length=2000)
    image_urls: list[ImageUrl] = Field(description="Faces.", min_length=1, max_length=4)
    path: list[Point] | None = None
    size: Point | Literal["auto", "wide"] = "auto"
    duration: Literal["5", "10"] = "5"
    level: Literal[1, 2] = 1
    strength: float = Field(0.5, gt=0, le=1)
    seed: int | None = None


class Gives(WireModel):
    images: list[Image]
    video: File
    spot: Point
    note: str
    ratio: float
    safe: bool
    kind: Literal["a", "b"]
    seed: int | None = None


def types() -> WireTypes:
    return wire_types(Takes, Gives, input_name="Input", output_name="Output")


ROWS = {row.name: row for row in pages.table("Input", types().input).rows}


def test_rows_say_types_in_the_words_of_the_pages() -> None:
    assert {name: row.type for name, row in ROWS.items()} == {
        "prompt": "string",
        "image_urls": "list<string>",
        "path": "list<Spot>",
        "size": "Spot or enum",
        "duration": "enum",
        "level": "integer",
        "strength": "float",
        "seed": "integer",
    }


def test_rows_say_what_is_needed_allowed_and_assumed() -> None:
    assert [name for name, row in ROWS.items() if row.required] == ["prompt", "image_urls"]
    assert (ROWS["duration"].choices, ROWS["duration"].default) == (('"5"', '"10"'), '"5"')
    assert ROWS["level"].choices == ("1", "2")
    assert ROWS["size"].choices == ('"auto"', '"wide"')
    assert ROWS["seed"].default == ""
    assert ROWS["image_urls"].media == "image"
    assert (ROWS["path"].refers, ROWS["size"].refers, ROWS["seed"].refers) == ("Spot", "Spot", "")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"minimum": 81, "maximum": 100}, "81 to 100"),
        ({"minimum": 0.5, "maximum": 2.0}, "0.5 to 2"),
        ({"minimum": 0, "exclusiveMinimum": True, "maximum": 100}, "more than 0, at most 100"),
        ({"minimum": 1, "maximum": 9, "exclusiveMaximum": True}, "at least 1, less than 9"),
        ({"minimum": 3}, "at least 3"),
        ({"maximum": 10_000}, "at most 10,000"),
        ({"maxLength": 1500}, "at most 1,500 characters"),
        ({"minItems": 1, "maxItems": 9}, "1 to 9 items"),
        ({"minimum": 0, "maximum": 64, "multipleOf": 8}, "0 to 64, in steps of 8"),
        ({"type": "string"}, ""),
    ],
)
def test_limits_are_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert pages.limits(schema) == words


def test_nested_types_have_tables_of_their_own() -> None:
    assert {one.name for one in pages.nested_tables(types())} == {"Spot", "File", "Image"}


def test_an_example_output_has_what_is_always_there() -> None:
    made = pages.example_output(types(), "image-to-video", "http://here")
    assert "seed" not in made
    assert made["images"][0]["content_type"] == "image/png"
    assert made["video"]["url"].startswith("http://here/files/b/")
    assert made["video"]["content_type"] == "video/mp4"
    assert made["spot"] == {"x": 42}
    assert made["kind"] == "a"
    assert Gives.model_validate(made)


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda one: one.id)
def test_every_example_output_is_one(endpoint: Endpoint) -> None:
    found = wire_types(endpoint.input, endpoint.output, input_name="Input", output_name="Output")
    assert endpoint.output.model_validate(pages.example_output(found, endpoint.category, "http://here"))


def test_a_price_is_the_rule_and_what_a_unit_costs_here() -> None:
    assert pages.price(VIDEO, {}).unit_price is None
    set_here = pages.price(VIDEO, {VIDEO.id: 0.4})
    assert set_here.unit_price == "$0.4"
    assert set_here.rule == "480p is half a unit and 720p one; more than 81 frames cost 1.25 times as much."


def test_related_ones_are_the_family_first_and_never_itself() -> None:
    for endpoint in ENDPOINTS.values():
        found = pages.related(endpoint, ENDPOINTS)
        assert endpoint not in found
        assert len(found) <= pages.MOST_RELATED
        assert not any(one.test_only for one in found)
        kin = [one.input.__module__ == endpoint.input.__module__ for one in found]
        assert kin == sorted(kin, reverse=True)


def test_a_server_says_whether_it_is_a_stand_in() -> None:
    alone = Settings()
    assert pages.served_by(VIDEO, alone) == (pages.Server("animatic", "animatic", stand_in=True),)
    assert pages.served_by(ENDPOINTS["rushes/camera"], alone) == (
        pages.Server("animatic", "animatic"),
    )  # no model's name
    assert pages.served_by(ENDPOINTS["rushes/echo"], alone) == (pages.Server("echo", "echo"),)
    assert pages.served_by(replace(VIDEO, engines={}), alone) == ()


def test_those_who_serve_are_told_as_the_routes_say_in_their_order() -> None:
    kling = VendorDeployment(engine="vendor", vendor="kling", key=SecretStr("a:b"))
    settings = Settings(
        deployments={"eu": kling, "old": kling.model_copy(update={"models": {"kling-v1-6": "kling-v2-1"}})},
        routes={"fal-ai/kling-video/*": ("eu", "old", "animatic")},
    )
    endpoint = ENDPOINTS["fal-ai/kling-video/v2.1/standard/image-to-video"]
    assert pages.served_by(endpoint, settings) == (
        pages.Server("eu", "kling"),
        pages.Server("old", "kling", successors=True),
        pages.Server("animatic", "animatic", stand_in=True),
    )
    assert [one.deployment for one in pages.served_by(VIDEO, settings)] == ["animatic"]


def test_a_search_wants_every_word_anywhere() -> None:
    assert VIDEO in pages.matching(ENDPOINTS, "IMAGE wan", "")
    assert pages.matching(ENDPOINTS, "wan nonsense", "") == ()
    assert pages.matching(ENDPOINTS, "", "no-such") == ()
    assert len(pages.matching(ENDPOINTS, "  ", "")) == len(ENDPOINTS)
