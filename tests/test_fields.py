"""Field types of the wire: numbers sent where pages print text, media wherever they stand, types as they are shown."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from rushes.fields import AudioUrl, ImageUrl, MaskUrl, Spelled, WireModel, forms, media_inputs, media_kinds

RATE: TypeAdapter[str] = TypeAdapter(Annotated[Literal["5", "10", "128000", "256000"], Spelled])


@pytest.mark.parametrize(
    ("sent", "meant"), [("5", "5"), (5, "5"), (5.0, "5"), (10, "10"), (128_000, "128000"), (256000.0, "256000")]
)
def test_a_number_counts_as_its_spelling(sent: object, meant: str) -> None:
    assert RATE.validate_python(sent) == meant


@pytest.mark.parametrize(
    "sent",
    [
        6,
        -5,
        5.5,
        5.000_000_1,
        128_000.4,
        10**9,
        10**400,
        -(10**400),
        1e300,
        float("inf"),
        float("nan"),
        True,
        None,
        [5],
    ],
)
def test_any_other_value_is_refused_as_it_was_sent(sent: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        RATE.validate_python(sent)
    (error,) = caught.value.errors()
    assert (error["type"], error["input"]) == ("literal_error", sent)
    assert type(error["input"]) is type(sent)


class Point(WireModel):
    x: int = Field(ge=0, description="Across.")


class Region(WireModel):
    mask_url: MaskUrl
    path: list[Point] | None = Field(None, max_length=3)


class Request(WireModel):
    wire_name = "RequestOfThePage"

    image_url: ImageUrl
    end_image_url: ImageUrl | None = None
    frame_urls: list[ImageUrl] = Field([], max_length=4)
    described_url: Annotated[AudioUrl, Field(description="With a description around it.")] = ""
    regions: list[Region] | None = None
    mode: Annotated[Literal["a", "b"], Spelled] = "a"
    amount: float | None = Field(None, gt=0, le=2)
    names: list[str] = Field(default_factory=lambda: ["a"])


def test_media_are_found_by_their_marks_in_lists_and_nested_types_and_absent_ones_are_left_out() -> None:
    request = Request.model_validate(
        {
            "image_url": "i",
            "frame_urls": ["f0", "f1"],
            "described_url": "d",
            "regions": [{"mask_url": "m0", "path": [{"x": 1}]}, {"mask_url": "m1"}],
        }
    )
    found = [(one.key, one.field.kind, one.field.mask, one.url) for one in media_inputs(request)]
    assert found == [
        ("image_url", "image", False, "i"),
        ("frame_urls.0", "image", False, "f0"),
        ("frame_urls.1", "image", False, "f1"),
        ("described_url", "audio", False, "d"),
        ("regions.0.mask_url", "image", True, "m0"),
        ("regions.1.mask_url", "image", True, "m1"),
    ]
    assert next(iter(media_inputs(request))).loc == ("body", "image_url")
    assert media_kinds(Request) == {"image", "audio"}
    assert media_kinds(Point) == frozenset()


def test_a_type_is_described_in_the_pages_words() -> None:
    described = {form.name: form for form in forms(Request)}
    assert [(form.type, form.required) for form in described.values()] == [
        ("string", True),
        ("string", False),
        ("list<string>", False),
        ("string", False),
        ("list<Region>", False),
        ("string", False),
        ("float", False),
        ("list<string>", False),
    ]
    assert described["mode"].choices == ("a", "b")
    assert (described["amount"].least, described["amount"].most) == (0, 2)
    assert (described["frame_urls"].most, described["frame_urls"].media) == (4, "image")
    assert described["described_url"].about == "With a description around it."
    assert described["names"].default == ["a"]
    assert Request.page_name() == "RequestOfThePage"
    assert Region.page_name() == "Region"
