from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rushes.fields import BriefFile, File, Image, ImageUrl, Spelled, WireModel
from rushes.gateway.schema import REF, wire_types


class Size(WireModel):
    """A note for readers of the code."""

    wire_name: ClassVar[str] = "ImageSize"

    width: int = Field(512, gt=0, le=14142)
    height: int = Field(512, gt=0, le=14142)


class Takes(WireModel):
    """Another note."""

    prompt: str = Field(description="What to make.", max_length=20)
    seed: int | None = Field(None, description="Any number.", examples=[7])
    size: Size | Literal["square", "wide"] = "square"
    frame: Size | None = None
    image_urls: list[ImageUrl] = Field([], min_length=1, max_length=4)
    duration: Annotated[Literal["5", "10"], Spelled] = "5"
    only: Literal["one"] = "one"
    weight: float = Field(1.0, gt=0, lt=2)
    steps: int = Field(8, ge=1, le=10, multiple_of=1)
    anything: Any = None
    also: str = Field("x", alias="as")


class Gives(WireModel):
    pictures: list[Image]
    video: File
    brief: BriefFile | None = None
    seed: int


TYPES = wire_types(Takes, Gives, input_name="ClipInput", output_name="ClipOutput")
FIELDS = TYPES.input["properties"]


def test_fields_stand_in_the_order_of_the_class() -> None:
    assert TYPES.input["x-fal-order-properties"] == list(FIELDS)
    assert list(FIELDS)[:3] == ["prompt", "seed", "size"]
    assert TYPES.input["required"] == ["prompt"]
    assert TYPES.output["required"] == ["pictures", "video", "seed"]


def test_an_optional_field_says_nothing_of_null() -> None:
    assert FIELDS["seed"] == {"type": "integer", "title": "Seed", "description": "Any number.", "examples": [7]}
    assert FIELDS["frame"]["$ref"] == f"{REF}ImageSize"
    assert "null" not in str(TYPES)
    assert "None" not in str([field.get("default") for field in FIELDS.values() if "default" in field])


def test_notes_for_readers_of_the_code_stay_there() -> None:
    assert "note" not in str(TYPES)


def test_types_are_written_in_the_words_of_openapi_3_0() -> None:
    assert FIELDS["only"]["enum"] == ["one"]
    assert FIELDS["duration"]["enum"] == ["5", "10"]
    assert (FIELDS["weight"]["minimum"], FIELDS["weight"]["exclusiveMinimum"]) == (0, True)
    assert (FIELDS["weight"]["maximum"], FIELDS["weight"]["exclusiveMaximum"]) == (2, True)
    assert "const" not in str(TYPES)
    assert "$defs" not in str(TYPES)


def test_an_enum_beside_a_type_is_one_of_its_alternatives() -> None:
    assert FIELDS["size"]["anyOf"] == [{"$ref": f"{REF}ImageSize"}, {"enum": ["square", "wide"], "type": "string"}]


def test_a_member_is_named_as_on_the_wire() -> None:
    assert FIELDS["as"]["default"] == "x"
    assert "also" not in FIELDS


def test_a_file_to_be_picked_is_marked_in_lists_too() -> None:
    assert FIELDS["image_urls"]["ui"] == {"field": "image"}
    assert (FIELDS["image_urls"]["minItems"], FIELDS["image_urls"]["maxItems"]) == (1, 4)
    assert "ui" not in FIELDS["prompt"]


def test_nested_types_bear_their_pages_name_and_no_name_twice() -> None:
    assert set(TYPES.nested) == {"ImageSize", "Image", "File", "File2"}
    assert TYPES.nested["Image"]["required"] == ["url"]
    assert TYPES.output["properties"]["video"]["$ref"] != TYPES.output["properties"]["brief"]["$ref"]


def test_a_reference_can_be_followed() -> None:
    assert TYPES.resolve(FIELDS["frame"]) is TYPES.nested["ImageSize"]
    assert TYPES.resolve(FIELDS["prompt"]) is FIELDS["prompt"]


class Tree(WireModel):
    """A type that holds itself."""

    children: list[Tree] = Field([])


def test_a_type_that_holds_itself_refers_to_the_name_it_is_given() -> None:
    types = wire_types(Tree, Gives, input_name="TreeInput", output_name="TreeOutput")
    assert types.input["properties"]["children"]["items"] == {"$ref": f"{REF}TreeInput"}
    assert "Tree" not in types.nested
